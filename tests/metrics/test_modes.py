"""Mode coverage on points put where the answer is known."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from genlib import make_generator
from genlib.data import grid, ring, swiss_roll
from genlib.metrics import ModeReport, mode_counts, mode_report, reverse_kl


def around(centres: Tensor, distance: float) -> Tensor:
    """Each centre, moved by `distance` into some direction."""
    angle = torch.arange(len(centres)).float()
    return centres + distance * torch.stack([angle.cos(), angle.sin()], dim=1)


@pytest.mark.parametrize("target", [ring(), grid()], ids=lambda t: t.title)
def test_within_three_sigma_counts_and_beyond_does_not(target) -> None:
    m = len(target.centres)
    assert mode_counts(around(target.centres, 2.99 * target.sigma), target).tolist() == [1] * m
    assert mode_counts(around(target.centres, 3.01 * target.sigma), target).tolist() == [0] * m


def test_a_constructed_report() -> None:
    target = ring()
    points = torch.cat([
        target.centres[0].expand(6, 2), target.centres[3].expand(2, 2), torch.zeros(2, 2)
    ])  # fmt: skip
    report = mode_report(points, target)
    counts = mode_counts(points, target)
    assert counts.tolist() == [6, 0, 0, 2, 0, 0, 0, 0]
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert report == ModeReport(2, 8, 0.8, pytest.approx(math.log(8) - entropy))
    assert list(report.to_dict()) == ["modes_found", "modes", "high_quality_share", "reverse_kl"]


def test_reverse_kl_of_all_one_and_none() -> None:
    assert reverse_kl(torch.full((25,), 7)) == pytest.approx(0, abs=1e-12)
    assert reverse_kl(torch.tensor([0, 9, 0, 0])) == pytest.approx(math.log(4))
    assert math.isnan(reverse_kl(torch.zeros(4)))
    nothing = mode_report(torch.zeros(5, 2), ring())
    assert (nothing.modes_found, nothing.high_quality_share) == (0, 0.0)
    assert math.isnan(nothing.reverse_kl)


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=10).filter(any))
def test_reverse_kl_is_its_sum(counts: list[int]) -> None:
    shares = [c / sum(counts) for c in counts]
    expected = sum(p * math.log(p * len(counts)) for p in shares if p > 0)
    found = reverse_kl(torch.tensor(counts))
    assert found == pytest.approx(expected, abs=1e-12)
    assert -1e-12 <= found <= math.log(len(counts)) + 1e-12


@pytest.mark.parametrize("target", [ring(), grid()], ids=lambda t: t.title)
def test_the_targets_own_points_score_as_theory_says(target) -> None:
    """P(distance < 3σ) = 1 − exp(−9/2) in the plane; KL is about (M − 1)/(2 n)."""
    n = 20_000
    report = mode_report(target.sample(n, make_generator(0, "points")), target)
    share = 1 - math.exp(-4.5)
    assert report.modes_found == report.modes == len(target.centres)
    assert abs(report.high_quality_share - share) < 4 * math.sqrt(share * (1 - share) / n)
    assert report.reverse_kl < 3 * (report.modes - 1) / (2 * n)


def test_far_from_the_origin_distances_keep_their_digits() -> None:
    """‖a‖² − 2ab + ‖b‖² in single precision would lose a σ of 0.01 at a distance of 100."""
    target = ring(radius=100.0)
    assert mode_counts(around(target.centres, 0.02), target).tolist() == [1] * 8
    assert mode_counts(around(target.centres, 0.04), target).sum() == 0


@pytest.mark.parametrize("points", [torch.zeros(0, 2), torch.zeros(3), torch.zeros(3, 3)])
def test_points_must_be_points(points: Tensor) -> None:
    with pytest.raises(ValueError, match=r"points must be \[n, 2\]"):
        mode_report(points, ring())


def test_a_target_without_modes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Swiss roll.* has no modes to count"):
        mode_report(torch.zeros(3, 2), swiss_roll())
