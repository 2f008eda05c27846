"""Balls that reach from each vector to its k-th nearest neighbour, and who lies in them."""

from __future__ import annotations

import torch
from torch import Tensor


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean, `[n, D], [m, D] -> [n, m]`.

    By subtraction, not by the matrix product |a|² + |b|² − 2 aᵀb, in which the digits of near
    neighbours cancel. The same two vectors give the same bits in every call and either order, so
    that a copy of a ball's own k-th neighbour lies in the ball.
    """
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def neighbours(vectors: Tensor, count: int, chunk: int) -> tuple[Tensor, Tensor]:
    """Distances and numbers of each vector's `count` nearest others, in order, both `[N, count]`.

    The vector itself does not count; another one at the same place does, at distance 0.
    """
    near = vectors.new_empty(len(vectors), count)  # made first: small results kept between
    number = near.new_empty(near.shape, dtype=torch.int64)  # blocks would leave holes in memory
    for start in range(0, len(vectors), chunk):
        rows = slice(start, start + chunk)
        near[rows], number[rows] = _nearest(vectors, start, count, chunk)
    return near, number


def radii(vectors: Tensor, k: int, chunk: int) -> Tensor:
    """Distance of each vector to its k-th nearest among the others, `[N, D] -> [N]`."""
    return neighbours(vectors, k, chunk)[0][:, -1]


def members(centres: Tensor, radius: Tensor, points: Tensor, chunk: int) -> tuple[Tensor, Tensor]:
    """In how many balls each point lies, int64 `[M]`, and how many points each ball has, `[N]`.

    The boundary belongs to the ball.
    """
    balls = torch.zeros(len(points), dtype=torch.int64, device=points.device)
    guests = torch.zeros(len(centres), dtype=torch.int64, device=points.device)
    for i in range(0, len(centres), chunk):
        for j in range(0, len(points), chunk):
            d = distances(centres[i : i + chunk], points[j : j + chunk])
            inside = d <= radius[i : i + chunk, None]  # [c, c]
            balls[j : j + chunk] += inside.sum(dim=0)
            guests[i : i + chunk] += inside.sum(dim=1)
    return balls, guests


def _nearest(vectors: Tensor, start: int, count: int, chunk: int) -> tuple[Tensor, Tensor]:
    """The same of the vectors `start` to `start + chunk` alone."""
    rows = vectors[start : start + chunk]
    near = torch.empty(len(rows), 0).to(rows)
    number = torch.empty(len(rows), 0, dtype=torch.int64, device=rows.device)
    for other in range(0, len(vectors), chunk):
        d = distances(rows, vectors[other : other + chunk])  # [c, c]
        if other == start:
            d.fill_diagonal_(torch.inf)
        d, which = d.topk(min(count, d.shape[1]), dim=1, largest=False)
        near, number = torch.cat([near, d], dim=1), torch.cat([number, which + other], dim=1)
        near, kept = near.topk(min(count, near.shape[1]), dim=1, largest=False)
        number = number.gather(1, kept)
    return near, number
