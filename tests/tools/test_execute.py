"""Executing, checking and keeping outputs, on a small book with a real kernel."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools.chapters import chapters, notebook_path
from tools.config import Book, load_book
from tools.errors import BookError
from tools.graft import own_code_cells, state
from tools.nb import Node, notebook_text, read_notebook
from tools.notebooks import check, write_chapter

pytestmark = pytest.mark.slow


@pytest.fixture
def book(executed_minibook: Path, tmp_path: Path) -> Book:
    """A copy of the executed small book, whose genlib is a copy too."""
    folder = tmp_path / "book"
    shutil.copytree(executed_minibook, folder, symlinks=False)
    return load_book(folder)


def notebook(book: Book) -> Node:
    found = read_notebook(notebook_path(book, chapters(book)[0]))
    assert found is not None
    return found


def edit(book: Book, old: str, new: str) -> None:
    path = book.source / "chapters" / "01-small.md"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_outputs_are_kept_clean(book: Book) -> None:
    cells = own_code_cells(notebook(book))
    assert cells[0].outputs[0].text == "tensor([4., 4.])\n"
    assert "image/png" in cells[1].outputs[0].data
    assert [(o.name, o.text) for o in cells[2].outputs] == [
        ("stdout", "frame 2\n"), ("stderr", "step 2\n"),
    ]  # fmt: skip


def test_provenance_is_complete(book: Book) -> None:
    made = notebook(book).metadata["genlib"]
    assert made["profile"] == "smoke"
    assert made["data"] == []
    assert made["seconds"] > 0
    assert {"python", "torch", "numpy", "genlib"} <= set(made["versions"])
    assert len(made["fingerprint"]) == len(made["code"]) == 64
    assert made["device"]
    assert made["commit"]


def test_a_current_notebook_passes(book: Book) -> None:
    assert check(book, [], strict=True) == []
    before = notebook_path(book, chapters(book)[0]).read_bytes()
    write_chapter(book, chapters(book)[0], run=False)
    assert notebook_path(book, chapters(book)[0]).read_bytes() == before


def test_changed_words_are_out_of_sync_and_keep_their_outputs(book: Book) -> None:
    edit(book, "The error is", "The squared error is")
    assert any("not what the source generates" in line for line in check(book, [], strict=False))
    write_chapter(book, chapters(book)[0], run=False)
    assert check(book, [], strict=False) == []
    assert own_code_cells(notebook(book))[0].outputs


def test_changed_code_makes_outputs_stale(book: Book) -> None:
    edit(book, "range(3)", "range(4)")
    (line,) = check(book, [], strict=False)
    assert "other code" in line
    assert "--execute 01-small" in line
    write_chapter(book, chapters(book)[0], run=False)  # the outputs go, and the check still fails
    assert not any(cell.outputs for cell in own_code_cells(notebook(book)))
    assert check(book, [], strict=False)


def test_changed_metadata_makes_outputs_stale(book: Book) -> None:
    edit(book, "tags: [nbval-check-output]", "tags: [hide-output]")
    assert state(book, chapters(book)[0]).errors


def test_changed_genlib_is_a_warning_and_an_error_for_a_release(book: Book) -> None:
    losses = book.root / "genlib" / "losses" / "__init__.py"
    losses.write_text(losses.read_text() + "\nCHANGED = 1\n")
    now = state(book, chapters(book)[0])
    assert not now.errors
    assert "--execute 01-small" in now.warnings[0]
    assert check(book, [], strict=False) == []
    assert check(book, [], strict=True)


def test_edited_outputs_or_cells_are_noticed(book: Book) -> None:
    path = notebook_path(book, chapters(book)[0])
    edited = notebook(book)
    edited.cells[2].source += "\n\nSomebody wrote here."
    path.write_text(notebook_text(edited))
    assert check(book, [], strict=False)


def test_a_notebook_without_a_chapter_is_noticed(book: Book) -> None:
    shutil.copy(notebook_path(book, chapters(book)[0]), book.notebooks / "99-gone.ipynb")
    assert any("99-gone" in line for line in check(book, [], strict=False))


def test_a_missing_notebook_is_noticed(book: Book) -> None:
    notebook_path(book, chapters(book)[0]).unlink()
    assert "there is no notebook" in check(book, [], strict=False)[0]


def test_a_failing_cell_is_named_and_leaves_the_old_notebook(book: Book) -> None:
    path = notebook_path(book, chapters(book)[0])
    before = path.read_bytes()
    edit(book, "print(squared_error(r, x))", "squared_error(r, x[:1])")
    with pytest.raises(BookError) as caught:
        write_chapter(book, chapters(book)[0], run=True, profile="smoke")
    assert "01-small, code cell 2 failed" in str(caught.value)
    assert "squared_error(r, x[:1])" in str(caught.value)
    assert path.read_bytes() == before


def test_names_choose_chapters(book: Book) -> None:
    assert check(book, ["1"], strict=False) == check(book, ["01-small"], strict=False) == []
    with pytest.raises(BookError, match="there are: 01-small"):
        check(book, ["07"], strict=False)
