"""`python -m genlib`: the course's models from the command line."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Sequence

from genlib.command_line.arguments import PROGRAM, parse


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say.

    Returns:
        0; 1 after an error that was foreseen, which is printed in a line without a traceback; 130
        after Ctrl-C. A mistake in the arguments raises `SystemExit(2)`.
    """
    args = parse(argv)
    # torch is imported from here on.
    from genlib.command_line import evaluate, export, pictures, train
    from genlib.command_line.runs import RunError
    from genlib.data import DataError
    from genlib.training import (
        ChangedSettingsError,
        CheckpointError,
        NonFiniteLossError,
        OutOfMemoryError,
        joined,
    )

    commands = {
        "train": train.start,
        "resume": train.resume,
        "sample": pictures.sample,
        "evaluate": evaluate.evaluate,
        "export": export.export,
    }
    expected = (
        RunError, DataError, CheckpointError, ChangedSettingsError, NonFiniteLossError,
        OutOfMemoryError, ModuleNotFoundError, OSError,
    )  # fmt: skip
    first = os.environ.get("RANK", "0") == "0"
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.showwarning = _show_warning  # type: ignore[assignment]
        if getattr(args, "quiet", False) or not first:
            nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stdout(nowhere))
        try:
            return commands[args.command](args, stack.enter_context(joined()))
        except expected as error:
            if first:
                print(f"{PROGRAM} {args.command}: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            if first:
                print(f"{PROGRAM} {args.command}: stopped by Ctrl-C", file=sys.stderr)
            return 130


def _show_warning(message: Warning | str, *place: object) -> None:
    """What is wrong, without the line of code that noticed it."""
    print(f"{PROGRAM}: {message}", file=sys.stderr)
