"""Codes of two numbers as a map: what does the decoder draw where, and is a code near?

The same as the page's explorer of chapters 1 and 3. The codes are those of test garments, from the
result `page_codes`; the decoders are reference models.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from genlib import results, zoo
from genlib.explore import frame
from genlib.export import Painter
from genlib.plots import latent_scatter, panels
from genlib.plots.style import INK, QUIET, settings
from genlib.seeds import make_generator

TITLES = {"ae2-fashion-mnist": "Autoencoder", "vae2-fashion-mnist": "VAE"}
DRAWS = 200  # at most, from N(0, I)
GRID = 16  # pictures along a side of a map of pictures
FINE = 120  # places along a side at which the distance to the nearest code is taken
STRIPES = "#c9c9c2"
MARKED = "#ffd23f"  # lines on pictures, which are black and white
PRIOR_REACH = 3.7  # half the side of the VAE's map, in standard deviations of its prior


@dataclass(frozen=True)
class Codes:
    """Codes of test garments under one model.

    Attributes:
        codes: `[N, 2]`.
        labels: int64 `[N]`, positions in `classes`.
        classes: the names.
        edge: only one further test garment in a hundred lies further than this from all `codes`.
        holes: share of draws that do: from the prior, or, where there is none, from the normal
            that fits the codes.
    """

    codes: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    edge: float
    holes: float

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, right, low and high of a square that holds all codes."""
        low, high = self.codes.amin(dim=0), self.codes.amax(dim=0)
        half = 0.54 * float((high - low).max())
        x, y = ((low + high) / 2).tolist()
        return x - half, x + half, y - half, y + half


@functools.cache
def codes_of(model: str) -> Codes:
    """The codes of `model`, from the committed result.

    Raises:
        ValueError: there are none of that model.
    """
    maps = results.load("page_codes").figures["maps"]
    if model not in TITLES:
        raise ValueError(f"no codes of {model!r}; there are codes of {', '.join(TITLES)}")
    found = maps[model]
    return Codes(
        torch.tensor([found["x"], found["y"]]).T,  # [2, N] -> [N, 2]
        torch.tensor(maps["labels"]),
        tuple(maps["classes"]),
        found["edge"],
        found["holes"],
    )


def bounds_of(model: str) -> tuple[float, float, float, float]:
    """Left, right, low and high of the model's map; of a VAE scaled to its prior."""
    codes = codes_of(model)
    reach = PRIOR_REACH
    return (-reach, reach, -reach, reach) if has_prior(model) else codes.bounds


def has_prior(model: str) -> bool:
    """Whether codes are to be drawn from N(0, I)."""
    return model.startswith("vae")


@functools.cache
def painter(model: str) -> Callable[[Tensor], Tensor]:
    """From codes `[B, 2]` to images `[B, 1, 28, 28]` in [0, 1]."""
    return Painter(zoo.load(model), "sample" if has_prior(model) else "decode")


@functools.cache
def drawn(model: str) -> tuple[Tensor, Tensor]:
    """The same `DRAWS` draws from N(0, I) for every model, `[n, 2]`, and which lie in its holes."""
    z = torch.randn(DRAWS, 2, generator=make_generator(0, "latent map", "draws"))
    known = codes_of(model)
    return z, torch.cdist(z, known.codes).amin(dim=1) > known.edge


def words(model: str, code: Tensor) -> str:
    """How near the nearest code is, and what that means."""
    known = codes_of(model)
    apart = (known.codes - code).norm(dim=1)  # [N]
    distance, nearest = float(apart.min()), known.classes[int(known.labels[apart.argmin()])]
    if distance > known.edge:
        place = "in a hole: 99 in 100 test garments\nlie nearer to a dot"
    else:
        place = "among codes" if distance <= known.edge / 3 else "at the rim of the codes"
    return f"nearest code {distance:.2f} away ({nearest}),\n{place}"


def draw(
    model: str = "ae2-fashion-mnist",
    x: float = -0.2,
    y: float = 3.4,
    draws: int = 0,
    *,
    pictures: bool = False,
) -> Figure:
    """The map on the left with the place (x, y) on it, what is decoded there on the right.

    The map is striped in its holes: where no code is near.

    Args:
        model: "ae2-fashion-mnist" or "vae2-fashion-mnist".
        x, y: the code.
        draws: how many draws from N(0, I) to mark, at most `DRAWS`.
        pictures: show what the decoder draws all over the map, in place of the codes.

    Raises:
        ValueError: there are no codes of that model.
    """
    codes, code = codes_of(model), torch.tensor([float(x), float(y)])
    figure, (left, right) = panels(2, height=3.9)
    with matplotlib.rc_context(settings()):
        if pictures:
            _paint_map(left, model)
        else:
            latent_scatter(codes.codes, codes.labels, codes.classes, ax=left)
            _frame_map(left, model)
        z, holes = drawn(model)
        left.set_title(TITLES[model])
        if draws:
            left.set_xlabel(f"{int(holes[:draws].sum())} of {draws} draws in holes", fontsize=10)
        ink = MARKED if pictures else INK
        left.plot(*z[:draws].T, marker="s", ls="", ms=5, mfc="none", mec=ink)
        distances = (codes.codes - code).norm(dim=1)
        nearest = codes.codes[distances.argmin()].tolist()
        left.plot([x, nearest[0]], [y, nearest[1]], color=ink, lw=1.5, ls="-")
        left.plot(x, y, marker="o", ms=10, mfc="none", mec=ink, mew=2)
        _show_picture(right, painter(model)(code[None])[0, 0])
        right.set_title(f"decoded at ({x:.2f}, {y:.2f})")
        right.set_xlabel(words(model, code), fontsize=10)
    return figure


@torch.no_grad()
def draw_maps(count: int = 6) -> Figure:
    """What both decoders draw all over their maps: `count` pictures along each side."""
    figure, axes = panels(2, height=3.4)
    with matplotlib.rc_context(settings()):
        for axis, (model, title) in zip(axes, TITLES.items(), strict=True):
            _paint_map(axis, model, count)
            axis.set_title(title)
    return figure


def latent_map(model: str = "ae2-fashion-mnist") -> Any:
    """A plane of codes and what is decoded there, for a live notebook; as in chapters 1 and 3.

    Args:
        model: the model to begin with: "ae2-fashion-mnist" or "vae2-fashion-mnist".

    Returns:
        An ipywidgets box. Its attribute `controls` holds `model`, `x`, `y`, `draws` and
        `pictures`, its `picture` the image.

    Raises:
        ModuleNotFoundError: ipywidgets is not installed.
        ValueError: there are no codes of that model.
    """
    codes_of(model)
    bounds = [bounds_of(name) for name in TITLES]
    low, high = min(map(min, bounds)), max(map(max, bounds))
    low, high = math.floor(10 * low) / 10, math.ceil(10 * high) / 10
    x, y = codes_of(model).codes[0].tolist()
    controls = {
        "model": frame.choice("model", {title: name for name, title in TITLES.items()}, model),
        "x": frame.slider("code 1", x, low, high, 0.05),
        "y": frame.slider("code 2", y, low, high, 0.05),
        "draws": frame.whole_slider("draws from N(0, I)", 0, 0, DRAWS, 10),
        "pictures": frame.switch("pictures on the map"),
    }
    return frame.show(draw, controls, alt="A map of codes, and what is decoded at one of them.")


def _frame_map(axis: Axes, model: str, *, pictures: bool = False) -> None:
    left, right, low, high = bounds_of(model)
    axis.set(xlim=(left, right), ylim=(low, high), aspect="equal", xlabel="", ylabel="")
    axis.grid(False)
    xs, ys, far = _distances(model)
    edge = codes_of(model).edge
    if pictures:
        axis.contour(xs, ys, far, levels=[edge], colors=MARKED, linewidths=1.2)
    else:
        stripes = axis.contourf(
            xs, ys, far, levels=[edge, math.inf], colors="none", hatches=["////"], zorder=0
        )
        stripes.set(edgecolor=STRIPES, linewidth=0)
    if has_prior(model):
        ink = MARKED if pictures else QUIET
        for radius in (1, 2, 3):
            axis.add_patch(Circle((0, 0), radius, fill=False, ec=ink, lw=0.8, ls=(0, (4, 3))))


@functools.cache
def _distances(model: str) -> tuple[Tensor, Tensor, Tensor]:
    """How far the nearest code is, all over the map: x `[n]`, y `[n]`, and `[n, n]`, row y."""
    left, right, low, high = bounds_of(model)
    xs, ys = torch.linspace(left, right, FINE), torch.linspace(low, high, FINE)
    far = torch.cdist(torch.cartesian_prod(xs, ys), codes_of(model).codes).amin(dim=1)
    return xs, ys, far.view(FINE, FINE).T


@torch.no_grad()
def _paint_map(axis: Axes, model: str, count: int = GRID) -> None:
    left, right, low, high = bounds_of(model)
    middle = (torch.arange(count) + 0.5) / count
    xs, ys = left + (right - left) * middle, high - (high - low) * middle
    down, across = torch.meshgrid(ys, xs, indexing="ij")  # [n, n] each, from the top left
    images = painter(model)(torch.stack([across, down], dim=2).flatten(0, 1))  # [n², 1, H, W]
    side = images.shape[-1]
    sheet = images.view(count, count, side, side).transpose(1, 2).reshape(count * side, -1)
    extent = (left, right, low, high)
    axis.imshow(sheet.numpy(), cmap="gray", vmin=0, vmax=1, extent=extent)
    _frame_map(axis, model, pictures=True)


def _show_picture(axis: Axes, image: Tensor) -> None:
    axis.imshow(image.detach().numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    for spine in axis.spines.values():
        spine.set_visible(False)
