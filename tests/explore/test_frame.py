"""The frame of the explorers in a notebook, under whichever ipywidgets is installed."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import pytest
from matplotlib.figure import Figure
from nbclient import NotebookClient
from PIL import Image, ImageFont

from genlib import explore, plots
from genlib.explore import frame
from tests.conftest import ROOT

NAMES = (
    "bimodal_fit",
    "face_attributes",
    "gan_laboratory",
    "latent_map",
    "latent_sliders",
    "two_gaussians",
)


def drawn(height: float = 1.0, kind: str = "line") -> Figure:
    if height > 4:
        raise ValueError("too <high>")
    figure, (axis,) = plots.panels(height=2)
    axis.plot([0, 1], [0, height])
    axis.set_title(kind)
    return figure


def fresh(code: str, *paths: str) -> str:
    """What a new Python prints that runs `code`."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_version_meant_is_the_one_tested() -> None:
    """`make test-widgets7` runs these tests under the version of Colab."""
    meant = os.environ.get("GENLIB_WIDGETS", "8")
    assert frame.widgets().__version__.split(".")[0] == meant


def test_importing_the_package_imports_neither_widgets_nor_matplotlib() -> None:
    heavy = "{'ipywidgets', 'matplotlib', 'torch'} & set(sys.modules)"
    code = f"import sys, genlib; before = {heavy}; import genlib.explore; print({heavy} - before)"
    assert fresh(code) == "set()"
    assert "ipywidgets" not in fresh("import sys, genlib.explore; print(sorted(sys.modules))")


def test_the_package_names_its_explorers() -> None:
    assert tuple(explore.__all__) == NAMES
    assert tuple(dir(explore)) == NAMES
    with pytest.raises(AttributeError, match=r"no 'three_gaussians'; it has bimodal_fit, "):
        explore.three_gaussians  # noqa: B018


def test_an_explorer_keeps_its_name_when_its_module_is_imported() -> None:
    code = (
        "from genlib.explore.two_gaussians import draw; from genlib import explore; "
        "import genlib.explore.bimodal_fit; "
        "print(callable(explore.two_gaussians), callable(explore.bimodal_fit))"
    )
    assert fresh(code) == "True True"


def test_without_ipywidgets_the_error_has_the_command() -> None:
    code = (
        "import sys; sys.modules['ipywidgets'] = None\n"
        "from genlib import explore\n"
        "try: explore.two_gaussians()\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    said = fresh(code)
    assert "pip install 'ipywidgets>=7.7'" in said
    assert "restart the kernel" in said


def test_the_picture_follows_the_controls() -> None:
    controls = {
        "height": frame.slider("height", 1, 0, 5),
        "kind": frame.choice("kind", {"a line": "line", "another": "other"}),
    }
    box = frame.show(drawn, controls, alt="A line.")
    before = box.picture.value
    assert before == frame.png(drawn())
    controls["height"].value = 2
    assert box.picture.value == frame.png(drawn(2))
    controls["kind"].value = "other"
    assert box.picture.value == frame.png(drawn(2, "other")) != before


def test_a_value_that_cannot_be_drawn_is_said_and_the_picture_stays() -> None:
    box = frame.show(drawn, {"height": frame.slider("height", 1, 0, 5)})
    before = box.picture.value
    box.controls["height"].value = 5
    assert box.picture.value == before
    message = next(child for child in box.children if type(child).__name__ == "HTML")
    assert "too &lt;high&gt;" in message.value
    box.controls["height"].value = 2
    assert message.value == ""
    assert box.picture.value != before


@pytest.mark.parametrize(
    ("made", "label", "value", "next_value"),
    [
        (lambda: frame.slider("σ, width", 1, 0, 2, 0.1), "σ, width", 1, 1.5),
        (lambda: frame.log_slider("rate", 0.01, 1e-4, 1), "rate", 0.01, 0.1),
        (lambda: frame.whole_slider("steps", 3, 0, 9), "steps", 3, 4),
        (lambda: frame.choice("β", ["1", "4"], "4"), "β", "4", "1"),
        (lambda: frame.switch("in bits"), "in bits", False, True),
    ],
)
def test_controls_have_their_labels_and_values(
    made: Any, label: str, value: object, next_value: object
) -> None:
    control = made()
    assert control.description == label
    assert control.value == value
    seen: list[object] = []
    control.observe(lambda change: seen.append(change["new"]), names="value")
    control.value = next_value
    assert seen == [next_value]


def everything(widget: Any) -> list[Any]:
    return [
        widget,
        *(one for child in getattr(widget, "children", ()) for one in everything(child)),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_front_end_can_show_it(name: str) -> None:
    """Two things that broke in front ends and that no kernel notices.

    A tooltip on a widget without description is a JavaScript error of ipywidgets 8, in place of the
    widget. A rem is 10 pixels in the classic notebook: sliders measured in it have no track.
    """
    found = everything(getattr(explore, name)())
    pictures = [one for one in found if type(one).__name__ == "Image"]
    assert len(pictures) == 1
    for one in found:
        assert one.has_trait("description") or not getattr(one, "tooltip", None)
        assert "rem" not in (one.layout.width or "")
    sliders = [one for one in found if type(one).__name__.endswith("Slider")]
    shapes = {(one.layout.width, one.style.description_width) for one in sliders}
    assert shapes == {("400px", "40%")}, "tracks of one length"
    # A longer name is cut off. Front ends write Helvetica, 13 pixels high; this font is wider.
    font = ImageFont.truetype(f"{mpl.get_data_path()}/fonts/ttf/DejaVuSans.ttf", 13)
    assert max(font.getlength(one.description) for one in sliders) <= 160


def test_the_picture_is_described_for_who_cannot_see_it() -> None:
    box = frame.show(drawn, {"height": frame.slider("height", 1, 0, 5)}, alt="A <line>.")
    *_, words, image = box.children
    assert image is box.picture
    assert "A &lt;line&gt;." in words.value
    assert "clip-path" in words.value, "not seen by the others"


def test_a_button_calls_and_a_player_has_a_slider() -> None:
    pressed: list[int] = []
    button = frame.button("again", lambda: pressed.append(1))
    button.click()
    assert pressed == [1]
    buttons, steps = frame.player("step", 30, value=4)
    assert (buttons.max, steps.max, steps.value) == (30, 30, 4)


def test_a_picture_is_as_wide_as_a_figure_of_the_book() -> None:
    figure = drawn()
    shown = frame.picture(figure)
    assert shown.layout.width == "640px"
    assert shown.layout.max_width == "100%"
    assert Image.open(io.BytesIO(shown.value)).format == "PNG"
    small = io.BytesIO()
    Image.new("RGB", (144, 100)).save(small, "PNG")
    assert frame.picture(small.getvalue()).layout.width == "100px"


def test_a_figure_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match=r"figures of genlib\.plots\.panels, got Figure"):
        frame.png(plt.figure())


@pytest.mark.slow
def test_in_a_kernel_a_cell_shows_the_widget_and_nothing_else() -> None:
    """What the book's tools then drop: a widget's view, no picture beside it, no text on stderr."""
    cell = nbformat.v4.new_code_cell("from genlib import explore\nexplore.two_gaussians()")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}
    ).execute()
    (output,) = notebook.cells[0].outputs
    assert "application/vnd.jupyter.widget-view+json" in output.data
    assert not {"image/png", "text/html"} & set(output.data)
