"""The exercises as the chapters' sources state them: number, difficulty, minutes, cells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tools.chapters import Document, chapters
from tools.config import Book
from tools.errors import BookError
from tools.source import read_chapter

DIFFICULTIES = ("warm-up", "standard", "hard", "research taste")
KINDS = ("exercise", "check", "solution")  # tags of an exercise's cells
FORM = (
    "write `Exercise N.M: title (DIFFICULTY, MINUTES minutes)`, with `, open` after the minutes "
    f"where it has no check; the difficulty is one of {', '.join(DIFFICULTIES)}"
)
OPENING = re.compile(r"^:::+\{admonition\} (Exercise .*)$")
TITLE = re.compile(r"Exercise (\d+\.\d+): (.+) \(([^()]+), (\d+) minutes(, open)?\)")
PRACTISES = re.compile(r"^% practises: (\S.*)$")
CALL = re.compile(r"\b(check_\w+)\(\s*(\w+)\s*\)")


@dataclass(frozen=True)
class Exercise:
    """One exercise. `page` and `line` say where it stands, `cells` are (tag, source) in order."""

    number: str
    title: str
    difficulty: str
    minutes: int
    is_open: bool
    practises: str
    page: str
    line: int
    cells: tuple[tuple[str, str], ...]

    @property
    def label(self) -> str:
        return f"exercise-{self.number.replace('.', '-')}"

    @property
    def chapter(self) -> int:
        return int(self.number.partition(".")[0])

    @property
    def checks(self) -> list[tuple[str, str]]:
        """The check and the function it is given, for each check cell."""
        return [call for call in self._calls("check")]

    @property
    def required(self) -> list[tuple[str, str]]:
        """The same for the solutions, which must pass."""
        return [call for call in self._calls("solution")]

    def _calls(self, kind: str) -> list[tuple[str, str]]:
        return [call for tag, source in self.cells if tag == kind for call in CALL.findall(source)]


def exercises_of(book: Book) -> dict[Document, list[Exercise]]:
    """The exercises of each chapter, in order.

    Raises:
        BookError: an exercise is not in the form that the index and the checks need.
    """
    return {chapter: exercises_in(book, chapter) for chapter in chapters(book)}


def exercises_in(book: Book, chapter: Document) -> list[Exercise]:
    """The exercises of one chapter; each owns the cells up to the next one or to a heading.

    Raises:
        BookError: as for `exercises_of`.
    """
    notebook = read_chapter(book, chapter)
    found: list[Exercise] = []
    begun: tuple[list[str], int] | None = None  # the lines around a title, and where it stands
    cells: list[tuple[str, str]] = []

    def finish() -> None:
        if begun is not None:
            found.append(_exercise(chapter, *begun, tuple(cells), len(found) + 1))
        cells.clear()

    for cell, start in zip(notebook.cells, notebook.metadata.source_map, strict=True):
        if cell.cell_type == "code":
            tags = [tag for tag in KINDS if tag in cell.metadata.get("tags", [])]
            cells += [(tag, cell.source) for tag in tags]
            continue
        lines = cell.source.split("\n")
        for at, text in enumerate(lines):
            if OPENING.match(text):
                finish()
                begun = (lines[max(0, at - 1) : at + 4], start + at)
            elif text.startswith("## "):
                finish()
                begun = None
    finish()
    return found


def chapter_title(path: Path) -> str:
    """The chapter's first heading."""
    lines = path.read_text(encoding="utf8").split("\n")
    return next(line[2:].strip() for line in lines if line.startswith("# "))


def _exercise(
    chapter: Document, lines: list[str], line: int, cells: tuple[tuple[str, str], ...], place: int
) -> Exercise:
    at = next(i for i, text in enumerate(lines) if OPENING.match(text))
    opening = OPENING.match(lines[at])
    title = TITLE.fullmatch(opening[1]) if opening else None
    if title is None or title[3] not in DIFFICULTIES:
        raise BookError(f"{lines[at]!r}: {FORM}", chapter.path, line)
    practises = PRACTISES.match(lines[at - 1]) if at else None
    if practises is None:
        raise BookError(
            f"exercise {title[1]}: write `% practises: …` in the line above it", chapter.path, line
        )
    made = Exercise(
        title[1], title[2], title[3], int(title[4]), bool(title[5]), practises[1],
        chapter.name, line, cells,
    )  # fmt: skip
    if made.number != f"{chapter.number}.{place}":
        raise BookError(
            f"exercise {made.number} is number {place} of chapter {chapter.number}",
            chapter.path, line,
        )  # fmt: skip
    if f":name: {made.label}" not in lines:
        raise BookError(
            f"exercise {made.number} needs `:name: {made.label}` under its `:class:`",
            chapter.path, line,
        )  # fmt: skip
    if made.is_open == bool(made.checks):
        raise BookError(
            f"exercise {made.number} {'has a check' if made.checks else 'has no check'}, and its "
            f"title says {'' if made.is_open else 'not '}`open`",
            chapter.path, line,
        )  # fmt: skip
    return made
