"""A sheet of pictures comes apart as it was put together."""

import pytest
import torch

from experiments.sheets import webp_sheet
from genlib import make_generator
from genlib.plots import unpack_sheet


def tiles(channels: int) -> torch.Tensor:
    """Two rows of three tiles, each of one colour."""
    colours = torch.rand(2, 3, channels, 1, 1, generator=make_generator(0, "tiles"))
    return colours.expand(2, 3, channels, 16, 16)


@pytest.mark.parametrize("channels", [1, 3])
def test_each_tile_comes_back_in_its_place(channels: int) -> None:
    rows = tiles(channels)
    found = unpack_sheet(webp_sheet(rows), 16)
    assert found.dtype == torch.uint8
    assert found.shape == (2, 3, 3, 16, 16)
    inner = found[..., 4:12, 4:12].float() / 255  # lossy at the edges
    assert (inner - rows[..., 4:12, 4:12]).abs().max() < 0.06


@pytest.mark.parametrize("side", [7, 0, 64])
def test_another_side_is_refused(side: int) -> None:
    with pytest.raises(ValueError, match="side of the images"):
        unpack_sheet(webp_sheet(tiles(3)), side)
