"""Two-dimensional codes, coloured and named by class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from genlib.plots.images import to_array
from genlib.plots.style import CARD, CLASSES, FONT_POINTS, panels, readable, settings


def latent_scatter(
    codes: Any,
    labels: Any,
    classes: Sequence[str],
    *,
    title: str | None = None,
    ax: Axes | None = None,
    points: int = 4000,
) -> Figure:
    """Codes in the plane, each class's name at the median of its points.

    The names carry what the colours do, so the plot reads without colour too.

    Args:
        codes: `[N, 2]`.
        labels: `[N]` integers, positions in `classes`.
        classes: the names; at most 10.
        ax: draw here instead of on a new figure.
        points: how many to draw at most, taken at even spacing; the names stand at the medians
            of all.

    Raises:
        ValueError: other shapes, a label without a name, more than 10 classes, codes not finite.
    """
    xy, kind = to_array(codes).astype(np.float64), to_array(labels)
    if xy.ndim != 2 or xy.shape[1] != 2 or kind.shape != xy.shape[:1]:
        raise ValueError(
            f"expected codes [N, 2] and labels [N], got {list(xy.shape)} and {list(kind.shape)}"
        )
    if len(classes) > len(CLASSES):
        raise ValueError(f"{len(classes)} classes: no palette keeps more than 10 apart")
    if len(kind) == 0 or kind.min() < 0 or kind.max() >= len(classes):
        raise ValueError(f"labels must be positions in the {len(classes)} class names")
    if not np.isfinite(xy).all():
        raise ValueError("codes contain NaN or infinity: training has diverged")
    with matplotlib.rc_context(settings()):
        ax = ax or panels(height=5.4)[1][0]
        shown = np.linspace(0, len(xy) - 1, min(points, len(xy))).round().astype(int)
        colours = np.array(CLASSES)[kind[shown]]
        # All classes in one collection, in the data's order: none is painted over by the last.
        ax.scatter(xy[shown, 0], xy[shown, 1], c=colours, s=9, alpha=0.45, linewidths=0)
        ax.set(xlabel="code 1", ylabel="code 2", title=title or "")
        ax.margins(0.06)
        _name_classes(ax, xy, kind, classes)
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return figure


def _name_classes(
    ax: Axes, xy: npt.NDArray[np.float64], kind: npt.NDArray[Any], classes: Sequence[str]
) -> None:
    """Write the names at the medians, moved apart where they would overlap."""
    present = [k for k in range(len(classes)) if (kind == k).any()]
    medians = np.array([np.median(xy[kind == k], axis=0) for k in present])  # [K, 2]
    size = np.array([[0.60 * FONT_POINTS * len(classes[k]) + 6, 16.0] for k in present])  # points
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    if figure.get_layout_engine() is not None:
        figure.get_layout_engine().execute(figure)  # type: ignore[union-attr]  # axes' final size
    to_points = 72 / figure.dpi
    home = ax.transData.transform(medians) * to_points
    box = ax.get_window_extent()
    low = np.array([box.x0, box.y0]) * to_points + size / 2
    high = np.array([box.x1, box.y1]) * to_points - size / 2
    offsets = push_apart(home, size, low, high) - home
    for k, median, offset in zip(present, medians, offsets, strict=True):
        ax.annotate(
            classes[k], tuple(median), tuple(offset), textcoords="offset points",
            ha="center", va="center", color=readable(CLASSES[k]), fontsize=FONT_POINTS,
            fontweight="bold", path_effects=[withStroke(linewidth=3.5, foreground=CARD)],
        )  # fmt: skip


def push_apart(
    centres: npt.NDArray[np.float64],
    size: npt.NDArray[np.float64],
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Move boxes of `size` `[K, 2]` until none overlap, each pair along its shorter overlap.

    Centres stay within `low` and `high` `[K, 2]`. Gives up after 300 rounds where there is no room.
    """
    placed = np.clip(centres, low, np.maximum(low, high))
    for _ in range(300):
        moved = False
        for i in range(len(placed)):
            for j in range(i):
                lack = (size[i] + size[j]) / 2 - np.abs(placed[i] - placed[j])
                if (lack > 0.01).all():
                    axis = int(lack.argmin())
                    sign = 1.0 if placed[i, axis] >= placed[j, axis] else -1.0
                    placed[i, axis] += sign * lack[axis] / 2
                    placed[j, axis] -= sign * lack[axis] / 2
                    moved = True
        placed = np.clip(placed, low, np.maximum(low, high))
        if not moved:
            break
    return placed
