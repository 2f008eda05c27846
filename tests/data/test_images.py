"""ImageSet, digits, and what an import costs."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

from genlib import make_generator
from genlib.data import ImageSet, binarised, digits, used
from genlib.torchvision_compat import import_torchvision


def small(**changes: Any) -> ImageSet:
    """Six images of 2x3 with labels and one attribute."""
    parts: dict[str, Any] = {
        "name": "small",
        "title": "Small",
        "split": "train",
        "images": torch.arange(36, dtype=torch.uint8).reshape(6, 1, 2, 3),
        "labels": torch.tensor([0, 1, 2, 0, 1, 2]),
        "classes": ("a", "b", "c"),
        "attributes": {"hat": torch.tensor([0, 1, 0, 1, 0, 1])},
        "attribute_values": {"hat": ("no", "yes")},
    }
    return ImageSet(**{**parts, **changes})


def test_parts_are_cut_alike() -> None:
    data = small()
    assert len(data) == 6
    assert data.shape == (1, 2, 3)
    assert len(data.take(4)) == 4
    assert len(data.take(99)) == 6
    assert len(data.take(0)) == 0
    assert data.labels is not None
    masked = data.select(data.labels == 2)
    picked = data.select(torch.tensor([2, 5]))
    for part in (masked, picked):
        assert torch.equal(part.images, data.images[[2, 5]])
        assert part.labels is not None
        assert part.labels.tolist() == [2, 2]
        assert part.attributes["hat"].tolist() == [0, 1]
    assert data.select(torch.tensor([5, 2])).images[0, 0, 0, 0] == 30
    assert data.describe() == "Small, train: 6 grey images of 2x3, 3 classes, 1 attributes"


def test_pixels_are_what_torchvision_makes_of_them() -> None:
    values = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    data = ImageSet("all_values", "All values", "all", values)
    to_tensor = import_torchvision("transforms").ToTensor()
    assert torch.equal(data.pixels()[0], to_tensor(values[0, 0].numpy()))
    assert data.pixels().max() == 1
    assert torch.equal(small().pixels(torch.tensor([3])), small().pixels()[3:4])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": "valid"}, "split is 'valid'"),
        ({"images": torch.zeros(6, 1, 2, 3)}, "must be uint8.*float32.*by 255"),
        ({"images": torch.zeros(6, 2, 3, dtype=torch.uint8)}, r"\[N, C, H, W\].*images\[:, None\]"),
        ({"labels": torch.zeros(5, dtype=torch.int64)}, r"labels must be int64 \[6\].*\[5\]"),
        ({"labels": torch.zeros(6)}, "labels must be int64.*float32"),
        ({"classes": ("a", "b")}, "from 0 to 2, but there are 2 names"),
        ({"labels": torch.tensor([0, 1, 2, 0, 1, -1])}, "from -1 to 2"),
        ({"attribute_values": {}}, "must have the same names"),
        ({"attribute_values": {"hat": ("no",)}}, "attribute 'hat' run from 0 to 1"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**changes)


def test_selections_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a mask must be bool \[6\], got \[5\]"):
        small().select(torch.ones(5, dtype=torch.bool))
    with pytest.raises(ValueError, match="select takes int64"):
        small().select(torch.ones(2))
    for wrong in (6, -7):
        for cut in (small().select, small().pixels):
            with pytest.raises(IndexError, match=f"small: index {wrong} .* 6 images"):
                cut(torch.tensor([0, wrong]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_an_index_out_of_range_does_not_stop_the_gpu() -> None:
    data = small().to("cuda")
    with pytest.raises(IndexError, match="index 6 "):
        data.select(torch.tensor([6], device="cuda"))
    assert data.select(torch.tensor([5])).images.is_cuda  # a device-side assert would end this


def test_pixels_gather_only_the_images() -> None:
    data = small()
    assert torch.equal(data.pixels(torch.tensor([-1, 0])), data.pixels()[[5, 0]])
    assert torch.equal(data.pixels(torch.arange(6) == 2), data.pixels()[2:3])
    object.__setattr__(data, "labels", torch.zeros(1))  # gathering at 5 would fail
    assert len(data.pixels(torch.tensor([5]))) == 1


def test_digits_are_split_once_and_for_all() -> None:
    train, test, every = (digits(s) for s in ("train", "test", "all"))
    assert (len(train), len(test), len(every)) == (1_498, 299, 1_797)
    assert train.shape == test.shape == (1, 28, 28)
    assert torch.equal(test.images, every.images[5::6])
    assert test.labels is not None
    assert int(test.labels.bincount().min()) >= 25  # every digit is in the test set
    assert used() == ("scikit-learn digits",)


def test_digits_can_be_read_at_every_size() -> None:
    from sklearn.datasets import load_digits

    original = torch.from_numpy(load_digits().images)
    small = digits("all", size=8)
    assert torch.equal(small.images[:, 0], (original / 16 * 255).round().to(torch.uint8))
    large = digits("all")  # averaged back to 8x8, they are close to what they were
    inner = large.pixels()[:, :, 2:26, 2:26]
    back = torch.nn.functional.avg_pool2d(inner, 3)
    assert float((back - small.pixels()).abs().mean()) < 0.05
    assert int(large.images[:, :, :1].max()) == 0  # a margin around them
    with pytest.raises(ValueError, match="at least 8"):
        digits(size=4)
    with pytest.raises(ValueError, match="'train', 'test' and 'all'"):
        digits("valid")


def test_importing_the_data_imports_nothing_heavy() -> None:
    code = (
        "import sys, genlib.data;"
        "print([m for m in ('torchvision', 'sklearn', 'PIL', 'matplotlib') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr


def test_binarised_pixels_are_1_as_often_as_their_grey_value_says() -> None:
    grey = torch.tensor([0.0, 0.2, 0.5, 0.9, 1.0]).expand(20_000, 5)
    drawn = binarised(grey, make_generator(0, "pixels"))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert drawn.dtype == grey.dtype
    error = 4 * (grey[0] * (1 - grey[0]) / len(grey)).sqrt()  # four standard errors; 0 at 0 and 1
    assert ((drawn.mean(dim=0) - grey[0]).abs() <= error).all()
    assert drawn.equal(binarised(grey, make_generator(0, "pixels")))
    assert not drawn.equal(binarised(grey, make_generator(1, "pixels")))
