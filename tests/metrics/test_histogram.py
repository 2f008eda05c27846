"""The class histogram catches what is missing."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from genlib.data import ImageSet, digits
from genlib.metrics import class_entropy, class_histogram, histogram_entropy, predicted_classes


class Sorter(nn.Module):
    """Ten classes by brightness."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.one_hot((x.flatten(1).mean(1) * 10).long().clamp(max=9), 10).float()


def pictures(classes: list[int]) -> torch.Tensor:
    levels = torch.tensor(classes) / 10 + 0.05
    return levels[:, None, None, None].expand(-1, 1, 4, 4)


def test_it_counts() -> None:
    shares = class_histogram(Sorter(), pictures([0, 0, 0, 7]), batch_size=3)
    assert shares.tolist() == [0.75, 0, 0, 0, 0, 0, 0, 0.25, 0, 0]
    assert shares.dtype == torch.float64


@pytest.mark.parametrize("kept", [10, 7, 1])
def test_entropy_of_evenly_frequent_classes_is_the_log_of_their_number(kept: int) -> None:
    shares = class_histogram(Sorter(), pictures(list(range(kept)) * 20))
    assert histogram_entropy(shares) == pytest.approx(math.log(kept), abs=1e-6)
    assert (shares < 0.03).sum() == 10 - kept


class NearestMean(nn.Module):
    """Sorts pictures by the nearest class mean."""

    def __init__(self, data: ImageSet) -> None:
        super().__init__()
        assert data.labels is not None
        pixels = data.pixels().flatten(1)
        self.means = torch.stack([pixels[data.labels == k].mean(0) for k in range(10)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return -torch.cdist(x.flatten(1), self.means)


def test_real_digits_with_classes_removed_are_caught() -> None:
    data, test = digits("train"), digits("test")
    assert test.labels is not None
    classifier = NearestMean(data)
    whole = class_histogram(classifier, test)
    without = class_histogram(classifier, test.select((test.labels != 2) & (test.labels != 7)))
    assert (whole < 0.03).sum() == 0
    assert (without < 0.03).nonzero().flatten().tolist() == [2, 7]
    assert histogram_entropy(whole) > math.log(10) - 0.03
    assert histogram_entropy(without) < math.log(10) - 0.12


def test_predicted_classes_have_the_histogram() -> None:
    drawn = torch.randint(10, (70,), generator=torch.Generator().manual_seed(0))
    classes = predicted_classes(Sorter(), pictures(drawn.tolist()), batch_size=8)
    assert classes.equal(drawn)
    shares = class_histogram(Sorter(), pictures(drawn.tolist()))
    assert class_entropy(classes) == pytest.approx(histogram_entropy(shares))


def test_entropy_of_classes_by_hand() -> None:
    assert class_entropy(torch.tensor([3, 3, 3, 3])) == 0
    assert class_entropy(torch.tensor([0, 7, 0, 7, 2, 2])) == pytest.approx(math.log(3))
    for bad in (torch.zeros(0, dtype=torch.int64), torch.rand(5), torch.ones(2, 2).long()):
        with pytest.raises(ValueError, match="classes must be whole numbers"):
            class_entropy(bad)


def test_what_is_no_set_of_images_is_refused() -> None:
    with pytest.raises(ValueError, match="no images"):
        class_histogram(Sorter(), torch.rand(0, 1, 4, 4))
    with pytest.raises(ValueError, match=r"must be in \[0, 1\]"):
        class_histogram(Sorter(), 255 * torch.rand(3, 1, 4, 4))
    with pytest.raises(ValueError):
        histogram_entropy(torch.ones(10))


def test_an_image_set_will_do() -> None:
    images = (pictures([1, 1, 3]) * 255).to(torch.uint8)
    data = ImageSet("flat", "flat", "test", images.contiguous())
    assert class_histogram(Sorter(), data)[1] == pytest.approx(2 / 3)
