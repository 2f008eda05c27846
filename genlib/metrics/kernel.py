"""Kernel distance: an unbiased estimate of how far apart two sets of feature vectors are."""

from __future__ import annotations

import torch
from torch import Tensor


def kernel_distance(a: Tensor, b: Tensor, chunk: int = 2_000) -> float:
    """Squared maximum mean discrepancy with the kernel k(x, y) = (xᵀy / D + 1)³.

    Unbiased, so that it can be negative (Bińkowski et al. 2018, with another network's features):

        mean of k(a_i, a_j), i ≠ j  +  mean of k(b_i, b_j), i ≠ j  −  2 · mean of k(a_i, b_j).

    It is 0 in expectation exactly where the moments up to the third agree. Unlike the Fréchet
    distance its expectation does not depend on the numbers of vectors. Like it, it depends on the
    features and on their scale, so it compares only with values from the same classifier.

    Args:
        a: features `[N, D]`.
        b: features `[M, D]`.
        chunk: rows compared at a time; memory grows with its square, time with N · M.

    Raises:
        ValueError: fewer than two vectors, different D, or an entry that is not finite.
    """
    all_a, all_b = (torch.ones(1, len(v), dtype=torch.bool) for v in (a, b))
    return float(kernel_distance_of_subsets(a, b, all_a, all_b, chunk))


def kernel_distance_of_subsets(
    a: Tensor, b: Tensor, keep_a: Tensor, keep_b: Tensor, chunk: int = 2_000
) -> Tensor:
    """`kernel_distance(a[keep_a[r]], b[keep_b[r]])` for R subsets in one pass over all pairs.

    Args:
        a: features `[N, D]`.
        b: features `[M, D]`.
        keep_a: bool `[R, N]`, which vectors each subset has.
        keep_b: bool `[R, M]`.
        chunk: as for `kernel_distance`.

    Returns:
        `[R]`, in double precision.

    Raises:
        ValueError: as for `kernel_distance`, or a subset has fewer than two vectors.
    """
    for name, v in {"a": a, "b": b}.items():
        if v.dim() != 2 or v.shape[1] != a.shape[1]:
            raise ValueError(
                f"features must be [N, D] and [M, D], got {list(a.shape)} and {list(b.shape)}."
            )
        if not bool(v.isfinite().all()):
            raise ValueError(f"{name} has entries that are NaN or infinite.")
    a, b = a.double(), b.double()
    wa, wb = keep_a.to(a), keep_b.to(b)  # [R, N], [R, M]
    na, nb = wa.sum(dim=1), wb.sum(dim=1)  # [R]
    if bool((na < 2).any()) or bool((nb < 2).any()):
        raise ValueError("an unbiased kernel distance needs at least two vectors on each side.")
    within_a = (_sums(a, a, wa, wa, chunk) - wa @ _diagonal(a)) / (na * (na - 1))
    within_b = (_sums(b, b, wb, wb, chunk) - wb @ _diagonal(b)) / (nb * (nb - 1))
    return within_a + within_b - 2 * _sums(a, b, wa, wb, chunk) / (na * nb)


def _sums(x: Tensor, y: Tensor, wx: Tensor, wy: Tensor, chunk: int) -> Tensor:
    """Σ_ij w_ri k(x_i, y_j) w_rj, `[R]`."""
    total = x.new_zeros(len(wx))
    for rows, w_rows in zip(x.split(chunk), wx.split(chunk, dim=1), strict=True):
        for columns, w_columns in zip(y.split(chunk), wy.split(chunk, dim=1), strict=True):
            k = torch.addmm(rows.new_ones(()), rows, columns.T, alpha=1 / x.shape[1])
            k = k.square().mul_(k)  # [rows, columns]
            total += ((w_rows @ k) * w_columns).sum(dim=1)
    return total


def _diagonal(x: Tensor) -> Tensor:
    return (x.square().sum(dim=1) / x.shape[1] + 1) ** 3  # k(x_i, x_i)
