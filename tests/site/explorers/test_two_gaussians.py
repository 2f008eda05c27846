"""Two Gaussians in the page: against torch, under pointer, keys and fingers, in both themes."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.site.explorers import checks
from tests.site.explorers import harness as h

pytestmark = [pytest.mark.browser]
NAME = "two-gaussians"


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return h.harness(tmp_path_factory.mktemp(NAME), NAME)


def center(figure: Locator, handle: str) -> tuple[float, float]:
    """Where on the screen the handle "p" or "q" is."""
    box = figure.locator(".explorer-handle", has_text=handle).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def cell(figure: Locator, row: str, column: int) -> str:
    """A number of the table as it is written."""
    line = figure.locator("tbody tr").filter(has=figure.page.get_by_role("rowheader", name=row))
    return line.locator("td").nth(column).inner_text()


def test_it_shows_what_it_computes(figure: Locator) -> None:
    seen = h.state(figure)
    for row, key in (("KL(p‖q)", "forward"), ("KL(q‖p)", "reverse")):
        written = f"{seen['closed'][key]:.4f}"
        assert cell(figure, row, 0) == cell(figure, row, 1) == written
    assert cell(figure, "JS", 0) == "none"
    assert cell(figure, "JS", 1) == f"{seen['integrals']['js']:.4f}"
    figure.get_by_label("in bits").check()
    h.state(figure)
    assert cell(figure, "JS", 1) == f"{seen['integrals']['js'] / math.log(2):.4f}"
    whole, plus = seen["integrals"]["forward"] / math.log(2), seen["positive"]["forward"]
    text = figure.locator(".explorer-line").inner_text()
    minus = f"{plus / math.log(2) - whole:.3f}"
    assert text == (
        f"Area above zero {plus / math.log(2):.3f}, below −{minus}: together {whole:.3f} bits."
    )


def test_the_integrand_can_be_chosen(figure: Locator) -> None:
    canvas = figure.locator(".explorer-canvas > canvas")
    pictures = [h.pixels(canvas)]
    for kind in ("reverse", "js"):
        figure.get_by_label("Shaded below").select_option(kind)
        assert h.state(figure)["integrand"] == kind
        pictures.append(h.pixels(canvas))
    assert not any(a == b for a, b in itertools.combinations(pictures, 2))
    assert "½ KL(p‖m) + ½ KL(q‖m)" in (canvas.get_attribute("aria-label") or "")
    assert "m = ½(p + q)" in figure.locator(".explorer-line").inner_text()


@pytest.mark.parametrize(("handle", "which"), [("p", "P"), ("q", "Q")])
def test_pointer(page: Page, figure: Locator, handle: str, which: str) -> None:
    canvas = figure.locator(".explorer-canvas > canvas")
    canvas.scroll_into_view_if_needed()
    before, pixels, (x, y) = h.state(figure), h.pixels(canvas), center(figure, handle)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 12, steps=4)
    page.mouse.up()
    after = h.state(figure)
    assert after[f"mu{which}"] > before[f"mu{which}"] + 0.2
    assert after[f"sigma{which}"] > before[f"sigma{which}"] * 1.05  # lower is wider
    other = "Q" if which == "P" else "P"
    assert after[f"mu{other}"] == before[f"mu{other}"]
    assert h.pixels(canvas) != pixels
    moved = center(figure, handle)
    assert moved == pytest.approx((x + 40, y + 12), abs=1.5)


def test_a_bump_can_be_taken_by_its_side_and_not_below(page: Page, figure: Locator) -> None:
    canvas = figure.locator(".explorer-canvas > canvas")
    canvas.scroll_into_view_if_needed()
    (x, y), before = center(figure, "q"), h.state(figure)
    page.mouse.move(x + 25, y + 10)
    page.mouse.down()
    page.mouse.move(x + 55, y + 10, steps=3)
    page.mouse.up()
    after = h.state(figure)
    assert after["muQ"] > before["muQ"] + 0.2
    assert after["sigmaQ"] == pytest.approx(before["sigmaQ"], rel=0.01)
    box = canvas.bounding_box()
    assert box
    page.mouse.move(x, box["y"] + box["height"] - 100)
    page.mouse.down()
    page.mouse.move(x + 50, box["y"] + box["height"] - 100, steps=3)
    page.mouse.up()
    assert h.state(figure)["muQ"] == after["muQ"]


def test_keyboard(page: Page, figure: Locator) -> None:
    before = h.state(figure)
    figure.locator(".explorer-handle", has_text="p").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    after = h.state(figure)
    assert after["muP"] == pytest.approx(before["muP"] + 0.2)
    assert after["sigmaP"] == pytest.approx(before["sigmaP"] / 1.05)
    page.keyboard.press("Shift+ArrowLeft")
    assert h.state(figure)["muP"] == pytest.approx(before["muP"] - 0.3)
    page.keyboard.press("Tab")  # the other handle, then the sliders
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "range"
    page.keyboard.press("ArrowRight")
    assert h.state(figure)["muP"] == pytest.approx(before["muP"] - 0.25)
    focused = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert focused != "none"
    handle = figure.locator(".explorer-handle", has_text="p")
    assert handle.get_attribute("aria-label") == "p: centre −1.25, width 0.76"
    help_ = handle.get_attribute("aria-describedby")
    assert "arrow keys" in (page.locator(f"#{help_}").text_content() or "")


def test_what_changed_is_said(page: Page, figure: Locator) -> None:
    figure.get_by_label("μ₂, centre of q").fill("0")
    said = h.state(figure)["said"]
    live = figure.locator("[aria-live=polite]")
    page.wait_for_function(
        "said => document.querySelector('[aria-live=polite]').textContent === said", arg=said
    )
    assert "Jensen–Shannon 0." in live.inner_text()


def test_touch(browser: Browser, page_path: Path) -> None:
    with h.reader(browser, width=390, touch=True) as page:
        figure = h.start(page, page_path)
        figure.locator(".explorer-canvas").scroll_into_view_if_needed()
        (x, y), before = center(figure, "p"), h.state(figure)
        h.swipe(page, x, y, -50, 15)
        after = h.wait_for(figure, "state.muP < argument", before["muP"] - 1)
        assert after["sigmaP"] > before["sigmaP"]
        (x, y), before = center(figure, "q"), after
        h.swipe(page, x + 12, y + 8, 48, 0)  # beside the handle, sideways
        before = h.wait_for(figure, "state.muQ > argument", before["muQ"] + 1)
        figure.get_by_role("button", name="Swap p and q").tap()
        # The browser makes its click of the tap when it has time.
        h.wait_for(figure, "state.muP === argument", before["muQ"])


def test_a_finger_that_scrolls_the_page_moves_nothing(browser: Browser, page_path: Path) -> None:
    with h.reader(browser, width=390, touch=True) as page:
        figure = h.start(page, page_path)
        figure.locator(".explorer-canvas").scroll_into_view_if_needed()
        (x, y), before = center(figure, "q"), h.state(figure)
        h.swipe(page, x + 20, y + 15, 3, -120)
        page.wait_for_function("scrollY > 20")
        assert h.state(figure) == before


def test_buttons(figure: Locator) -> None:
    first = h.state(figure)
    figure.get_by_role("button", name="Swap p and q").click()
    swapped = h.state(figure)
    assert (swapped["muP"], swapped["sigmaP"]) == (first["muQ"], first["sigmaQ"])
    assert swapped["closed"]["forward"] == pytest.approx(first["closed"]["reverse"])
    figure.get_by_role("button", name="Start again").click()
    assert h.state(figure)["muP"] == first["muP"]


def test_the_theme_is_followed(figure: Locator) -> None:
    checks.check_theme(figure)


def test_without_scripts_there_is_the_picture(browser: Browser, page_path: Path) -> None:
    checks.check_without_scripts(browser, page_path)


def test_nothing_is_wider_than_the_screen(browser: Browser, page_path: Path) -> None:
    checks.check_widths(browser, page_path)


def test_answers_come_within_fifty_milliseconds(figure: Locator) -> None:
    for i in range(20):
        figure.evaluate("(figure, i) => figure.api.set({muP: -2 + 0.2 * i})", i)
        h.state(figure)
    assert h.median_answer(figure) <= 50
