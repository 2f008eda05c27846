"""What the tests of all exercise checks share: asking a report, and keeping a bank of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answers:
    """Answers to one exercise.

    Attributes:
        right: right ones, written in different ways.
        wrong: wrong ones by words of the message that names the mistake.
    """

    right: Sequence[Callable[..., Any]]
    wrong: Mapping[str, Callable[..., Any]]


def failing(report):
    """What the report's failing findings say."""
    return " ".join(f"{f.symptom} {f.cause}" for f in report.findings if not f.ok)


def said(report, *words):
    """The report failed, and its failing findings contain all `words`."""
    assert not report
    for word in words:
        assert word in failing(report), str(report)
    return True
