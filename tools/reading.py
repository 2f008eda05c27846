"""How long a chapter takes to read."""

from __future__ import annotations

import re

from tools.nb import Node

WORDS_PER_MINUTE = 200
CODE_LINES_PER_MINUTE = 25
FORMULA_MINUTES = 0.5  # for one that stands on a line of its own
# What a reader works on or unfolds is not read on the way through.
PASSED_OVER = {"exercise", "check", "solution", "hide-input", "hide-cell", "remove-input"}

DISPLAYED = re.compile(r"\$\$.*?\$\$", re.S)
INLINE = re.compile(r"\$[^$]+\$")
DIRECTIVE = re.compile(r"^ *(?::{3,}|`{3,}).*$|^ *:[\w-]+:.*$", re.M)
ROLE = re.compile(r"\{[\w:]+\}")
WORD = re.compile(r"[^\W\d_][\w'’-]*")


def estimate(notebook: Node) -> float:
    """Minutes to read a chapter once: its prose, its displayed formulas, the code in sight."""
    minutes = 0.0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            minutes += _prose(cell.source)
        elif not PASSED_OVER & set(cell.metadata.get("tags", ())):
            lines = sum(bool(line.strip()) for line in cell.source.splitlines())
            minutes += lines / CODE_LINES_PER_MINUTE
    return minutes


def _prose(text: str) -> float:
    formulas = len(DISPLAYED.findall(text))
    text = INLINE.sub(" x ", DISPLAYED.sub(" ", text))  # a symbol is read as a word is
    words = WORD.findall(ROLE.sub("", DIRECTIVE.sub("", text)))
    return len(words) / WORDS_PER_MINUTE + formulas * FORMULA_MINUTES


def reading_minutes(notebook: Node) -> int:
    """Minutes to read: those that the front matter states, else the estimate, in steps of five."""
    stated = notebook.metadata.get("genlib", {}).get("minutes", {}).get("read")
    return int(stated) if stated else max(5, 5 * round(estimate(notebook) / 5))


def in_words(minutes: int) -> str:
    """`45 minutes`, `1 hour 15 minutes`, `2 hours`."""
    hours, rest = divmod(minutes, 60)
    parts = [_counted(hours, "hour")] if hours else []
    return " ".join([*parts, *([_counted(rest, "minute")] if rest or not hours else [])])


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
