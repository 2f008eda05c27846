"""Reading times count what is read on the way through."""

from __future__ import annotations

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.reading import estimate, in_words, reading_minutes


def test_words_formulas_and_code_take_time() -> None:
    notebook = new_notebook(cells=[new_markdown_cell("word " * 400)])
    assert estimate(notebook) == pytest.approx(2)
    notebook.cells.append(new_markdown_cell("$$\na + b\n$$\n\n$$c$$"))
    assert estimate(notebook) == pytest.approx(3)
    notebook.cells.append(new_code_cell("a = 1\n\n" * 25))
    assert estimate(notebook) == pytest.approx(4)


@pytest.mark.parametrize("tag", ["exercise", "check", "solution", "hide-input"])
def test_what_is_worked_on_or_folded_takes_none(tag: str) -> None:
    notebook = new_notebook(cells=[new_code_cell("a = 1\n" * 100, metadata={"tags": [tag]})])
    assert estimate(notebook) == 0


def test_markup_is_not_read() -> None:
    text = ":::{admonition} Title\n:class: tip\ntwo {ref}`words <label>`\n:::"
    notebook = new_notebook(cells=[new_markdown_cell(text)])
    assert estimate(notebook) == pytest.approx(3 / 200)  # two, words, label


def test_the_front_matter_goes_first() -> None:
    notebook = new_notebook(cells=[new_markdown_cell("word " * 2500)])
    assert reading_minutes(notebook) == 10
    notebook.metadata["genlib"] = {"minutes": {"read": 45}}
    assert reading_minutes(notebook) == 45
    assert reading_minutes(new_notebook()) == 5


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(1, "1 minute"), (45, "45 minutes"), (60, "1 hour"), (110, "1 hour 50 minutes"),
     (150, "2 hours 30 minutes")],
)  # fmt: skip
def test_times_are_put_into_words(minutes: int, words: str) -> None:
    assert in_words(minutes) == words
