"""Precision, recall, density and coverage: by hand, by brute force, in expectation, and fooled."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from genlib.metrics import (
    DensityCoverage,
    PrecisionRecall,
    density_coverage,
    precision_recall,
)
from genlib.metrics.balls import distances, members, neighbours, radii


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def brute(real: Tensor, fake: Tensor, k: int) -> dict[str, float]:
    """All four from the definitions, one pair of vectors after the other."""

    def gap(x: Tensor, y: Tensor) -> float:
        return math.dist(x.tolist(), y.tolist())

    def radius(vectors: Tensor, i: int) -> float:
        others = [gap(vectors[i], v) for j, v in enumerate(vectors) if j != i]
        return sorted(others)[k - 1]

    reach = [radius(real, i) for i in range(len(real))]
    back = [radius(fake, j) for j in range(len(fake))]
    inside = [[gap(x, y) <= r for x, r in zip(real, reach, strict=True)] for y in fake]
    covered = [[gap(x, y) <= r for y, r in zip(fake, back, strict=True)] for x in real]
    return {
        "precision": sum(any(row) for row in inside) / len(fake),
        "recall": sum(any(row) for row in covered) / len(real),
        "density": sum(sum(row) for row in inside) / (k * len(fake)),
        "coverage": sum(any(row[i] for row in inside) for i in range(len(real))) / len(real),
    }


def all_four(real: Tensor, fake: Tensor, k: int, chunk: int = 1_000) -> dict[str, float]:
    one, other = precision_recall(real, fake, k, chunk), density_coverage(real, fake, k, chunk)
    return {
        "precision": one.precision,
        "recall": one.recall,
        "density": other.density,
        "coverage": other.coverage,
    }


def test_by_hand() -> None:
    """On a line, k = 1: 0, 1, 4 have balls of radius 1, 1, 3, and 2, 2.5, 9 of 0.5, 0.5, 6.5."""
    real, fake = torch.tensor([[0.0], [1], [4]]), torch.tensor([[2.0], [2.5], [9]])
    assert precision_recall(real, fake, k=1) == PrecisionRecall(2 / 3, 1 / 3, 1, 3, 3)
    # 2 lies in the balls of 1 (on its boundary) and 4, 2.5 in that of 4, and 9 in none
    assert density_coverage(real, fake, k=1) == DensityCoverage(1.0, 2 / 3, 1, 3, 3)


@pytest.mark.parametrize("k", [1, 3, 7])
@pytest.mark.parametrize("chunk", [1, 5, 1_000])
def test_brute_force(k: int, chunk: int) -> None:
    real, fake = normal(23, 3), 0.8 * normal(17, 3, seed=1) + 0.5
    expected = brute(real, fake, k)
    assert 0 < expected["precision"] < 1 or k == 7
    assert all_four(real, fake, k, chunk) == pytest.approx(expected)


def test_brute_force_with_ties_and_duplicates() -> None:
    """Points of a small grid: many at one place, many at the same distance."""
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randint(0, 4, (30, 2), generator=generator).double() for _ in range(2))
    for k in (1, 2, 5):
        assert all_four(real, fake, k, chunk=7) == pytest.approx(brute(real, fake, k))


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_neighbours_are_the_sorted_row_without_the_vector_itself(chunk: int) -> None:
    x = normal(40, 3)
    d = torch.cdist(x, x).fill_diagonal_(torch.inf)
    near, number = neighbours(x, 6, chunk)
    expected = d.sort(dim=1)
    torch.testing.assert_close(near, expected.values[:, :6])
    assert number.equal(expected.indices[:, :6])
    assert radii(x, 6, chunk).equal(near[:, -1])


def test_a_twin_is_a_neighbour_but_the_vector_itself_is_none() -> None:
    x = torch.tensor([[0.0], [0], [5]], dtype=torch.float64)
    assert radii(x, 1, 2).tolist() == [0, 0, 5]
    assert radii(x, 2, 2).tolist() == [5, 5, 5]
    assert precision_recall(x, x, k=1).precision == 1  # a ball of radius 0 still has its centre


def test_disjoint_sets_have_nothing() -> None:
    assert set(all_four(normal(50, 4), normal(60, 4, seed=1) + 100, k=3).values()) == {0.0}


@pytest.mark.parametrize(("n", "m", "d", "k"), [(40, 40, 1, 5), (30, 60, 5, 3), (25, 10, 2, 1)])
def test_one_distribution_has_the_expected_density_and_coverage(
    n: int, m: int, d: int, k: int
) -> None:
    """Density 1, and the product formula: against the means of many draws."""
    drawn = [
        density_coverage(normal(n, d, seed=2 * s), normal(m, d, seed=2 * s + 1), k)
        for s in range(600)
    ]
    for name, truth in (("density", 1.0), ("coverage", drawn[0].expected_coverage)):
        values = torch.tensor([getattr(report, name) for report in drawn])
        error = values.std() / len(values) ** 0.5
        assert (values.mean() - truth).abs() < 4 * error
        assert error < 0.02
    assert drawn[0].expected_coverage < 0.99  # so that the check says something


def test_expected_coverage_for_large_sets() -> None:
    """1 − 2⁻ᵏ for equally many (Naeem et al. 2020)."""
    for k in (1, 5):
        report = DensityCoverage(1, 1, k, 100_000, 100_000)
        assert report.expected_coverage == pytest.approx(1 - 0.5**k, abs=1e-4)


def blobs(centres: list[float], each: int, seed: int) -> Tensor:
    parts = [normal(each, 3, seed=seed + i) + c for i, c in enumerate(centres)]
    return torch.cat(parts)


def test_dropped_modes_lower_recall_and_coverage_only() -> None:
    real = blobs([0.0, 50, 100, 150], 150, seed=0)
    whole = all_four(real, blobs([0.0, 50, 100, 150], 150, seed=10), k=5)
    half = all_four(real, blobs([0.0, 50], 300, seed=20), k=5)
    assert half["recall"] == pytest.approx(whole["recall"] / 2, abs=0.03)
    assert half["coverage"] == pytest.approx(whole["coverage"] / 2, abs=0.03)
    assert half["precision"] == pytest.approx(whole["precision"], abs=0.03)
    assert half["density"] == pytest.approx(whole["density"], abs=0.15)


def test_bad_pictures_lower_precision_and_density_only() -> None:
    real, good = normal(300, 3), normal(300, 3, seed=1)
    bad = torch.cat([good[:200], normal(100, 3, seed=2) + 40])
    before, after = all_four(real, good, k=5), all_four(real, bad, k=5)
    assert after["precision"] == pytest.approx(before["precision"] * 2 / 3, abs=0.03)
    assert after["density"] == pytest.approx(before["density"] * 2 / 3, abs=0.1)
    assert after["recall"] == pytest.approx(before["recall"], abs=0.1)
    assert after["coverage"] == pytest.approx(before["coverage"], abs=0.08)


def test_one_outlier_fools_precision_but_hardly_density() -> None:
    real, bad = normal(300, 3), normal(100, 3, seed=1) + 20
    stray = torch.cat([real, torch.full((1, 3), 40.0, dtype=torch.float64)])
    before, after = all_four(real, bad, k=5), all_four(stray, bad, k=5)
    assert before["precision"] == before["density"] == 0
    assert after["precision"] == 1
    assert after["density"] == pytest.approx(1 / 5)  # each in this one ball
    assert after["coverage"] == pytest.approx(1 / 301)


@pytest.mark.parametrize("offset", [0.0, 1_000.0])
def test_copies_score_highest_and_exactly(offset: float) -> None:
    """All real vectors, copied: each lies in its own ball and those of which it is a neighbour,
    on the boundary too, so that density is (k + 1) / k. In single precision, far from the origin,
    and in blocks that do not fit: every tie must hold to the last bit."""
    real = normal(700, 13).float() + offset
    order = torch.randperm(700, generator=torch.Generator().manual_seed(0))
    figures = all_four(real, real[order], k=5, chunk=150)
    assert figures["precision"] == figures["recall"] == figures["coverage"] == 1
    assert figures["density"] == pytest.approx(6 / 5, rel=1e-12)


def test_order_does_not_matter_and_roles_swap() -> None:
    real, fake = normal(90, 4), 0.9 * normal(70, 4, seed=1)
    order = torch.randperm(90, generator=torch.Generator().manual_seed(0))
    assert all_four(real[order], fake.flip(0), 4, chunk=25) == all_four(real, fake, 4)
    there, back = precision_recall(real, fake), precision_recall(fake, real)
    assert (there.precision, there.recall) == (back.recall, back.precision)
    assert (there.n, there.m) == (back.m, back.n) == (90, 70)


def test_turning_and_stretching_all_changes_nothing() -> None:
    real, fake = normal(80, 3), normal(80, 3, seed=1) + 0.3
    turn, _ = torch.linalg.qr(normal(3, 3, seed=2))
    moved = all_four(7 * real @ turn + 5, 7 * fake @ turn + 5, 3)
    assert moved == pytest.approx(all_four(real, fake, 3))


def test_near_neighbours_keep_their_digits() -> None:
    """Distances of 1e-4 beside norms of 100: in single precision, products have none left."""
    real = (100 / 3**0.5 + 1e-4 * normal(200, 3)).float()
    fake = (100 / 3**0.5 + 1e-4 * normal(150, 3, seed=1)).float()
    centre = 100 / 3**0.5
    exact = all_four(real.double() - centre, fake.double() - centre, 3)
    assert 0.5 < exact["precision"] < 1
    assert all_four(real, fake, 3) == pytest.approx(exact)
    products = torch.cdist(real, real, compute_mode="use_mm_for_euclid_dist")
    assert (products - distances(real.double(), real.double())).abs().max() > 1e-4


def test_distances_are_the_same_bits_in_every_block() -> None:
    x, y = normal(50, 67), normal(40, 67, seed=1)
    whole = distances(x, y)
    assert distances(y, x).equal(whole.T)
    assert torch.cat([distances(x[i : i + 1], y[3:]) for i in range(50)]).equal(whole[:, 3:])


def test_members_count_on_both_sides() -> None:
    centres, points = normal(30, 2), normal(20, 2, seed=1)
    radius = normal(30, seed=2).abs()
    inside = torch.cdist(centres, points) <= radius[:, None]
    balls, guests = members(centres, radius, points, chunk=8)
    assert balls.equal(inside.sum(dim=0))
    assert guests.equal(inside.sum(dim=1))


def test_result_files_can_keep_them() -> None:
    report = precision_recall(normal(9, 2), normal(8, 2), k=2)
    assert PrecisionRecall(**report.to_dict()) == report
    other = density_coverage(normal(9, 2), normal(8, 2), k=2)
    assert set(other.to_dict()) == {"density", "coverage", "k", "n", "m"}


GOOD = torch.rand(6, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("figure", [precision_recall, density_coverage])
@pytest.mark.parametrize(
    ("real", "fake", "k", "words"),
    [
        (GOOD, GOOD[:, :2], 2, r"one D, got \[6, 3\] and \[6, 2\]; take both"),
        (GOOD[0], GOOD, 2, r"must be \[N, D\]"),
        (GOOD, GOOD, 6, "k = 6 needs .* at least 7 real"),
        (GOOD, GOOD, 0, "k = 0 needs to be at least 1"),
        (GOOD, GOOD[:0], 1, "give more images, or another k"),
        (GOOD, GOOD * torch.nan, 2, "fake has entries that are NaN"),
        (GOOD / 0, GOOD, 2, "real has entries that are NaN or infinite"),
    ],
)
def test_bad_input_is_refused(figure, real: Tensor, fake: Tensor, k: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        figure(real, fake, k)


def test_recall_needs_enough_fakes_but_density_does_not() -> None:
    with pytest.raises(ValueError, match="4 real and 4 fake vectors, got 6 and 3"):
        precision_recall(GOOD, GOOD[:3], 3)
    line = torch.tensor([[0.0], [1], [2], [10]])
    assert density_coverage(line, line[:1], 1) == DensityCoverage(2.0, 0.5, 1, 4, 1)
