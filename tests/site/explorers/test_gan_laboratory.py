"""The GAN laboratory on a page from disk, without network: it trains, pauses, answers, reports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Locator, Page

from genlib.data import ring
from genlib.metrics import mode_report
from tests.conftest import ROOT
from tests.site.explorers.harness import (
    harness,
    median_answer,
    overflow,
    pixels,
    reader,
    set_theme,
    start,
    state,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SCRIPTS = ("controls.js", "autodiff.js", "gan-games.js", "gan-drawing.js")
READY = "document.querySelector('figure.explorer').dataset.state === 'ready'"


def options_of(source: str) -> dict[str, Any]:
    """The options of the laboratory in a chapter's source."""
    text = (ROOT / "book" / "chapters" / source).read_text(encoding="utf8")
    found = re.search(r"^:::\{explorer\} gan-laboratory\n(?:.*\n)*?:options: (.*)$", text, re.M)
    assert found is not None, f"no laboratory in {source}"
    return dict(json.loads(found[1]))


CHAPTERS = {4: options_of("04-gan.md"), 5: options_of("05-wgan-gp.md")}
# The readers of these tests ask for reduced motion, so a run stands still until it is told to go.


@pytest.fixture(scope="module")
def chapters(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    home = tmp_path_factory.mktemp("laboratory")
    return {
        number: harness(home / str(number), "gan-laboratory", SCRIPTS, (), options)
        for number, options in CHAPTERS.items()
    }


@pytest.fixture
def page(browser_path: str) -> Iterator[Page]:
    with reader(browser_path) as opened:
        yield opened


def button(figure: Locator, name: str) -> Locator:
    return figure.get_by_role("button", name=name, exact=True)


def control(figure: Locator, label: str) -> Locator:
    return figure.get_by_label(label, exact=True)


def wait_for(figure: Locator, condition: str) -> dict[str, Any]:
    """Until a condition on `s`, the explorer's state, holds; the state then."""
    figure.page.wait_for_function(
        f"() => {{ const s = document.querySelector('figure.explorer').api.state();"
        f" return {condition}; }}",
        timeout=60_000,
    )
    return state(figure)


def one_step(figure: Locator) -> dict[str, Any]:
    at = state(figure)["step"] + 1
    button(figure, "One step").click()
    return wait_for(figure, f"s.step === {at} && s.said.startsWith('Step {at:,}:')")


@pytest.mark.parametrize("number", CHAPTERS)
def test_it_begins_as_its_chapter_says(page: Page, chapters: dict[int, Path], number: int) -> None:
    figure = start(page, chapters[number])
    seen = state(figure)
    assert {key: seen[key] for key in ("target", "game")} == CHAPTERS[number]
    assert not seen["playing"], "a reader who asked for reduced motion starts it by hand"
    assert seen["step"] == 0
    assert control(figure, "Penalty weight λ").is_visible() == (number == 5)
    assert not control(figure, "Clip weights at").is_visible()


def test_play_trains_and_pause_stops(page: Page, chapters: dict[int, Path]) -> None:
    figure = start(page, chapters[4])
    canvas = figure.locator("canvas").first
    before = pixels(canvas)
    button(figure, "Play").click()
    seen = wait_for(figure, "s.step > 100 && s.speed > 0")
    assert seen["playing"]
    button(figure, "Pause").click()
    stopped = state(figure)
    assert not stopped["playing"]
    page.wait_for_timeout(300)
    assert state(figure)["step"] == stopped["step"]
    assert pixels(canvas) != before


def test_a_step_is_one_round_with_the_critics_moves(page: Page, chapters: dict[int, Path]) -> None:
    figure = start(page, chapters[5])
    page.evaluate(
        """() => {
          const run = document.querySelector("figure.explorer").api.run();
          const move = run.move;
          window.moves = 0;
          run.move = () => { window.moves += 1; return move(); };
        }"""
    )
    control(figure, "Critic steps per round").fill("3")
    one_step(figure)
    assert page.evaluate("window.moves") == 4


def test_the_counts_are_genlibs(page: Page, chapters: dict[int, Path]) -> None:
    """Modes and quality of the page's own 2,500 points, counted again."""
    figure = start(page, chapters[4])
    page.evaluate(
        """() => { const run = document.querySelector("figure.explorer").api.run();
          for (let i = 0; i < 700; i += 1) run.round(); }"""
    )
    seen = one_step(figure)
    flat = page.evaluate(
        "Array.from(document.querySelector('figure.explorer').api.run().points(2500))"
    )
    report = mode_report(torch.tensor(flat).view(-1, 2), ring())
    assert seen["report"]["found"] == report.modes_found > 0
    assert seen["report"]["share"] == pytest.approx(report.high_quality_share, abs=1e-3)
    shown = figure.locator(".explorer-readout").inner_text()
    assert f"{report.modes_found} of 8" in shown.replace("\n", " ")
    assert f"{report.modes_found} of 8 modes" in seen["said"]
    assert seen["said"] in (figure.locator("canvas").first.get_attribute("aria-label") or "")


def test_the_same_seed_gives_the_same_points(page: Page, chapters: dict[int, Path]) -> None:
    """Also when it is played in slices the one time and stepped the other."""
    figure = start(page, chapters[4])
    for _ in range(3):
        stepped = one_step(figure)
    button(figure, "Start again").click()
    page.evaluate(
        """() => { const run = document.querySelector("figure.explorer").api.run();
          run.round(); run.report(); run.round(); }"""
    )
    again = one_step(figure)
    assert again["step"] == 3
    assert again["points"] == stepped["points"]
    control(figure, "Seed").fill("2")
    for _ in range(3):
        other = one_step(figure)
    assert other["points"] != stepped["points"]


def test_every_choice_starts_a_run_of_its_own(page: Page, chapters: dict[int, Path]) -> None:
    figure = start(page, chapters[4])
    canvas = figure.locator("canvas").first
    looks = []
    for target in ("ring", "grid", "roll"):
        control(figure, "Data").select_option(target)
        for game in ("saturating", "clipped", "wgan-gp"):
            control(figure, "Loss").select_option(game)
            seen = one_step(figure)
            assert (seen["target"], seen["game"], seen["step"]) == (target, game, 1)
            assert seen["settings"]["moves"] == (1 if game == "saturating" else 5)
            assert control(figure, "Clip weights at").is_visible() == (game == "clipped")
            looks.append(tuple(pixels(canvas)[::97]))
    assert len(set(looks)) == len(looks)
    assert "parts" in seen["said"]


def test_settings_act_on_the_run_that_goes_on(page: Page, chapters: dict[int, Path]) -> None:
    figure = start(page, chapters[5])
    one_step(figure)
    for label, key, press in (
        ("Learning rate", "rate", "ArrowLeft"),
        ("Penalty weight λ", "penalty", "ArrowRight"),
    ):
        before = state(figure)["settings"][key]
        control(figure, label).focus()
        for _ in range(3):
            page.keyboard.press(press)
        after = state(figure)
        assert (after["settings"][key] > before) == (press == "ArrowRight")
        assert after["step"] == 1, "a slider must not start again"
    rate = state(figure)["settings"]["rate"]
    button(figure, "Start again").click()
    assert state(figure)["settings"]["rate"] == rate, "what the reader has set stays"


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
    """Training goes in slices: between two frames the page can answer."""
    figure = start(page, chapters[5])
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


def test_touch(browser_path: str, chapters: dict[int, Path]) -> None:
    with reader(browser_path, width=390, touch=True) as page:
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


def test_nothing_is_wider_than_a_small_phone(browser_path: str, chapters: dict[int, Path]) -> None:
    with reader(browser_path, width=360) as page:
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


def test_out_of_sight_it_stands_still(page: Page, chapters: dict[int, Path]) -> None:
    figure = start(page, chapters[4])
    page.evaluate("document.querySelector('article').style.paddingBottom = '4000px'")
    button(figure, "Play").click()
    wait_for(figure, "s.step > 2")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    away = wait_for(figure, "!s.visible")["step"]
    page.wait_for_timeout(300)
    assert state(figure)["step"] == away
    page.evaluate("window.scrollTo(0, 0)")
    wait_for(figure, f"s.step > {away}")


def test_a_run_that_breaks_says_so(page: Page, chapters: dict[int, Path]) -> None:
    figure = start(page, chapters[5])
    page.evaluate(
        "document.querySelector('figure.explorer').api.run().settings.penalty = Number.NaN"
    )
    button(figure, "Play").click()
    wait_for(figure, "!s.playing")
    assert "Lower the learning rate" in figure.get_by_role("alert").inner_text()
    button(figure, "Start again").click()
    assert figure.locator(".gan-problem").inner_text() == ""


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
    page.wait_for_function("window.said.length >= 3", timeout=30_000)
    said = page.evaluate("window.said")
    assert all("modes" in text for _, text in said)
    assert said[2][0] - said[1][0] > 4000


def test_it_starts_by_itself_where_motion_is_welcome(
    browser_path: str, chapters: dict[int, Path]
) -> None:
    with reader(browser_path) as page:
        page.emulate_media(reduced_motion="no-preference")
        figure = start(page, chapters[4])
        wait_for(figure, "s.playing && s.step > 3")


def test_without_scripts_the_still_picture_stays(
    browser_path: str, chapters: dict[int, Path]
) -> None:
    with reader(browser_path, scripts=False) as page:
        page.goto(chapters[4].as_uri())
        assert page.locator(".explorer-still").is_visible()
        assert not page.locator(".explorer-start").is_visible()
