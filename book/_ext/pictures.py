"""Pictures of the pages: in files of their own, with their size, loaded when they are near.

A page that carries an animation in its text must be fetched whole before it can be read, and a
picture without a size pushes the text away when it comes.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from PIL import Image

EMBEDDED = re.compile(
    r'(?<==")data:image/(webp|png|gif|jpeg);base64,([A-Za-z0-9+/=\s]{2000,})(?=")'
)
IMAGE = re.compile(r"<img\b[^>]*>")
SOURCE = re.compile(r'\ssrc="([^"]*)"')


def unpack(text: str, page: Path, folder: Path) -> str:
    """The page with its larger embedded pictures as files of `folder`."""

    def out_of_the_page(match: re.Match[str]) -> str:
        content = base64.b64decode(match[2])
        path = folder / f"{hashlib.sha256(content).hexdigest()}.{match[1]}"
        if not path.is_file():
            folder.mkdir(exist_ok=True)
            path.write_bytes(content)
        return os.path.relpath(path, page.parent).replace(os.sep, "/")

    return EMBEDDED.sub(out_of_the_page, text)


def measured(text: str, page: Path) -> str:
    """The page with width and height for each picture, and with late loading for all but the first.

    The first one is mostly seen at once: to wait with it would only make it late.
    """
    first = True

    def complete(match: re.Match[str]) -> str:
        nonlocal first
        tag = match[0]
        source = SOURCE.search(tag)
        path = page.parent / unquote(urlsplit(source[1]).path) if source else None
        if path is None or not path.is_file():
            return tag
        more = "" if first or "loading=" in tag else ' loading="lazy"'
        first = False
        if not re.search(r"\s(?:width|height)=", tag) and (size := dimensions(path)):
            more += f' width="{size[0]}" height="{size[1]}"'
        return tag.replace("<img", f"<img{more}", 1)

    return IMAGE.sub(complete, text)


@cache
def dimensions(path: Path) -> tuple[int, int] | None:
    """Width and height in pixels; None where a drawing names neither a size nor a view box."""
    if path.suffix != ".svg":
        with Image.open(path) as picture:
            return picture.size
    head = path.read_text(encoding="utf8").split(">", 2)
    opening = next((part for part in head if "<svg" in part), "")
    sizes = [re.search(rf'\s{side}="([\d.]+)(?:px)?"', opening) for side in ("width", "height")]
    if all(sizes):
        return round(float(sizes[0][1])), round(float(sizes[1][1]))  # type: ignore[index]
    box = re.search(r'viewBox="[\d.-]+[ ,]+[\d.-]+[ ,]+([\d.]+)[ ,]+([\d.]+)"', opening)
    return (round(float(box[1])), round(float(box[2]))) if box else None
