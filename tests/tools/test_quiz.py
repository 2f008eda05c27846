"""Reading quizzes: the form, and a message for each way to miss it."""

from __future__ import annotations

import pytest

from tools.quiz import QuizError, read_quiz

GOOD = """\
Which one
is it?

- [ ] First, over
  two lines.

  Because of this.

  And of that.

- [x] Second.

  It is so.

- [ ] Third.

  No.
"""


def test_question_options_and_explanations_with_their_lines() -> None:
    quiz = read_quiz("3.2", GOOD)
    assert quiz.anchor == "quiz-3-2"
    assert quiz.question.markdown == "Which one\nis it?"
    assert [(o.letter, o.right) for o in quiz.options] == [("A", False), ("B", True), ("C", False)]
    first = quiz.options[0]
    assert first.words.markdown == "First, over two lines."
    assert first.why.markdown == "Because of this.\n\nAnd of that."
    assert (first.verdict, quiz.options[1].verdict) == ("Not this one.", "Right.")
    lines = GOOD.split("\n")
    for option in quiz.options:
        assert lines[option.words.offset].startswith("- [")
        assert lines[option.why.offset].strip() == option.why.markdown.split("\n")[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("[x]", "[ ]"), "exactly one right option"),
        (lambda text: text.replace("- [ ] Third.", "- [x] Third."), "exactly one right option"),
        (lambda text: text.replace("  It is so.\n", ""), "option B: explain it"),
        (lambda text: text.replace("  It is so.", "It is so."), "indent the explanation"),
        (lambda text: text.split("- [ ] Third.")[0], "has 2 options"),
        (lambda text: text.replace("Third.", "Second."), "read the same"),
        (lambda text: text.replace("Which one\nis it?", ""), "asks nothing"),
    ],
)
def test_what_is_wrong_is_named(change, message) -> None:
    with pytest.raises(QuizError, match=message):
        read_quiz("3.2", change(GOOD))


def test_a_number_is_needed() -> None:
    with pytest.raises(QuizError, match=r"such as 2\.1"):
        read_quiz("first", GOOD)
