"""All articles of the book in one HTML file, with ids that are unique and links that stay inside.

An id of a page gets the page's name in front of it (`chapters-03-vae--fig-elbo`), and every link
to a page of the site becomes a link to that id. A link to a file that is no page of the book
becomes an address of the site on the web.
"""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from bs4 import BeautifulSoup, Tag

from tools.chapters import Document, documents
from tools.config import Book
from tools.errors import BookError
from tools.pdf.dress import ONLINE, article_of, dress

# Attributes whose words are ids of the same page.
ID_LISTS = ("aria-labelledby", "aria-describedby", "aria-controls", "headers", "for", "data-of")
SOLUTIONS = "solutions"  # the id of the part that shows all answers and solutions
SOLUTIONS_TITLE = "Answers and solutions"


@dataclass(frozen=True)
class Leaf:
    """One document of the book, ready to be put between the others."""

    prefix: str
    title: str
    article: Tag
    document: Document | None = None
    solutions: tuple[Tag, ...] = ()
    styles: tuple[str, ...] = ()  # files of the site, as addresses from its root


def prefix_of(page: str) -> str:
    """`chapters/03-vae.html` -> `chapters-03-vae`."""
    return page.removesuffix(".html").replace("/", "-")


def read_leaf(book: Book, document: Document, site: Path) -> Leaf:
    """One page of the built site, dressed for paper; its links and ids are still its own.

    Raises:
        BookError: the page is missing, or has no article or no title.
    """
    path = site / document.page
    if not path.is_file():
        raise BookError("this page is missing; build the site again with `make book`", path)
    soup = BeautifulSoup(path.read_text(encoding="utf8"), "html.parser")
    article = article_of(soup, document.page)
    solutions = dress(soup, article, book.site + document.page)
    title = article.find("h1")
    if title is None:
        raise BookError("this page has no title", path)
    folder = posixpath.dirname(document.page)
    styles = tuple(
        posixpath.normpath(posixpath.join(folder, urlsplit(str(link["href"])).path))
        for link in soup.select("link[rel~=stylesheet][href]")
        if not urlsplit(str(link["href"])).netloc
    )
    name = " ".join(title.get_text().split())
    return Leaf(prefix_of(document.page), name, article, document, tuple(solutions), styles)


def read_leaves(book: Book, site: Path, folder: Path) -> list[Leaf]:
    """Every page of `_toc.yml`, in its order, then the answers and solutions if there are any.

    Ids and links are those of the one file, which is going to stand in `folder`; `site` is where
    the built pages are.

    Raises:
        BookError: an id is used twice, or a link leads to an id that no page has.
    """
    leaves = [read_leaf(book, document, site) for document in documents(book)]
    for leaf in leaves:
        for part in (leaf.article, *leaf.solutions):
            _prefix_ids(part, leaf.prefix)
        leaf.article["id"] = leaf.prefix
    ids = _all_ids(leaves)
    for leaf in leaves:
        _rewrite_links(book, leaf, ids)
        _rewrite_sources(leaf, site, folder)
    appendix = _solutions(leaves)
    return [*leaves, appendix] if appendix else leaves


def _prefix_ids(part: Tag, prefix: str) -> None:
    seen: set[str] = set()
    for tag in (part, *part.find_all(True)):
        name = tag.get("id") or (tag.get("name") if tag.name == "a" else None)
        del tag["id"]
        if name and name not in seen:
            seen.add(str(name))
            tag["id"] = f"{prefix}--{name}"
        for key in ID_LISTS:
            if key in tag.attrs:
                words = " ".join(tag.get_attribute_list(key)).split()
                tag[key] = " ".join(f"{prefix}--{word}" for word in words)


def _all_ids(leaves: list[Leaf]) -> set[str]:
    found: set[str] = set()
    for leaf in leaves:
        for part in (leaf.article, *leaf.solutions):
            for tag in (part, *part.find_all(id=True)):
                name = str(tag["id"])
                if name in found:
                    raise BookError(f"the id {name!r} stands twice in the merged book", leaf.prefix)
                found.add(name)
    return found


def _rewrite_links(book: Book, leaf: Leaf, ids: set[str]) -> None:
    assert leaf.document is not None
    page = leaf.document.page
    for part in (leaf.article, *leaf.solutions):
        for tag in part.select(f"a[href]:not(.{ONLINE})"):
            tag["href"] = link = inside(book, page, str(tag["href"]), ids)
            if link.startswith("#") and link[1:] not in ids:
                raise BookError(
                    f"a link leads to {link[1:]!r}, which no page has; `make linkcheck` shows "
                    "which link it is", page,
                )  # fmt: skip


def _rewrite_sources(leaf: Leaf, site: Path, folder: Path) -> None:
    assert leaf.document is not None
    for part in (leaf.article, *leaf.solutions):
        for tag in part.find_all(src=True):
            source = str(tag["src"])
            if not source.startswith(("data:", "http:", "https:", "//")):
                path = posixpath.join(posixpath.dirname(leaf.document.page), unquote(source))
                tag["src"] = address(site / urlsplit(path).path, folder)


def address(file: Path, folder: Path) -> str:
    """The address of a file for a page that stands in `folder`."""
    return quote(Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix())


def inside(book: Book, page: str, link: str, ids: set[str]) -> str:
    """The link as it must be in the merged file."""
    link = link.replace(book.site, "/", 1) if link.startswith(book.site) else link
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return link
    path = unquote(parts.path)
    if path.startswith("/"):
        path = path.lstrip("/")
    elif path:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    else:
        path = page
    path = path or "index.html"
    prefix = prefix_of(path)
    if not path.endswith(".html") or prefix not in ids:
        return book.site + path + (f"#{parts.fragment}" if parts.fragment else "")
    fragment = unquote(parts.fragment)
    return f"#{prefix}--{fragment}" if fragment else f"#{prefix}"


def _solutions(leaves: list[Leaf]) -> Leaf | None:
    """The last part: every chapter's answers and solutions, under the chapter's title."""
    if not any(leaf.solutions for leaf in leaves):
        return None
    soup = BeautifulSoup("", "html.parser")
    article = soup.new_tag("article", attrs={"class": "bd-article", "id": SOLUTIONS})
    article.append(soup.new_tag("h1", string=SOLUTIONS_TITLE))
    for leaf in leaves:
        if not leaf.solutions:
            continue
        name = f"{SOLUTIONS}--{leaf.prefix}"
        article.append(soup.new_tag("h2", attrs={"id": name}, string=leaf.title))
        for solution in leaf.solutions:
            article.append(solution.extract())
    return Leaf(SOLUTIONS, SOLUTIONS_TITLE, article)
