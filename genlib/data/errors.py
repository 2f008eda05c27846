"""The error that data loading raises, and the record of what was loaded."""

from __future__ import annotations


class DataError(RuntimeError):
    """Data that cannot be used. The message names the file, what is wrong and what to do."""


_loaded: dict[str, None] = {}  # a dict keeps the order in which sets were first loaded


def record(title: str) -> None:
    """Note that the set of this title was loaded in this process."""
    _loaded.setdefault(title)


def used() -> tuple[str, ...]:
    """Titles of the data sets loaded in this process, in order: what a result rests on."""
    return tuple(_loaded)
