"""Intervals of precision, recall, density, coverage: as half by half, and wide enough."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from genlib.metrics import (
    bootstrap_density_coverage,
    bootstrap_precision_recall,
    density_coverage,
    precision_recall,
)
from genlib.metrics.bootstrapping import halves
from genlib.metrics.manifold_intervals import _radii

PAIRS = [
    (precision_recall, bootstrap_precision_recall, ("precision", "recall"), 3),
    (density_coverage, bootstrap_density_coverage, ("density", "coverage"), 5),
]


def normal(n: int, d: int, generator: torch.Generator) -> Tensor:
    return torch.randn(n, d, generator=generator, dtype=torch.float64)


def two_sets(n: int, m: int, d: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    return normal(n, d, generator), 0.9 * normal(m, d, generator) + 0.4


@pytest.mark.parametrize(("figure", "intervals", "names", "k"), PAIRS)
@pytest.mark.parametrize(("n", "m", "chunk"), [(61, 80, 1_000), (80, 61, 23)])
def test_one_pass_is_the_same_as_half_by_half(figure, intervals, names, k, n, m, chunk) -> None:
    real, fake = two_sets(n, m, 3, torch.Generator().manual_seed(0))
    found = intervals(real, fake, torch.Generator().manual_seed(1), k, resamples=30, chunk=chunk)
    generator = torch.Generator().manual_seed(1)
    keep = halves(n, 30, generator), halves(m, 30, generator)
    reports = [figure(real[i], fake[j], k) for i, j in zip(*keep, strict=True)]
    assert tuple(found) == names
    for name in names:
        values = torch.tensor([getattr(r, name) for r in reports], dtype=torch.float64)
        measured = getattr(figure(real, fake, k), name)
        assert found[name].value == found[name].measured == measured
        assert measured - found[name].low == pytest.approx(1.959964 * float(values.std()))
        assert found[name].high <= (torch.inf if name == "density" else 1)
        assert found[name].resamples == 30


@pytest.mark.parametrize("count", [3, 4, 10, 200])
def test_radii_of_halves_ask_for_more_neighbours_where_they_must(count: int) -> None:
    """With the fewest, hardly any half finds its k-th among them."""
    generator = torch.Generator().manual_seed(0)
    x = normal(50, 2, generator)
    keep = halves(50, 20, generator)
    radius = _radii(x, keep, 3, 16, count)  # [50, 20]
    for half, own in zip(keep, radius.T, strict=True):
        d = torch.cdist(x[half], x[half]).fill_diagonal_(torch.inf)
        torch.testing.assert_close(own[half], d.sort(dim=1).values[:, 2])
        assert bool((own[~half] == -1).all())


def test_ties_and_duplicates_are_those_of_the_halves() -> None:
    """On a small grid, half of the distances are equal and many are 0."""
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randint(0, 3, (40, 2), generator=generator).double() for _ in range(2))
    for figure, intervals, names, k in PAIRS:
        found = intervals(real, fake, torch.Generator().manual_seed(1), k, resamples=20)
        drawn = torch.Generator().manual_seed(1)
        keep = halves(40, 20, drawn), halves(40, 20, drawn)
        for name in names:
            values = [
                getattr(figure(real[i], fake[j], k), name) for i, j in zip(*keep, strict=True)
            ]
            spread = float(torch.tensor(values, dtype=torch.float64).std())
            low = max(0.0, found[name].value - 1.959964 * spread)
            assert found[name].low == pytest.approx(low)


@pytest.mark.parametrize(("figure", "intervals", "names", "k"), PAIRS)
def test_coverage_of_the_mean_over_fresh_samples(figure, intervals, names, k) -> None:
    """90 intervals against the mean of 500 fresh pairs: 0.95 less 3 standard deviations, and not
    covering by being wide. Of the spread of √2 that may be too much, the docstring tells."""
    generator = torch.Generator().manual_seed(0)
    reports = [figure(*two_sets(120, 120, 3, generator), k) for _ in range(500)]
    drawn = [
        intervals(*two_sets(120, 120, 3, generator), generator, k, resamples=40) for _ in range(90)
    ]
    for name in names:
        values = torch.tensor([getattr(r, name) for r in reports], dtype=torch.float64)
        truth, spread = float(values.mean()), float(values.std())
        share = sum(d[name].low <= truth <= d[name].high for d in drawn) / len(drawn)
        assert share >= 0.88
        reach = torch.tensor([d[name].value - d[name].low for d in drawn]).mean() / 1.96
        assert 0.9 * spread < reach < 1.6 * spread


def test_resampling_with_replacement_or_a_fixed_manifold_would_not_do() -> None:
    """What goes wrong otherwise, so that the test above can fail: copies shrink the balls, and
    with the balls held fixed their own luck is left out."""
    generator = torch.Generator().manual_seed(0)
    real, fake = two_sets(120, 120, 3, generator)
    measured = density_coverage(real, fake)
    draws = torch.randint(120, (40, 2, 120), generator=generator)
    again = [density_coverage(real[i], fake[j]) for i, j in draws]
    assert max(r.coverage for r in again) < measured.coverage  # the interval misses its own centre
    spread = torch.tensor(
        [density_coverage(*two_sets(120, 120, 3, generator)).density for _ in range(200)]
    ).std()
    fixed = torch.tensor(
        [density_coverage(real, fake[i : i + 1]).density for i in range(120)]
    ).std() / (120**0.5)
    assert fixed < 0.75 * spread


def test_where_all_halves_agree_the_width_is_zero() -> None:
    real = normal(60, 2, torch.Generator().manual_seed(0))
    found = bootstrap_precision_recall(real, real + 100, torch.Generator().manual_seed(0))
    assert (found["recall"].low, found["recall"].high) == (0, 0)


def test_reproducible() -> None:
    real, fake = two_sets(50, 50, 2, torch.Generator().manual_seed(0))
    for _, intervals, _, k in PAIRS:
        first, again = (
            intervals(real, fake, torch.Generator().manual_seed(3), k) for _ in range(2)
        )
        assert first == again


@pytest.mark.parametrize("intervals", [bootstrap_precision_recall, bootstrap_density_coverage])
def test_too_little_is_refused(intervals) -> None:
    x = torch.rand(20, 2)
    with pytest.raises(ValueError, match="bootstrap needs at least 8"):
        intervals(x[:7], x, torch.Generator())
    with pytest.raises(ValueError, match="20 resamples"):
        intervals(x, x, torch.Generator(), resamples=19)
    with pytest.raises(ValueError, match="at least 22 real"):
        intervals(x, x, torch.Generator(), 10)  # halves of 10 have nine others
    with pytest.raises(ValueError, match="one D"):
        intervals(x, x[:, :1], torch.Generator())
