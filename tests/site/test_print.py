"""A chapter printed from the browser: dark on white, the text alone, and nothing cut."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader

from tests.site.visits import Variant, browser_context
from tools.chapters import Document, chapters
from tools.config import load_book

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CHAPTERS = chapters(load_book())
# A4 less the margins of print.css, in CSS pixels.
PAPER = Variant("paper", "dark", 655)

LOOK = """() => {
  const shown = (e) => e.getClientRects().length > 0;
  const light = (text) => {
    const [red, green, blue] = text.match(/[\\d.]+/g).map(Number);
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  };
  const words = [...document.querySelectorAll(
    'article :is(p, li, td, th, pre, code, figcaption, h1, h2, h3, span)')].filter(shown);
  return {
    background: light(getComputedStyle(document.body).backgroundColor),
    pale: words.filter(e => light(getComputedStyle(e).color) > 140)
      .slice(0, 5).map(e => e.outerHTML.slice(0, 120)),
    title: shown(document.querySelector('article h1')),
    around: [...document.querySelectorAll('.bd-sidebar-primary, .bd-sidebar-secondary, ' +
      '.bd-header-article, .prev-next-footer, .chapter-links, .copybtn, a.headerlink, ' +
      '.cell details > summary, .onlyprint')].filter(shown).map(e => e.className || e.tagName),
    cut: [...document.querySelectorAll('article pre')]
      .filter(e => shown(e) && e.scrollWidth > e.clientWidth + 1)
      .map(e => e.textContent.slice(0, 80)),
  };
}"""


@pytest.mark.parametrize("chapter", CHAPTERS[:1], ids=lambda chapter: chapter.stem)
def test_a_chapter_on_paper(site: Path, browser: Browser, chapter: Document) -> None:
    with browser_context(browser, PAPER) as context:
        page = context.new_page()
        page.goto((site / chapter.page).as_uri(), wait_until="load")
        page.emulate_media(media="print", color_scheme="dark")
        seen: dict[str, Any] = page.evaluate(LOOK)
        printed = PdfReader(io.BytesIO(page.pdf(format="A4", print_background=True)))
    assert seen["background"] > 250  # whatever the theme: ink on white paper
    assert seen["pale"] == []
    assert seen["title"]
    assert seen["around"] == []
    assert seen["cut"] == []
    text = " ".join(page.extract_text() for page in printed.pages)
    assert "Exercises" in text
    assert "Skip to main content" not in text
