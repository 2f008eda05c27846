"""Metrics on cases with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from genlib.data import ImageSet, digits
from genlib.losses import squared_error
from genlib.metrics import accuracy, appoint, confidence, interval, nearest_distance, per_image


def test_interval_is_students() -> None:
    values = [1.0, 2.0, 4.0, 3.5]
    ours = interval(values)
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert (ours.low, ours.high) == pytest.approx((low, high))
    assert ours.mean == pytest.approx(np.mean(values))
    assert ours.to_dict() == {"mean": ours.mean, "low": ours.low, "high": ours.high, "n": 4}


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0).normal(3.0, 2.0, size=(1000, 5))
    hits = sum(i.low <= 3.0 <= i.high for i in map(interval, draws))
    assert 925 <= hits <= 975  # 950 ± 3.6 standard deviations


@pytest.mark.parametrize("values", [[], [1.0], [1.0, float("nan")]])
def test_interval_refuses_what_has_no_uncertainty(values: list[float]) -> None:
    with pytest.raises(ValueError, match="at least two finite values"):
        interval(values)


def test_per_image_keeps_order_and_covers_the_last_short_batch() -> None:
    data = digits("test")
    means = per_image(data, lambda x: x.flatten(1).mean(1), batch_size=64)
    torch.testing.assert_close(means, data.pixels().flatten(1).mean(1))


class Oracle(nn.Module):
    """Knows the label from the brightness that the test gave each class."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        level = (x.flatten(1).mean(1) * 255 / 50).round().long()
        return 20 * nn.functional.one_hot(level, 3).float()


def flat_images(levels: list[int], labels: list[int] | None = None) -> ImageSet:
    images = torch.tensor(levels, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 4, 4)
    kinds = None if labels is None else torch.tensor(labels)
    return ImageSet("flat", "flat", "test", images.contiguous(), kinds, ("a", "b", "c"))


def test_accuracy_counts() -> None:
    assert accuracy(Oracle(), flat_images([0, 50, 100, 100], [0, 1, 2, 0])) == 0.75
    with pytest.raises(ValueError, match="no labels"):
        accuracy(Oracle(), flat_images([0]))


def test_confidence_is_the_largest_probability() -> None:
    pictures = flat_images([0, 50, 100]).pixels()
    torch.testing.assert_close(confidence(Oracle(), pictures), torch.ones(3), atol=1e-6, rtol=0)
    undecided = nn.Sequential(nn.Flatten(), nn.Linear(16, 4))
    nn.init.zeros_(undecided[1].weight)
    nn.init.zeros_(undecided[1].bias)
    torch.testing.assert_close(confidence(undecided, pictures), torch.full((3,), 0.25))


def test_nearest_distance_against_brute_force() -> None:
    data = digits("train").take(50)
    pictures = torch.rand(7, 1, 28, 28)
    all_pairs = torch.stack(
        [squared_error(p.expand(50, -1, -1, -1), data.pixels()) / 784 for p in pictures]
    )
    ours = nearest_distance(pictures, data)
    torch.testing.assert_close(ours, all_pairs.amin(1), rtol=1e-3, atol=1e-5)
    assert nearest_distance(data.pixels()[:3], data).max() < 1e-5


def test_referees_pass_the_good_and_stop_the_bad() -> None:
    data = flat_images([0, 50, 100])
    good = flat_images([0, 50, 100] * 10).pixels() + 0.01 * torch.rand(30, 1, 4, 4)
    referees = appoint(Oracle(), data, good)
    assert referees.judge(good)["both"] >= 0.85
    noise = torch.rand(30, 1, 4, 4) * 0.3
    assert referees.judge(noise)["neighbour"] < 0.2
