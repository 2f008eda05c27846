"""What the explorers share: numbers, controls, and a canvas that fits its box."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.site.explorers import harness as h

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return h.harness(tmp_path_factory.mktemp("controls"), "two-gaussians")


@pytest.fixture(scope="module")
def page(browser: Browser, page_path: Path) -> Iterator[Page]:
    """One page for all; each test puts what it tries into an empty stage."""
    with h.reader(browser) as opened:
        h.start(opened, page_path)
        yield opened


def run(page: Page, code: str, argument: Any = None) -> Any:
    """What `code` returns; it sees `controls`, an empty `stage` in the page, and `argument`."""
    return page.evaluate(
        """async ([code, argument]) => {
          document.querySelector("#try")?.remove();
          const stage = document.createElement("div");
          stage.id = "try";
          document.querySelector("figure.explorer").append(stage);
          const body = new Function("controls", "stage", "argument",
            `"use strict"; return (async () => { ${code} })()`);
          return body(window.genlib.controls, stage, argument);
        }""",
        [code, argument],
    )


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [("1.25", 2, "1.25"), ("-0.5", 1, "−0.5"), ("-0.001", 2, "0.00"), ("1/0", 2, "∞"),
     ("-1/0", 2, "−∞"), ("0/0", 2, "–"), ("1234.5", 0, "1235")],
)  # fmt: skip
def test_numbers(page: Page, value: str, digits: int, text: str) -> None:
    assert run(page, f"return controls.number({value}, {digits});") == text


@pytest.mark.parametrize(
    ("low", "high", "count", "expected"),
    [(-8, 8, 8, [-8, -6, -4, -2, 0, 2, 4, 6, 8]), (0, 0.77, 6, [0, 0.2, 0.4, 0.6]),
     (-0.08, 1.5, 3, [0, 1]), (0, 100, 5, [0, 20, 40, 60, 80, 100])],
)  # fmt: skip
def test_ticks_are_round(
    page: Page, low: float, high: float, count: int, expected: list[float]
) -> None:
    found = run(page, f"return controls.ticks({low}, {high}, {count});")
    assert found == pytest.approx(expected, abs=1e-9)


def test_a_slider_has_a_name_a_value_and_its_text(page: Page) -> None:
    run(
        page,
        """window.seen = [];
        const slider = controls.slider({label: "rate", min: 0.01, max: 1, step: 0.1, log: true,
          value: 0.1, format: (v) => controls.number(v, 3), onInput: (v) => window.seen.push(v)});
        stage.append(slider.element);""",
    )
    slider = page.locator("#try").get_by_role("slider", name="rate")
    assert slider.get_attribute("aria-valuetext") == "0.100"
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    seen = page.evaluate("window.seen")
    factors = [b / a for a, b in zip([0.1, *seen], seen, strict=False)]
    assert len(seen) == 3
    assert factors == pytest.approx([factors[0]] * 3)  # equal steps, equal factors
    assert factors[0] == pytest.approx(1.105, abs=0.02)
    assert page.locator("#try output").inner_text() == slider.get_attribute("aria-valuetext")
    page.keyboard.press("Home")
    assert page.evaluate("window.seen.at(-1)") == pytest.approx(0.01)
    page.keyboard.press("End")
    assert page.evaluate("window.seen.at(-1)") == pytest.approx(1)


def test_select_checkbox_and_group(page: Page) -> None:
    run(
        page,
        """window.seen = [];
        const add = (value) => window.seen.push(value);
        const beta = controls.select({label: "β", options: [["1", "one"], ["4", "four"]],
          value: "4", onChange: add});
        const mean = controls.checkbox({label: "mean", value: true, onChange: add});
        stage.append(controls.group("Settings", beta.element, mean.element));""",
    )
    group = page.get_by_role("group", name="Settings")
    assert group.get_by_label("β").input_value() == "4"
    group.get_by_label("β").select_option("one")
    group.get_by_label("mean").uncheck()
    assert page.evaluate("window.seen") == ["1", False]


def test_what_is_said_waits_for_a_pause(page: Page) -> None:
    run(
        page,
        """window.live = controls.live();
        stage.append(window.live.element);
        for (let i = 0; i < 5; i += 1) window.live.say(`value ${i}`);""",
    )
    line = page.locator("#try [aria-live=polite]")
    assert line.inner_text() != "value 0"
    page.wait_for_function("window.live.element.textContent === 'value 4'")


def test_a_player_stops_where_the_steps_end(page: Page) -> None:
    run(
        page,
        """window.steps = 0;
        const play = controls.transport({onStep: () => (window.steps += 1) < 7,
          onReset: () => { window.steps = 0; }});
        stage.append(play.element);""",
    )
    buttons = page.locator("#try").get_by_role("button")
    assert buttons.all_inner_texts() == ["Play", "Step", "Start again"]
    buttons.nth(0).click()
    page.wait_for_function("window.steps === 7")
    page.evaluate(h.TWO_FRAMES)
    assert page.evaluate("window.steps") == 7
    assert buttons.nth(0).inner_text() == "Play"
    buttons.nth(2).click()
    buttons.nth(1).click()
    assert page.evaluate("window.steps") == 1


def test_many_wishes_in_one_frame_are_one_answer(page: Page) -> None:
    done = run(
        page,
        """const figure = document.querySelector("figure.explorer");
        let count = 0;
        const before = figure.answerTimes.length;
        const ask = controls.answering(figure, () => { count += 1; });
        for (let i = 0; i < 9; i += 1) ask();
        for (let i = 0; i < 2; i += 1) await new Promise((done) => requestAnimationFrame(done));
        return [count, figure.answerTimes.length - before];""",
    )
    assert done == [1, 1]


def test_the_list_of_controls_is_complete(page: Page) -> None:
    """What controls.js says it has, by file, is what it has."""
    text = (h.SCRIPTS / "controls.js").read_text(encoding="utf8")
    listed = set(re.findall(r"^//   (\w+)\(", text, re.M))
    listed |= set(re.findall(r"^//   \w+\([^)]*\), (\w+)\(", text, re.M))  # two on a line
    assert listed == set(run(page, "return Object.keys(controls);"))
    assert run(page, "return Object.isFrozen(controls);")
    for part in (h.SCRIPTS / "controls").glob("*.js"):
        assert f"// {part.name}\n" in text
        assert len(part.read_text(encoding="utf8").splitlines()) <= 300


@pytest.mark.parametrize(
    ("width", "expected"), [(500, "a long text of many words"), (60, "short"), (1, "s")]
)
def test_the_longest_text_that_fits(page: Page, width: int, expected: str) -> None:
    found = run(
        page,
        """const surface = controls.canvas({label: "one", draw() {}});
        stage.append(surface.element);
        return controls.fitting(surface, ["a long text of many words", "short", "s"], argument);""",
        width,
    )
    assert found == expected


DRAGGED = """window.seen = [];
  const note = (kind) => ({x, y}, event) => { window.seen.push([kind, x, y, event.pointerId]); };
  const surface = controls.canvas({label: "one", draw() {}});
  stage.append(surface.element);
  controls.drag(surface.canvas,
    {surface, start: note("start"), move: note("move"), end: note("end")});
  const {left, top} = surface.canvas.getBoundingClientRect();
  surface.canvas.setPointerCapture = () => {};  // these pointers are not the browser's own
  for (const [name, x, y, pointerId, pointerType] of argument) {
    surface.canvas.dispatchEvent(new PointerEvent(`pointer${name}`,
      {clientX: left + x, clientY: top + y, pointerId, pointerType, button: 0}));
  }
  return window.seen.map(([kind, , , id]) => `${kind} ${id}`);"""


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        # A second finger is not followed, and does not end what the first one does.
        ("down 10 10 1, down 50 50 2, move 60 60 2, up 60 60 2, move 30 12 1, up 30 12 1",
         "start 1, move 1, end 1"),
        # A finger that goes up or down may be scrolling; sideways it draws, and then anywhere.
        ("down 10 10 1, move 12 40 1, cancel 12 40 1", "start 1, end 1"),
        ("down 10 10 1, move 40 12 1, move 42 80 1, up 42 80 1", "start 1, move 1, move 1, end 1"),
    ],
)  # fmt: skip
def test_fingers(page: Page, events: str, expected: str) -> None:
    words = [event.split() for event in events.split(", ")]
    given = [[word[0], *map(int, word[1:]), "touch"] for word in words]
    assert ", ".join(run(page, DRAGGED, given)) == expected


def test_a_mouse_is_followed_everywhere(page: Page) -> None:
    given = [["down", 10, 10, 1, "mouse"], ["move", 10, 60, 1, "mouse"], ["up", 10, 60, 1, "mouse"]]
    assert run(page, DRAGGED, given) == ["start 1", "move 1", "end 1"]


def test_for_a_finger_controls_are_large(browser: Browser, page_path: Path) -> None:
    with h.reader(browser, width=360, touch=True, is_mobile=True) as page:
        figure = h.start(page, page_path)
        heights: dict[str, float] = figure.evaluate(
            """figure => Object.fromEntries([...figure.querySelectorAll(
              '.explorer-button, select, input[type=range], .explorer-check label')]
              .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect().height]))"""
        )
        assert len(heights) >= 8
        assert min(heights.values()) >= 40, json.dumps(heights, indent=1)
        handle = figure.locator(".explorer-handle").first
        reach = handle.evaluate("e => parseFloat(getComputedStyle(e, '::after').width)")
        assert reach >= 44


GROUND = "canvas => getComputedStyle(canvas).backgroundColor"


def test_on_paper_a_dark_picture_is_light(browser: Browser, page_path: Path) -> None:
    with h.reader(browser, theme="dark") as page:
        canvas = h.start(page, page_path).locator(".explorer-canvas > canvas")
        dark = h.pixels(canvas)
        page.emulate_media(media="print")
        page.wait_for_function("!genlib.theme().dark")
        light = h.pixels(canvas)
        assert brightness(dark) > 140  # light lines and words on a dark ground
        assert brightness(light) < 110
        page.emulate_media(media="screen")
        page.wait_for_function("genlib.theme().dark")
        assert h.pixels(canvas) == dark


def brightness(pixels: bytes) -> float:
    """The mean of red, green and blue where something is drawn in full."""
    drawn = [pixels[i : i + 3] for i in range(0, len(pixels), 4) if pixels[i + 3] > 200]
    return sum(map(sum, drawn)) / (3 * len(drawn))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_high_contrast_the_picture_keeps_its_ground(
    browser: Browser, page_path: Path, scheme: str
) -> None:
    """The system's colours are those of the text around it; the picture's fit its own ground."""
    with h.reader(browser, forced_colors="active", color_scheme=scheme) as page:
        figure = h.start(page, page_path)
        assert page.evaluate("matchMedia('(forced-colors: active)').matches")
        for canvas in figure.locator("canvas").all():
            assert canvas.evaluate(GROUND) == "rgb(255, 255, 255)"


SHAPE = """canvas => ({across: canvas.width, down: canvas.height,
  width: canvas.getBoundingClientRect().width, height: canvas.getBoundingClientRect().height})"""


@pytest.mark.parametrize("ratio", [1, 2, 1.5])
def test_a_canvas_is_sharp_and_follows_its_box(
    browser: Browser, page_path: Path, ratio: float
) -> None:
    with h.reader(browser, width=1000, device_scale_factor=ratio) as page:
        canvas: Locator = h.start(page, page_path).locator(".explorer-canvas > canvas")
        widths = []
        for width in (1000, 500, 380):
            page.set_viewport_size({"width": width, "height": 800})
            assert any(h.pixels(canvas)[3::4]), "nothing is drawn"
            seen = canvas.evaluate(SHAPE)
            assert seen["across"] == pytest.approx(ratio * seen["width"], abs=1.5)
            assert seen["down"] == pytest.approx(ratio * seen["height"], abs=1.5)
            widths.append(seen["width"])
        assert widths[0] > widths[1] > widths[2]
