"""Nearest neighbours, and what they tell about copies."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import mannwhitneyu
from torch import Tensor

from genlib.data import digits
from genlib.metrics import memorisation, nearest, nearest_distance
from genlib.metrics.copies import _dealt, _mann_whitney


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_nearest_is_brute_force(chunk: int) -> None:
    q, r = rand(23, 5), rand(31, 5, seed=1)
    expected = (q[:, None].double() - r).norm(dim=2).min(dim=1)
    distance, number = nearest(q, r, chunk)
    torch.testing.assert_close(distance, expected.values)
    assert number.equal(expected.indices)


def test_nearest_of_an_image_set_agrees_with_the_referee() -> None:
    data = digits("train").take(50)
    pictures = rand(7, 1, 28, 28)
    distance, _ = nearest(pictures, data, chunk=20)
    mean_square = (distance.square() / 784).float()
    torch.testing.assert_close(mean_square, nearest_distance(pictures, data), rtol=1e-4, atol=0)


def test_near_copies_keep_their_digits() -> None:
    """Squared distances by products alone would round 1e-5 away beside norms of 10."""
    r = rand(40, 784)
    noise = 1e-6 * rand(40, 784, seed=1)
    distance, number = nearest(r + noise, r)
    exact = ((r + noise).double() - r).norm(dim=1)
    torch.testing.assert_close(distance, exact)
    assert number.equal(torch.arange(40))


@pytest.mark.parametrize(
    "bad", [torch.zeros(3, 4), torch.zeros(0, 5), torch.full((2, 5), math.nan)]
)
def test_nearest_refuses(bad: Tensor) -> None:
    with pytest.raises(ValueError, match=r"one shape|NaN or infinite"):
        nearest(bad, torch.zeros(4, 5))


def points(n: int, seed: int) -> Tensor:
    return torch.randn(n, 10, generator=torch.Generator().manual_seed(seed))


TRAIN, HELD_OUT = points(3000, 0), points(1000, 1)


def test_new_samples_are_no_copies() -> None:
    verdict = memorisation(points(1000, 2), TRAIN, HELD_OUT)
    assert not verdict.copies
    assert verdict.share_near == pytest.approx(0.05, abs=0.025)
    assert verdict.ratio == pytest.approx(1, abs=0.05)
    assert abs(verdict.z) < 3
    assert verdict.expected == 0.75
    assert abs(verdict.train_z) < 3


def test_copies_with_a_little_noise_are_caught() -> None:
    verdict = memorisation(TRAIN[:1000] + 0.05 * points(1000, 2), TRAIN, HELD_OUT)
    assert verdict.copies
    assert verdict.share_near > 0.95
    assert verdict.ratio < 0.3
    assert verdict.z < -10
    assert verdict.train_share == 1


def test_one_copy_in_ten_is_caught() -> None:
    mixed = torch.cat([points(900, 2), TRAIN[:100] + 0.05 * points(100, 3)])
    verdict = memorisation(mixed, TRAIN, HELD_OUT)
    assert verdict.copies
    assert verdict.share_near > 0.1
    assert "copies" in str(verdict)
    assert "no sign" not in str(verdict)


def test_blur_looks_near_but_is_not_taken_for_copying() -> None:
    """Samples drawn towards the middle lie near to every real point, training or not."""
    verdict = memorisation(0.6 * points(1000, 2), TRAIN, HELD_OUT)
    assert verdict.z < -5
    assert not verdict.copies
    assert "no sign of copies" in str(verdict)


def test_real_digits() -> None:
    """Of the training digits, 700 play the training set and the others are held out."""
    data = digits("train")
    train, held_out = data.take(700), data.select(torch.arange(700, len(data)))
    assert not memorisation(digits("test"), train, held_out).copies
    copied = (train.pixels() + 0.02 * rand(700, 1, 28, 28)).clamp(0, 1)
    assert memorisation(copied, train, held_out).copies


def test_train_z_is_standard_normal_without_copies() -> None:
    """Over fresh deals: mean 0, standard deviation 1, though many share a neighbour."""
    z = torch.tensor(
        [
            memorisation(points(300, 3 * s), points(200, 3 * s + 1), points(100, 3 * s + 2)).train_z
            for s in range(1, 301)
        ]
    )
    assert z.mean().abs() < 4 / 300**0.5
    assert z.std() == pytest.approx(1, abs=0.17)


def test_dealing_anew_in_closed_form() -> None:
    number = torch.tensor([0, 0, 0, 1, 4, 4, 2, 5])
    counts = number.bincount(minlength=6) / len(number)
    deals = torch.stack([counts[torch.randperm(6)[:4]].sum() for _ in range(20_000)])
    mean, spread = _dealt(number, 4, 2)
    assert mean == pytest.approx(4 / 6)
    assert deals.mean().item() == pytest.approx(mean, abs=0.01)
    assert deals.std().item() == pytest.approx(spread, rel=0.03)


def test_mann_whitney_is_scipys() -> None:
    made, real = rand(40).double(), 0.2 + rand(60, seed=1).double()
    theirs = mannwhitneyu(made.numpy(), real.numpy())
    z = (theirs.statistic - 1200) / math.sqrt(40 * 60 * 101 / 12)
    assert _mann_whitney(made, real) == pytest.approx(z)
    assert _mann_whitney(torch.ones(5), torch.ones(7)) == 0  # all tied


def test_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match="at least two of each"):
        memorisation(TRAIN[:1], TRAIN, HELD_OUT)
