"""Printing the merged book with Chromium, until the page numbers in it are true."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.browser import FLAGS, INSTALL, find_browser
from tools.errors import BookError

HERE = Path(__file__).parent
# Page numbers and running titles stand in margin boxes of CSS.
OLDEST = 131
# The width of the text on A4 with the margins of paper.css, in CSS pixels.
TEXT_WIDTH = 650
MOST_ROUNDS = 4

SETTLE = """async () => {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  document.documentElement.classList.add('whole-page');
  for (const image of document.images) image.loading = 'eager';
  await document.fonts.ready;
  await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
}"""
COMPLAINTS = """() => [
  ...[...document.images].filter(i => !i.naturalWidth).map(i => 'no picture: ' + i.src),
  ...[...document.querySelectorAll('mjx-merror, [data-mjx-error]')]
    .map(e => 'formula: ' + e.textContent),
  ...[...document.querySelectorAll('.math')].filter(m => !m.querySelector('mjx-container'))
    .map(m => 'formula: ' + m.textContent.trim()),
]"""
FILL = """numbers => {
  for (const place of document.querySelectorAll('.page-of')) {
    place.textContent = numbers[place.dataset.of] ?? '';
  }
}"""
WANTED = "() => [...document.querySelectorAll('.page-of')].map(place => place.dataset.of)"


@contextmanager
def open_book(path: Path) -> Iterator[Any]:
    """The merged file in a Chromium without network, typeset and ready to be printed.

    Raises:
        BookError: no Chromium, one that is too old, or something in the file is not shown.
    """
    from playwright.sync_api import sync_playwright

    executable = find_browser()
    if executable is None:
        raise BookError(INSTALL)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            if int(browser.version.split(".")[0]) < OLDEST:
                raise BookError(
                    f"{executable} is Chromium {browser.version}; page numbers need {OLDEST} or "
                    "newer. Name another one in the environment variable CHROMIUM."
                )
            context = browser.new_context(
                viewport={"width": TEXT_WIDTH, "height": 1000},
                color_scheme="light",
                reduced_motion="reduce",
            )
            context.set_offline(True)
            page = context.new_page()
            page.set_default_timeout(0)  # formulas and pictures of a whole book take their time
            page.emulate_media(media="print")
            page.goto(path.resolve().as_uri(), wait_until="load")
            page.evaluate(SETTLE)
            if found := page.evaluate(COMPLAINTS):
                raise BookError("not everything is shown:\n" + "\n".join(found), path)
            page.evaluate((HERE / "fit.js").read_text(encoding="utf8"))
            yield page
        finally:
            browser.close()


def print_book(path: Path) -> bytes:
    """The merged file as PDF; every `.page-of` holds the page of what it names.

    Raises:
        BookError: see `open_book`; or the page numbers do not settle.
    """
    with open_book(path) as page:
        wanted = set(page.evaluate(WANTED))
        numbers: dict[str, int] = {}
        for _ in range(MOST_ROUNDS):
            page.evaluate(FILL, numbers)
            pdf: bytes = page.pdf(prefer_css_page_size=True, print_background=True, tagged=True,
                                  outline=True)  # fmt: skip
            found = page_numbers(pdf)
            if missing := sorted(wanted - found.keys()):
                raise BookError(f"not found in the PDF: {', '.join(missing)}", path)
            if found == numbers or not wanted:
                return pdf
            numbers = found
    raise BookError(f"page numbers still move after {MOST_ROUNDS} rounds", path)


def page_numbers(pdf: bytes) -> dict[str, int]:
    """Link target -> the page that it stands on, counted from 1."""
    from pypdf import PdfReader

    # Chromium states fewer objects than it writes; pypdf counts them, says so, and goes on.
    logging.getLogger("pypdf").setLevel(logging.ERROR)
    reader = PdfReader(io.BytesIO(pdf))
    order = {
        page.indirect_reference.idnum: number
        for number, page in enumerate(reader.pages, 1)
        if page.indirect_reference is not None
    }
    return {
        name.removeprefix("/"): order[destination.raw_get("/Page").idnum]
        for name, destination in reader.named_destinations.items()
    }


def finish(pdf: bytes, title: str, author: str, address: str) -> bytes:
    """The PDF with its author and address in its properties."""
    from pypdf import PdfWriter

    writer = PdfWriter(clone_from=io.BytesIO(pdf))
    writer.add_metadata({"/Title": title, "/Author": author, "/Subject": address})
    kept = io.BytesIO()
    writer.write(kept)
    return kept.getvalue()
