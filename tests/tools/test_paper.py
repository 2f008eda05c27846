"""Where pages of the printed book end: never between a heading and what it stands over."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

from tools.browser import FLAGS, INSTALL, find_browser

needs_browser = pytest.mark.skipif(find_browser() is None, reason=INSTALL)
ROWS = "".join(f"<tr><td>row {n}</td><td>value</td></tr>" for n in range(6))
TABLE = f"<table class='table short'><thead><tr><th>HEAD</th></tr></thead>{ROWS}</table>"
# Each: what must stand on the page on which the text after it begins.
PAIRS = {
    "a heading over a table": (
        f"<h3>FIRST</h3><div class='pst-scrollable-table-container'>{TABLE}</div>", "row 0",
    ),
    "a rubric over a table": (
        f"<p class='rubric'>FIRST</p><div class='pst-scrollable-table-container'>{TABLE}</div>",
        "row 0",
    ),
    "the name of a field": (
        "<dl class='py function'><dt class='sig'>f(x)</dt><dd><dl class='field-list simple'>"
        "<dt class='field-odd'>FIRST</dt><dd class='field-odd'><ul><li><p>SECOND, of a kind</p>"
        "</li><li><p>another</p></li></ul></dd></dl></dd></dl>", "SECOND",
    ),
    "folded code and its figure": (
        "<div class='cell'><p class='folded-code'>FIRST</p><div class='cell_output'><figure>"
        "<div style='height: 90mm'></div><figcaption>SECOND</figcaption></figure></div></div>",
        "SECOND",
    ),
}  # fmt: skip
FILLERS = range(150, 256, 7)  # millimetres of text above it, up to a whole page
# As the theme lays fields out.
GRID = (
    "dl[class]:not(.option-list,.field-list,.footnote,.glossary,.simple) dl.field-list"
    "{display: grid; grid-template-columns: unset} dl dt{display: flex}"
)
SHEETS = ("book/_static/css/course.css", "book/_static/css/print.css", "tools/pdf/paper.css")


def book(root: Path) -> str:
    """Each pair at every height, one page after the other; `FIRST` gets a number."""
    css = "".join((root / name).read_text(encoding="utf8") for name in SHEETS)
    parts = "".join(
        f"<section style='break-before: page'><div style='height: {height}mm'></div>"
        f"{html.replace('FIRST', f'FIRST-{p}-{height}.')}</section>"
        for p, (html, _) in enumerate(PAIRS.values())
        for height in FILLERS
    )
    return (
        f"<!DOCTYPE html><style>{GRID}{css}</style><body><main class='bd-main'>"
        "<div class='bd-content'><div class='bd-article-container'>"
        f"<article class='bd-article'>{parts}</article></div></div></main>"
    )


@pytest.fixture(scope="module")
def printed(root: Path) -> list[str]:
    """The text of each printed page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(FLAGS))
        page = browser.new_page()
        page.set_content(book(root))
        reader = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
        browser.close()
    return [page.extract_text() for page in reader.pages]


@needs_browser
@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("pair", range(len(PAIRS)), ids=[*PAIRS])
def test_a_page_does_not_end_between(printed: list[str], pair: int) -> None:
    _, second = list(PAIRS.values())[pair]
    pages = {
        height: next(n for n, text in enumerate(printed) if f"FIRST-{pair}-{height}." in text)
        for height in FILLERS
    }
    assert [height for height, page in pages.items() if second not in printed[page]] == []
    # Some had to go over to a second page.
    assert max(pages.values()) - min(pages.values()) >= len(FILLERS)
