"""The contract of every check: the chapter's solution, other right answers, a bank of wrong ones.

The answers stand in the chapters' own test modules, in a `BANK` each.
"""

from __future__ import annotations

import ast
from importlib import import_module
from types import CodeType, FunctionType

import pytest

from genlib import exercises
from genlib.exercises.contents import EXERCISES, Part
from genlib.exercises.progress import progress
from tests.exercises.reports import failing
from tools.config import load_book
from tools.exercises import exercises_of
from tools.source import read_chapter

CHECKS = {name: getattr(exercises, name) for name in exercises.__all__ if name.startswith("check_")}
BOOK = load_book()
SOURCES = exercises_of(BOOK)
EVERY = [exercise for own in SOURCES.values() for exercise in own]
BANK = {
    check: answers
    for chapter in SOURCES
    for check, answers in import_module(
        f"tests.exercises.test_chapter{chapter.number}"
    ).BANK.items()
}
LEAST = 5  # wrong answers of each check

by_check = pytest.mark.parametrize("name", CHECKS)
by_chapter = pytest.mark.parametrize("chapter", SOURCES, ids=lambda chapter: chapter.stem)


def names_of(chapter):
    """What the chapter imports: its exercises need no other name from outside their cells."""
    space = {"__name__": "__main__"}
    for cell in read_chapter(BOOK, chapter).cells:
        if cell.cell_type == "code" and "import" in cell.source:
            lines = [line for line in cell.source.split("\n") if not line.lstrip().startswith("%")]
            body = ast.parse("\n".join(lines)).body
            chosen = [node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
            exec(compile(ast.Module(chosen, []), str(chapter.path), "exec"), space)
    return space


def run(source, space):
    """Run a cell; its last value, as a notebook would show it."""
    *body, last = ast.parse(source).body
    if not isinstance(last, ast.Expr):
        body, last = [*body, last], None
    exec(compile(ast.Module(body, []), "cell", "exec"), space)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), space) if last else None


@pytest.fixture(scope="module")
def spaces():
    """The names of each chapter after all cells of its checked exercises, in order."""
    return {}


@by_chapter
def test_run_all_leaves_stubs_unattempted_passes_solutions_and_solves_nothing(
    chapter, spaces, tmp_path, monkeypatch
):
    monkeypatch.setenv("GENLIB_PROGRESS", str(tmp_path))
    monkeypatch.setenv("GENLIB_PROFILE", "smoke")
    space = spaces[chapter] = names_of(chapter)
    for exercise in SOURCES[chapter]:
        if exercise.is_open:
            continue
        for tag, source in exercise.cells:
            shown = run(source, space)  # a solution that does not pass raises in its `require`
            if tag == "check":
                assert shown.verdict == "Not attempted yet", f"{exercise.number}: {shown}"
    assert progress().solved == progress().tried == ()
    assert not (tmp_path / "progress.json").exists()


@by_chapter
def test_answers_of_the_student_are_counted(chapter, spaces, tmp_path, monkeypatch):
    """The same solutions, written into the stubs: this chapter is solved, and no other."""
    monkeypatch.setenv("GENLIB_PROGRESS", str(tmp_path))
    for exercise in SOURCES[chapter]:
        for (check, stub), (_, solution) in zip(exercise.checks, exercise.required, strict=True):
            answer = spaces[chapter][solution]
            monkeypatch.setattr(answer, "__name__", stub)
            assert CHECKS[check](answer)
    own = tuple(exercise.number for exercise in SOURCES[chapter] if not exercise.is_open)
    assert (progress().solved, progress().tried) == (own, ())


def test_every_check_stands_in_a_chapter_with_a_solution_that_names_itself():
    assert {check for exercise in EVERY for check, _ in exercise.checks} == set(CHECKS)
    for exercise in EVERY:
        stubs = [(check, stub.removeprefix("my_")) for check, stub in exercise.checks]
        solved = [(check, name.removeprefix("solution_")) for check, name in exercise.required]
        assert stubs == solved, exercise.number
        requires = [source for tag, source in exercise.cells if tag == "solution"]
        assert sum(source.count(".require()") for source in requires) == len(solved)


def test_what_counts_as_an_exercise_is_what_the_chapters_hold():
    told = {
        exercise.number: tuple(Part(check, stub) for check, stub in exercise.checks)
        for exercise in EVERY
        if not exercise.is_open
    }
    assert told == EXERCISES
    assert progress().total == len(told)


def test_the_bank_has_every_check():
    assert {check.__name__ for check in BANK} == set(CHECKS)


def writing(fn):
    """How a function is written, whatever its variables are called."""

    def of(code):
        inner = (of(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts)
        return (code.co_code, code.co_names, *inner)

    if not isinstance(fn, FunctionType):
        return fn
    held = [cell.cell_contents for cell in fn.__closure__ or ()]
    return (of(fn.__code__), *(writing(v) for v in held if isinstance(v, FunctionType)))


@by_check
def test_a_right_answer_in_another_writing_passes(name, spaces):
    number = next(n for n, parts in EXERCISES.items() if any(p.check == name for p in parts))
    chapter = next(c for c in SOURCES if c.number == int(number[0]))
    space = spaces.get(chapter)
    if space is None:  # this test alone was asked for
        space = spaces[chapter] = names_of(chapter)
        for exercise in SOURCES[chapter]:
            for tag, source in exercise.cells:
                if tag == "solution" and not exercise.is_open:
                    run(source, space)
    solutions = {
        writing(space[solution])
        for exercise in SOURCES[chapter]
        for check, solution in exercise.required
        if check == name
    }
    others = [fn for fn in BANK[CHECKS[name]].right if writing(fn) not in solutions]
    assert others, "every right answer in the bank is written as the chapter's solution is"
    for fn in others:
        report = CHECKS[name](fn)
        assert report, str(report)


def test_another_name_of_a_variable_is_no_other_writing():
    assert writing(lambda a, b: a + b.exp()) == writing(lambda x, y: x + y.exp())
    assert writing(lambda a, b: a + b.exp()) != writing(lambda x, y: y.exp() + x)


@by_check
def test_wrong_answers_are_caught_by_name(name):
    wrong = BANK[CHECKS[name]].wrong
    told = {}
    for words, fn in wrong.items():
        report = CHECKS[name](fn)
        assert not report.passed, f"{words!r} passes"
        assert report.attempted, f"{words!r} counts as not attempted"
        told[words] = failing(report)
        assert words in told[words], f"{words!r} is not named by {told[words]!r}"
        assert "could not be examined" not in told[words]
    # A message that several mistakes share names none of them.
    alone = [w for w in wrong if sum(w in text for text in told.values()) == 1]
    assert len(alone) >= LEAST, f"only {alone} name one mistake each"
    assert len(set(told.values())) >= LEAST
