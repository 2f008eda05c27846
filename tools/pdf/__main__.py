"""Print the whole book: `python -m tools.pdf` writes `_build/TITLE.pdf`.

The site is built first if it is missing.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

from tools.browser import INSTALL, find_browser
from tools.config import ROOT, Book, load_book
from tools.errors import BookError
from tools.files import write_atomically
from tools.pdf.front import merge
from tools.pdf.press import finish, page_numbers, print_book


def file_name(book: Book) -> str:
    """The book's title up to its first comma or colon, as a file's name.

    "Generative Image Models, Proved in Code" -> "generative-image-models.pdf"
    """
    title = re.split(r"[,:]", book.title.lower())[0]
    return re.sub(r"[^a-z0-9]+", "-", title).strip("-") + ".pdf"


def make_pdf(book: Book, site: Path) -> Path:
    """Merge and print the built site; the path of the PDF.

    Raises:
        BookError: no Chromium, a page is missing, a link leads nowhere, or something is not shown.
    """
    if find_browser() is None:
        raise BookError(INSTALL)
    merged = book.build / "pdf" / "book.html"
    write_atomically(merged, merge(book, site, merged.parent))
    pdf = finish(print_book(merged), book.title, book.author, book.site)
    path = book.build / file_name(book)
    partial = path.with_suffix(".pdf.partial")
    partial.write_bytes(pdf)
    partial.replace(path)
    return path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.pdf", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    parser.add_argument("--site", type=Path, help="a built site (default: _build/html)")
    options = parser.parse_args()
    started = time.perf_counter()
    try:
        book = load_book(options.root)
        if options.site is None and not (book.html / "index.html").is_file():
            from tools.book import build  # only here: it brings Jupyter with it

            build(book, quiet=True)
        path = make_pdf(book, options.site or book.html)
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    pdf = path.read_bytes()
    pages, size = max(page_numbers(pdf).values()), len(pdf) / 1e6
    seconds = time.perf_counter() - started
    print(f"{pages} pages, {size:.1f} MB, {seconds:.0f} s: {path.as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
