"""Writing files so that a kill at any moment leaves the old one or the new one, never half."""

from __future__ import annotations

import os
import threading
from pathlib import Path


def write_atomic(path: Path, content: bytes) -> None:
    """Write under a temporary name in the same folder, flush to disk, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
