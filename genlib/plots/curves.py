"""Curves that carry their names at their ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genlib.plots.style import FONT_POINTS, MARKERS, panels, readable, settings

Floats = npt.NDArray[np.float64]


class HistoryLike(Protocol):
    """What `loss_curves` needs of `genlib.training.History`."""

    def names(self) -> list[str]: ...
    def __getitem__(self, name: str) -> npt.NDArray[Any]: ...
    def steps(self, name: str) -> npt.NDArray[Any]: ...


def loss_curves(
    history: HistoryLike | Mapping[str, HistoryLike],
    names: str | Sequence[str] | None = None,
    *,
    smooth: float = 0.04,
    log_y: bool = False,
    y_label: str = "loss",
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Logged values over training steps: a running mean, the raw values faint behind it.

    Args:
        history: a run's history, or several by name (to compare models).
        names: what to draw; by default all that is logged.
        smooth: width of the running mean as a share of the run; 0 draws the raw values.
        log_y: logarithmic vertical axis.
        ax: draw here instead of on a new figure.

    Raises:
        ValueError: nothing to draw, or `smooth` outside [0, 1).
    """
    if not 0 <= smooth < 1:
        raise ValueError(f"smooth is a share of the run in [0, 1), got {smooth}")
    runs = history if isinstance(history, Mapping) else {"": history}
    wanted = [names] if isinstance(names, str) else names
    series = []
    for run, logged in runs.items():
        drawn = wanted or logged.names()
        for name in drawn:
            label = run if run and len(drawn) == 1 else f"{run} {name}".strip()
            series.append((label, logged, name))
    if not series:
        raise ValueError("nothing is logged: train for at least one logging interval first")
    with matplotlib.rc_context(settings()):
        ax = ax or panels()[1][0]
        for label, logged, name in series:
            steps, values = np.asarray(logged.steps(name)), np.asarray(logged[name], np.float64)
            (line,) = ax.plot(steps, running_mean(values, smooth), label=label)
            if smooth > 0:
                ax.plot(steps, values, "-", color=line.get_color(), alpha=0.28, lw=0.8, zorder=1.5)
        ax.set(xlabel="training step", ylabel=y_label, title=title or "")
        if log_y:
            ax.set_yscale("log")
        label_lines(ax)
    return _figure_of(ax)


def curve_with_interval(
    ax: Axes, x: Any, mean: Any, low: Any, high: Any, label: str, *, log_x: bool = False
) -> None:
    """A curve of means with a band from `low` to `high`, named at its end.

    Each call on the same axes takes the next colour, dash and marker.

    Args:
        x, mean, low, high: four sequences of one length.
        log_x: logarithmic horizontal axis with ticks at the points (code sizes 2, 4, 8, ...).

    Raises:
        ValueError: lengths differ, or a mean lies outside its interval.
    """
    x, mean, low, high = (np.asarray(v, np.float64) for v in (x, mean, low, high))
    if not (x.shape == mean.shape == low.shape == high.shape) or x.ndim != 1:
        raise ValueError(f"lengths differ: {x.shape}, {mean.shape}, {low.shape}, {high.shape}")
    if (low > mean).any() or (mean > high).any():
        raise ValueError("a mean lies outside its interval: low and high are bounds, not widths")
    marker = MARKERS[len(_named_lines(ax)) % len(MARKERS)]
    (line,) = ax.plot(x, mean, marker=marker, label=label)
    ax.fill_between(x, low, high, color=line.get_color(), alpha=0.18, lw=0)
    if log_x:
        ax.set_xscale("log")
        ax.set_xticks(x, [f"{v:g}" for v in x])
        ax.set_xticks([], minor=True)
    label_lines(ax)


def label_lines(ax: Axes) -> None:
    """Write each labelled line's name at its last point, pushed apart where names would touch.

    Call it again after adding lines or changing limits: it replaces its earlier labels.
    """
    for old in [text for text in ax.texts if text.get_gid() == "line-name"]:
        old.remove()
    ends = []
    for line in _named_lines(ax):
        x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
        finite = np.flatnonzero(np.isfinite(y) & (y > 0 if ax.get_yscale() == "log" else True))
        if len(finite):
            last = finite[-1]
            height = ax.transData.transform((x[last], y[last]))[1] * 72 / _figure_of(ax).dpi
            ends.append((height, x[last], y[last], line))
    ends.sort(key=lambda end: end[0])
    heights = np.array([end[0] for end in ends])  # points above the figure's foot
    for (height, x_end, y_end, line), placed in zip(ends, spread(heights, 15.0), strict=True):
        ax.annotate(
            str(line.get_label()), (x_end, y_end), (9, placed - height), gid="line-name",
            textcoords="offset points", va="center", annotation_clip=False,
            color=readable(line.get_color()), fontsize=FONT_POINTS,
        )  # fmt: skip


def spread(positions: Floats, gap: float) -> Floats:
    """Sorted positions moved as little as needed to stand `gap` apart."""
    placed = np.array(positions, np.float64)
    for _ in range(200):
        lack = gap - np.diff(placed)
        if (lack <= 1e-6).all():
            break
        push = np.clip(lack, 0, None) / 2
        placed[:-1] -= push
        placed[1:] += push
    return placed


def running_mean(values: Floats, share: float) -> Floats:
    """Centred mean over `share` of the series, over fewer values at its ends; NaN is left out."""
    half = int(len(values) * share / 2)
    if half == 0:
        return values
    known = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    index = np.arange(len(values))
    reach = np.minimum(half, np.minimum(index, len(values) - 1 - index))  # symmetric: no lag
    left, right = index - reach, index + reach + 1
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (sums[right] - sums[left]) / (counts[right] - counts[left])
    return np.where(known, mean, np.nan)


def _named_lines(ax: Axes) -> list[Any]:
    return [line for line in ax.get_lines() if not str(line.get_label()).startswith("_")]


def _figure_of(ax: Axes) -> Figure:
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return figure
