"""A garment's code, moved dimension by dimension, under models of different β.

The same as the page's explorer of chapter 3. The codes are in the result `page_codes`.
"""

from __future__ import annotations

import base64
import functools
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from genlib import results, zoo
from genlib.explore import frame
from genlib.export import Painter
from genlib.plots import LINES, panels
from genlib.plots.style import settings

DIMENSIONS = 10


@dataclass(frozen=True)
class Garments:
    """Ten test garments, one of each class, and their codes under one model.

    Attributes:
        classes: the names.
        images: in [0, 1], `[10, 1, 28, 28]`.
        codes: means of q(z|x), `[10, K]`.
        kl: of each dimension, the mean over test images, nats, `[K]`.
        active: whether a dimension's mean moves with the image, bool `[K]`.
        beta: of the model.
    """

    classes: tuple[str, ...]
    images: Tensor
    codes: Tensor
    kl: Tensor
    active: Tensor
    beta: float


def models() -> list[str]:
    """The names of the models that there are codes of, by their β."""
    found = results.load("page_codes").figures["garments"]
    with_beta = {name: of["beta"] for name, of in found.items() if isinstance(of, dict)}
    return sorted(with_beta, key=lambda name: float(with_beta[name]))


@functools.cache
def garments(model: str) -> Garments:
    """The ten garments under `model`.

    Raises:
        ValueError: there are no codes of that model.
    """
    found = results.load("page_codes").figures["garments"]
    if model not in models():
        raise ValueError(f"no codes of {model!r}; there are codes of {', '.join(models())}")
    of = found[model]
    pixels = np.frombuffer(base64.b64decode(found["images"]), np.uint8).reshape(10, 1, 28, 28)
    return Garments(
        tuple(found["classes"]),
        torch.tensor(pixels.astype(np.float32) / 255),
        torch.tensor(of["codes"]),
        torch.tensor(of["kl"]),
        torch.tensor(of["active"]).bool(),
        of["beta"],
    )


@functools.cache
def painter(model: str) -> Painter:
    """From codes `[B, 10]` to images `[B, 1, 28, 28]` in [0, 1]."""
    return Painter(zoo.load(model), "sample")


def draw(
    model: str = "vae10-fashion-mnist", garment: int = 9, steps: tuple[float, ...] = (-2.0,)
) -> Figure:
    """Original, reconstruction and moved picture above, the KL of each dimension below.

    Args:
        model: one of `models()`.
        garment: which of the ten, by its class.
        steps: what to add to the code's dimensions, the one with the largest KL first; those
            that are not named stay.

    Raises:
        ValueError: there are no codes of that model, no such garment, or too many steps.
    """
    of = garments(model)
    if not 0 <= garment < len(of.classes) or len(steps) > len(of.kl):
        raise ValueError(
            f"garment {garment} and {len(steps)} steps: there are {len(of.classes)} garments, from "
            f"0 on, and {len(of.kl)} dimensions"
        )
    order = of.kl.argsort(descending=True)
    code = of.codes[garment]
    moved = code.clone()
    moved[order[: len(steps)]] += torch.tensor(steps)
    with torch.no_grad():
        own, now = painter(model)(torch.stack([code, moved]))
    figure, (upper, lower) = panels(1, 2, height=2.9)
    with matplotlib.rc_context(settings()):
        gap = torch.ones(1, 28, 2)
        row = torch.cat([of.images[garment], gap, own, gap, now], dim=2)[0]  # [28, 3 · 28 + 4]
        upper.imshow(row.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        upper.set_yticks([])
        upper.set_xticks([14, 44, 74], ["original", "reconstruction", "moved"])
        upper.grid(False)
        upper.tick_params(length=0)
        upper.spines[:].set_visible(False)
        places = np.arange(len(order))
        colors = [LINES[0] if of.active[k] else LINES[1] for k in order]
        lower.bar(places, of.kl[order].numpy(), 0.7, color=colors)
        lower.set_xticks(places, [f"z{int(k) + 1}" for k in order])
        lower.set(ylabel="KL, nats")
        lower.set_title(
            f"β = {of.beta:g}: {float(of.kl.sum()):.1f} nats, "
            f"{int(of.active.sum())} of {len(order)} dimensions used"
        )
    return figure


def latent_sliders(model: str = "vae10-fashion-mnist") -> Any:
    """A garment under ten sliders, for a live notebook; as on the page of chapter 3.

    The sliders add to the garment's code, in standard deviations of the prior; the first belongs to
    the dimension with the largest KL.

    Args:
        model: the model to begin with, one of `models()`.

    Returns:
        An ipywidgets box. Its attribute `controls` holds `model`, `garment` and `step_1` to
        `step_10`, its `picture` the image.

    Raises:
        ModuleNotFoundError: ipywidgets is not installed.
        ValueError: there are no codes of that model.
    """
    of = garments(model)
    betas = {f"{garments(name).beta:g}": name for name in models()}
    names = {name: number for number, name in enumerate(of.classes)}
    numbered = [f"step_{rank}" for rank in range(1, DIMENSIONS + 1)]
    controls = {
        "model": frame.choice("β", betas, model),
        "garment": frame.choice("garment", names, len(names) - 1),
        **{
            key: frame.slider(f"dimension {rank}", 0.0, -3, 3)
            for rank, key in enumerate(numbered, start=1)
        },
    }

    def redraw(model: str, garment: int, **steps: float) -> Figure:
        return draw(model, garment, tuple(steps[key] for key in numbered))

    return frame.show(redraw, controls, alt="A garment, its reconstruction, and a moved picture.")
