"""Intervals for precision, recall, density and coverage, from halves of both sets in one pass."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from genlib.metrics.balls import distances, neighbours
from genlib.metrics.bootstrapping import BootstrapInterval, check_resampling, from_halves, halves
from genlib.metrics.manifolds import checked, density_coverage, precision_recall

PAIRS = 2_000_000  # of a half and a pair of vectors, looked at together


class Halves(NamedTuple):
    """Two sets of vectors, and which of them each of R halves has."""

    real: Tensor  # [N, D]
    fake: Tensor  # [M, D]
    keep_real: Tensor  # bool [R, N]
    keep_fake: Tensor  # bool [R, M]


@torch.no_grad()
def bootstrap_precision_recall(
    real: Tensor,
    fake: Tensor,
    generator: torch.Generator,
    k: int = 3,
    *,
    resamples: int = 100,
    confidence: float = 0.95,
    chunk: int = 1_000,
) -> dict[str, BootstrapInterval]:
    """`precision_recall` with intervals, under the keys `precision` and `recall`.

    As for `bootstrap`, each resample is a random half of both sets, and s the standard deviation
    of the halves' figures. In a half no vector occurs twice; drawn with replacement, a vector's
    copies would be its nearest neighbours, and its ball a point. The interval is measured ± z s,
    within [0, 1]. Nothing is taken off for bias, so `value` is `measured`: the balls of a half are
    larger, and its figure is another one, not the same with twice the error.

    *What it covers*: the figure's mean over fresh samples of these sizes from the same two
    sources, with this k. It covers it more often than it says, since s overstates the spread: where
    vectors act together, as the neighbours that make a ball do, halves share fewer of them than
    they share vectors, and s² comes out up to twice too large. It says nothing about training
    the model again. Where all halves agree, as when every fake vector is a copy, its width is 0.

    Args:
        real: features of real images, `[N, D]`; the vectors must be independent.
        fake: features of generated images, `[M, D]`, likewise.
        generator: draws the halves, on the CPU.
        k: as for `precision_recall`.
        resamples: how many halves, R; memory grows with R (N + M).
        confidence: of the interval.
        chunk: as for `precision_recall`.

    Raises:
        ValueError: as for `precision_recall`, a half has no more than k vectors, there are fewer
            than 20 resamples, or the confidence is outside of (0, 1).
    """
    check_resampling(len(real), len(fake), resamples, confidence)
    real, fake = checked(real, fake, least_real=2 * k + 2, least_fake=2 * k + 2, k=k)
    measured = precision_recall(real, fake, k, chunk)
    drawn = _draw(real, fake, resamples, generator)
    turned = Halves(drawn.fake, drawn.real, drawn.keep_fake, drawn.keep_real)
    in_real, _ = _members(drawn, k, chunk)  # [M, R]
    in_fake, _ = _members(turned, k, chunk)  # [N, R]
    return {
        name: _interval(figure, _share(balls > 0, len(balls)), confidence, highest=1.0)
        for name, figure, balls in (
            ("precision", measured.precision, in_real),
            ("recall", measured.recall, in_fake),
        )
    }


@torch.no_grad()
def bootstrap_density_coverage(
    real: Tensor,
    fake: Tensor,
    generator: torch.Generator,
    k: int = 5,
    *,
    resamples: int = 100,
    confidence: float = 0.95,
    chunk: int = 1_000,
) -> dict[str, BootstrapInterval]:
    """`density_coverage` with intervals, under the keys `density` and `coverage`.

    The method and what it covers are those of `bootstrap_precision_recall`; density has no upper
    end.

    Args:
        real: features of real images, `[N, D]`; the vectors must be independent.
        fake: features of generated images, `[M, D]`, likewise.
        generator: draws the halves, on the CPU.
        k: as for `density_coverage`.
        resamples: how many halves, R; memory grows with R (N + M).
        confidence: of the interval.
        chunk: as for `density_coverage`.

    Raises:
        ValueError: as for `density_coverage`, half of the real vectors are no more than k, there
            are fewer than 20 resamples, or the confidence is outside of (0, 1).
    """
    check_resampling(len(real), len(fake), resamples, confidence)
    real, fake = checked(real, fake, least_real=2 * k + 2, least_fake=2, k=k)
    measured = density_coverage(real, fake, k, chunk)
    balls, guests = _members(_draw(real, fake, resamples, generator), k, chunk)  # [M, R], [N, R]
    density, coverage = _share(balls, len(fake)) / k, _share(guests > 0, len(real))
    return {
        "density": _interval(measured.density, density, confidence, highest=torch.inf),
        "coverage": _interval(measured.coverage, coverage, confidence, highest=1.0),
    }


def _draw(real: Tensor, fake: Tensor, resamples: int, generator: torch.Generator) -> Halves:
    keep = (halves(len(v), resamples, generator).to(v.device) for v in (real, fake))
    return Halves(real, fake, *keep)


def _share(counts: Tensor, n: int) -> Tensor:
    """Mean over the members of each half, `[n, R] -> [R]`; the others' counts are 0."""
    return counts.sum(dim=0).double() / (n // 2)


def _interval(
    measured: float, values: Tensor, confidence: float, highest: float
) -> BootstrapInterval:
    """Without a correction of the bias, and where the figure can be."""
    return from_halves(measured, values, confidence, corrected=False, lowest=0.0, highest=highest)


def _radii(vectors: Tensor, keep: Tensor, k: int, chunk: int, count: int) -> Tensor:
    """Distance to the k-th nearest other vector of each half, `[N, R]`; −1 for who is not in it.

    A half has about every other neighbour, so its k-th is found among the nearest few of the whole;
    where it is not, more are taken.
    """
    count = min(count, len(vectors) - 1)
    near, number = neighbours(vectors, count, chunk)  # [N, L]
    radius = torch.empty(len(vectors), len(keep)).to(near)
    for r, kept in enumerate(keep):
        before = (kept[number].cumsum(dim=1, dtype=torch.int32) < k).sum(dim=1)  # [N, L] -> [N]
        if bool((before == count).any()):
            return _radii(vectors, keep, k, chunk, 2 * count)
        radius[:, r] = near.gather(1, before[:, None])[:, 0]
    return radius.masked_fill_(~keep.T, -1)


def _members(drawn: Halves, k: int, chunk: int) -> tuple[Tensor, Tensor]:
    """`balls.members` of each half, int32 `[M, R]` and `[N, R]`; of all others 0."""
    real, fake, keep_real, keep_fake = drawn
    radius = _radii(real, keep_real, k, chunk, 4 * k + 40)  # [N, R]
    widest = radius.amax(dim=1)
    there = keep_fake.T.contiguous()  # [M, R]
    balls, guests = (
        torch.zeros(len(v), len(keep_real), dtype=torch.int32, device=v.device)
        for v in (fake, real)
    )
    for i in range(0, len(real), chunk):
        for j in range(0, len(fake), chunk):
            d = distances(real[i : i + chunk], fake[j : j + chunk])  # [c, c]
            pairs = (d <= widest[i : i + chunk, None]).nonzero()  # few: those in any half's ball
            for pair in pairs.split(max(1, PAIRS // len(keep_real))):
                a, b = pair.unbind(1)
                inside = (d[a, b, None] <= radius[a + i]) & there[b + j]  # [pairs, R]
                balls.index_add_(0, b + j, inside.int())
                guests.index_add_(0, a + i, inside.int())
    return balls, guests
