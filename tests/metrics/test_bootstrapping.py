"""Bootstrap intervals cover the truth about as often as they say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from genlib.metrics import BootstrapInterval, bootstrap, frechet_distance, kernel_distance


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
