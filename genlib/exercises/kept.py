"""The small file in which passes are kept: found, read, and changed by several kernels at once."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from genlib.files import write_atomic

VARIABLE = "GENLIB_PROGRESS"
NAME = "progress.json"
FORMAT = 1
PATIENCE = 3.0  # seconds to wait for another kernel's lock, then on without it
Kept = dict[str, dict[str, str]]  # part -> {"tried": time, "solved": time}

_said: set[str] = set()


def say_once(message: str) -> None:
    """Tell the student beside the report, not instead of it, and not at every check."""
    if message not in _said:
        _said.add(message)
        print(message, file=sys.stderr)


def place() -> Path | None:
    """The file: `GENLIB_PROGRESS` (a .json file or a folder), else one in the cache folder.

    None if `GENLIB_PROGRESS` is `off`.

    Raises:
        RuntimeError: the user has no home folder.
    """
    chosen = os.environ.get(VARIABLE, "")
    if chosen == "off":
        return None
    if chosen:
        return as_file(chosen)
    from genlib.data.download import cache_folder

    return cache_folder() / NAME


def as_file(chosen: str | Path) -> Path:
    """`chosen` if it is called .json, else the file of that folder."""
    path = Path(chosen).expanduser()
    return path if path.suffix == ".json" else path / NAME


def read(path: Path) -> Kept:
    """What the file holds, nothing where there is none. A damaged file is put aside, aloud.

    Raises:
        OSError: it cannot be read, or not be put aside.
    """
    try:
        return _load(path)
    except (ValueError, RecursionError):
        with _locked(path):  # another kernel may have mended it by now
            return _load_or_put_aside(path)


def change(path: Path, how: Callable[[Kept], Kept]) -> None:
    """Read, change and write in one go, so that no entry of another kernel is lost.

    Raises:
        OSError: the folder or the file cannot be written.
    """
    # A chosen place may be on a drive that is not there yet: folders in its stead stand in its way.
    path.parent.mkdir(parents=not os.environ.get(VARIABLE), exist_ok=True)
    with _locked(path):
        before = _load_or_put_aside(path)
        after = how(before)
        if after != before:
            content = {"format": FORMAT, "parts": dict(sorted(after.items()))}
            text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
            write_atomic(path, text.encode("utf-8"))


def merged(one: Kept, other: Kept) -> Kept:
    """All entries of both; where both have one, the earlier time."""
    both = {part: dict(times) for part, times in one.items()}
    for part, times in other.items():
        mine = both.setdefault(part, {})
        for state, when in times.items():
            mine[state] = min(mine.get(state, when), when)
    return both


def _load(path: Path) -> Kept:
    try:
        found: Any = json.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        return {}
    if not isinstance(found, dict) or not isinstance(found.get("parts"), dict):
        raise ValueError("it has no list of parts")
    for part, times in found["parts"].items():
        if not isinstance(times, dict) or not all(isinstance(t, str) for t in times.values()):
            raise ValueError(f"the entry of {part!r} is no pair of times")
    parts: Kept = found["parts"]
    return parts


def _load_or_put_aside(path: Path) -> Kept:
    try:
        return _load(path)
    except (ValueError, RecursionError) as error:
        aside = _put_aside(path)
        say_once(
            f"genlib: the file with your passes was damaged ({error}). It now lies in {aside}, "
            "and counting begins anew: run your checks again."
        )
        return {}


def _put_aside(path: Path) -> Path:
    """Under the first free name, so that no damaged file of earlier is lost."""
    number = 1
    while (aside := path.with_name(f"{path.stem}-damaged-{number}{path.suffix}")).exists():
        number += 1
    with contextlib.suppress(FileNotFoundError):  # another kernel was faster
        path.rename(aside)
    return aside


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock beside `path`. The system lets go of it when a kernel dies.

    Some network drives know no locks. Reading just before writing must then do.
    """
    with path.with_name(f".{path.name}.lock").open("ab") as file:
        until = time.monotonic() + PATIENCE
        while not (held := _try_lock(file.fileno())) and time.monotonic() < until:
            time.sleep(0.01)
        try:
            yield
        finally:
            if held:
                _unlock(file.fileno())


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import errno
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # Anything but "another has it" means that there are no locks here: do not wait.
            return error.errno not in (errno.EAGAIN, errno.EACCES)
        return True

    def _unlock(handle: int) -> None:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
