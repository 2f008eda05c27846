"""Files that a site has beside its pages: the page for addresses that lead nowhere, and what search
engines ask for.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from docutils import nodes
from jinja2 import Environment, FileSystemLoader, select_autoescape
from sphinx.application import Sphinx

from tools.chapters import documents
from tools.config import Book, load_book

TEMPLATES = Path(__file__).parent / "templates"
BESIDES = ("how-to-use.html", "notation.html", "glossary.html")


def titles(app: Sphinx, book: Book) -> list[tuple[str, str]]:
    """Address and title of each page in reading order, chapters with their number."""
    found = []
    for document in documents(book):
        title = app.env.titles.get(document.name, nodes.title()).astext()
        number = f"{document.number}. " if document.number else ""
        found.append((f"{book.site}{document.page}", f"{number}{title}"))
    return found


def not_found(book: Book, pages: list[tuple[str, str]]) -> str:
    """The page `404.html`. Shown at any depth, it loads nothing and names full addresses."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(["html"]), trim_blocks=True
    )
    return environment.get_template("404.html").render(
        title=book.title,
        home=book.site,
        search=f"{book.site}search.html",
        chapters=[page for page in pages if "/chapters/" in page[0]],
        others=[page for page in pages if page[0].removeprefix(book.site) in BESIDES],
    )


def sitemap(book: Book, pages: list[tuple[str, str]]) -> str:
    addresses = [book.site, *(address for address, _ in pages[1:])]
    lines = "".join(f"  <url><loc>{html.escape(address)}</loc></url>\n" for address in addresses)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n' + lines + "</urlset>\n"
    )


def write(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    book = load_book(Path(app.srcdir).parent)
    pages = titles(app, book)
    files = {
        "404.html": not_found(book, pages),
        "sitemap.xml": sitemap(book, pages),
        "robots.txt": f"User-agent: *\nAllow: /\nSitemap: {book.site}sitemap.xml\n",
    }
    for name, text in files.items():
        (Path(app.outdir) / name).write_text(text, encoding="utf8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
