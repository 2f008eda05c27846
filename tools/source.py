"""Reading a chapter's MyST source into cells, with the line each cell begins on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markdown_it.renderer import RendererHTML
from myst_nb.core.read import (
    MystMetadataParsingError,
    is_myst_markdown_notebook,
    read_myst_markdown_notebook,
)
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from tools.chapters import Document
from tools.config import Book
from tools.errors import BookError
from tools.nb import Node

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}
MEND = "begin the file with the front matter that CONTRIBUTING.md shows"


def parser_config(book: Book) -> MdParserConfig:
    return MdParserConfig(enable_extensions=set(book.myst_extensions), dmath_double_inline=True)


def markdown_parser(book: Book) -> Any:
    """The parser that the site uses, for Markdown cells and pages."""
    return create_md_parser(parser_config(book), RendererHTML)


def read_chapter(book: Book, chapter: Document) -> Node:
    """The chapter's cells as Sphinx reads them; `metadata.source_map` has their first lines (1, …).

    Raises:
        BookError: the front matter or a cell's metadata is not what the site's build needs.
    """
    text = chapter.path.read_text(encoding="utf8")
    if not is_myst_markdown_notebook(text):
        raise BookError(f"not a MyST text notebook; {MEND}", chapter.path, 1)
    try:
        notebook: Node = read_myst_markdown_notebook(
            text, config=parser_config(book), add_source_map=True, path=chapter.path
        )
    except MystMetadataParsingError as error:
        raise BookError(f"{error}", chapter.path) from error
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        raise BookError(f"kernelspec.name must be python3; {MEND}", chapter.path, 1)
    if notebook.metadata.get("language_info") != LANGUAGE:
        raise BookError(f"language_info must be {LANGUAGE}; {MEND}", chapter.path, 1)
    notebook.metadata.source_map = _first_lines(notebook, text.split("\n"))
    for cell, line in zip(notebook.cells, notebook.metadata.source_map, strict=True):
        if cell.cell_type == "raw":
            raise BookError("raw cells are not used in this book", chapter.path, line)
        if cell.cell_type == "code" and cell.source.startswith(("---", ":tags:")):
            raise BookError(
                "the cell's metadata did not end here; write all of it in one block between two "
                "lines of ---", chapter.path, line,
            )  # fmt: skip
    return notebook


def _first_lines(notebook: Node, lines: list[str]) -> list[int]:
    """Lines counted from 1: the reader's map leaves out that it strips blank lines."""
    found = []
    for cell, at in zip(notebook.cells, notebook.metadata.source_map, strict=True):
        if cell.cell_type == "markdown":
            while at < len(lines) and not lines[at].strip():
                at += 1
            at += 1
        found.append(at)
    return found


def is_notebook(path: Path) -> bool:
    """Whether a page is executed: its front matter says so."""
    return bool(is_myst_markdown_notebook(path.read_text(encoding="utf8")))
