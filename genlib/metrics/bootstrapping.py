"""Intervals for figures of one or two sets, by resampling halves of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import torch
from torch import Tensor

from genlib.metrics.kernel import kernel_distance, kernel_distance_of_subsets


@dataclass(frozen=True)
class BootstrapInterval:
    """A figure of one or two distributions as estimated from a sample of each.

    Attributes:
        value: the estimate, with the bias of `measured` taken off where halves tell it.
        low: lower end of the interval.
        high: upper end.
        measured: the statistic of the two sets as they are.
        confidence: how often such an interval covers what it is for.
        resamples: how many halves were drawn.
    """

    value: float
    low: float
    high: float
    measured: float
    confidence: float
    resamples: int

    def __str__(self) -> str:
        return f"{self.value:.4g}, {self.confidence:.0%} in [{self.low:.4g}, {self.high:.4g}]"

    def to_dict(self) -> dict[str, float | int]:
        """The form in which result files keep it."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "measured": self.measured,
            "confidence": self.confidence,
            "resamples": self.resamples,
        }


def bootstrap(
    statistic: Callable[[Tensor, Tensor], float],
    a: Tensor,
    b: Tensor,
    generator: torch.Generator,
    *,
    resamples: int = 100,
    confidence: float = 0.95,
) -> BootstrapInterval:
    """An interval for the distance of the two distributions that `a` and `b` were drawn from.

    >>> bootstrap(frechet_distance, features_real, features_made, generator)

    Each resample is a random half of `a` and of `b`, drawn without replacement: a bootstrap with
    the weights 0 and 2 (Præstgaard & Wellner 1993), also known as the delete-half jackknife. Halves
    have two merits over drawing n with replacement. For a mean, (half − whole) has the variance
    of (whole − truth), so nothing must be rescaled. And no vector occurs twice: an unbiased
    statistic stays unbiased, and one whose bias falls as 1/n has on halves twice the bias, so
    the difference tells how large it is.

    With T the statistic of the whole sets, and m and s the mean and standard deviation of the
    halves' values, `value` is T − (m − T), which takes the bias off to first order, and the
    interval is value ± z s with z from the normal distribution. It may reach below 0, where a
    distance cannot be: then the two sets show no difference.

    *What it covers*: the distance between the two populations in these features, over fresh
    samples from the **same** two sources. The real images are resampled too. It says nothing
    about training the model again, for which you need several seeds and `interval`. For equal
    distributions, where the first-order theory fails, it is too wide and covers more often.

    Args:
        statistic: a distance of `[n, D]` and `[m, D]`, such as `frechet_distance`,
            `kernel_distance` (all halves are then done in one pass).
        a: features `[N, D]`; the vectors must be independent.
        b: features `[M, D]`, likewise.
        generator: draws the halves, on the CPU.
        resamples: how many halves, R; the width is uncertain by about 1/√(2R) of itself.
        confidence: of the interval.

    Raises:
        ValueError: fewer than eight vectors, fewer than 20 resamples, or a confidence outside
            of (0, 1).
    """
    check_resampling(len(a), len(b), resamples, confidence)
    measured = float(statistic(a, b))
    keep_a, keep_b = (halves(len(v), resamples, generator).to(v.device) for v in (a, b))
    if statistic is kernel_distance:
        values = kernel_distance_of_subsets(a, b, keep_a, keep_b)
    else:
        pairs = zip(keep_a, keep_b, strict=True)
        values = torch.tensor([float(statistic(a[i], b[j])) for i, j in pairs], dtype=torch.float64)
    return from_halves(measured, values, confidence)


def bootstrap_of_one(
    statistic: Callable[[Tensor], float],
    values: Tensor,
    generator: torch.Generator,
    *,
    resamples: int = 100,
    confidence: float = 0.95,
) -> BootstrapInterval:
    """The same for a figure of a single set, such as an entropy or a mean.

    >>> classes = predicted_classes(classifier, pictures)
    >>> bootstrap_of_one(class_entropy, classes, generator)
    >>> bootstrap_of_one(torch.mean, sharpness(pictures), generator)

    Halves, interval and what it covers are those of `bootstrap`. An entropy of few pictures comes
    out too low by an error that falls as 1/N; `value` has it taken off. Where the classes are
    evenly frequent the first-order theory fails as it does for equal distributions: the interval
    is too wide and covers more often. For a mean the interval is that of `interval`, but for the
    luck of drawing.

    Args:
        statistic: takes `[n, ...]`.
        values: one per picture, `[N, ...]`; the pictures must be independent.
        generator: draws the halves, on the CPU.
        resamples: how many halves.
        confidence: of the interval.

    Raises:
        ValueError: as for `bootstrap`.
    """
    check_resampling(len(values), len(values), resamples, confidence)
    keep = halves(len(values), resamples, generator).to(values.device)
    drawn = torch.tensor([float(statistic(values[half])) for half in keep], dtype=torch.float64)
    return from_halves(float(statistic(values)), drawn, confidence)


def check_resampling(n: int, m: int, resamples: int, confidence: float) -> None:
    """Raises ValueError where n and m vectors and these settings make no interval."""
    if min(n, m) < 8 or resamples < 20 or not 0 < confidence < 1:
        raise ValueError(
            "bootstrap needs at least 8 vectors on each side, 20 resamples and a confidence "
            f"between 0 and 1, got {n} and {m} vectors, {resamples} resamples and {confidence}."
        )


def from_halves(
    measured: float,
    values: Tensor,
    confidence: float,
    *,
    corrected: bool = True,
    lowest: float = -torch.inf,
    highest: float = torch.inf,
) -> BootstrapInterval:
    """The interval from the figures of the halves, `[R]`: centre ± z s, within the bounds."""
    values = values.cpu()
    value = 2 * measured - float(values.mean()) if corrected else measured
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) * float(values.std())
    return BootstrapInterval(
        value,
        max(lowest, value - reach),
        min(highest, value + reach),
        measured,
        float(confidence),
        len(values),
    )


def halves(n: int, resamples: int, generator: torch.Generator) -> Tensor:
    """Random halves as bool `[R, n]`."""
    keep = torch.zeros(resamples, n, dtype=torch.bool)
    for half in keep:
        half[torch.randperm(n, generator=generator)[: n // 2]] = True
    return keep
