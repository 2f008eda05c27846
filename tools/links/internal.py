"""Links that stay inside: between pages, to pictures and styles, from the notebooks to the site."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools.chapters import chapters, notebook_path
from tools.config import Book
from tools.errors import BookError
from tools.links.pages import CSS_URL, anchors, loaded, read
from tools.nb import read_notebook

# An address in a notebook's Markdown ends where its link does; brackets in it come in pairs.
ADDRESS = re.compile(r"https?://(?:[^\s<>\"'`()\]]|\([^\s<>\"'`()]*\))+")

DRAWN_LINK = re.compile(r"""\b(?:xlink:)?href\s*=\s*["']([^"']+)["']""")
DRAWN_ID = re.compile(r"""\bid\s*=\s*["']([^"']+)["']""")


@dataclass(frozen=True)
class Link:
    """A link and the page, style sheet, drawing or notebook that it stands on."""

    page: str
    address: str


@dataclass(frozen=True)
class Broken:
    link: Link
    missing: str

    def __str__(self) -> str:
        return f"{self.link.page}: {self.link.address} leads to {self.missing}"


def site_pages(site: Path) -> list[Path]:
    """Every page of the site.

    Raises:
        BookError: there is none.
    """
    found = sorted(p for p in site.rglob("*.html") if "_static" not in p.relative_to(site).parts)
    if not found:
        raise BookError("no page is here; build the site with `make book`", site)
    return found


def page_links(site: Path) -> Iterator[Link]:
    """Every link that a reader can follow, whether it stays inside or not."""
    for page in site_pages(site):
        for tag in read(page).find_all("a", href=True):
            yield Link(page.relative_to(site).as_posix(), str(tag["href"]))


def loaded_files(site: Path) -> Iterator[Link]:
    """What pages load by themselves, and what styles and drawings name."""
    for page in site_pages(site):
        for address in loaded(read(page)):
            yield Link(page.relative_to(site).as_posix(), address)
    for sheet in sorted(site.rglob("*.css")):
        for address in CSS_URL.findall(sheet.read_text(encoding="utf8")):
            yield Link(sheet.relative_to(site).as_posix(), address)
    for drawing in sorted(site.rglob("*.svg")):
        yield from _drawing_links(site, drawing)


def _drawing_links(site: Path, drawing: Path) -> Iterator[Link]:
    text = drawing.read_text(encoding="utf8")
    for address in dict.fromkeys([*DRAWN_LINK.findall(text), *CSS_URL.findall(text)]):
        yield Link(drawing.relative_to(site).as_posix(), address)


def notebook_links(book: Book) -> Iterator[Link]:
    """Addresses in the notebooks' text; they are whole, since a notebook may be anywhere."""
    for chapter in chapters(book):
        notebook = read_notebook(notebook_path(book, chapter))
        if notebook is None:
            raise BookError("this notebook is missing; `make notebooks` writes it",
                            notebook_path(book, chapter))  # fmt: skip
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                for address in ADDRESS.findall(cell.source):
                    yield Link(f"notebooks/{chapter.stem}.ipynb", address.rstrip(".,;:!?*_"))


def all_links(book: Book, site: Path) -> list[Link]:
    return [*page_links(site), *loaded_files(site), *notebook_links(book)]


def is_external(book: Book, address: str) -> bool:
    """Whether a link leaves the course: its own site and repository are not the outside."""
    return (
        address.startswith(("http:", "https:", "//"))
        and not address.startswith(book.site)
        and _in_repository(book, address) is None
    )


def _in_repository(book: Book, address: str) -> str | None:
    """The path in the repository that an address of it names; "" for the repository itself."""
    if address.rstrip("/") == book.repository:
        return ""
    kinds = (
        f"{book.repository}/blob/{book.branch}/",
        f"{book.repository}/tree/{book.branch}/",
        book.raw(""),
        book.colab(""),
    )
    for start in kinds:
        if address.startswith(start):
            return unquote(urlsplit(address.removeprefix(start)).path)
    return None


def missing_end(book: Book, site: Path, link: Link) -> str | None:
    """What is missing at the end of a link that stays inside; None if all is there."""
    address = link.address
    if (path := _in_repository(book, address)) is not None:
        return None if (book.root / path).exists() else f"no file {path!r} of the repository"
    if address.startswith(book.site):
        address = "/" + address.removeprefix(book.site)
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    start = site / link.page
    target = site / unquote(parts.path).lstrip("/") if parts.path.startswith("/") else (
        start.parent / unquote(parts.path) if parts.path else start
    )  # fmt: skip
    target = target.resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return "no file"
    if not target.is_relative_to(site.resolve()):
        return "a file outside the site"
    fragment = unquote(parts.fragment)
    return "no anchor" if fragment and fragment not in _ends(target, fragment) else None


def _ends(target: Path, fragment: str) -> Collection[str]:
    """What a fragment can name in a file; in files of other kinds, everything."""
    if target.suffix == ".html":
        return anchors(target)
    if target.suffix == ".svg":
        return DRAWN_ID.findall(target.read_text(encoding="utf8"))
    return (fragment,)


def broken(book: Book, site: Path, links: list[Link]) -> list[Broken]:
    """The links that stay inside and lead nowhere, each once per page."""
    found = []
    for link in dict.fromkeys(links):
        if not is_external(book, link.address) and (missing := missing_end(book, site, link)):
            found.append(Broken(link, missing))
    return found
