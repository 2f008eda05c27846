"""`{exercise-index}`: every exercise of the book, read from the chapters at each build."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from living import add_page_file
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tools.chapters import Document
from tools.config import load_book
from tools.errors import BookError
from tools.exercises import Exercise, chapter_title, exercises_of

HEAD = ("Exercise", "Difficulty", "Minutes", "Check", "You practise")
WIDTHS = (32, 15, 11, 13, 29)  # per cent: the columns of all chapters stand below one another


class ExerciseIndex(SphinxDirective):
    """A table of the chapters with their totals, then one of each chapter's exercises."""

    has_content = False
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        try:
            found = exercises_of(load_book(Path(self.env.srcdir).parent))
        except BookError as error:
            raise self.error(str(error)) from error
        for chapter in found:
            self.env.note_dependency(str(chapter.path))
        holder = nodes.Element()
        lines = StringList(index_markdown(found).split("\n"), source=self.get_source_info()[0])
        self.state.nested_parse(lines, self.content_offset, holder)
        for table in holder.findall(nodes.table):
            table["classes"].append("exercise-index")
            columns = list(table.findall(nodes.colspec))
            if len(columns) == len(WIDTHS):
                table["classes"] += ["colwidths-given", "exercise-list"]
                for column, width in zip(columns, WIDTHS, strict=True):
                    column["colwidth"] = width
        return list(holder.children)


def index_markdown(found: dict[Document, list[Exercise]]) -> str:
    """The tables as Markdown, so that titles may hold formulas and code."""
    titles = {chapter: f"{chapter.number}. {chapter_title(chapter.path)}" for chapter in found}
    every = [exercise for own in found.values() for exercise in own]
    rows = [
        [f"[{titles[chapter]}](#exercises-of-{chapter.number})", *_totals(own)]
        for chapter, own in found.items()
    ]
    parts = [_table(("Chapter", "Exercises", "Time"), [*rows, ["All", *_totals(every)]])]
    for chapter, own in found.items():
        parts.append(
            f":::{{rubric}} {titles[chapter]}\n:name: exercises-of-{chapter.number}\n:::\n\n"
            + _table(HEAD, [_row(exercise) for exercise in own])
        )
    return "\n\n".join(parts)


def _totals(own: list[Exercise]) -> list[str]:
    minutes = sum(exercise.minutes for exercise in own)
    checked = sum(not exercise.is_open for exercise in own)
    return [f"{len(own)}, {checked} checked", f"{minutes // 60} h {minutes % 60:02d} min"]


def _row(exercise: Exercise) -> list[str]:
    name = f"[{exercise.number} {exercise.title}](#{exercise.label})"
    check = "open" if exercise.is_open else "checked"
    return [name, exercise.difficulty, str(exercise.minutes), check, exercise.practises]


def _table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = [list(head), ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines
    )


def add_files(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    if "exercise-index" in str(context.get("body", "")):
        add_page_file(app, "exercise-filter.js")
        add_page_file(app, "exercise-filter.css")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("exercise-index", ExerciseIndex)
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
