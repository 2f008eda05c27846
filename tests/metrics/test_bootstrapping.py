"""Bootstrap intervals cover the truth about as often as they say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from genlib.metrics import (
    BootstrapInterval,
    bootstrap,
    bootstrap_of_one,
    class_entropy,
    frechet_distance,
    interval,
    kernel_distance,
)


def normal(n: int, d: int, generator: torch.Generator) -> Tensor:
    return torch.randn(n, d, generator=generator, dtype=torch.float64)


def repeat(statistic, n: int, d: int, shift: float, scale: float, times: int):
    """Intervals from `times` fresh pairs of samples of N(0, I) and N((shift, 0, …), scale² I)."""
    generator = torch.Generator().manual_seed(0)
    move = torch.zeros(d, dtype=torch.float64)
    move[0] = shift
    return [
        bootstrap(
            statistic,
            normal(n, d, generator),
            scale * normal(n, d, generator) + move,
            generator,
            resamples=50,
        )
        for _ in range(times)
    ]


def coverage(intervals: list[BootstrapInterval], truth: float) -> float:
    return sum(i.low <= truth <= i.high for i in intervals) / len(intervals)


def test_frechet_coverage_and_bias() -> None:
    """400 vectors in 4 dimensions; the lower bound is 0.95 less 3 standard deviations."""
    shift, scale = 0.5, 1.2
    truth = shift**2 + 4 * (scale - 1) ** 2
    intervals = repeat(frechet_distance, 400, 4, shift, scale, times=80)
    assert coverage(intervals, truth) >= 0.87
    measured = torch.tensor([i.measured for i in intervals])
    corrected = torch.tensor([i.value for i in intervals])
    assert measured.mean() - truth > 5 * measured.std() / 80**0.5  # biased upwards
    assert (corrected.mean() - truth).abs() < (measured.mean() - truth) / 2
    widths = torch.tensor([i.high - i.low for i in intervals])
    assert widths.mean() < 6 * measured.std()  # and does not cover by being wide: 2 · 1.96 is ideal


def test_a_plain_percentile_interval_would_not_cover() -> None:
    """What goes wrong without the correction, so that the test above can fail."""
    generator = torch.Generator().manual_seed(0)
    hits = 0
    for _ in range(30):
        a, b = normal(400, 8, generator), normal(400, 8, generator)
        b[:, 0] += 0.5
        draws = [
            frechet_distance(*(v[torch.randint(400, (400,), generator=generator)] for v in (a, b)))
            for _ in range(40)
        ]
        low, high = torch.tensor(draws).quantile(torch.tensor([0.025, 0.975]))
        hits += bool(low <= 0.25 <= high)
    assert hits < 10  # of 30


def test_kernel_coverage() -> None:
    """On a line: moments 1, 1 + s², 1 + 3 s² against 0, 1, 0."""
    s = 0.8
    truth = 3 + 3 * (s**2) ** 2 + (1 + 3 * s**2) ** 2
    intervals = repeat(kernel_distance, 400, 1, 1.0, s, times=100)
    assert 0.88 <= coverage(intervals, truth) <= 0.995


@pytest.mark.parametrize("statistic", [frechet_distance, kernel_distance])
def test_equal_distributions_show_no_difference(statistic) -> None:
    """Too wide here, as the docstring says, and centred on 0."""
    intervals = repeat(statistic, 200, 8, 0.0, 1.0, times=30)
    assert coverage(intervals, 0.0) >= 0.95
    values = torch.tensor([i.value for i in intervals])
    assert values.mean().abs() < 4 * values.std() / 30**0.5


def test_halves_in_one_pass_are_the_same_as_one_by_one() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = normal(60, 3, generator), normal(50, 3, generator) + 0.4

    def plain(x: Tensor, y: Tensor) -> float:
        return kernel_distance(x, y)

    fast, slow = (
        bootstrap(f, a, b, torch.Generator().manual_seed(1), resamples=40)
        for f in (kernel_distance, plain)
    )
    assert fast.to_dict() == pytest.approx(slow.to_dict())


def test_entropy_coverage_and_bias() -> None:
    """Of 5 uneven classes in 200 pictures; measured it is too low by (K − 1) / 2N = 0.01."""
    shares = torch.tensor([0.4, 0.3, 0.15, 0.1, 0.05], dtype=torch.float64)
    truth = -float((shares * shares.log()).sum())
    generator = torch.Generator().manual_seed(0)
    intervals = [
        bootstrap_of_one(
            class_entropy,
            torch.multinomial(shares, 200, replacement=True, generator=generator),
            generator,
            resamples=40,
        )
        for _ in range(300)
    ]
    assert 0.90 <= coverage(intervals, truth) <= 0.985
    measured, corrected = (
        torch.tensor([getattr(i, name) for i in intervals]) for name in ("measured", "value")
    )
    error = float(measured.std()) / 300**0.5
    bias = float(measured.mean()) - truth
    assert bias == pytest.approx(-0.01, abs=4 * error)
    assert abs(bias) > 3 * error  # so that there is something to take off
    assert float(corrected.mean()) - truth == pytest.approx(0, abs=3 * error)


def test_even_classes_are_covered_more_often() -> None:
    """As the docstring says: there the first-order theory fails, on the safe side."""
    generator = torch.Generator().manual_seed(0)
    intervals = [
        bootstrap_of_one(
            class_entropy, torch.randint(10, (500,), generator=generator), generator, resamples=40
        )
        for _ in range(60)
    ]
    truth = float(torch.tensor(10.0).log())
    assert coverage(intervals, truth) >= 0.95
    centres = torch.tensor([i.value for i in intervals])
    assert (centres.mean() - truth).abs() < 4 * centres.std() / 60**0.5


def test_a_mean_has_the_interval_of_a_mean() -> None:
    values = torch.rand(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    drawn = bootstrap_of_one(
        lambda v: float(v.mean()), values, torch.Generator().manual_seed(1), resamples=2_000
    )
    exact = interval(values.tolist())
    assert drawn.measured == pytest.approx(exact.mean)
    assert drawn.value == pytest.approx(exact.mean, abs=1e-3)
    assert drawn.high - drawn.low == pytest.approx(exact.high - exact.low, rel=0.06)


def test_reproducible_and_readable() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = normal(50, 2, generator), normal(50, 2, generator) + 1
    first, again = (
        bootstrap(frechet_distance, a, b, torch.Generator().manual_seed(3)) for _ in range(2)
    )
    assert first == again
    assert str(first).startswith(f"{first.value:.4g}, 95% in [{first.low:.4g}")
    assert BootstrapInterval(**first.to_dict()) == first


@pytest.mark.parametrize(
    ("n", "settings"), [(7, {}), (50, {"resamples": 19}), (50, {"confidence": 1.0})]
)
def test_too_little_is_refused(n: int, settings: dict[str, float]) -> None:
    a = torch.rand(n, 2)
    with pytest.raises(ValueError, match="bootstrap needs at least 8"):
        bootstrap(frechet_distance, a, a, torch.Generator(), **settings)


def test_too_little_of_one_set_is_refused() -> None:
    with pytest.raises(ValueError, match="bootstrap needs at least 8"):
        bootstrap_of_one(class_entropy, torch.arange(7), torch.Generator())
