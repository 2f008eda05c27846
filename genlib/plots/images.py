"""Grids and rows of images, every pixel a crisp square."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from torch import Tensor

from genlib.plots.style import CARD, DPI, FONT_POINTS, INK, MAX_PIXELS, new_figure

if TYPE_CHECKING:
    from genlib.training.strip import SampleStrip

Pictures = npt.NDArray[np.uint8]  # [N, H, W, 3]

GAP = 4  # pixels between tiles
MARGIN = 16  # pixels between the tiles and the card's edge
TILE = 210  # pixels that a tile is enlarged to at most
LINE = round(FONT_POINTS * DPI / 72 * 1.35)  # pixels from one line of text to the next
CARD_RGB = tuple(int(CARD[i : i + 2], 16) for i in (1, 3, 5))
MISSING_RGB = (213, 94, 0)  # pixels that are not a number


def to_array(values: Any) -> npt.NDArray[Any]:
    """A tensor from any device, or anything array-like, as a numpy array."""
    if not isinstance(values, Tensor):
        return np.asarray(values)
    values = values.detach().cpu()
    return np.asarray(values.float() if values.is_floating_point() else values)


def to_pictures(images: Any) -> Pictures:
    """Images as `[N, H, W, 3]` bytes, ready to be shown.

    Args:
        images: tensor or array `[N, C, H, W]` with C = 1 or 3, or a sequence of `[C, H, W]`;
            floats in [0, 1] (values outside are clipped, NaN turns orange) or uint8.

    Raises:
        ValueError: another shape, or integers that are not bytes.
    """
    if isinstance(images, (list, tuple)):
        images = np.stack([to_array(image) for image in images]) if images else np.empty(0)
    array = to_array(images)
    if array.ndim != 4 or array.shape[1] not in (1, 3) or 0 in array.shape:
        remedy = ": add the channel axis, images[:, None]" if array.ndim == 3 else ""
        raise ValueError(
            f"expected images [N, 1, H, W] or [N, 3, H, W], got {list(array.shape)}{remedy}"
        )
    if np.issubdtype(array.dtype, np.integer) and array.dtype != np.uint8:
        raise ValueError(
            f"images of type {array.dtype} may mean 0 to 1 or 0 to 255: use .to(torch.uint8) for "
            "bytes, .float() for values in [0, 1]"
        )
    if array.dtype != np.uint8:
        array = array.astype(np.float32)
        missing = np.isnan(array)  # [N, C, H, W]
        pixels = (np.where(missing, 0, array).clip(0, 1) * 255).round().astype(np.uint8)
    else:
        pixels, missing = array, np.zeros(array.shape, bool)
    shape = (array.shape[0], 3, *array.shape[2:])
    pictures = np.broadcast_to(pixels, shape).transpose(0, 2, 3, 1).copy()
    pictures[missing.any(1)] = MISSING_RGB
    return pictures


def mosaic(pictures: Pictures, columns: int, scale: int, row_gap: int = GAP) -> Pictures:
    """Tile `[N, H, W, 3]` into one `[H', W', 3]`, each pixel `scale` pixels wide."""
    count, height, width, _ = pictures.shape
    rows, height, width = math.ceil(count / columns), height * scale, width * scale
    sheet = np.empty(
        (rows * (height + row_gap) - row_gap, columns * (width + GAP) - GAP, 3), np.uint8
    )
    sheet[:] = CARD_RGB
    for index, picture in enumerate(pictures):
        top, left = (index // columns) * (height + row_gap), (index % columns) * (width + GAP)
        sheet[top : top + height, left : left + width] = picture.repeat(scale, 0).repeat(scale, 1)
    return sheet


def image_grid(
    images: Any,
    *,
    columns: int | None = None,
    titles: Sequence[str] | None = None,
    scale: int | None = None,
) -> Figure:
    """A grid of images, row by row.

    Args:
        images: as for `to_pictures`.
        columns: tiles per row; by default as many as stay readable, 8 at most (5 under titles).
        titles: a few words above each image.
        scale: figure pixels per image pixel; by default as large as fits.

    Raises:
        ValueError: wrong shapes, or another number of titles than of images.
    """
    pictures = to_pictures(images)
    count, height, width, _ = pictures.shape
    if titles is not None and len(titles) != count:
        raise ValueError(f"got {len(titles)} titles for {count} images")
    room = MAX_PIXELS - 2 * MARGIN
    fitting = max(1, min(5 if titles else 8, (room + GAP) // (width + GAP)))
    columns = min(columns or fitting, count)
    scale = scale or fitting_scale(width, columns, room)
    head = LINE + 2 if titles else 0
    row_gap = GAP + head
    sheet = mosaic(pictures, columns, scale, row_gap)
    figure = _card(sheet, left=MARGIN, top=MARGIN + head)
    for index, title in enumerate(titles or ()):
        x = MARGIN + (index % columns) * (width * scale + GAP)
        y = MARGIN + head + (index // columns) * (height * scale + row_gap) - 6
        _write(figure, x, y, title, va="bottom")
    return figure


def image_rows(rows: Mapping[str, Any], *, columns: int = 8, scale: int | None = None) -> Figure:
    """Named rows of images, the i-th of each under the i-th of the others.

    Args:
        rows: name to images, each as for `to_pictures` and of one size; long names wrap at spaces.
        columns: how many images of each row to show, from the first on.
        scale: figure pixels per image pixel; by default as large as fits.

    Raises:
        ValueError: no rows, or rows of different length or image size.
    """
    if not rows:
        raise ValueError("image_rows needs at least one named row")
    names = ["\n".join(wrap(name, 14, break_long_words=False)) for name in rows]
    pictures = [to_pictures(images) for images in rows.values()]
    if len({p.shape for p in pictures}) > 1:
        found = ", ".join(f"{n!r} {list(p.shape[:3])}" for n, p in zip(rows, pictures, strict=True))
        raise ValueError(f"rows differ in number or size of images [N, H, W]: {found}")
    columns = min(columns, len(pictures[0]))
    height, width = pictures[0].shape[1:3]
    left = MARGIN + max(_text_width(line) for n in names for line in n.split("\n")) + 14
    scale = scale or fitting_scale(width, columns, MAX_PIXELS - left - MARGIN)
    needed = LINE * max(name.count("\n") + 1 for name in names)
    row_gap = max(GAP, needed + 4 - height * scale)  # low images must not push names together
    sheet = mosaic(np.concatenate([p[:columns] for p in pictures]), columns, scale, row_gap)
    pad = max(0, needed - height * scale) // 2
    figure = _card(sheet, left=left, top=MARGIN + pad, bottom=MARGIN + pad)
    for index, name in enumerate(names):
        y = MARGIN + pad + index * (height * scale + row_gap) + height * scale / 2
        _write(figure, left - 14, y, name, va="center", ha="right")
    return figure


def sample_strip(strip: SampleStrip, *, rows: int = 8, columns: int = 8) -> Figure:
    """The pictures a model made while it learned, one row per step, the earliest on top.

    Args:
        strip: what a training run drew.
        rows: how many steps to show, spread evenly over those taken, first and last included.
        columns: how many images per row.

    Raises:
        ValueError: nothing was drawn.
    """
    if not strip.frames:
        raise ValueError("the strip is empty: no chosen step was reached")
    count = min(rows, len(strip.frames))
    chosen = np.linspace(0, len(strip.frames) - 1, count).round().astype(int)
    named = {f"step {strip.steps[i]:,}": strip.frames[i] for i in chosen}
    return image_rows(named, columns=columns)


def fitting_scale(width: int, columns: int, room: int) -> int:
    """The largest whole enlargement at which `columns` tiles fit into `room` pixels."""
    tile = (room + GAP) // columns - GAP
    if tile < width:
        raise ValueError(
            f"{columns} images of {width} pixels do not fit into {room} pixels: "
            "use fewer columns or smaller images"
        )
    return max(1, min(tile, TILE) // width)


def _card(sheet: Pictures, *, left: int, top: int, bottom: int = MARGIN) -> Figure:
    """A figure with `sheet` at its own pixels, `left` and `top` pixels from the card's corner."""
    height, width, _ = sheet.shape
    # The canvas rounds its size down; a hundredth of a pixel keeps 904 from becoming 903.
    full_w, full_h = left + width + MARGIN + 0.01, top + height + bottom + 0.01
    figure = new_figure(full_w / DPI, full_h / DPI, layout="none")
    ax = figure.add_axes((left / full_w, bottom / full_h, width / full_w, height / full_h))
    ax.imshow(sheet, interpolation="nearest", aspect="auto")
    ax.set_axis_off()
    return figure


def _write(figure: Figure, x: float, y: float, text: str, **options: Any) -> None:
    """Write at `x`, `y` pixels from the top left corner."""
    width, height = figure.get_size_inches() * DPI
    figure.text(x / width, 1 - y / height, text, fontsize=FONT_POINTS, color=INK, **options)


def _text_width(text: str) -> int:
    """Pixels that `text` takes in the house's type."""
    if not text.strip():
        return 0
    points = TextPath((0, 0), text, size=FONT_POINTS).get_extents().width
    return math.ceil(points * DPI / 72)
