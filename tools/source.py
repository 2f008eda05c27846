"""Reading a chapter's MyST source into cells, with the line each cell begins on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
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

Node = nbformat.NotebookNode
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}
MEND = "begin the file with the front matter that CONTRIBUTING.md shows"


def parser_config(book: Book) -> MdParserConfig:
    return MdParserConfig(enable_extensions=set(book.myst_extensions), dmath_double_inline=True)


def markdown_parser(book: Book) -> Any:
    """The parser that the site uses, for Markdown cells and pages."""
    return create_md_parser(parser_config(book), RendererHTML)


def read_chapter(book: Book, chapter: Document) -> Node:
    """The chapter's cells as Sphinx reads them; `metadata.source_map` has their first lines.

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
    for cell, line in zip(notebook.cells, notebook.metadata.source_map, strict=True):
        if cell.cell_type == "raw":
            raise BookError("raw cells are not used in this book", chapter.path, line)
    return notebook


def code_cells(notebook: Node) -> list[Node]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def is_notebook(path: Path) -> bool:
    """Whether a page is executed: its front matter says so."""
    return bool(is_myst_markdown_notebook(path.read_text(encoding="utf8")))
