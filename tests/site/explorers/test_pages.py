"""Every explorer where it stands: waiting costs little, and it starts from disk without network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.site.html import read
from tests.site.visits import FLAGS, LOCAL, VARIANTS, Visit, browser_context

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LIGHT, _, NARROW = VARIANTS
BEFORE_USE = 100_000  # bytes that explorers and questions may add to a page that nobody touches
AFTER_USE = 2_500_000  # bytes that a page's explorers load in all when each is started
ANSWER = 50  # milliseconds
WHERE = {
    "01-autoencoders": ["latent-map"],
    "02-kl-divergence": ["two-gaussians", "bimodal-fit"],
    "03-vae": ["latent-map", "latent-sliders"],
    "04-gan": ["gan-laboratory"],
    "05-wgan-gp": ["gan-laboratory"],
    "06-vae-gan": ["face-attributes"],
}


@pytest.fixture(scope="module")
def chapters(site: Path) -> dict[str, Path]:
    return {name: site / "chapters" / f"{name}.html" for name in WHERE}


def test_each_chapter_has_its_explorers(chapters: dict[str, Path]) -> None:
    for name, path in chapters.items():
        figures = read(path).select("figure.explorer")
        assert sorted(figure["data-explorer"] for figure in figures) == sorted(WHERE[name])
        for figure in figures:
            still = figure.select_one("img.explorer-still")
            assert still is not None
            assert len(str(still["alt"])) > 40
            assert (path.parent / str(still["src"])).stat().st_size <= 40_000


@pytest.mark.parametrize("name", WHERE)
def test_started_from_disk_without_network(
    chapters: dict[str, Path], browser_path: str, name: str
) -> None:
    with browser_context(browser_path, LIGHT) as context:
        page = context.new_page()
        visit = Visit(name, LIGHT)
        page.on("request", lambda request: visit.requests.append(request.url))
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.goto(chapters[name].as_uri(), wait_until="load")
        page.wait_for_timeout(200)
        assert explorer_bytes(visit) <= BEFORE_USE
        before = [url for url in visit.requests if "/explorers/" in url and ".js" in url]
        assert {url.split("?")[0].rsplit("/", 1)[1] for url in before} <= {"loader.js", "quiz.js"}
        for figure in page.locator("figure.explorer").all():
            figure.locator(".explorer-start").click()
            wait_until_ready(page, figure.get_attribute("data-explorer") or "")
            figure.locator("button, input, select").first.wait_for(state="visible")
        assert explorer_bytes(visit) <= AFTER_USE, f"{explorer_bytes(visit) / 1e6:.2f} MB"
        assert not visit.complaints, visit.complaints
        assert not visit.elsewhere
        assert all(url.startswith(LOCAL) for url in visit.requests)


@pytest.mark.parametrize("name", WHERE)
def test_every_control_answers_in_time(
    chapters: dict[str, Path], browser_path: str, name: str
) -> None:
    """Each slider is moved by a key, as a reader would; half of the answers may take longer."""
    with browser_context(browser_path, LIGHT) as context:
        page = context.new_page()
        page.goto(chapters[name].as_uri(), wait_until="load")
        for figure in page.locator("figure.explorer").all():
            figure.locator(".explorer-start").click()
            wait_until_ready(page, figure.get_attribute("data-explorer") or "")
            for slider in figure.locator("input[type=range]:visible").all()[:6]:
                slider.focus()
                for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
                    page.keyboard.press(key)
                    page.wait_for_timeout(30)
            times = figure.evaluate("figure => figure.answerTimes")
            canvas = figure.locator("canvas").first
            if not times:  # a map, moved by its own keys
                canvas.focus()
                for key in ("ArrowRight", "ArrowDown", "ArrowRight"):
                    page.keyboard.press(key)
                    page.wait_for_timeout(50)
                times = figure.evaluate("figure => figure.answerTimes")
            assert times, "nothing was answered"
            assert sorted(times)[len(times) // 2] <= ANSWER, times


@pytest.mark.parametrize("name", WHERE)
def test_without_scripts_the_pictures_stay(
    chapters: dict[str, Path], browser_path: str, name: str
) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        page = browser.new_context(java_script_enabled=False).new_page()
        page.goto(chapters[name].as_uri(), wait_until="load")
        for figure in page.locator("figure.explorer").all():
            assert not figure.locator(".explorer-start").is_visible()
            still = figure.locator(".explorer-still")
            still.scroll_into_view_if_needed()
            assert still.is_visible()
            assert figure.locator("figcaption").is_visible()
        browser.close()


@pytest.mark.parametrize("name", WHERE)
def test_started_on_a_telephone(chapters: dict[str, Path], browser_path: str, name: str) -> None:
    """By a finger, 360 pixels wide, and nothing sticks out."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        context = browser.new_context(
            viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True,
            reduced_motion="reduce",
        )  # fmt: skip
        context.set_offline(True)
        page = context.new_page()
        page.goto(chapters[name].as_uri(), wait_until="load")
        for figure in page.locator("figure.explorer").all():
            button = figure.locator(".explorer-start")
            button.scroll_into_view_if_needed()
            button.tap()
            wait_until_ready(page, figure.get_attribute("data-explorer") or "")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        small = page.evaluate(
            # A handle on a canvas is small to look at; a wider area around it takes the touch.
            """() => [...document.querySelectorAll('figure.explorer :is(button, select)')]
            .filter(e => e.offsetParent && !e.matches('.explorer-handle'))
            .filter(e => e.getBoundingClientRect().height < 32)
            .map(e => e.outerHTML.slice(0, 120))"""
        )
        assert not small, small
        browser.close()


def wait_until_ready(page: Page, name: str) -> None:
    """Until the explorer runs; what it says where it failed is the test's message."""
    figure = page.locator(f"figure.explorer[data-explorer={name}]").first
    page.wait_for_function(
        "figure => ['ready', 'failed'].includes(figure.dataset.state)",
        arg=figure.element_handle(), timeout=20_000,
    )  # fmt: skip
    failed = figure.locator(".explorer-failure")
    assert failed.count() == 0, failed.first.inner_text()


def explorer_bytes(visit: Visit) -> int:
    """Bytes of what explorers and questions made the page load."""
    own = [url for url in visit.requests if re.search(r"/explorers/", url)]
    return Visit(visit.page, visit.variant, own).weight()
