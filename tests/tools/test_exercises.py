"""The index of exercises: every one once, in one form, with what the chapters promise."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tools.chapters import chapters
from tools.config import load_book
from tools.errors import BookError
from tools.exercises import DIFFICULTIES, Exercise, exercises_in, exercises_of

BOOK = load_book()
FOUND = exercises_of(BOOK)
EVERY = [exercise for own in FOUND.values() for exercise in own]


@pytest.fixture
def markdown(root, monkeypatch) -> str:
    monkeypatch.setattr(sys, "path", [str(root / "book" / "_ext"), *sys.path])
    from exercises import index_markdown  # a module of Sphinx's local extensions

    return str(index_markdown(FOUND))


def test_no_admonition_of_the_chapters_is_left_out():
    """Counted by other means than the reader's."""
    for chapter, own in FOUND.items():
        text = chapter.path.read_text(encoding="utf8")
        assert text.count("\n:class: exercise\n") == len(own), chapter.stem
        assert [f"Exercise {exercise.number}:" in text for exercise in own] == [True] * len(own)


def test_each_chapter_has_four_to_six_and_three_with_a_check():
    assert len(FOUND) == len(chapters(BOOK))
    for chapter, own in FOUND.items():
        assert 4 <= len(own) <= 8, chapter.stem
        assert sum(not exercise.is_open for exercise in own) >= 3
        assert {"warm-up", "research taste"} <= {exercise.difficulty for exercise in own}


def test_every_exercise_says_how_hard_how_long_and_what_for():
    for exercise in EVERY:
        assert exercise.difficulty in DIFFICULTIES
        assert 5 <= exercise.minutes <= 60
        assert 15 <= len(exercise.practises) <= 90, exercise.number
        assert not exercise.practises.endswith("."), exercise.number
        assert any(tag == "solution" for tag, _ in exercise.cells), exercise.number
    assert len({exercise.practises for exercise in EVERY}) == len(EVERY)


def test_the_index_has_each_exercise_once(markdown):
    rows = re.findall(r"^\| \[(\d+\.\d+) .*\]\(#(exercise-\d+-\d+)\) \| (.*) \|$", markdown, re.M)
    assert [row[:2] for row in rows] == [(e.number, e.label) for e in EVERY]
    for (_, _, rest), exercise in zip(rows, EVERY, strict=True):
        check = "open" if exercise.is_open else "checked"
        told = [exercise.difficulty, str(exercise.minutes), check, exercise.practises]
        assert rest.split(" | ") == told


def test_the_totals_are_sums(markdown):
    rows = re.findall(r"^\| (.*) \| (\d+), (\d+) checked \| (\d+) h (\d\d) min \|$", markdown, re.M)
    assert len(rows) == len(FOUND) + 1
    counts = [(int(n), int(checked), 60 * int(h) + int(m)) for _, n, checked, h, m in rows]
    *parts, whole = counts
    assert whole == tuple(sum(column) for column in zip(*parts, strict=True))
    assert whole[0] == len(EVERY)
    assert whole[2] == sum(exercise.minutes for exercise in EVERY)


def changed(minibook: Path, old: str, new: str) -> list[Exercise]:
    """The exercises of a small chapter with one at its end, in which something is changed."""
    book = load_book(minibook)
    chapter = chapters(book)[0]
    text = (
        "% practises: one thing\n"
        ":::{admonition} Exercise 1.1: a title (warm-up, 5 minutes)\n"
        ":class: exercise\n:name: exercise-1-1\nWrite it.\n:::\n\n"
        "```{code-cell} ipython3\n:tags: [exercise]\n\ndef my_kl(p, q):\n    return ...\n```\n\n"
        "```{code-cell} ipython3\n:tags: [check]\n\ncheck_kl(my_kl)\n```\n"
    )
    assert old in text
    before = chapter.path.read_text(encoding="utf8").replace("} Exercise ", "} Task ")
    chapter.path.write_text(f"{before}\n{text.replace(old, new)}", encoding="utf8")
    return exercises_in(book, chapter)


def test_a_new_exercise_is_found(minibook):
    (found,) = changed(minibook, "", "")
    assert (found.number, found.title, found.minutes) == ("1.1", "a title", 5)
    assert found.checks == [("check_kl", "my_kl")]
    source = chapters(load_book(minibook))[0].path.read_text(encoding="utf8").split("\n")
    assert source[found.line - 1].startswith(":::{admonition} Exercise 1.1")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("(warm-up, 5 minutes)", "(5 minutes)", "DIFFICULTY, MINUTES"),
        ("(warm-up, 5 minutes)", "(easy, 5 minutes)", "one of warm-up"),
        ("(warm-up, 5 minutes)", "(warm-up, a while)", "DIFFICULTY, MINUTES"),
        ("(warm-up, 5 minutes)", "(warm-up, 5 minutes, open)", "has a check, and its title says `"),
        ("[check]", "[other]", "no check, and its title says not `open`"),
        ("Exercise 1.1:", "Exercise 1.2:", "is number 1 of chapter 1"),
        ("% practises: one thing\n", "", "% practises"),
        (":name: exercise-1-1\n", "", ":name: exercise-1-1"),
        (":name: exercise-1-1", ":name: exercise-1-2", ":name: exercise-1-1"),
    ],
)
def test_what_is_not_in_form_is_refused_with_the_remedy(minibook, old, new, message):
    with pytest.raises(BookError, match=re.escape(message)):
        changed(minibook, old, new)
