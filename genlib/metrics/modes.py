"""Which modes of a known target a generator has found, and how often it hits them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from genlib.data.points import PointTarget


@dataclass(frozen=True)
class ModeReport:
    """How generated points compare with a target's modes.

    Attributes:
        modes_found: modes with at least one point of high quality.
        modes: modes of the target.
        high_quality_share: share of the points that are of high quality.
        reverse_kl: KL(generated ‖ target) over the modes, in nats; see `reverse_kl`.
    """

    modes_found: int
    modes: int
    high_quality_share: float
    reverse_kl: float

    def to_dict(self) -> dict[str, float | int]:
        """As plain values."""
        return asdict(self)


def mode_counts(points: Tensor, target: PointTarget) -> Tensor:
    """How many points of high quality each mode has.

    A point counts for its nearest centre, if it lies within 3σ of it (Srivastava et al. 2017,
    section 4.1; Lin et al. 2018). Of the target's own points 98.9 % do: 1 − exp(−9/2).

    Args:
        points: `[n, 2]`.
        target: with M modes.

    Returns:
        int64 `[M]`, on the device of `points`.

    Raises:
        ValueError: there are no points, they are not `[n, 2]`, or the target has no modes.
    """
    if points.dim() != 2 or points.shape[1] != 2 or len(points) == 0:
        raise ValueError(f"points must be [n, 2] with n of at least 1, got {list(points.shape)}")
    if len(target.centres) == 0:
        raise ValueError(f"{target.title} has no modes to count; take a ring or a grid")
    # Differences, not the matrix product that cdist may take: σ is small beside the coordinates.
    centres = target.centres.to(points)
    far, nearest = (points[:, None] - centres).norm(dim=2).min(dim=1)  # [n, M, 2] -> [n]
    good = nearest[far < 3 * target.sigma]
    return torch.bincount(good, minlength=len(centres))


def reverse_kl(counts: Tensor) -> float:
    """KL(p ‖ uniform) in nats, for p the shares of the modes in `counts`: log M − H(p).

    0 where all modes are hit equally often, log M where there is one; NaN where there is none. As
    in PacGAN's code, points of low quality have no part in it.

    Args:
        counts: `[M]`, from `mode_counts` or of predicted classes.
    """
    total = int(counts.sum())
    if total == 0:
        return math.nan
    shares = counts.double() / total
    # never below 0 but for rounding
    return max(0.0, math.log(len(counts)) + float(torch.xlogy(shares, shares).sum()))


def mode_report(points: Tensor, target: PointTarget) -> ModeReport:
    """Modes found, share of high quality and reverse KL.

    Srivastava et al. 2017 and Lin et al. 2018 use 2,500 points. Say how many you used: more points
    find more modes.

    Args:
        points: generated ones, `[n, 2]`.
        target: a `ring` or a `grid`.

    Raises:
        ValueError: as for `mode_counts`.
    """
    counts = mode_counts(points, target)
    return ModeReport(
        modes_found=int((counts > 0).sum()),
        modes=len(counts),
        high_quality_share=int(counts.sum()) / len(points),
        reverse_kl=reverse_kl(counts),
    )
