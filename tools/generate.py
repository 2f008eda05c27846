"""A chapter's notebook, without outputs, from its source."""

from __future__ import annotations

import hashlib
import html
from typing import Any

from tools.chapters import Document
from tools.config import Book
from tools.errors import BookError
from tools.graft import INSTALL_TAG
from tools.nb import Node, code_cell, markdown_cell, new_notebook
from tools.plain.convert import Converter
from tools.plain.index import Index, build_index, figure_options
from tools.source import KERNEL, LANGUAGE, markdown_parser, read_chapter

INSTALL = """\
# On Colab this installs the course's library, beside the versions that are there.
# Anywhere else it does nothing.
import sys

if "google.colab" in sys.modules:
    %pip install --quiet --no-deps "genlib @ git+{repository}@{branch}"
"""


def generate(book: Book, chapter: Document, index: Index | None = None) -> Node:
    """The notebook that `chapter` becomes: plain Markdown, the same code cells, no outputs.

    Raises:
        BookError: the source holds something that cannot be converted; the message has the line.
    """
    index = index or build_index(book)
    converter = Converter(index, chapter, markdown_parser(book))
    source = read_chapter(book, chapter)
    cells: list[Node] = [_head(book, chapter, index), _install(book)]
    for cell, line in zip(source.cells, source.metadata.source_map, strict=True):
        if cell.cell_type == "markdown":
            plain = converter.convert(cell.source, line)
            if plain:
                cells.append(markdown_cell(plain))
            continue
        cells.append(code_cell(cell.source, metadata=_code_metadata(cell)))
        caption = _caption(converter, dict(cell.metadata), line)
        if caption:
            cells.append(markdown_cell(caption))
    made = new_notebook(
        cells=cells,
        metadata={
            "kernelspec": KERNEL,
            "language_info": LANGUAGE,
            "genlib": {
                "source": chapter.path.relative_to(book.root).as_posix(),
                "note": "Generated; edit the source and run `make notebooks`.",
            },
        },
    )
    _name_cells(made)
    return made


def _head(book: Book, chapter: Document, index: Index) -> Node:
    name = html.escape(index.titles.get(chapter.name, chapter.stem))
    colab = book.colab(f"notebooks/{chapter.stem}.ipynb")
    return markdown_cell(
        f"*{book.title}* · chapter {chapter.number}: {name}\n\n"
        f"**[Open on Colab]({colab})** · **[Read this chapter on the site]"
        f"({book.site}{chapter.page})**"
    )


def _install(book: Book) -> Node:
    code = INSTALL.format(repository=book.repository, branch=book.branch).rstrip()
    return code_cell(code, metadata={"tags": [INSTALL_TAG]})


def _code_metadata(cell: Node) -> dict[str, Any]:
    """The source's metadata, with what Jupyter itself calls hiding."""
    metadata = dict(cell.metadata)
    tags = set(metadata.get("tags", []))
    hidden = {}
    if tags & {"hide-input", "hide-cell"}:
        hidden["source_hidden"] = True
    if tags & {"hide-output", "hide-cell"}:
        hidden["outputs_hidden"] = True
    if hidden:
        metadata["jupyter"] = {**metadata.get("jupyter", {}), **hidden}
    return metadata


def _caption(converter: Converter, metadata: dict[str, Any], line: int) -> str:
    options = figure_options(metadata)
    caption = str(options.get("caption") or "")
    if not caption:
        return ""
    name = str(options.get("name") or "")
    if not name:
        raise BookError(
            "mystnb.figure needs a name beside its caption", converter.document.path, line
        )
    number = converter.index.labels[name].number
    return f"**Figure {number}.** {converter.caption(caption, line)}"


def _name_cells(notebook: Node) -> None:
    """Ids that follow from the content, so that an edit changes no other cell's id."""
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
