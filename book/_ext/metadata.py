"""What search engines, link previews and reference managers read of a page: description, address,
picture, and how to cite it. Everything comes from `_config.yml` and from the page itself.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from tools.chapters import Document, chapters
from tools.config import Book, load_book
from tools.reading import reading_minutes
from tools.source import read_chapter

LOGGER = logging.getLogger(__name__)
SHORTEST, ENOUGH, LONGEST = 50, 90, 160
CARD = "_static/img/card.jpg"  # made by tools/card.py
CARD_SIZE = (1200, 630)
CARD_ALT = "The name of the course beside faces and garments that its models drew."
TEXT_LICENCE = "https://creativecommons.org/licenses/by/4.0/"
SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z“\"(`])")
BESIDE = (
    nodes.Admonition, nodes.figure, nodes.table, nodes.footnote, nodes.sidebar, nodes.citation,
    nodes.definition_list,
)  # fmt: skip


def start(app: Sphinx) -> None:
    book = load_book(Path(app.srcdir).parent)
    app.metadata_book = book  # type: ignore[attr-defined]
    app.metadata_chapters = {c.name: c for c in chapters(book)}  # type: ignore[attr-defined]


def describe(doctree: nodes.document) -> str:
    """The page's first sentences, 50 to 160 characters of them: whole ones, if they say enough."""
    sentences = _sentences(doctree)
    text = ""
    for sentence in sentences:
        longer = f"{text} {sentence}".strip()
        if len(longer) > LONGEST:
            break
        text = longer
    if len(text) >= ENOUGH:
        return text
    # The next sentence is long: as many of its words as fit.
    whole = " ".join(sentences)
    if len(whole) > LONGEST:
        return whole[: LONGEST - 1].rsplit(" ", 1)[0].rstrip(",;:–—-") + "…"
    return whole


def _sentences(doctree: nodes.document) -> list[str]:
    """The sentences of the page's first paragraphs, without those that have a formula in them."""
    found: list[str] = []
    for paragraph in doctree.findall(nodes.paragraph):
        if any(isinstance(up, BESIDE) for up in _ancestors(paragraph)):
            continue
        text = "".join(
            "\0" if isinstance(part, (nodes.math, nodes.math_block)) else part.astext()
            for part in paragraph.children
        )
        found += [s for s in SENTENCE.split(" ".join(text.split())) if "\0" not in s and s]
        if len(found) > 8:
            break
    return found


def _ancestors(node: nodes.Node) -> list[nodes.Node]:
    found = []
    while (node := node.parent) is not None:
        found.append(node)
    return found


def address(book: Book, page: str) -> str:
    """Where the page will stand; the first page is the site itself."""
    return book.site if page == "index" else f"{book.site}{page}.html"


def tags(book: Book, page: str, title: str, text: str, chapter: Document | None) -> list[str]:
    """The page's `<meta>` and `<link>` elements."""
    url = address(book, page)
    named = {"description": text, "author": book.author, "twitter:card": "summary_large_image"}
    shown = {
        "og:type": "article" if chapter else "website",
        "og:site_name": book.title,
        "og:title": title,
        "og:description": text,
        "og:url": url,
        "og:locale": "en_GB",  # a language with its country, by the protocol
        "og:image": f"{book.site}{CARD}",
        "og:image:width": str(CARD_SIZE[0]),
        "og:image:height": str(CARD_SIZE[1]),
        "og:image:alt": CARD_ALT,
    }
    if chapter:
        named |= {
            "citation_title": title,
            "citation_author": book.author,
            "citation_publication_date": book.year,
            "citation_inbook_title": book.title,
            "citation_language": "en",
            "citation_public_url": url,
            "citation_fulltext_html_url": url,  # what Google Scholar and Zotero open
        }
    found = [f'<link rel="canonical" href="{html.escape(url)}" />']
    found += [f'<meta name="{k}" content="{html.escape(v)}" />' for k, v in named.items()]
    found += [f'<meta property="{k}" content="{html.escape(v)}" />' for k, v in shown.items()]
    return found


def hours(book: Book) -> int:
    """What reading the whole course takes, at least one."""
    return max(1, round(sum(reading_minutes(read_chapter(book, c)) for c in chapters(book)) / 60))


def whole_course(book: Book, titles: Mapping[str, str]) -> dict[str, Any]:
    """What schema.org's `Course` has beside what every page has."""
    return {
        "@type": "Course",
        "provider": {"@type": "Organization", "name": book.author, "url": book.site},
        # Search engines show a course only with a way to take it and with its price.
        "hasCourseInstance": {
            "@type": "CourseInstance",
            "courseMode": "Online",
            "courseWorkload": f"PT{hours(book)}H",
        },
        "offers": {"@type": "Offer", "category": "Free", "price": 0, "priceCurrency": "EUR"},
        "hasPart": [
            {
                "@type": "LearningResource", "position": chapter.number,
                "name": titles[chapter.name], "url": address(book, chapter.name),
            }
            for chapter in chapters(book)
        ],
    }  # fmt: skip


def linked_data(
    book: Book, page: str, titles: Mapping[str, str], text: str, chapter: Document | None
) -> dict[str, Any]:
    """The page in schema.org's words: the course, or one chapter of it.

    Args:
        titles: of every page, without its number.
    """
    title = titles[page]
    about: dict[str, Any] = {
        "@context": "https://schema.org",
        "name": title,
        "description": text,
        "url": address(book, page),
        "inLanguage": "en",
        "author": {"@type": "Organization", "name": book.author},
        "license": TEXT_LICENCE,
        "isAccessibleForFree": True,
        "image": f"{book.site}{CARD}",
    }
    if chapter is None:
        return about | whole_course(book, titles)
    minutes = reading_minutes(read_chapter(book, chapter))
    return about | {
        "@type": ["LearningResource", "Article"],
        "headline": title,
        "position": chapter.number,
        "datePublished": book.year,
        "learningResourceType": "chapter",
        "timeRequired": f"PT{minutes}M",
        "isPartOf": {"@type": "Course", "name": book.title, "url": book.site},
    }


def add(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put the page's metadata into its head."""
    book: Book = app.metadata_book  # type: ignore[attr-defined]
    if doctree is None:  # a page that is not written by anyone: the search
        context["metatags"] = context.get("metatags", "") + (
            f'\n<meta name="description" content="Search the text, the code and the symbols of '
            f'{html.escape(book.title)}." />\n<meta name="robots" content="noindex" />\n'
        )
        return
    title = app.env.titles[page].astext()  # without the chapter's number
    chapter = app.metadata_chapters.get(page)  # type: ignore[attr-defined]
    stated = (app.env.metadata.get(page) or {}).get("description")
    text = str(stated or describe(doctree))
    if len(text) < SHORTEST and not stated:
        text = f"{text} {title}: a page of {book.title}.".strip()
    if not SHORTEST <= len(text) <= LONGEST:
        LOGGER.warning(
            "the description of this page has %d characters, wanted %d to %d: %r; give the front "
            "matter a `description`", len(text), SHORTEST, LONGEST, text, location=page,
        )  # fmt: skip
    found = tags(book, page, title, text, chapter)
    if chapter or page == "index":
        titles = {name: node.astext() for name, node in app.env.titles.items()}
        data = json.dumps(linked_data(book, page, titles, text, chapter), ensure_ascii=False)
        # A `<` could end the script.
        data = data.replace("<", "\\u003c")
        found.append(f'<script type="application/ld+json">{data}</script>')
    context["metatags"] = context.get("metatags", "") + "\n" + "\n".join(found) + "\n"
    if title == book.title:
        context["docstitle"] = ""  # the window's title would say it twice
        context["theme_logo"] = {**context.get("theme_logo", {}), "text": book.title}


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", start)
    app.connect("html-page-context", add, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
