"""Are a notebook's outputs those of the source? And if so, put them where they belong."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from tools.chapters import Document, notebook_path
from tools.config import Book
from tools.nb import Node, code_cells, read_notebook
from tools.provenance import code_hash, fingerprint
from tools.source import read_chapter

INSTALL_TAG = "colab-install"


@dataclass(frozen=True)
class State:
    """How a chapter's committed outputs stand to its source; empty lists mean current."""

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def own_code_cells(notebook: Node) -> list[Node]:
    """The code cells that come from the chapter's source, in order."""
    return [c for c in code_cells(notebook) if INSTALL_TAG not in c.metadata.get("tags", [])]


def state(book: Book, chapter: Document, source: Node | None = None) -> State:
    """Whether the committed outputs belong to the source's code, and to today's genlib."""
    source = source or read_chapter(book, chapter)
    refresh = f"python -m tools.notebooks --execute {chapter.stem}"
    notebook = read_notebook(notebook_path(book, chapter))
    if notebook is None:
        return State(errors=(f"{chapter.stem}: there is no notebook; run `{refresh}`",))
    made = notebook.metadata.get("genlib", {})
    if "code" not in made or not any(cell.outputs for cell in own_code_cells(notebook)):
        return State(errors=(f"{chapter.stem}: never executed; run `{refresh}`",))
    sources = [cell.source for cell in code_cells(source)]
    if made["code"] != code_hash(source) or sources != [
        cell.source for cell in own_code_cells(notebook)
    ]:
        return State(errors=(f"{chapter.stem}: outputs are of other code; run `{refresh}`",))
    if made["fingerprint"] != fingerprint(source, book.root):
        return State(
            warnings=(f"{chapter.stem}: genlib has changed since; to refresh: `{refresh}`",)
        )
    return State()


def graft(source: Node, executed: Node) -> Node:
    """`source` with the outputs of `executed`; only for a pair whose `state` has no errors."""
    grown = copy.deepcopy(source)
    pairs = zip(code_cells(grown), own_code_cells(executed), strict=True)
    for count, (cell, ran) in enumerate(pairs, start=1):
        cell.outputs, cell.execution_count = copy.deepcopy(ran.outputs), count
    return grown
