"""Curves and the latent plane: what is drawn is what was given, and names never touch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from genlib import plots
from genlib.plots.curves import running_mean, spread
from genlib.plots.latent import push_apart
from genlib.training.history import History


def history(**series):
    made = History()
    for name, values in series.items():
        for step, value in enumerate(values):
            made.add(10 * step, {name: value})
    return made


def names_of(ax):
    return [text for text in ax.texts if text.get_gid() == "line-name"]


def assert_apart(figure, texts):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in texts]
    for a, b in itertools.combinations(boxes, 2):
        assert not a.overlaps(b)
    for box in boxes:
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y0 >= 0
        assert box.y1 <= figure.bbox.y1


def test_loss_curves_draw_mean_and_raw():
    values = np.random.default_rng(0).normal(5, 1, 200)
    figure = plots.loss_curves(history(loss=values))
    mean, raw = figure.axes[0].get_lines()
    assert (raw.get_ydata() == values).all()
    assert list(raw.get_xdata()[:3]) == [0, 10, 20]
    assert np.std(mean.get_ydata()) < np.std(values)
    assert [text.get_text() for text in names_of(figure.axes[0])] == ["loss"]


def test_without_smoothing_only_the_values():
    figure = plots.loss_curves(history(loss=[3, 2, 1]), smooth=0)
    (line,) = figure.axes[0].get_lines()
    assert list(line.get_ydata()) == [3, 2, 1]


def test_names_pick_and_runs_are_labelled_by_run():
    run = history(loss=[3, 2, 1], accuracy=[0, 1, 1])
    axes = plots.loss_curves(run, "accuracy").axes[0]
    assert [text.get_text() for text in names_of(axes)] == ["accuracy"]
    axes = plots.loss_curves({"dense": run, "tied": run}, "loss").axes[0]
    assert {text.get_text() for text in names_of(axes)} == {"dense", "tied"}
    axes = plots.loss_curves({"dense": run}).axes[0]
    assert {text.get_text() for text in names_of(axes)} == {"dense loss", "dense accuracy"}
    with pytest.raises(KeyError, match="there is: loss, accuracy"):
        plots.loss_curves(run, ["los"])


@pytest.mark.parametrize("log_y", [False, True])
def test_names_at_line_ends_never_touch(log_y):
    runs = {f"model number {i}": history(loss=50 / np.arange(1, 40) + i / 50) for i in range(6)}
    figure = plots.loss_curves(runs, log_y=log_y, title="Six of a kind")
    assert len(names_of(figure.axes[0])) == 6
    assert_apart(figure, names_of(figure.axes[0]))


def test_two_panels_of_curves_keep_their_names():
    figure, axes = plots.panels(2)
    for ax in axes:
        plots.loss_curves(history(train=[3, 2, 1.0], test=[3, 2, 1.01]), ax=ax)
    assert_apart(figure, [text for ax in axes for text in names_of(ax)])


def test_lines_differ_without_colour():
    runs = {str(i): history(loss=np.arange(9) + i) for i in range(5)}
    lines = plots.loss_curves(runs, smooth=0).axes[0].get_lines()
    assert len({str(line._unscaled_dash_pattern) for line in lines}) == 5


def test_diverged_run_is_drawn_up_to_its_end():
    run = history(loss=[3.0, 2.0, np.nan, np.inf])
    figure = plots.loss_curves(run, smooth=0.9)
    assert_apart(figure, names_of(figure.axes[0]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(dict(history=History()), "nothing is logged"), (dict(history=History(), smooth=1), "share")],
)
def test_loss_curves_refuse(arguments, words):
    with pytest.raises(ValueError, match=words):
        plots.loss_curves(**arguments)


def test_running_mean():
    line = np.arange(50.0)
    assert running_mean(line, 0.2) == pytest.approx(line)  # symmetric: a line stays, no lag
    assert running_mean(np.array([0.0, 3, 0, 3, 0, 3]), 0.4)[2] == pytest.approx(2)
    gap = np.array([1.0, 1, np.nan, 1, 1])
    assert np.isnan(running_mean(gap, 0.5)).tolist() == [False, False, True, False, False]
    assert running_mean(gap, 0.5)[1] == 1


def test_spread():
    placed = spread([0.0, 1.0, 100.0], 15.0, 5.0)
    assert (np.diff(placed) >= 14.9).all()
    assert placed[0] >= 4.9
    assert placed[2] == 100
    assert spread([], 15.0, 0.0).size == 0


def test_interval():
    figure, (ax,) = plots.panels()
    x = [2, 4, 8, 16]
    for shift in (0, 0.02, 5):
        mean = np.array([9.0, 7, 4, 2]) + shift
        plots.curve_with_interval(ax, x, mean, mean - 1, mean + 1, f"curve {shift}", log_x=True)
    assert ax.get_xscale() == "log"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2", "4", "8", "16"]
    lines = ax.get_lines()
    assert len({line.get_marker() for line in lines}) == 3
    assert len({line.get_color() for line in lines}) == 3
    band = ax.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (1, 10)
    assert_apart(figure, names_of(ax))


def test_log_axes_have_plain_numbers():
    figure, (ax,) = plots.panels()
    ax.set_yscale("log")
    plots.curve_with_interval(ax, [2, 64], [0.03, 0.008], [0.03, 0.008], [0.03, 0.008], "a")
    FigureCanvasAgg(figure).draw()
    assert {"0.01", "0.02"} <= {label.get_text() for label in ax.get_yticklabels()}
    assert not any(label.get_text() for label in ax.get_yticklabels(minor=True))


def test_interval_refuses():
    _, (ax,) = plots.panels()
    with pytest.raises(ValueError, match="bounds, not widths"):
        plots.curve_with_interval(ax, [1, 2], [5, 5], [1, 1], [1, 1], "a")
    with pytest.raises(ValueError, match="lengths differ"):
        plots.curve_with_interval(ax, [1, 2], [5, 5], [1], [6, 6], "a")


def clouds(classes=10, each=50):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), each)
    return torch.tensor(rng.normal(size=(len(labels), 2)) + labels[:, None] / 9), labels


CLOTHES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker"]
CLOTHES += ["Bag", "Ankle boot"]


def test_scatter_draws_every_point_and_names_every_class():
    codes, labels = clouds()
    figure = plots.latent_scatter(codes, torch.tensor(labels), CLOTHES, title="Codes")
    (ax,) = figure.axes
    assert len(ax.collections[0].get_offsets()) == 500
    assert [text.get_text() for text in ax.texts] == CLOTHES
    assert_apart(figure, ax.texts)


def test_scatter_names_stay_near_their_medians():
    codes, labels = clouds(3)
    figure = plots.latent_scatter(codes * 100, labels, ["a", "b", "c"])
    for k, text in enumerate(figure.axes[0].texts):
        assert np.allclose(text.xy, np.median(codes[labels == k] * 100, axis=0))
        assert np.hypot(*text.get_position()) < 40  # points


def test_scatter_on_given_axes_and_absent_classes():
    codes, labels = clouds(2)
    figure, axes = plots.panels(2, height=3.6)
    assert plots.latent_scatter(codes, labels, CLOTHES, ax=axes[1]) is figure
    assert [text.get_text() for text in axes[1].texts] == CLOTHES[:2]
    assert not axes[0].collections


def test_scatter_shows_at_most_so_many_points():
    codes, labels = clouds()
    figure = plots.latent_scatter(codes, labels, CLOTHES, points=100)
    assert len(figure.axes[0].collections[0].get_offsets()) == 100


@pytest.mark.parametrize(
    ("codes", "labels", "classes", "words"),
    [
        (np.zeros((5, 3)), np.zeros(5, int), CLOTHES, r"got \[5, 3\]"),
        (np.zeros((5, 2)), np.zeros(4, int), CLOTHES, r"and \[4\]"),
        (np.zeros((5, 2)), np.full(5, 3), CLOTHES[:2], "positions in the 2 class names"),
        (np.zeros((5, 2)), np.zeros(5, int), CLOTHES * 2, "more than 10"),
        (np.full((5, 2), np.nan), np.zeros(5, int), CLOTHES, "diverged"),
    ],
)
def test_scatter_refuses(codes, labels, classes, words):
    with pytest.raises(ValueError, match=words):
        plots.latent_scatter(codes, labels, classes)


def test_push_apart():
    size = np.full((3, 2), 10.0)
    low, high = np.full((3, 2), 0.0), np.full((3, 2), 100.0)
    placed = push_apart(np.full((3, 2), 50.0), size, low, high)
    for a, b in itertools.combinations(placed, 2):
        assert np.abs(a - b).max() >= 9.9
