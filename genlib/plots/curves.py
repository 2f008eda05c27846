"""Curves that carry their names at their ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from genlib.plots.style import FONT_POINTS, MARKERS, panels, readable, settings

if TYPE_CHECKING:
    from genlib.training.history import History

Floats = npt.NDArray[np.float64]


def loss_curves(
    history: History | Mapping[str, History],
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
            _plain_log_ticks(ax)
        label_lines(ax)
    return _figure_of(ax)


def curve_with_interval(
    ax: Axes, x: Any, mean: Any, low: Any, high: Any, label: str, *, log_x: bool = False
) -> None:
    """A curve of means with a band from `low` to `high`, named at its end.

    Each call on the same axes takes the next colour, dash and marker. For a logarithmic vertical
    axis call `ax.set_yscale("log")` first.

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
    if ax.get_yscale() == "log":
        _plain_log_ticks(ax)
    label_lines(ax)


def label_lines(ax: Axes) -> None:
    """Write each labelled line's name right of the axes, at its last value's height.

    Names that would touch are pushed apart. Call it again after adding lines or changing limits:
    it replaces its earlier labels.
    """
    for old in [text for text in ax.texts if text.get_gid() == "line-name"]:
        old.remove()
    ax.autoscale_view()  # lines just added move the limits only when asked
    points = 72 / _figure_of(ax).dpi
    floor = ax.get_window_extent().y0 * points + 6
    ends = []  # (height above the figure's foot in points, last value, line)
    for line in _named_lines(ax):
        values = np.asarray(line.get_ydata(), float)
        drawable = values[np.isfinite(values) & ((values > 0) | (ax.get_yscale() != "log"))]
        if len(drawable):
            height = ax.get_yaxis_transform().transform((1, drawable[-1]))[1] * points
            ends.append((height, drawable[-1], line))
    ends.sort(key=lambda end: end[0])
    placed = spread([end[0] for end in ends], 15.0, floor)
    for (height, value, line), target in zip(ends, placed, strict=True):
        ax.annotate(
            str(line.get_label()), (1, value), (5, target - height), gid="line-name",
            xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
            annotation_clip=False, color=readable(line.get_color()), fontsize=FONT_POINTS,
        )  # fmt: skip


def spread(positions: Sequence[float], gap: float, floor: float) -> Floats:
    """Sorted positions moved as little as needed to stand `gap` apart and above `floor`."""
    placed = np.array(positions, np.float64)
    for _ in range(200):
        placed[:1] = placed[:1].clip(floor)
        lack = (gap - np.diff(placed)).clip(0)
        placed[:-1] -= lack / 2
        placed[1:] += lack / 2
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


def _plain_log_ticks(ax: Axes) -> None:
    """Ticks such as 0.02 and 50 in place of powers of ten, which a phone cannot show."""
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _named_lines(ax: Axes) -> list[Any]:
    return [line for line in ax.get_lines() if not str(line.get_label()).startswith("_")]


def _figure_of(ax: Axes) -> Figure:
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return figure
