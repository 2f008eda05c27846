"""Image grids and rows: right pixels in the right place, and clear refusals."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from genlib import plots
from genlib.plots import images, style


def drawn(figure):
    return np.asarray(Image.open(io.BytesIO(figure.to_png())).convert("RGB"))  # [H, W, 3]


def texts(figure):
    return [text.get_text() for text in figure.texts]


def test_grid_pixels_are_crisp_and_in_order():
    x = torch.zeros(4, 1, 2, 2)
    x[1], x[2, 0, 0, 1] = 1, 1
    page = drawn(plots.image_grid(x, columns=2, scale=10))
    m, step = images.MARGIN, 20 + images.GAP
    assert page.shape == (2 * m + step + 20, 2 * m + step + 20, 3)
    tile = [[page[m + i * step :, m + j * step :][:20, :20, 0] for j in (0, 1)] for i in (0, 1)]
    assert (tile[0][0] == 0).all()
    assert (tile[0][1] == 255).all()
    assert (tile[1][0][:10, 10:] == 255).all()
    assert (tile[1][0][:10, :10] == 0).all()
    assert (page[m + 20 + 1, m + 5] == images.CARD_RGB).all()


def test_colour_is_kept():
    x = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    page = drawn(plots.image_grid(x, scale=8))
    m = images.MARGIN
    seen = page[m + 4 : m + 32 : 8, m + 4 : m + 32 : 8]
    assert np.abs(seen - (x[0].permute(1, 2, 0).numpy() * 255)).max() < 1.5


@pytest.mark.parametrize(
    "given",
    [
        torch.full((2, 1, 3, 3), 0.5),
        torch.full((2, 1, 3, 3), 0.5, requires_grad=True),
        torch.full((2, 1, 3, 3), 0.5, dtype=torch.bfloat16),
        np.full((2, 1, 3, 3), 0.5),
        torch.full((2, 1, 3, 3), 128, dtype=torch.uint8),
        [torch.full((1, 3, 3), 0.5)] * 2,
    ],
)
def test_forms_of_images(given):
    assert (images.to_pictures(given) == np.full((2, 3, 3, 3), 128, np.uint8)).all()


def test_out_of_range_is_clipped_and_nan_is_marked():
    x = torch.tensor([-1.0, 2.0, torch.nan]).view(3, 1, 1, 1)
    assert images.to_pictures(x).reshape(3, 3).tolist() == [
        [0, 0, 0],
        [255, 255, 255],
        list(images.MISSING_RGB),
    ]


@pytest.mark.parametrize("shape", [(3, 28, 28), (28, 28), (2, 2, 8, 8), (0, 1, 8, 8)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected images \[N, 1, H, W\]"):
        plots.image_grid(torch.zeros(shape))


def test_missing_channel_axis_has_a_remedy():
    with pytest.raises(ValueError, match=r"images\[:, None\]"):
        plots.image_grid(torch.zeros(5, 28, 28))


def test_titles():
    figure = plots.image_grid(torch.zeros(3, 1, 28, 28), titles=["a", "b", "c"])
    assert texts(figure) == ["a", "b", "c"]
    assert min(text.get_fontsize() for text in figure.texts) >= 12
    with pytest.raises(ValueError, match="2 titles for 3 images"):
        plots.image_grid(torch.zeros(3, 1, 28, 28), titles=["a", "b"])


@pytest.mark.parametrize(("count", "size"), [(1, 28), (64, 28), (64, 64), (20, 200), (3, 600)])
def test_grids_fit_the_page(count, size):
    assert drawn(plots.image_grid(torch.zeros(count, 1, size, size))).shape[1] <= style.MAX_PIXELS


def test_too_many_columns_are_refused():
    with pytest.raises(ValueError, match="use fewer columns or smaller"):
        plots.image_grid(torch.zeros(20, 1, 200, 200), columns=20)


def test_rows():
    rows = {
        "original": torch.zeros(12, 1, 28, 28),
        "PCA with 20 components": torch.ones(12, 1, 28, 28),
    }
    figure = plots.image_rows(rows)
    assert texts(figure) == ["original", "PCA with 20\ncomponents"]
    page = drawn(figure)
    assert page.shape[1] <= style.MAX_PIXELS
    column = page[:, -images.MARGIN - 5, 0]
    assert (column == 0).sum() == (column == 255).sum() == 84  # one black tile over one white


def test_row_names_stay_on_the_card_and_clear_of_the_images():
    figure = plots.image_rows(
        {"reconstruction": torch.zeros(8, 1, 28, 28), "x": torch.zeros(8, 1, 28, 28)}
    )
    page = drawn(figure)
    ink = np.flatnonzero((page[: page.shape[0] // 2] < 100).all(-1).any(0))
    blank = np.diff(ink).max()  # between the name's last letter and the first image
    assert ink[0] >= images.MARGIN - 4
    assert blank >= 8


def test_rows_of_small_images_leave_room_for_names():
    names = [f"name {i} of a row" for i in range(4)]
    figure = plots.image_rows({n: torch.zeros(2, 1, 4, 4) for n in names}, scale=1)
    height = figure.get_size_inches()[1] * style.DPI
    tops = sorted(1 - text.get_position()[1] for text in figure.texts)
    assert np.diff(tops).min() * height >= 2 * images.LINE


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({}, "at least one"),
        ({"a": torch.zeros(2, 1, 4, 4), "b": torch.zeros(3, 1, 4, 4)}, r"'a' \[2, 4, 4\]"),
    ],
)
def test_unequal_rows_are_refused(rows, words):
    with pytest.raises(ValueError, match=words):
        plots.image_rows(rows)


class Strip:
    def __init__(self, count):
        self.steps = [10**i for i in range(count)]
        self.frames = [torch.zeros(3, 1, 8, 8)] * count


def test_sample_strip():
    assert texts(plots.sample_strip(Strip(3))) == ["step 1", "step 10", "step 100"]
    shown = texts(plots.sample_strip(Strip(6), rows=3))
    assert len(shown) == 3
    assert shown[0] == "step 1"
    assert shown[-1] == "step 100,000"
    with pytest.raises(ValueError, match="empty"):
        plots.sample_strip(Strip(0))
