"""Small pictures and zips for the tests of `image_folder`."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from PIL import Image

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def plain(path: Path, colour: tuple[int, int, int] = RED, size: tuple[int, int] = (8, 6)) -> Path:
    """A one-coloured PNG; size is width x height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


def png(colour: tuple[int, int, int] = RED, size: tuple[int, int] = (8, 6)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "png")
    return out.getvalue()


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as out:
        for name, content in entries.items():
            out.writestr(name, content)
    return path
