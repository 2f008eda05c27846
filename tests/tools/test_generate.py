"""A chapter's notebook: the same code in the same order, plain words around it, stable ids."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tools.chapters import chapters
from tools.config import load_book
from tools.errors import BookError
from tools.generate import generate
from tools.graft import own_code_cells
from tools.nb import Node, code_cells, notebook_text
from tools.source import read_chapter


def made(folder: Path) -> Node:
    book = load_book(folder)
    return generate(book, chapters(book)[0])


def chapter_text(folder: Path) -> Path:
    return folder / "book" / "chapters" / "01-small.md"


def test_code_cells_are_those_of_the_source(minibook: Path) -> None:
    book = load_book(minibook)
    source = code_cells(read_chapter(book, chapters(book)[0]))
    cells = own_code_cells(made(minibook))
    assert [c.source for c in cells] == [c.source for c in source]
    for cell, original in zip(cells, source, strict=True):
        assert {k: v for k, v in cell.metadata.items() if k != "jupyter"} == original.metadata


def test_it_is_a_valid_notebook_without_outputs(minibook: Path) -> None:
    notebook = made(minibook)
    nbformat.validate(notebook)
    assert not any(cell.outputs for cell in code_cells(notebook))


def test_it_begins_with_links_and_an_install_cell(minibook: Path) -> None:
    book = load_book(minibook)
    head, install = made(minibook).cells[:2]
    assert book.colab("notebooks/01-small.ipynb") in head.source
    assert f"{book.site}chapters/01-small.html" in head.source
    assert '"google.colab" in sys.modules' in install.source
    assert f"git+{book.repository}@{book.branch}" in install.source
    assert "--no-deps" in install.source  # torch and numpy stay as they are


def test_hidden_cells_are_hidden_in_jupyter_too(minibook: Path) -> None:
    hidden = [c for c in code_cells(made(minibook)) if "hide-input" in c.metadata.get("tags", [])]
    assert hidden
    assert all(cell.metadata.jupyter.source_hidden for cell in hidden)


def test_captions_stand_below_their_cells(minibook: Path) -> None:
    cells = made(minibook).cells
    at = next(i for i, c in enumerate(cells) if "fig-lines" in str(c.metadata))
    assert cells[at + 1].source == "**Figure 1.2.** Lines, as $y = x$ has them."


def test_the_same_source_gives_the_same_bytes(minibook: Path) -> None:
    assert notebook_text(made(minibook)) == notebook_text(made(minibook))


def test_an_edit_changes_no_other_cells_id(minibook: Path) -> None:
    before = [cell.id for cell in made(minibook).cells]
    path = chapter_text(minibook)
    path.write_text(path.read_text().replace("came before", "stands above"))
    after = [cell.id for cell in made(minibook).cells]
    assert len(set(before)) == len(before)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    format_name: myst\n", "    format_name: light\n", "not a MyST text notebook"),
        ("  pygments_lexer: ipython3\n", "", "language_info"),
        ("  name: python3\n", "  name: julia\n", "kernelspec"),
        ("---\ntags: [nbval-check-output]\n---", ":tags: [x]\n---\ny: 1\n---", "did not end here"),
        ("    name: fig-lines\n", "", "needs a name"),
    ],
)
def test_bad_sources_are_refused(minibook: Path, old: str, new: str, words: str) -> None:
    path = chapter_text(minibook)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new).replace("before {numref}`fig-lines`", "before"))
    with pytest.raises(BookError, match=words) as caught:
        made(minibook)
    assert "01-small.md" in str(caught.value)
