"""Downloading one file: quick to give up, checked before it is kept, kept in one step."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import queue
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from genlib.data.errors import DataError
from genlib.files import write_atomic

CONNECT_SECONDS = 6.0  # to find the host, connect and get an answer
SILENCE_SECONDS = 6.0  # without a byte
SLOW = 4_000  # bytes per second, on average, below which a mirror counts as dead ...
SLOW_AFTER = 10.0  # ... once this many seconds have passed
MAX_BYTES = 200_000_000  # more than any file here: a mirror that sends more sends something else
T = TypeVar("T")


class Unreachable(Exception):
    """No mirror gave the file; the message says why, mirror by mirror."""


def cache_folder() -> Path:
    """Where downloads are kept: `GENLIB_CACHE`, else `genlib` in the platform's cache folder."""
    if chosen := os.environ.get("GENLIB_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "genlib"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/genlib"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "genlib"


def download(file: str, mirrors: Sequence[str], md5: str) -> bytes:
    """The content of `file` from the first mirror that gives it whole.

    Raises:
        Unreachable: no mirror answered, or all broke off.
        DataError: a mirror's file has another md5 sum, and no other mirror had the right one.
    """
    failures, wrong = [], ""
    for mirror in mirrors:
        url = mirror.rstrip("/") + "/" + file
        try:
            content = _get(url)
        except (OSError, http.client.HTTPException, ValueError) as error:
            failures.append(f"{urllib.parse.urlsplit(url).netloc}: {_in_short(error)}")
            continue
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if found == md5:
            return content
        wrong = f"{url} has md5 {found} ({len(content):,} bytes), expected {md5}"
    if wrong:
        raise DataError(
            f"{wrong}. Nothing was kept. The mirror or something on the way changes the file: try "
            "again later or from another network, put the file in GENLIB_DATA by hand, or set "
            "GENLIB_OFFLINE=1 to work without it."
        )
    raise Unreachable("; ".join(failures))


def _in_short(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        error = error.reason if isinstance(error.reason, Exception) else error  # not its wrapping
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or repr(error)


def _get(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": "genlib"})
    start = time.monotonic()
    response = _within(
        CONNECT_SECONDS, lambda: urllib.request.urlopen(request, timeout=SILENCE_SECONDS)
    )
    received = bytearray()
    with response:
        promised = response.headers.get("Content-Length")
        while block := response.read1(1 << 16):
            received += block
            seconds = time.monotonic() - start
            if seconds > SLOW_AFTER and len(received) < SLOW * seconds:
                raise TimeoutError(f"only {len(received):,} bytes in {seconds:.0f} s")
            if len(received) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES:,} bytes")
    if promised is not None and len(received) != int(promised):
        raise ConnectionError(f"broke off after {len(received):,} of {int(promised):,} bytes")
    return bytes(received)


def _within(seconds: float, work: Callable[[], T]) -> T:
    """`work()`, given up after `seconds`: looking up a host's name has no timeout of its own."""
    answer: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue()

    def run() -> None:
        try:
            answer.put((work(), None))
        except BaseException as error:  # handed to the caller's thread
            answer.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = answer.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:.0f} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # no error means there is a result


def keep(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step: a kill at any moment leaves the whole file or none.

    What killed runs left of this file over an hour ago is removed.

    Raises:
        DataError: the folder cannot be written.
    """
    for leftover in path.parent.glob(f".{path.name}.*.partial"):
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            if time.time() - leftover.stat().st_mtime > 3600:
                leftover.unlink()
    try:
        write_atomic(path, content)
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error}. Make room or give write access, or set GENLIB_CACHE "
            "to a folder that you may write to."
        ) from error
