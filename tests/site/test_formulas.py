"""Formulas are typeset where the reader is, for the printer, and when all are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.site.html import read
from tests.site.visits import PATIENCE, VARIANTS, Variant, browser_context

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CHAPTER = "chapters/03-vae.html"  # the one with the most formulas

SET = "document.querySelectorAll('mjx-container').length"
RAW = """() => [...document.querySelectorAll('.math')].filter(math => {
  const box = math.getBoundingClientRect();
  return box.bottom > 0 && box.top < innerHeight
    && math.checkVisibility({contentVisibilityAuto: true}) && !math.querySelector('mjx-container');
}).map(math => math.textContent)"""

FRAMES = """async () => {
  for (let i = 0; i < 2; i += 1) await new Promise((done) => requestAnimationFrame(done));
}"""

HIDDEN = """[...document.querySelectorAll('.bd-article section')].filter(section =>
  !section.firstElementChild.checkVisibility({contentVisibilityAuto: true})).length"""


def count(site: Path) -> int:
    return len(read(site / CHAPTER).select(".math"))


@contextmanager
def opened(site: Path, browser: Browser) -> Iterator[Page]:
    """The chapter, when MathJax has been loaded."""
    with browser_context(browser, VARIANTS[0]) as context:
        page = context.new_page()
        page.goto((site / CHAPTER).as_uri(), wait_until="load")
        page.wait_for_function("!!window.MathJax?.typesetPromise")
        yield page


def test_what_a_reader_sees_is_typeset_and_the_rest_waits(site: Path, browser: Browser) -> None:
    with opened(site, browser) as page:
        for step in range(8):
            page.evaluate(f"scrollTo({{top: {step * 1500}, behavior: 'instant'}})")
            page.evaluate(FRAMES)  # what has come near is laid out
            page.wait_for_function(f"!({RAW})().length")
        assert 0 < page.evaluate(SET) < count(site)


PLACES = ("posterior-collapse", "exercise-3-4", "try-latent-sliders", "common-questions")
# Whether a place is in the upper part of the window, or far below it, and has been for a second:
# on the way there it moves. After a minute the answer is no.
STANDS = """async ([name, low, high]) => {
  const until = performance.now() + 60_000;
  let since = Infinity;
  while (performance.now() < until) {
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const { top } = document.getElementById(name).getBoundingClientRect();
    if (top < low || top >= high) since = Infinity;
    else since = Math.min(since, performance.now());
    if (performance.now() - since > 1000) return true;
  }
  return false;
}"""
UP, GONE = [0, 150], [500, 1e9]


@pytest.mark.parametrize("variant", [VARIANTS[0], VARIANTS[2]], ids=lambda variant: variant.name)
def test_a_link_into_the_page_leads_to_its_place(
    site: Path, browser: Browser, variant: Variant
) -> None:
    """Sections above it have heights that are only guessed. By address, then by a click."""
    with browser_context(browser, variant) as context:
        for name in PLACES:
            page = context.new_page()
            page.goto(f"{(site / CHAPTER).as_uri()}#{name}", wait_until="load")
            assert page.evaluate(STANDS, [name, *UP]), name
            page.close()
        page = context.new_page()
        page.goto((site / CHAPTER).as_uri(), wait_until="load")
        for name in PLACES[::-1]:
            page.evaluate(
                """name => {
                  const link = document.createElement('a');
                  link.href = '#' + name;
                  document.body.append(link);
                  link.click();
                }""",
                name,
            )
            assert page.evaluate(STANDS, [name, *UP]), name
            page.mouse.move(variant.width / 2, 400)
            page.mouse.wheel(0, -3000)  # the reader goes on, and is not brought back
            assert page.evaluate(STANDS, [name, *GONE]), name


def test_the_printer_gets_every_formula(site: Path, browser: Browser) -> None:
    with opened(site, browser) as page:
        assert page.evaluate(SET) < count(site)
        page.pdf()
        assert page.evaluate(SET) == count(site)


def test_the_whole_page_can_be_asked_for(site: Path, browser: Browser) -> None:
    with browser_context(browser, VARIANTS[0]) as context:
        page = context.new_page()
        page.goto((site / CHAPTER).as_uri(), wait_until="load")
        page.evaluate("coursePage.whole()")
        assert page.evaluate(SET) == count(site)
        assert page.evaluate(HIDDEN) == 0


def test_a_reader_in_a_hurry_stops_nothing(site: Path, browser: Browser) -> None:
    """Formulas that come near and are gone before their turn wait for the next time."""
    with opened(site, browser) as page:
        page.evaluate("""async () => {
          for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight) {
            scrollTo({top: y, behavior: 'instant'});
            await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
          }
          scrollTo({top: 0, behavior: 'instant'});
        }""")
        limit = f"new Promise(done => setTimeout(done, {PATIENCE}))"
        page.evaluate(f"Promise.race([coursePage.whole(), {limit}])")
        assert page.evaluate(SET) == count(site)


def test_the_contents_show_what_is_read(site: Path, browser: Browser) -> None:
    with opened(site, browser) as page:
        active = "[...document.querySelectorAll('.bd-toc-nav .active')].map(e => e.hash)"
        page.evaluate("document.querySelector('#bernoulli').scrollIntoView({behavior: 'instant'})")
        page.wait_for_function(f"{active}.join() === '#which-likelihood,#bernoulli'")
        page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
        page.wait_for_function(f"!{active}.includes('#bernoulli')")
