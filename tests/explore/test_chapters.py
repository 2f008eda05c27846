"""Every explorer of a chapter's page has its twin in the notebook, and the other way round."""

from __future__ import annotations

import re

import pytest

from genlib import explore
from tools.chapters import Document, chapters
from tools.config import load_book

BOOK = load_book()
CELL = re.compile(r"^```\{code-cell\}.*?^```$", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"^:::\{explorer\} (\S+)$", re.MULTILINE)
CALL = re.compile(r"^explore\.(\w+)\(", re.MULTILINE)


def told(chapter: Document) -> tuple[list[str], list[str]]:
    """The explorers of the page in order, and those that the cells before each of them call."""
    text = chapter.path.read_text(encoding="utf8")
    calls = [(cell.start(), name) for cell in CELL.finditer(text) for name in CALL.findall(cell[0])]
    shown = [(found.start(), found[1].replace("-", "_")) for found in DIRECTIVE.finditer(text)]
    before = [[name for at, name in calls if at < place][-1:] for place, _ in shown]
    assert len(calls) == len(shown), f"{chapter.name}: one call for each explorer of the page"
    return [name for _, name in shown], [name for names in before for name in names]


@pytest.mark.parametrize("chapter", chapters(BOOK), ids=lambda chapter: chapter.stem)
def test_the_cell_above_an_explorer_calls_the_same_one(chapter: Document) -> None:
    shown, called = told(chapter)
    assert called == shown


def test_every_explorer_of_the_library_stands_in_a_chapter() -> None:
    assert {name for chapter in chapters(BOOK) for name in told(chapter)[0]} == set(explore.__all__)
