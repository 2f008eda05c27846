"""Every explorer where it stands: waiting costs little, and it starts from disk without network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.site.explorers import harness as h
from tests.site.html import read
from tests.site.visits import LOCAL, VARIANTS, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BEFORE_USE = 100_000  # bytes that explorers and questions may add to a page that nobody touches
AFTER_USE = 2_500_000  # bytes that a page's explorers load in all when each is started
ANSWER = 50  # milliseconds
# Come near a picture until it is loaded: far sections get their true heights on the way.
NEAR = "e => { e.scrollIntoView({block: 'center'}); return e.complete && e.naturalWidth > 0; }"
PICTURE = ".explorer-canvas, .latent-follow"
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
    chapters: dict[str, Path], browser: Browser, name: str
) -> None:
    with h.reader(browser) as page:
        visit = Visit(name, VARIANTS[0])
        page.on("request", lambda request: visit.requests.append(request.url))
        page.goto(chapters[name].as_uri(), wait_until="load")
        for still in page.locator(".explorer-still").all():  # read past, and not touched
            page.wait_for_function(NEAR, arg=still.element_handle())
        assert explorer_bytes(visit) <= BEFORE_USE
        before = [url for url in visit.requests if "/explorers/" in url and ".js" in url]
        assert {url.split("?")[0].rsplit("/", 1)[1] for url in before} <= {"loader.js", "quiz.js"}
        for figure in started(page):
            figure.locator("button, input, select").first.wait_for(state="visible")
        assert explorer_bytes(visit) <= AFTER_USE, f"{explorer_bytes(visit) / 1e6:.2f} MB"
        assert not visit.elsewhere
        assert all(url.startswith(LOCAL) for url in visit.requests)


@pytest.mark.parametrize("name", WHERE)
def test_every_control_answers_in_time(
    chapters: dict[str, Path], browser: Browser, name: str
) -> None:
    """Sliders and handles are moved by keys, as a reader would; half may take longer."""
    with h.reader(browser) as page:
        page.goto(chapters[name].as_uri(), wait_until="load")
        for figure in started(page):
            for slider in figure.locator("input[type=range]:visible").all()[:6]:
                press(slider, "ArrowRight", "ArrowRight", "ArrowLeft")
            for handle in figure.locator(".explorer-handle").all():
                press(handle, *["ArrowRight", "ArrowDown", "ArrowLeft"] * 3)
            assert h.median_answer(figure) <= ANSWER


@pytest.mark.parametrize("name", WHERE)
def test_without_scripts_the_pictures_stay(
    chapters: dict[str, Path], browser: Browser, name: str
) -> None:
    with h.reader(browser, scripts=False) as page:
        page.goto(chapters[name].as_uri(), wait_until="load")
        for figure in page.locator(h.FIGURE).all():
            assert not figure.locator(".explorer-start").is_visible()
            still = figure.locator(".explorer-still")
            still.scroll_into_view_if_needed()
            assert still.is_visible()
            assert figure.locator("figcaption").is_visible()


@pytest.mark.parametrize("name", WHERE)
def test_started_on_a_telephone(chapters: dict[str, Path], browser: Browser, name: str) -> None:
    """By a finger, 360 pixels wide, and nothing sticks out."""
    with h.reader(browser, width=360, touch=True, is_mobile=True) as page:
        page.goto(chapters[name].as_uri(), wait_until="load")
        for figure in page.locator(h.FIGURE).all():
            button = figure.locator(".explorer-start")
            button.scroll_into_view_if_needed()
            button.tap()
            assert h.outcome(figure) == "ready", figure.inner_text()
        page.evaluate(h.TWO_FRAMES)
        assert h.overflow(page) <= 0
        small = page.evaluate(
            # A handle on a canvas is small to look at; a wider area around it takes the touch.
            """() => [...document.querySelectorAll('figure.explorer :is(button, select)')]
            .filter(e => e.offsetParent && !e.matches('.explorer-handle'))
            .filter(e => e.getBoundingClientRect().height < 32)
            .map(e => e.outerHTML.slice(0, 120))"""
        )
        assert not small, small


@pytest.mark.parametrize("name", WHERE)
def test_the_picture_stays_in_sight(chapters: dict[str, Path], browser: Browser, name: str) -> None:
    """On a telephone the controls are longer than the screen; one moves them and looks above."""
    upright = {"width": 390, "height": 760}
    with h.reader(browser, viewport=upright, touch=True, is_mobile=True) as page:
        page.goto(chapters[name].as_uri(), wait_until="load")
        for figure in started(page):
            sliders = figure.locator("input[type=range]:visible").all()
            for slider in sliders[:1] + sliders[-1:]:
                slider.evaluate("e => scrollBy(0, e.getBoundingClientRect().top - 640)")
                page.evaluate(h.TWO_FRAMES)
                assert abs(box(slider)["y"] - 640) < 2
                picture = box(figure.locator(PICTURE).first)
                assert picture["y"] >= 0, "the top of the picture is off the screen"
                assert picture["y"] + picture["height"] <= 640, "the picture covers the slider"


def box(control: Locator) -> dict[str, float]:
    found = control.bounding_box()
    assert found is not None
    return dict(found)  # type: ignore[call-overload, no-any-return]


def started(page: Page) -> list[Locator]:
    """The page's explorers, each started by its button."""
    figures = page.locator(h.FIGURE).all()
    for figure in figures:
        assert h.press_start(figure) == "ready", figure.inner_text()
    return figures


def press(control: Locator, *keys: str) -> None:
    """Press keys on a control; the answer to each is drawn before the next."""
    for key in keys:
        control.press(key)
        control.page.evaluate(h.TWO_FRAMES)


def explorer_bytes(visit: Visit) -> int:
    """Bytes of what explorers and questions made the page load."""
    own = [url for url in visit.requests if re.search(r"/explorers/", url)]
    return Visit(visit.page, visit.variant, own).weight()
