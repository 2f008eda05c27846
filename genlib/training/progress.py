"""The progress bar, and Ctrl-C that lets a step finish."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from tqdm import tqdm


def progress_bar(steps: int, *, start: int = 0, show: bool) -> tqdm[Any]:
    """A text bar on stderr; in a terminal and in Jupyter alike, and never a widget."""
    return tqdm(
        total=steps, initial=start, disable=not show, file=sys.stderr, mininterval=0.5, leave=False
    )


class Interrupt:
    """Whether Ctrl-C was pressed. A second Ctrl-C interrupts at once."""

    requested = False


@contextmanager
def finish_step_on_interrupt() -> Iterator[Interrupt]:
    """While this is open, Ctrl-C sets `requested` instead of tearing a step in two.

    Signals reach only the main thread; in another thread Ctrl-C keeps its usual meaning.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if interrupt.requested:
            raise KeyboardInterrupt
        interrupt.requested = True

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
