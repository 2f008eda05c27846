"""What every explorer in a notebook is made of: labelled controls above a picture.

The picture is a PNG in an `ipywidgets.Image`: it needs no plotting front end and looks the same in
Jupyter, in Colab, and in ipywidgets 7.7 and 8.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from genlib.plots.style import DPI, MAX_PIXELS, SCREEN_WIDTH, HouseFigure

Draw = Callable[..., Figure | bytes]
Widget = Any  # ipywidgets has no types of its own
PIP = "pip install 'ipywidgets>=7.7'"
UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"
# In pixels: a rem is 10 of them in the classic notebook and 16 elsewhere. A name's share of it is
# the same for all sliders, so that their tracks are of one length, and on a telephone there is one.
WIDTH, LABEL = "400px", "40%"


def widgets() -> Any:
    """The module `ipywidgets`.

    Raises:
        ModuleNotFoundError: it is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module("ipywidgets")
    except ModuleNotFoundError as error:
        if error.name != "ipywidgets":
            raise
        raise ModuleNotFoundError(
            f"The explorers of a notebook need ipywidgets, which is not installed: {PIP}, then "
            "restart the kernel. The pages of the book have the same explorers without it.",
            name="ipywidgets",
        ) from error


def slider(
    label: str, value: float, low: float, high: float, step: float = 0.1, *, digits: int = 2
) -> Widget:
    """A slider for a number, its value beside it. It redraws while it moves."""
    made = widgets().FloatSlider(
        value=value, min=low, max=high, step=step, readout_format=f".{digits}f"
    )
    return _dress(made, label)


def log_slider(label: str, value: float, low: float, high: float) -> Widget:
    """A slider for a positive number on which equal steps are equal factors."""
    made = widgets().FloatLogSlider(
        value=value, min=math.log10(low), max=math.log10(high), step=0.01, readout_format=".3g"
    )
    return _dress(made, label)


def whole_slider(label: str, value: int, low: int, high: int, step: int = 1) -> Widget:
    """A slider for a whole number."""
    return _dress(widgets().IntSlider(value=value, min=low, max=high, step=step), label)


def choice(label: str, options: Mapping[str, Any] | Iterable[Any], value: Any = None) -> Widget:
    """A drop-down list. A mapping gives the texts shown and the values behind them."""
    listed = list(options.items()) if isinstance(options, Mapping) else list(options)
    made = widgets().Dropdown(options=listed)
    if value is not None:
        made.value = value
    return _dress(made, label)


def switch(label: str, value: bool = False) -> Widget:
    """A checkbox, its text beside it."""
    made = widgets().Checkbox(value=value, description=label, indent=False)
    made.layout.width, made.layout.max_width = WIDTH, "100%"  # what follows stays in its column
    return made


def button(label: str, pressed: Callable[[], None]) -> Widget:
    """A button that calls `pressed`."""
    made = widgets().Button(description=label)
    made.layout.width = "auto"
    made.on_click(lambda _: pressed())
    return made


def player(label: str, last: int, *, value: int = 0, milliseconds: int = 100) -> tuple[Any, Any]:
    """Play, pause and stop, and a slider of steps 0 to `last` that goes with them.

    Returns:
        The buttons, and the slider; `show` wants the slider as a control, the buttons as `extra`.
    """
    kit = widgets()
    buttons = kit.Play(value=value, min=0, max=last, interval=milliseconds)
    steps = whole_slider(label, value, 0, last)
    kit.jslink((buttons, "value"), (steps, "value"))  # in the browser: it runs without round trips
    return buttons, steps


def picture(image: Figure | bytes) -> Widget:
    """A picture widget, as wide as a figure of the book where there is room.

    It gets no tooltip: ipywidgets 8 looks for a description beside one, finds none on an `Image`,
    and shows a JavaScript error in place of the picture.

    Args:
        image: a figure, or the bytes of a PNG.
    """
    made = widgets().Image(value=png(image), format="png")
    made.layout.width = f"{_shown_width(image)}px"
    made.layout.max_width = "100%"
    return made


def unseen(text: str) -> Widget:
    """Text for readers who cannot see the picture; an `Image` of ipywidgets has no place for it."""
    made = widgets().HTML(f'<span style="{UNSEEN}">{_escaped(text)}</span>')
    made.layout.height = made.layout.margin = "0"
    return made


def png(image: Figure | bytes) -> bytes:
    """A figure as the bytes of a PNG; bytes stay as they are."""
    if isinstance(image, bytes):
        return image
    if not isinstance(image, HouseFigure):
        raise TypeError(
            f"an explorer draws figures of genlib.plots.panels, got {type(image).__name__}"
        )
    return image.to_png()


def show(
    draw: Draw,
    controls: Mapping[str, Widget],
    *,
    extra: Sequence[Widget] = (),
    alt: str = "",
) -> Widget:
    """A box of controls over the picture that `draw` makes of their values.

    Args:
        draw: takes the controls' values by the names in `controls`, returns a figure or a PNG.
        controls: name -> widget with a `value`; in the order in which they stand.
        extra: widgets without a value of their own, in a row above the others: buttons.
        alt: what the picture shows.

    Returns:
        An ipywidgets `VBox`. Its attribute `controls` is the mapping, `picture` the Image, and
        `redraw()` draws anew.
    """
    kit = widgets()

    def values() -> dict[str, Any]:
        return {name: control.value for name, control in controls.items()}

    image = picture(draw(**values()))
    problem = kit.HTML("")

    def redraw(_: Any = None) -> None:
        # In a callback an exception is lost in a log that nobody reads; this one is seen.
        try:
            image.value = png(draw(**values()))
            problem.value = ""
        except ValueError as error:
            problem.value = f"<p role='alert'>{_escaped(str(error))}</p>"

    for control in controls.values():
        control.observe(redraw, names="value")
    rows = [kit.HBox(list(parts)) for parts in (extra, controls.values()) if parts]
    for row in rows:
        row.layout.flex_flow = "row wrap"
    box = kit.VBox([*rows, problem, *([unseen(alt)] if alt else []), image])
    box.controls, box.picture, box.redraw = dict(controls), image, redraw
    return box


def _dress(control: Widget, label: str) -> Widget:
    control.description = label
    control.style.description_width = LABEL
    control.layout.width, control.layout.max_width = WIDTH, "100%"
    return control


def _shown_width(image: Figure | bytes) -> int:
    if isinstance(image, bytes):
        # The width stands at bytes 16 to 20 of every PNG.
        pixels: float = int.from_bytes(image[16:20], "big")
    else:
        pixels = image.get_size_inches()[0] * DPI
    return round(min(pixels, MAX_PIXELS) * SCREEN_WIDTH / MAX_PIXELS)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
