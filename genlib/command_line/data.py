"""What `--data` means: a set by name, or a folder or zip of the student's own pictures."""

from __future__ import annotations

import os
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genlib.data import ImageSet

SETS = ("fashion_mnist", "mnist", "digits", "drawn_faces")
HOLD_OUT = 10  # every tenth picture of a folder is kept from training, for `evaluate`


def find(text: str) -> str:
    """The name of a set, or the full path of a folder or zip.

    Raises:
        ValueError: neither; the message suggests what may have been meant.
    """
    name = text.lower().replace("-", "_")
    if name in SETS:
        return name
    for place in (Path(), Path(os.environ.get("GENLIB_DATA") or ".").expanduser()):
        path = place / Path(text).expanduser()
        if path.exists():
            return str(path.resolve())
    close = get_close_matches(name, SETS, n=1)
    hint = (
        f"did you mean {close[0]}? The sets are:" if close else "give a path that exists, or one of"
    )
    raise ValueError(f"there is no data set or path {text!r}; {hint} {', '.join(SETS)}")


def load(name: str, *, size: int, grey: bool, limit: int | None) -> tuple[ImageSet, ImageSet]:
    """Pictures to train on, and others to evaluate with.

    Args:
        name: what `find` returned.
        size: side of a folder's pictures, pixels.
        grey: whether a folder's pictures become grey.
        limit: use at most so many for training.

    Raises:
        DataError: the data cannot be used.
    """
    from genlib import data

    if name == "drawn_faces":
        number = limit or 20_000
        return data.drawn_faces(number), data.drawn_faces(min(number, 2_000), split="test")
    if name in SETS:
        read = getattr(data, name)
        train, test = read("train"), read("test")
    else:
        train, test = _split(data.image_folder(name, size=size, channels=1 if grey else 3))
    return (train if limit is None else train.take(limit)), test


def _split(pictures: ImageSet) -> tuple[ImageSet, ImageSet]:
    """Every tenth for evaluation. A set of fewer than twenty stays whole, and serves for both."""
    import torch

    if len(pictures) < 2 * HOLD_OUT:
        return pictures, pictures
    held_out = torch.arange(len(pictures)) % HOLD_OUT == HOLD_OUT - 1
    return (
        replace(pictures.select(~held_out), split="train"),
        replace(pictures.select(held_out), split="test"),
    )
