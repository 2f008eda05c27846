"""Where a student's function is at work: in an error, and when it does not come back."""

from __future__ import annotations

import inspect
import linecache
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

WAIT = 30.0  # seconds after which a student is told what is running; a check takes one or two


@contextmanager
def patience(fn: Any) -> Iterator[None]:
    """Say after a while which line of `fn` is at work. The check goes on: only you may stop it."""
    code = _code(fn)
    if code is None:
        yield
        return
    thread = threading.get_ident()

    def tell() -> None:
        where = place(fn, reversed(list(_frames(sys._current_frames().get(thread)))))
        print(
            f"genlib: your function has been at work for {WAIT:.0f} seconds, now{where}. If a "
            "loop does not end, stop the cell: with ■, or Ctrl-C.",
            file=sys.stderr,
        )

    timer = threading.Timer(WAIT, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def place(fn: Any, steps: Iterable[tuple[FrameType, int]]) -> str:
    """The last line of the file, or cell, of `fn` among `steps`, outermost first; empty if none."""
    code, where = _code(fn), ""
    for frame, line in steps:
        if code is not None and frame.f_code.co_filename == code.co_filename:
            source = linecache.getline(code.co_filename, line).strip()
            where = f" in line {line}" + (f", {quote(source)}" if source else "")
    return where


def quote(text: str) -> str:
    """Foreign text as one line of code, so that Markdown leaves it alone."""
    line = " ".join(text.replace("`", "'").split())
    return f"`{line[:160]}{' …' if len(line) > 160 else ''}`"


def _frames(frame: FrameType | None) -> Iterator[tuple[FrameType, int]]:
    while frame is not None:
        yield frame, frame.f_lineno
        frame = frame.f_back


def _code(fn: Any) -> CodeType | None:
    try:
        code = getattr(inspect.unwrap(fn), "__code__", None)
    except Exception:  # an object built to break any look at it
        return None
    return code if isinstance(code, CodeType) else None
