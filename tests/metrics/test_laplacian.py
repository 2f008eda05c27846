"""Sharpness: what it must not see, and that blur lowers it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from genlib.data import digits, drawn_faces
from genlib.metrics import sharpness


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def blur(x: Tensor) -> Tensor:
    """The mean of each 3×3 neighbourhood."""
    return F.avg_pool2d(F.pad(x, [1, 1, 1, 1], mode="replicate"), 3, stride=1)


def test_by_hand() -> None:
    """One white pixel in the middle of 5×5: Laplacian −4 there, 1 at four places, 0 at four."""
    x = torch.zeros(1, 1, 5, 5)
    x[0, 0, 2, 2] = 1
    assert sharpness(x).item() == pytest.approx((16 + 4) / 9)


def test_a_constant_and_a_ramp_have_none() -> None:
    ramp = torch.linspace(0, 1, 8).double().expand(1, 1, 8, 8)
    assert sharpness(torch.full((2, 3, 8, 8), 0.3)).max() < 1e-12
    assert sharpness(ramp).max() < 1e-12


@given(seed=st.integers(0, 10_000), shift=st.floats(0, 0.5), contrast=st.floats(0.1, 1))
@settings(max_examples=30, deadline=None)
def test_brightness_does_not_matter_and_contrast_goes_by_its_square(
    seed: int, shift: float, contrast: float
) -> None:
    x = 0.5 * rand(3, 2, 9, 7, seed=seed)
    torch.testing.assert_close(sharpness(x + shift), sharpness(x))
    torch.testing.assert_close(sharpness(contrast * x), contrast**2 * sharpness(x))
    torch.testing.assert_close(sharpness(x.mT.flip(-1)), sharpness(x))  # nor does turning it


@pytest.mark.parametrize("data", [digits("test").take(100), drawn_faces(20, seed=0)])
def test_each_blur_lowers_it(data) -> None:
    x = data.pixels()
    once = blur(x)
    assert (sharpness(once) < sharpness(x)).all()
    assert (sharpness(blur(once)) < sharpness(once)).all()


def test_grey_in_three_channels_is_grey_and_sets_are_pixels() -> None:
    data = digits("test").take(10)
    grey = data.pixels()
    torch.testing.assert_close(sharpness(grey.expand(-1, 3, -1, -1)), sharpness(grey))
    torch.testing.assert_close(sharpness(data, batch_size=3), sharpness(grey))


@pytest.mark.parametrize(
    "x", [torch.rand(2, 1, 2, 5), torch.rand(5, 5), torch.rand(1, 1, 5, 5) + 1]
)
def test_what_is_no_picture_is_refused(x: Tensor) -> None:
    with pytest.raises(ValueError):
        sharpness(x)
