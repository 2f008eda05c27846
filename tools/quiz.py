"""Reading a `{quiz}` directive: a question, its options, and an explanation for each of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

OPTION = re.compile(r"- \[([ xX])\] (.*)")
LETTERS = "ABCDE"


class QuizError(ValueError):
    """A quiz that is not what it should be; the message says how to mend it."""


@dataclass(frozen=True)
class Text:
    """Markdown, and how many lines after the body's first line it begins."""

    markdown: str
    offset: int


@dataclass(frozen=True)
class Option:
    letter: str
    right: bool
    words: Text
    why: Text

    @property
    def verdict(self) -> str:
        return "Right." if self.right else "Not this one."


@dataclass(frozen=True)
class Quiz:
    """`number` is "2.1": the chapter, and the question in it."""

    number: str
    question: Text
    options: tuple[Option, ...]

    @property
    def anchor(self) -> str:
        return f"quiz-{self.number.replace('.', '-')}"


def read_quiz(number: str, body: str) -> Quiz:
    """The quiz in a directive's argument and body.

    The question comes first. Each option is one paragraph after `- [ ]`, or `- [x]` for the right
    one; its explanation follows after a blank line, indented by two spaces.

    Raises:
        QuizError: no number, other than three to five options, not exactly one that is right, an
            option without explanation, or two options that read the same.
    """
    if not re.fullmatch(r"\d+\.\d+", number):
        raise QuizError(f"a quiz needs a number such as 2.1, not {number!r}")
    lines = body.split("\n")
    starts = [at for at, line in enumerate(lines) if OPTION.match(line)]
    if not 3 <= len(starts) <= len(LETTERS):
        raise QuizError(f"quiz {number} has {len(starts)} options; give it three to five")
    question = Text("\n".join(lines[: starts[0]]).strip("\n"), 0)
    if not question.markdown.strip():
        raise QuizError(f"quiz {number} asks nothing: write the question before the options")
    ends = [*starts[1:], len(lines)]
    options = tuple(
        _option(number, letter, lines[start:end], start)
        for letter, start, end in zip(LETTERS, starts, ends, strict=False)
    )
    if sum(option.right for option in options) != 1:
        raise QuizError(f"quiz {number} needs exactly one right option, marked [x]")
    if len({option.words.markdown for option in options}) < len(options):
        raise QuizError(f"quiz {number} has two options that read the same")
    return Quiz(number, question, options)


def _option(number: str, letter: str, lines: list[str], offset: int) -> Option:
    match = OPTION.match(lines[0])
    assert match is not None
    blank = next((at for at, line in enumerate(lines) if not line.strip()), len(lines))
    words = [match[2], *(line.strip() for line in lines[1:blank])]
    why = [line[2:] if line.startswith("  ") else line for line in lines[blank:]]
    unindented = [line for line in lines[blank:] if line.strip() and not line.startswith("  ")]
    if unindented:
        raise QuizError(
            f"quiz {number}, option {letter}: indent the explanation by two spaces, "
            f"{unindented[0]!r} is not"
        )
    skipped = next((at for at, line in enumerate(why) if line.strip()), len(why))
    explanation = "\n".join(why[skipped:]).rstrip()
    if not explanation:
        raise QuizError(f"quiz {number}, option {letter}: explain it, after a blank line")
    return Option(
        letter, match[1] != " ", Text(" ".join(words), offset),
        Text(explanation, offset + blank + skipped),
    )  # fmt: skip
