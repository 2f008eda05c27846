"""Notebooks as nbformat keeps them; nbformat has no types, so its calls stand here once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from tools.errors import BookError

Node = nbformat.NotebookNode


def node(mapping: Mapping[str, Any]) -> Node:
    made: Node = nbformat.from_dict(mapping)  # type: ignore[no-untyped-call]
    return made


def markdown_cell(source: str) -> Node:
    made: Node = nbformat.v4.new_markdown_cell(source)  # type: ignore[no-untyped-call]
    return made


def code_cell(source: str, metadata: Mapping[str, Any] | None = None) -> Node:
    made: Node = nbformat.v4.new_code_cell(  # type: ignore[no-untyped-call]
        source, metadata=node(metadata or {})
    )
    return made


def new_notebook(cells: list[Node], metadata: Mapping[str, Any]) -> Node:
    made: Node = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=cells, metadata=node(metadata)
    )
    return made


def code_cells(notebook: Node) -> list[Node]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def read_notebook(path: Path) -> Node | None:
    """The notebook at `path`, None where there is none.

    Raises:
        BookError: the file is no notebook.
    """
    if not path.is_file():
        return None
    try:
        made: Node = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except (nbformat.reader.NotJSONError, json.JSONDecodeError, AttributeError) as error:
        raise BookError(
            f"this is no notebook; remove it and run `make notebooks` ({error})", path
        ) from error
    return made


def notebook_text(notebook: Node) -> str:
    """The notebook's file content: the same bytes for the same notebook, everywhere."""
    nbformat.validate(notebook)
    text = nbformat.writes(notebook, version=nbformat.NO_CONVERT)  # type: ignore[no-untyped-call]
    return str(text).rstrip("\n") + "\n"
