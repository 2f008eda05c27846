"""What the course adds to its pages: notebook links, the foot line, and a lighter theme.

A chapter's page opens the generated `.ipynb` on Colab (the theme would link the `.md`), offers it
for download, and says at its foot where its outputs come from.
"""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from lighten import lighten
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

from tools.chapters import Document, chapters, notebook_path
from tools.config import Book, load_book
from tools.nb import read_notebook
from tools.provenance import foot_line
from tools.reading import in_words, reading_minutes
from tools.source import read_chapter

LOGGER = logging.getLogger(__name__)
DOWNLOADS = "_notebooks"


def set_static_files(app: Sphinx, config: Config) -> None:
    """Jupyter Book puts all of `_static` on every page; these are asked for where needed."""
    for name in ("html_js_files", "html_css_files"):
        setattr(config, name, [f for f in getattr(config, name) if not _is_asked_for(f)])
    config.html_css_files.sort(key=_address)  # the style for print comes after the course's
    config.html_static_path.append(str(Path(__file__).parent / "static"))


def _is_asked_for(entry: Any) -> bool:
    return _address(entry).startswith(("vendor/", "explorers/"))


def _address(entry: Any) -> str:
    return str(entry[0] if isinstance(entry, (tuple, list)) else entry)


def find_chapters(app: Sphinx) -> None:
    book = load_book(Path(app.srcdir).parent)
    app.course_book = book  # type: ignore[attr-defined]
    app.course_chapters = {c.name: c for c in chapters(book)}  # type: ignore[attr-defined]


def dress_chapter(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put the notebook links under the title, and the foot line after the text."""
    chapter = app.course_chapters.get(page)  # type: ignore[attr-defined]
    if chapter is None or "body" not in context:
        return
    book: Book = app.course_book  # type: ignore[attr-defined]
    notebook = read_notebook(notebook_path(book, chapter))
    made = notebook.metadata.get("genlib", {}) if notebook else {}
    if "seconds" not in made:
        LOGGER.warning("no provenance in %s", notebook_path(book, chapter), location=page)
        return
    minutes = reading_minutes(read_chapter(book, chapter))
    links = _links(
        book, chapter, context["pathto"](f"{DOWNLOADS}/{chapter.stem}.ipynb", 1), in_words(minutes)
    )
    body = str(context["body"])
    context["body"] = body.replace("</h1>", f"</h1>\n{links}", 1) + (
        f'\n<p class="provenance">{html.escape(foot_line(made))}</p>\n'
    )


def _links(book: Book, chapter: Document, download: str, time: str) -> str:
    colab = html.escape(book.colab(f"notebooks/{chapter.stem}.ipynb"))
    return (
        '<p class="chapter-links">'
        f'<a class="colab-button" href="{colab}">Open on Colab</a> '
        f'<a class="download-button" href="{html.escape(download)}" download>'
        "Download the notebook (.ipynb)</a> "
        f'<span class="reading-time">About {time} to read</span></p>'
    )


def copy_notebooks(app: Sphinx, error: Exception | None) -> None:
    """Put the notebooks into the site, so that the download works from disk too."""
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir) / DOWNLOADS
    folder.mkdir(exist_ok=True)
    for chapter in app.course_chapters.values():  # type: ignore[attr-defined]
        shutil.copyfile(
            notebook_path(app.course_book, chapter),  # type: ignore[attr-defined]
            folder / f"{chapter.stem}.ipynb",
        )


# What the theme's pages get wrong, and how it is put right.
MENDED = (
    # Icons come twice, as fonts and as a script of 1.5 MB; the fonts by themselves do.
    (
        re.compile(
            r'\s*<script src="[^"]*vendor/fontawesome/[^"]*/js/all\.min\.js[^"]*"></script>'
        ),
        "",
    ),
    # Preloading a font is refused for a page opened from disk.
    (re.compile(r'\s*<link rel="preload" as="font"[^>]*>'), ""),
    # Bootstrap's marking of the section that is read lays out the whole page; contents.js does not.
    (re.compile(r'<body data-bs-spy="scroll"[^>]*?(?= data-default-mode|>)'), "<body"),
    # Light or dark is settled by a script that comes late; without any script, it is light.
    (
        re.compile(r'(?<=dataset\.theme = )localStorage\.getItem\("theme"\) \|\| "auto"'),
        'localStorage.getItem("theme")'
        ' || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")',
    ),
    (re.compile(r'(?<=<html)([^>]*) data-theme="auto"'), r'\1 data-theme="light"'),
    # A button that unfolds a part of the contents has no name for a screen reader.
    (re.compile(r"<summary>(?=<span class=\"toctree-toggle\")"), '<summary aria-label="Subpages">'),
    # The bibliography says that it is a list, but its entries do not say that they are items.
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),
)


def mend(app: Sphinx, error: Exception | None) -> None:
    """Go over the written pages: lighter, and complete for screen readers."""
    if error or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        text = mended = path.read_text(encoding="utf8")
        for pattern, replacement in MENDED:
            mended = pattern.sub(replacement, mended)
        if mended != text:
            path.write_text(mended, encoding="utf8")
    static = Path(app.outdir) / "_static"
    for unused in (*static.rglob("fontawesome/*/js"), *static.rglob("*.map")):
        shutil.rmtree(unused) if unused.is_dir() else unused.unlink()
    lighten(Path(app.outdir))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", set_static_files, priority=900)
    app.connect("builder-inited", find_chapters)
    app.add_js_file("scroll.js", loading_method="defer")
    app.add_js_file("contents.js", loading_method="defer")
    # Before Sphinx's own scripts, one of which empties what the browser's history remembers.
    app.add_js_file("places.js", loading_method="defer", priority=100)
    app.add_css_file("mend.css")
    app.connect("html-page-context", dress_chapter, priority=900)
    app.connect("build-finished", copy_notebooks)
    # After the theme, which writes the colours of code only then.
    app.connect("build-finished", mend, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
