"""The GAN laboratory in a reader's hands: keyboard, touch, small screens, themes, out of sight.

The readers of these tests ask for reduced motion, so a run stands still until it is told to go.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.site.explorers.harness import (
    median_answer,
    overflow,
    pixels,
    reader,
    set_theme,
    start,
    state,
)
from tests.site.explorers.laboratory import READY, button, control, one_step, pages, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def chapters(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    return pages(tmp_path_factory.mktemp("laboratory"))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with reader(browser) as opened:
        yield opened


def test_answers_take_less_than_fifty_milliseconds(page: Page, chapters: dict[int, Path]) -> None:
    figure = start(page, chapters[5])
    for target in ("ring", "roll", "grid"):
        control(figure, "Data").select_option(target)
        one_step(figure)
        control(figure, "Learning rate").press("ArrowLeft")
    button(figure, "Play").click()
    wait_for(figure, "s.step > 5")
    button(figure, "Pause").click()
    assert median_answer(figure) <= 50


def test_a_frame_is_short_while_it_trains(page: Page, chapters: dict[int, Path]) -> None:
    """Training goes in slices: between two frames the page can answer, with the longest rounds."""
    figure = start(page, chapters[5])
    control(figure, "Critic steps per round").fill("10")
    button(figure, "Play").click()
    wait_for(figure, "s.step > 3")
    gaps = page.evaluate(
        """async () => {
          const gaps = [];
          let last = performance.now();
          for (let i = 0; i < 40; i += 1) {
            await new Promise((done) => setTimeout(done, 0));
            gaps.push(performance.now() - last);
            last = performance.now();
          }
          return gaps.sort((a, b) => a - b);
        }"""
    )
    assert gaps[len(gaps) // 2] < 50


def test_keyboard_alone(page: Page, chapters: dict[int, Path]) -> None:
    """Start, play, pause and change the seed without a pointer; every stop can be seen."""
    page.goto(chapters[4].as_uri())
    page.locator(".explorer-start").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(READY)
    figure = page.locator("figure.explorer")
    focused = "document.activeElement.textContent"
    assert page.evaluate(focused) == "Play"
    page.keyboard.press("Space")
    wait_for(figure, "s.playing && s.step > 2")
    page.keyboard.press("Space")
    assert not state(figure)["playing"]
    names = []
    for _ in range(7):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                """() => {
                  const e = document.activeElement, style = getComputedStyle(e);
                  const seen = style.outlineStyle !== "none" || style.boxShadow !== "none";
                  const name = e.labels?.[0]?.textContent ?? e.textContent;
                  return seen ? name : `${name}: no mark`;
                }"""
            )
        )
    assert names == [
        "One step", "Start again", "Data", "Loss", "Learning rate", "Critic steps per round",
        "Seed",
    ]  # fmt: skip
    page.keyboard.press("ArrowRight")
    assert state(figure)["seed"] == 2


def test_touch(browser: Browser, chapters: dict[int, Path]) -> None:
    with reader(browser, width=390, touch=True) as page:
        page.goto(chapters[4].as_uri())
        page.locator(".explorer-start").tap()
        page.wait_for_function(READY)
        figure = page.locator("figure.explorer")
        button(figure, "Play").tap()
        wait_for(figure, "s.step > 2")
        button(figure, "Pause").tap()
        stopped = state(figure)["step"]
        button(figure, "One step").tap()
        wait_for(figure, f"s.step === {stopped} + 1")
        for name in ("Play", "One step", "Start again"):
            box = button(figure, name).bounding_box()
            assert box is not None
            assert box["height"] >= 32


@pytest.mark.parametrize("width", [360, 320])
def test_nothing_is_wider_than_a_small_phone(
    browser: Browser, chapters: dict[int, Path], width: int
) -> None:
    with reader(browser, width=width) as page:
        figure = start(page, chapters[5])
        assert overflow(page) <= 0
        control(figure, "Loss").select_option("clipped")
        one_step(figure)
        assert overflow(page) <= 0


def test_the_theme_redraws(page: Page, chapters: dict[int, Path]) -> None:
    figure = start(page, chapters[4])
    canvas = figure.locator("canvas").first
    light = pixels(canvas)
    set_theme(page, "dark")
    dark = pixels(canvas)
    assert sum(dark) < sum(light)
    set_theme(page, "light")
    assert pixels(canvas) == light


def test_theme_and_width_may_change_while_it_plays(page: Page, chapters: dict[int, Path]) -> None:
    figure = start(page, chapters[4])
    canvas = figure.locator("canvas").first
    button(figure, "Play").click()
    before = pixels(canvas)
    light = sum(before) / len(before)
    set_theme(page, "dark")
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function("document.querySelector('figure.explorer canvas').clientWidth < 360")
    now = state(figure)["step"]
    wait_for(figure, f"s.playing && s.step > {now + 2}")
    button(figure, "Pause").click()
    wait_for(figure, "s.idle")
    box = canvas.evaluate("canvas => [canvas.width, canvas.clientWidth, canvas.clientHeight]")
    assert box[0] == box[1] == box[2], "a square, and as many pixels as the screen has"
    after = pixels(canvas)
    assert sum(after) / len(after) < 0.8 * light, "the dark is not so light"
    assert overflow(page) <= 0


# How many frames were asked for while nobody touched anything.
FRAMES = """async () => {
  const ask = window.requestAnimationFrame;
  let asked = 0;
  window.requestAnimationFrame = (work) => { asked += 1; return ask(work); };
  await new Promise((done) => setTimeout(done, 300));
  window.requestAnimationFrame = ask;
  return asked;
}"""


def test_a_pause_leaves_nothing_to_do(page: Page, chapters: dict[int, Path]) -> None:
    figure = start(page, chapters[4])
    button(figure, "Play").click()
    wait_for(figure, "s.step > 2")
    assert page.evaluate(FRAMES) > 0
    button(figure, "Pause").click()
    wait_for(figure, "s.idle")
    assert page.evaluate(FRAMES) == 0


def test_out_of_sight_it_stands_still(page: Page, chapters: dict[int, Path]) -> None:
    figure = start(page, chapters[4])
    page.evaluate("document.querySelector('article').style.paddingBottom = '4000px'")
    button(figure, "Play").click()
    wait_for(figure, "s.step > 2")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    away = wait_for(figure, "!s.visible && s.idle")["step"]
    assert page.evaluate(FRAMES) == 0
    assert state(figure)["step"] == away
    page.evaluate("window.scrollTo(0, 0)")
    wait_for(figure, f"s.step > {away}")


def test_in_a_hidden_tab_it_stands_still(page: Page, chapters: dict[int, Path]) -> None:
    figure = start(page, chapters[4])
    button(figure, "Play").click()
    wait_for(figure, "s.step > 2")
    hide = """hidden => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    away = wait_for(figure, "!s.visible && s.idle")["step"]
    assert page.evaluate(FRAMES) == 0
    assert state(figure)["step"] == away
    page.evaluate(hide, False)
    wait_for(figure, f"s.step > {away}")


def test_screen_readers_are_told_now_and_then(page: Page, chapters: dict[int, Path]) -> None:
    figure = start(page, chapters[4])
    page.evaluate(
        """() => {
          window.said = [];
          const live = document.querySelector("figure.explorer [aria-live]");
          new MutationObserver(() => window.said.push([performance.now(), live.textContent]))
            .observe(live, { childList: true, characterData: true, subtree: true });
        }"""
    )
    button(figure, "Play").click()
    page.wait_for_function("window.said.length >= 3")
    said = page.evaluate("window.said")
    assert all("modes" in text for _, text in said)
    assert said[2][0] - said[1][0] > 3000  # every five seconds, and the first may be late


def test_without_scripts_the_still_picture_stays(
    browser: Browser, chapters: dict[int, Path]
) -> None:
    with reader(browser, scripts=False) as page:
        page.goto(chapters[4].as_uri())
        assert page.locator(".explorer-still").is_visible()
        assert not page.locator(".explorer-start").is_visible()
