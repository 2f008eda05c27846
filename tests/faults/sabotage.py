"""What goes wrong, on purpose, inside the process of a run."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import genlib.files


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class HalfWritten:
    """A file whose process dies when half of what it was given is on the disk."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def __enter__(self) -> HalfWritten:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def write(self, content: bytes) -> None:
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        os.fsync(self.file.fileno())
        die()


def _before(owner: Any, method: str, applies: Callable[..., bool]) -> None:
    """Die just before `owner.method(...)` where it applies."""
    original = getattr(owner, method)

    def fatal(*args: Any, **options: Any) -> Any:
        if applies(*args):
            die()
        return original(*args, **options)

    setattr(owner, method, fatal)


def die_at(moment: str, name: str) -> None:
    """Die at a moment of the writing, or the pruning, of the first file called `name`."""
    latest = [Path()]  # the file that was opened last
    original_open = Path.open

    def opened(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        latest[0] = path if "w" in mode else latest[0]
        file = original_open(path, mode, *args, **options)
        return HalfWritten(file) if moment == "half" and "w" in mode and name in path.name else file

    Path.open = opened  # type: ignore[method-assign, assignment]

    def about(path: Path, *_: Any) -> bool:
        return name in path.name

    def latest_about(*_: Any) -> bool:
        return name in latest[0].name

    if moment == "open":
        _before(Path, "open", lambda path, mode="r": "w" in mode and name in path.name)
    elif moment == "fsync":
        _before(os, "fsync", latest_about)
    elif moment == "rename":
        _before(Path, "replace", about)
    elif moment == "flush folder":
        _before(genlib.files, "_flush_folder", latest_about)
    elif moment == "unlink":
        _before(Path, "unlink", lambda path: path.name.startswith(name))
    else:
        assert moment == "half"


class NoRoom:
    """A watcher: from one step until before another, no file can grow beyond 1,000 bytes.

    The system itself refuses the writing, as it does when a disk is full.
    """

    def __init__(self, begin: int, end: int) -> None:
        self.begin, self.end = begin, end

    def __call__(self, step: int) -> None:
        if step == self.begin:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            _limit(1000)
        if step == self.end:
            _limit(resource.RLIM_INFINITY)


def _limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
