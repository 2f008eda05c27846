"""The GAN laboratory on a page from disk, without network: it trains, goes on, counts, breaks.

The readers of these tests ask for reduced motion, so a run stands still until it is told to go.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Page

from genlib.data import ring
from genlib.metrics import mode_report
from tests.site.explorers.harness import SCRIPTS, pixels, reader, start, state
from tests.site.explorers.laboratory import CHAPTERS, button, control, one_step, pages, wait_for
from tools.explorers._scripts import with_needs

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def chapters(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    return pages(tmp_path_factory.mktemp("laboratory"))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with reader(browser) as opened:
        yield opened


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


def test_settings_stay_unless_the_new_loss_brings_its_own(
    page: Page, chapters: dict[int, Path]
) -> None:
    """Both losses of the GAN have the same, so that the loss alone can be changed."""
    figure = start(page, chapters[4])
    control(figure, "Loss").select_option("saturating")
    control(figure, "Critic steps per round").fill("10")
    control(figure, "Learning rate").press("End")
    control(figure, "Loss").select_option("non-saturating")
    seen = state(figure)
    assert (seen["game"], seen["step"]) == ("non-saturating", 0)
    assert seen["settings"]["moves"] == 10
    assert seen["settings"]["rate"] == pytest.approx(0.01)
    control(figure, "Loss").select_option("wgan-gp")
    seen = state(figure)
    assert (seen["settings"]["moves"], seen["settings"]["rate"]) == (5, 1e-3)
    assert control(figure, "Critic steps per round").input_value() == "5"


@pytest.mark.parametrize(
    ("number", "broken", "remedy"),
    [
        (5, "penalty = NaN", "Lower the learning rate or λ, then start again"),
        (4, "rate = 1e39", "Lower the learning rate, then start again"),  # only weights break
    ],
)
def test_a_run_that_breaks_says_so(
    page: Page, chapters: dict[int, Path], number: int, broken: str, remedy: str
) -> None:
    """And the picture stays as it was; another run can begin."""
    figure = start(page, chapters[number])
    one_step(figure)
    canvas = figure.locator("canvas").first
    before = pixels(canvas)
    page.evaluate(
        f"() => {{ document.querySelector('figure.explorer').api.run().settings.{broken}; }}"
    )
    button(figure, "Play").click()
    wait_for(figure, "!s.playing && s.idle")
    assert remedy in figure.get_by_role("alert").inner_text()
    assert pixels(canvas) == before
    button(figure, "Start again").click()
    assert figure.locator(".gan-problem").inner_text() == ""
    one_step(figure)


def test_points_that_cannot_be_seen_are_counted(page: Page, chapters: dict[int, Path]) -> None:
    figure = start(page, chapters[5])
    page.evaluate(
        "() => { document.querySelector('figure.explorer').api.run().settings.rate = 0.3; }"
    )
    seen = one_step(figure)
    x = torch.tensor(seen["points"]).view(-1, 2).abs().max(dim=1).values
    away = float((x > 1.7).float().mean())
    assert away > 0.5
    assert seen["outside"] == pytest.approx(away)
    assert seen["said"].endswith("Most points are outside the picture.")
    shown = figure.locator(".explorer-readout").inner_text().replace("\n", " ")
    assert f"Outside the picture {100 * away:.0f} %" in shown


def test_what_is_said_is_what_is_shown(page: Page, chapters: dict[int, Path]) -> None:
    """The count and the push of one moment, in the words of both."""
    figure = start(page, chapters[5])
    for _ in range(2):
        seen = one_step(figure)
        push = figure.locator(".explorer-readout dd").last.inner_text()
        assert float(push) == pytest.approx(seen["push"], abs=1e-3)
        assert f"median push {push}." in seen["said"]


def test_it_starts_by_itself_where_motion_is_welcome(
    browser: Browser, chapters: dict[int, Path]
) -> None:
    with reader(browser) as page:
        page.emulate_media(reduced_motion="no-preference")
        figure = start(page, chapters[4])
        wait_for(figure, "s.playing && s.step > 3")


def test_nothing_is_too_heavy() -> None:
    """What the laboratory loads when it is started, in bytes on disk."""
    sizes = {name: (SCRIPTS / name).stat().st_size for name in with_needs(["gan-laboratory.js"])}
    assert {"autodiff.js", "gan-games.js"} <= set(sizes)
    assert sum(sizes.values()) < 120_000, sizes
