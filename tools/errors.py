"""The one exception of the tools: a message for the author, with the place it is about."""

from __future__ import annotations

from pathlib import Path


class BookError(Exception):
    """Something an author can mend. `place` names file and line where they are known."""

    def __init__(self, message: str, path: Path | str | None = None, line: int | None = None):
        self.message, self.path, self.line = message, path, line
        place = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(place + message)
