"""Latent arithmetic on drawn faces: add so much of each attribute's direction to a code.

The same as the page's explorer of chapter 6. Codes and directions are in the result `page_codes`;
the faces are drawn anew, the decoder is a reference model.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from genlib import results, zoo
from genlib.data import ImageSet, drawn_faces
from genlib.explore import frame
from genlib.export import Painter
from genlib.plots import image_grid

MODEL = "vae-gan-faces"
# What is read where a change has worked: an attribute, and the values of it that count.
READ = {
    "glasses": ("glasses", ("round", "square")),
    "blond hair": ("hair_colour", ("blond",)),
    "curly hair": ("hair_style", ("curly",)),
    "a beanie": ("accessory", ("beanie",)),
    "mint background": ("background", ("mint",)),
    "a smile": ("mouth", ("smile",)),
}


@dataclass(frozen=True)
class Faces:
    """The first test faces without glasses.

    Attributes:
        images: uint8 `[N, 3, 64, 64]`.
        codes: means of q(z|x), `[N, K]`.
        words: what each face has, in words.
    """

    images: Tensor
    codes: Tensor
    words: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """A direction, and in what share of n test faces without the attribute one step adds it.

    Attributes:
        direction: mean code with the attribute less mean code without, `[K]`.
        random: a random direction of the same length, `[K]`.
        n: faces.
        before: share in which the attribute is read off the copy already.
        added: share after one step along `direction`.
        by_random: share after one along `random`.
        kept: share of all other attributes that are read as before.
    """

    direction: Tensor
    random: Tensor
    n: int
    before: float
    added: float
    by_random: float
    kept: float


@functools.cache
def faces() -> Faces:
    """The first twelve test faces without glasses, with their codes."""
    found = results.load("page_codes").figures["faces"]
    chosen = found["chosen"]
    drawn = drawn_faces(max(chosen) + 1, split="test")
    words = tuple(_words(drawn, i) for i in chosen)
    return Faces(drawn.images[chosen], torch.tensor(found["codes"]), words)


@functools.cache
def changes() -> dict[str, Change]:
    """What can be added, by name; what works best comes first."""
    found = results.load("page_codes").figures["faces"]
    made = {
        name: Change(
            torch.tensor(of["direction"]), torch.tensor(of["random"]),
            **{key: of[key] for key in ("n", "before", "added", "by_random", "kept")},
        )
        for name, of in found.items()
        if isinstance(of, dict)
    }  # fmt: skip
    return dict(sorted(made.items(), key=lambda item: -item[1].added))


def hundredths(share: float) -> int:
    """Rounded as the page does it: halves go up, where Python's own rounding goes to even."""
    return math.floor(100 * share + 0.5)


def moved(face: int, steps: Mapping[str, float], *, random: bool = False) -> Tensor:
    """A face's code plus `steps[name]` times the direction of each name, `[K]`.

    Args:
        face: which of the twelve.
        steps: how much of what; what is not named stays.
        random: take each change's random direction instead.

    Raises:
        ValueError: no such face, or a name without a direction.
    """
    count = len(faces().words)
    if not 0 <= face < count or set(steps) - set(changes()):
        raise ValueError(
            f"there are faces 0 to {count - 1} and directions of {', '.join(changes())}; got face "
            f"{face} and {', '.join(steps) or 'no steps'}"
        )
    code = faces().codes[face].clone()
    for name, t in steps.items():
        change = changes()[name]
        code += t * (change.random if random else change.direction)
    return code


@functools.cache
def painter() -> Painter:
    """From codes `[B, 48]` to images `[B, 3, 64, 64]` in [0, 1]."""
    return Painter(zoo.load(MODEL), "sample")


@torch.no_grad()
def draw(
    face: int = 0, steps: Mapping[str, float] | None = None, *, random: bool = False
) -> Figure:
    """The face, its copy, and what the decoder makes of the moved code.

    Args:
        face: which of the twelve.
        steps: how much of what is added; by default glasses, once and a half.
        random: add random directions of the same lengths instead.

    Raises:
        ValueError: no such face, or a name without a direction.
    """
    steps = {"glasses": 1.5} if steps is None else steps
    codes = torch.stack([moved(face, {}), moved(face, steps, random=random)])
    original = faces().images[face, None] / 255
    pictures = torch.cat([original, painter()(codes)])  # [3, 3, 64, 64]
    return image_grid(pictures, columns=3, titles=("original", "copy", "moved"), scale=4)


def face_attributes() -> Any:
    """Attributes added to drawn faces by sliders, for a live notebook; as in chapter 6.

    Returns:
        An ipywidgets box. Its attribute `controls` holds `face`, `random`, and one slider for each
        of `changes()`; its `picture` is the image.

    Raises:
        ModuleNotFoundError: ipywidgets is not installed.
    """
    listed = {f"{i + 1}: {words}": i for i, words in enumerate(faces().words)}
    controls = {
        "face": frame.choice("face", listed, 0),
        "random": frame.switch("random directions instead"),
        **{
            name: frame.slider(f"{name} ({hundredths(change.added)} %)", 0.0, -2, 3, 0.05)
            for name, change in changes().items()
        },
    }

    def redraw(face: int, random: bool, **steps: float) -> Figure:
        return draw(face, steps, random=random)

    return frame.show(redraw, controls, alt="A drawn face, its copy, and the moved copy.")


def _words(drawn: ImageSet, i: int) -> str:
    has = {
        name: drawn.attribute_values[name][int(values[i])]
        for name, values in drawn.attributes.items()
    }
    style = "pigtails" if has["hair_style"] == "pigtails" else f"{has['hair_style']} hair"
    parts = [
        f"{has['hair_colour']} {style}",
        *([has["accessory"]] if has["accessory"] != "none" else []),
        f"{has['mouth']} mouth" if has["mouth"] in ("calm", "surprised") else has["mouth"],
    ]
    return ", ".join(parts)
