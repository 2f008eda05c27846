"""The nearest of many vectors, in bounded memory."""

from __future__ import annotations

import torch
from torch import Tensor

from genlib.data.images import ImageSet, to_unit


@torch.no_grad()
def nearest(
    queries: Tensor | ImageSet, reference: Tensor | ImageSet, chunk: int = 2_000
) -> tuple[Tensor, Tensor]:
    """Euclidean distance to the nearest reference vector, and its number.

    The search compares `|r|² − 2 qᵀr`, one matrix product per block; the distance to the one found
    is then taken by subtraction, which keeps its digits where a copy is nearly exact.

    Args:
        queries: n images or vectors, `[n, ...]`.
        reference: N of the same shape; the work is done where they lie.
        chunk: vectors compared at a time; memory grows with its square.

    Returns:
        distances `[n]` in double precision, and int64 numbers `[n]`.

    Raises:
        ValueError: shapes do not fit, there is nothing to compare, or an entry is not finite.
    """
    q_all, r_all = (v.images if isinstance(v, ImageSet) else v for v in (queries, reference))
    if not len(q_all) or not len(r_all) or q_all.shape[1:] != r_all.shape[1:]:
        raise ValueError(
            f"neighbours need vectors or images of one shape, got {list(q_all.shape)} and "
            f"{list(r_all.shape)}."
        )
    device = r_all.device
    least = torch.full((len(q_all),), torch.inf, device=device)
    number = torch.zeros(len(q_all), dtype=torch.int64, device=device)
    for r_start in range(0, len(r_all), chunk):
        r = _vectors(r_all[r_start : r_start + chunk], device)  # [c, D]
        r_norms = r.square().sum(dim=1)
        for q_start in range(0, len(q_all), chunk):
            q = _vectors(q_all[q_start : q_start + chunk], device)
            here = slice(q_start, q_start + len(q))
            value, which = torch.addmm(r_norms, q, r.T, alpha=-2).min(dim=1)  # |r|² − 2 qᵀr
            better = value < least[here]
            least[here] = torch.where(better, value, least[here])
            number[here] = torch.where(better, which + r_start, number[here])
    parts = [
        (_vectors(q_all[i], device).double() - _vectors(r_all[number[i]], device)).norm(dim=1)
        for i in torch.arange(len(q_all), device=q_all.device).split(chunk)
    ]
    distance = torch.cat(parts)
    if not bool(distance.isfinite().all()) or not bool(least.isfinite().all()):
        raise ValueError("the vectors have entries that are NaN or infinite.")
    return distance, number


def _vectors(part: Tensor, device: torch.device) -> Tensor:
    """`[n, D]` in single precision; uint8 images become [0, 1]."""
    part = part.to(device)
    return (to_unit(part) if part.dtype == torch.uint8 else part.float()).flatten(1)
