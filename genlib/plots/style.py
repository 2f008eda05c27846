"""The house style: one card, one set of colours, type that survives a phone.

A figure is a light card in light and in dark pages alike, so its contrast is known when it is
drawn. It is at most 6.4 inches at 144 dots per inch, which is 922 pixels; scaled to a phone's
358 pixels, 12 point type is still 9 pixels tall.
"""

from __future__ import annotations

import io
import sys
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from PIL import Image

CARD = "#fcfcfa"
INK = "#23262b"
QUIET = "#5c6169"  # ticks and axis names: 6:1 on the card
GRID = "#e6e6e0"

# Spread by search in OKLab under normal, red-blind and green-blind sight; all at least 3:1 on the
# card. The first two are Okabe and Ito's blue and vermilion.
LINES = ("#0072b2", "#d55e00", "#129a80", "#653550", "#8d80fd", "#14161a")
DASHES = (
    "-",
    (0, (5, 1.6)),
    (0, (1.4, 1.4)),
    (0, (6, 1.6, 1.4, 1.6)),
    (0, (9, 2.5)),
    (0, (3, 1, 1, 1, 1, 1)),
)
MARKERS = ("o", "s", "^", "D", "v", "P")
CLASSES = (
    "#0072b2", "#d55e00", "#106354", "#7b5cf8", "#1f9eaf",
    "#1d396f", "#ba0f16", "#741415", "#b13285", "#3c2ed4",
)  # fmt: skip

DPI = 144
MAX_WIDTH = 6.4  # inches
MAX_PIXELS = round(MAX_WIDTH * DPI)
FONT_POINTS = 12
SCREEN_WIDTH = 640  # CSS pixels that a full-width figure takes where there is room


def settings() -> Any:
    """The house style: a dict of matplotlib's rcParams."""
    return {
        "figure.dpi": DPI,
        "savefig.dpi": "figure",
        "figure.figsize": (MAX_WIDTH, 3.8),
        "figure.constrained_layout.use": True,
        "figure.constrained_layout.h_pad": 0.1,
        "figure.constrained_layout.w_pad": 0.1,
        "figure.facecolor": CARD,
        "savefig.facecolor": CARD,
        "axes.facecolor": CARD,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same on every machine
        "font.size": FONT_POINTS,
        "axes.titlesize": FONT_POINTS + 1,
        "axes.titlelocation": "left",
        "axes.titlepad": 9,
        "axes.labelsize": FONT_POINTS,
        "xtick.labelsize": FONT_POINTS,
        "ytick.labelsize": FONT_POINTS,
        "legend.fontsize": FONT_POINTS,
        "legend.frameon": False,
        "text.color": INK,
        "axes.titlecolor": INK,
        "axes.labelcolor": QUIET,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "axes.edgecolor": QUIET,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "lines.linewidth": 2.0,
        "lines.markersize": 6,
        "image.interpolation": "nearest",
        "image.cmap": "gray",
        "axes.prop_cycle": cycler(color=LINES) + cycler(linestyle=DASHES),
    }


def house_style() -> None:
    """Set matplotlib's rcParams to the house style. A notebook calls this once.

    The functions of `genlib.plots` draw in it either way; this is for figures of your own.
    """
    matplotlib.rcParams.update(settings())


def readable(color: str) -> str:
    """`color`, darkened by a third towards the ink: enough for text, 4.5:1 on the card."""
    mixed = 0.65 * np.array(to_rgb(color)) + 0.35 * np.array(to_rgb(INK))
    return str(to_hex((mixed[0], mixed[1], mixed[2])))


class HouseFigure(Figure):
    """A figure that pyplot does not know, so a notebook shows it once: as a cell's last value."""

    def to_png(self) -> bytes:
        """The figure as a PNG, reduced to 256 colours where the eye cannot tell."""
        canvas: Any = FigureCanvasAgg(self)
        canvas.draw()
        full = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])  # [H, W, 3]
        small = full.quantize(256, dither=Image.Dither.NONE)
        error = np.asarray(full, np.float32) - np.asarray(small.convert("RGB"), np.float32)
        buffer = io.BytesIO()
        (small if np.abs(error).mean() < 1.5 else full).save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        pixels = self.get_size_inches()[0] * DPI
        return self.to_png(), {"width": round(pixels * SCREEN_WIDTH / MAX_PIXELS)}


def new_figure(width: float = MAX_WIDTH, height: float = 3.8, **options: Any) -> HouseFigure:
    """An empty figure of `width` x `height` inches on the house's card."""
    figure = HouseFigure(figsize=(width, height), dpi=DPI, facecolor=CARD, **options)
    # Once pyplot is imported, IPython has a printer for every Figure; ours must come before it.
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        png = shell.display_formatter.formatters["image/png"]
        png.for_type(HouseFigure, HouseFigure._repr_png_)
    return figure


def panels(
    columns: int = 1, rows: int = 1, *, height: float = 3.8, share_y: bool = False
) -> tuple[Figure, list[Axes]]:
    """A figure of the full width with `rows` x `columns` axes, each row `height` inches tall.

    Returns:
        The figure and its axes, row by row.

    Raises:
        ValueError: more than two columns, which a phone cannot show.
    """
    if columns not in (1, 2) or rows < 1:
        raise ValueError(f"panels come in 1 or 2 columns, not {columns}: use more rows")
    with matplotlib.rc_context(settings()):
        figure = new_figure(height=height * rows, layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharey="row" if share_y else False)
    return figure, list(grid.flat)
