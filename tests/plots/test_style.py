"""The house style: colours that stay apart, figures that a notebook shows once and small."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys

import matplotlib
import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from nbclient import NotebookClient
from PIL import Image

from genlib import plots
from genlib.plots import style

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "red-blind": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "green-blind": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(colour):
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(colour, ground=style.CARD):
    """WCAG 2.2's contrast ratio."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted((linear(colour) @ weights, linear(ground) @ weights))
    return (high + 0.05) / (low + 0.05)


def seen(colour, sight):
    """OKLab coordinates of `colour` as `sight` has it; 0.02 is about the least difference seen."""
    return TO_OKLAB @ np.cbrt(TO_LMS @ (SIGHT[sight] @ linear(colour)).clip(0, 1))


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("palette", [style.LINES, style.CLASSES], ids=["lines", "classes"])
def test_palettes_stay_apart(palette, sight):
    gaps = {
        (a, b): float(np.linalg.norm(seen(a, sight) - seen(b, sight)))
        for a, b in itertools.combinations(palette, 2)
    }
    assert min(gaps.values()) > 0.09, min(gaps, key=lambda pair: gaps[pair])


def test_contrast_on_the_card():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    for colour in (*style.LINES, *style.CLASSES):
        assert contrast(colour) >= 3, colour
        assert contrast(style.readable(colour)) >= 4.5, colour
    assert contrast(style.INK) >= 7
    assert contrast(style.QUIET) >= 4.5


def test_type_survives_a_phone():
    phone = 358 / style.MAX_PIXELS
    settings = style.settings()
    sizes = [value for key, value in settings.items() if key.endswith(("size",)) and "font" in key]
    sizes += [settings[f"{axis}tick.labelsize"] for axis in "xy"] + [settings["axes.labelsize"]]
    assert min(sizes) * style.DPI / 72 * phone >= 9


def test_colour_is_never_alone():
    assert len(style.LINES) == len(style.DASHES) == len(style.MARKERS)
    assert len({str(dash) for dash in style.DASHES}) == len(style.DASHES)


def test_house_style_sets_rcparams():
    with matplotlib.rc_context():
        plots.house_style()
        assert matplotlib.rcParams["figure.facecolor"] == style.CARD
        assert matplotlib.rcParams["figure.dpi"] == style.DPI


def test_drawing_leaves_rcparams_alone():
    before = dict(matplotlib.rcParams)
    figure, (ax,) = plots.panels()
    plots.curve_with_interval(ax, [1, 2], [1, 2], [0, 1], [2, 3], "a")
    figure.to_png()
    assert dict(matplotlib.rcParams) == before


def test_panels():
    figure, axes = plots.panels(2, 2, height=3)
    assert len(axes) == 4
    assert tuple(figure.get_size_inches()) == (style.MAX_WIDTH, 6)
    with pytest.raises(ValueError, match="use more rows"):
        plots.panels(3)


def test_png_is_small_and_opaque():
    figure, (ax,) = plots.panels()
    ax.plot(np.random.default_rng(0).normal(size=1000))
    png = figure.to_png()
    picture = Image.open(io.BytesIO(png))
    assert picture.mode == "P"
    assert picture.width == int(style.MAX_WIDTH * style.DPI)
    assert picture.convert("RGBA").getpixel((0, 0)) == (0xFC, 0xFC, 0xFA, 255)
    assert len(png) < 120_000


def test_importing_genlib_loads_no_matplotlib():
    code = "import sys, genlib; sys.exit('matplotlib' in sys.modules or 'PIL' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_plots_leaves_pyplot_alone():
    code = "import sys, genlib.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_notebook_shows_a_figure_once():
    draw = "plots.image_grid(torch.rand(3, 1, 8, 8))"
    cells = [
        "import torch\nfrom genlib import plots\nplots.house_style()",
        draw,
        f"figure = {draw}",
        "import matplotlib.pyplot as plt",
        draw,
        "fig, (ax,) = plots.panels()\nax.plot([1, 2])\nfig",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    outputs = [
        [o for o in cell.outputs if "image/png" in o.get("data", {})] for cell in notebook.cells
    ]
    assert [len(o) for o in outputs] == [0, 1, 0, 0, 1, 1]
    assert outputs[5][0]["metadata"]["image/png"] == {"width": 640}
    assert outputs[1][0]["data"]["image/png"][:20] == outputs[4][0]["data"]["image/png"][:20]
