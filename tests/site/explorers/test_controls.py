"""What the explorers share: numbers, controls, and a canvas that fits its box."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, sync_playwright

from tests.site.explorers import harness as h
from tests.site.visits import FLAGS

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return h.harness(
        tmp_path_factory.mktemp("controls"), "two-gaussians", ("controls.js", "densities.js")
    )


@pytest.fixture
def page(browser_path: str, page_path: Path) -> Iterator[Page]:
    with h.reader(browser_path) as opened:
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
    assert line.inner_text() == ""
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
    page.wait_for_timeout(100)
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


SHAPE = """canvas => ({across: canvas.width, down: canvas.height,
  width: canvas.getBoundingClientRect().width, height: canvas.getBoundingClientRect().height})"""


@pytest.mark.parametrize("ratio", [1, 2, 1.5])
def test_a_canvas_is_sharp_and_follows_its_box(
    browser_path: str, page_path: Path, ratio: float
) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        try:
            page = browser.new_page(
                viewport={"width": 1000, "height": 800}, device_scale_factor=ratio
            )
            canvas: Locator = h.start(page, page_path).locator(".explorer-canvas > canvas")
            widths = []
            for width in (1000, 500, 380):
                page.set_viewport_size({"width": width, "height": 800})
                page.wait_for_timeout(150)
                seen = canvas.evaluate(SHAPE)
                assert seen["across"] == pytest.approx(ratio * seen["width"], abs=1.5)
                assert seen["down"] == pytest.approx(ratio * seen["height"], abs=1.5)
                assert any(h.pixels(canvas)[3::4]), "nothing is drawn"
                widths.append(seen["width"])
            assert widths[0] > widths[1] > widths[2]
        finally:
            browser.close()
