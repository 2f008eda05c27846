"""The fit to two bumps in the page: every way to drive it, and what it says and shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.site.explorers import checks
from tests.site.explorers import harness as h
from tests.site.explorers.bimodal import NAME, TARGETS, choose, play_to_the_end

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return h.harness(tmp_path_factory.mktemp(NAME), NAME)


def handle(figure: Locator) -> tuple[float, float]:
    box = figure.locator(".explorer-handle").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_play_pause_step_and_start_again(page: Page, figure: Locator) -> None:
    button = figure.get_by_role("button", name="Play")
    button.click()
    h.wait_for(figure, "state.step > 20")
    figure.get_by_role("button", name="Pause").click()
    paused = h.state(figure)
    assert not paused["playing"]
    assert paused["said"].startswith(f"Step {paused['step']}.")  # while playing nothing is said
    assert h.state(figure)["step"] == paused["step"] < 400
    figure.get_by_role("button", name="Step").click()
    assert h.state(figure)["step"] == paused["step"] + 1
    figure.get_by_role("button", name="Start again").click()
    assert h.state(figure)["step"] == 0
    figure.evaluate("figure => figure.api.go(330)")
    button.click()
    h.wait_for(figure, "state.done && !state.playing")
    assert figure.get_by_role("button", name="Play").is_visible()
    assert ", arrived" in figure.locator("caption").inner_text()
    button.click()  # after the end it begins anew
    h.wait_for(figure, "state.playing && state.step > 0 && state.step < 300")


def test_theme_and_size_may_change_while_it_plays(page: Page, figure: Locator) -> None:
    figure.get_by_role("button", name="Play").click()
    at = h.wait_for(figure, "state.step > 4")["step"]
    h.set_theme(page, "dark")
    page.set_viewport_size({"width": 500, "height": 900})
    seen = h.wait_for(figure, "state.step > argument + 8", at)
    figure.get_by_role("button", name="Pause").click()
    assert h.overflow(page) <= 0
    box = figure.locator(".explorer-canvas").bounding_box()
    assert box
    place = h.state(figure)["handle"]
    assert handle(figure) == pytest.approx((box["x"] + place["x"], box["y"] + place["y"]), abs=1)
    assert place["x"] < 250  # where the start is now, on the smaller picture
    assert seen["start"] == {"mu": -1, "sigma": 1}


def test_a_divergence_chosen_late_catches_up(figure: Locator) -> None:
    figure.evaluate("figure => figure.api.go(50)")
    choose(figure)
    late = figure.evaluate("figure => figure.api.path('js').length")
    assert late == 51
    figure.get_by_role("checkbox", name="forward KL(p‖q)").uncheck()
    seen = h.state(figure)
    assert set(seen["fits"]) == {"reverse", "js"}
    assert "forward" not in figure.locator("tbody").inner_text()


def test_pointer_sets_the_start(page: Page, figure: Locator) -> None:
    canvas = figure.locator(".explorer-canvas > canvas")
    canvas.scroll_into_view_if_needed()
    figure.evaluate("figure => figure.api.go(30)")
    before, pixels, (x, y) = h.state(figure), h.pixels(canvas), handle(figure)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y - 20, steps=4)
    page.mouse.up()
    after = h.state(figure)
    assert after["start"]["mu"] > before["start"]["mu"] + 0.2
    assert after["start"]["sigma"] > before["start"]["sigma"] + 0.2
    assert after["step"] == 0
    assert h.pixels(canvas) != pixels
    page.mouse.click(x - 25, y)  # anywhere in the plane
    assert h.state(figure)["start"]["mu"] < before["start"]["mu"]
    assert h.state(figure)["start"]["sigma"] == pytest.approx(before["start"]["sigma"], abs=0.03)


def test_keyboard(page: Page, figure: Locator) -> None:
    before = h.state(figure)["start"]
    figure.locator(".explorer-handle").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    after = h.state(figure)["start"]
    assert after["mu"] == pytest.approx(before["mu"] + 0.1)
    assert after["sigma"] == pytest.approx(before["sigma"] + 0.5)
    for name in ("Play", "Step", "Start again", "Jump to the end"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == name
    page.keyboard.press("Enter")
    h.wait_for(figure, "state.done && !state.playing")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert "forward" not in h.state(figure)["fits"]


def test_what_came_out_is_said(page: Page, figure: Locator) -> None:
    said = play_to_the_end(figure)["said"]
    assert "forward KL(p‖q): centre −0.50, width 2.53. reverse KL(q‖p): centre −2.50" in said
    page.wait_for_function(
        "said => document.querySelector('[aria-live=polite]').textContent === said", arg=said
    )


def test_touch(browser: Browser, page_path: Path) -> None:
    with h.reader(browser, width=390, touch=True) as page:
        figure = h.start(page, page_path)
        figure.locator(".explorer-canvas").scroll_into_view_if_needed()
        (x, y), before = handle(figure), h.state(figure)
        h.swipe(page, x, y, 60, -25)
        after = h.wait_for(figure, "state.start.mu > argument", before["start"]["mu"] + 1)
        assert after["start"]["sigma"] > before["start"]["sigma"] + 0.3
        figure.get_by_role("button", name="Jump to the end").tap()
        # The browser makes its click of the tap when it has time.
        done = h.wait_for(figure, "state.done")
        assert done["fits"]["reverse"]["mu"] == pytest.approx(2.5, abs=0.05)


def test_a_finger_scrolls_the_page_or_sets_the_start(browser: Browser, page_path: Path) -> None:
    """Over the plane: up it scrolls and the fits stay; sideways or tapped it is a new start."""
    with h.reader(browser, width=390, touch=True) as page:
        figure = h.start(page, page_path)
        figure.locator(".explorer-canvas").scroll_into_view_if_needed()
        figure.evaluate("figure => figure.api.go(30)")
        (x, y), before = handle(figure), h.state(figure)
        h.swipe(page, x + 70, y, 3, -120)
        page.wait_for_function("scrollY > 20")
        assert h.state(figure) == before
        x, y = handle(figure)
        h.swipe(page, x + 70, y, 40, -4)
        dragged = h.wait_for(figure, "state.step === 0")["start"]
        assert dragged["mu"] > before["start"]["mu"] + 3
        x, y = handle(figure)
        page.touchscreen.tap(x - 60, y)
        h.wait_for(figure, "state.start.mu < argument", dragged["mu"] - 1)


def test_without_a_fit_there_is_the_target(figure: Locator) -> None:
    for box in figure.get_by_role("checkbox").all():
        box.uncheck()
    seen = h.state(figure)
    assert seen["fits"] == {}
    assert seen["said"] == "Step 0. Target with bumps at −2.50 and 2.50."
    figure.get_by_role("button", name="Play").click()
    h.wait_for(figure, "!state.playing")


def test_the_table_fits_a_telephone(browser: Browser, page_path: Path) -> None:
    with h.reader(browser, width=390) as page:
        figure = h.start(page, page_path)
        for width in (390, 320):
            page.set_viewport_size({"width": width, "height": 900})
            play_to_the_end(figure)
            cut = "table => table.scrollWidth - table.clientWidth"
            assert figure.locator(".explorer-wide").evaluate(cut) <= 0, width


def test_each_slider_changes_the_target(figure: Locator) -> None:
    before = h.state(figure)["target"]
    for label, value in (
        ("distance of the bumps", "6"), ("weight of the left one", "0.3"),
        ("width of the left one", "1"), ("width of the right one", "0.5"),
    ):  # fmt: skip
        figure.get_by_label(label).fill(value)
    assert before == TARGETS[0]
    after = h.state(figure)["target"]
    assert after == {"separation": 6, "w": 0.3, "sigma1": 1, "sigma2": 0.5}


def test_the_theme_is_followed(figure: Locator) -> None:
    checks.check_theme(figure)


def test_without_scripts_there_is_the_picture(browser: Browser, page_path: Path) -> None:
    checks.check_without_scripts(browser, page_path)


def test_nothing_is_wider_than_the_screen(browser: Browser, page_path: Path) -> None:
    checks.check_widths(browser, page_path)


def test_answers_come_within_fifty_milliseconds(figure: Locator) -> None:
    choose(figure)
    for i in range(12):
        figure.evaluate("(figure, mu) => figure.api.set({start: {mu}})", -3 + 0.5 * i)
        h.state(figure)
        figure.get_by_role("button", name="Step").click()
    assert h.median_answer(figure) <= 50
