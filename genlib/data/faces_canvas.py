"""Painting many small pictures at once with signed distances.

A shape is a tensor of distances: negative inside, positive outside, zero on its edge. Turning
distance into coverage over the width of one pixel gives smooth edges without supersampling.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

SIZE = 64  # pixels, height and width of a picture
PIXEL = 2 / SIZE  # width of a pixel in the picture's units


@dataclass(frozen=True)
class Canvas:
    """B pictures, and the coordinates of their pixels in units of half the picture's width."""

    pixels: Tensor  # float32 [B, 3, H, W] in [0, 1], painted in place
    x: Tensor  # [B, H, W], from the picture's middle to the right
    y: Tensor  # [B, H, W], downwards
    u: Tensor  # [B, H, W], like x but moving, growing and tilting with the head
    v: Tensor  # [B, H, W], like y
    attributes: dict[str, Tensor]  # int64 [B]
    vary: dict[str, Tensor]  # [B, 1, 1] in [-1, 1]
    colours: dict[str, Tensor]  # [B, 3, 1, 1]

    def fill(
        self, distance: Tensor, colour: Tensor, *, alpha: float = 1.0, soft: float = 1.0
    ) -> None:
        """Lay `colour` over the inside of `distance` [B, H, W]; the edge is `soft` pixels wide."""
        cover = (0.5 - distance / (PIXEL * soft)).clamp_(0, 1)
        self.blend(cover.mul_(alpha), colour)

    def blend(self, cover: Tensor, colour: Tensor) -> None:
        """Lay `colour` over the picture where `cover` [B, H, W] says how much, from 0 to 1."""
        self.pixels.lerp_(colour, cover[:, None])

    def outlined(self, distance: Tensor, colour: Tensor, *, line: Tensor | None = None) -> None:
        """A filled shape with an edge of one pixel in a darker tone of its colour."""
        self.fill(distance - 0.012, colour * 0.62 if line is None else line)
        self.fill(distance + 0.022, colour)

    def window(self, left: float, right: float, top: float, bottom: float) -> Canvas:
        """The part of the (whole) pictures between these positions: small features cost little.

        Positions are in head units; room for the head's own movement is added. A window shares
        its pixels with the whole.
        """
        room = 0.16
        rows = slice(_pixel(top - room), _pixel(bottom + room))
        columns = slice(_pixel(left - room), _pixel(right + room))
        cut = {k: getattr(self, k)[..., rows, columns] for k in ("pixels", "x", "y", "u", "v")}
        return replace(self, **cut)

    @contextmanager
    def only(self, attribute: str, value: int) -> Iterator[Canvas]:
        """The pictures whose `attribute` has this value, painted apart and then put back."""
        rows = (self.attributes[attribute] == value).nonzero().squeeze(1)
        planes = {k: getattr(self, k)[rows] for k in ("pixels", "x", "y", "u", "v")}
        part = replace(
            self,
            **planes,
            attributes={name: values[rows] for name, values in self.attributes.items()},
            vary={name: values[rows] for name, values in self.vary.items()},
            colours={name: values[rows] for name, values in self.colours.items()},
        )
        yield part
        self.pixels[rows] = part.pixels


def _pixel(position: float) -> int:
    return max(0, min(SIZE, round((position + 1) / PIXEL)))


def circle(x: Tensor, y: Tensor, radius: Tensor | float) -> Tensor:
    """Distance to a circle around the origin."""
    return torch.hypot(x, y) - radius


def ellipse(x: Tensor, y: Tensor, rx: Tensor | float, ry: Tensor | float) -> Tensor:
    """Distance to an ellipse around the origin, exact on its edge and near enough close to it."""
    a, b = x / rx, y / ry
    level = torch.hypot(a, b)
    slope = torch.hypot(a.div_(rx), b.div_(ry)).add_(1e-6)  # |gradient of level| * level
    return level * (level - 1) / slope


def box(x: Tensor, y: Tensor, rx: Tensor | float, ry: Tensor | float, round_: float) -> Tensor:
    """Distance to a rectangle of half-sides `rx`, `ry` with corners rounded by `round_`."""
    a, b = x.abs() - (rx - round_), y.abs() - (ry - round_)
    return torch.hypot(a.clamp(min=0), b.clamp(min=0)) + torch.maximum(a, b).clamp(max=0) - round_


def arc(x: Tensor, y: Tensor, radius: Tensor | float, half_angle: float, pen: float) -> Tensor:
    """Distance to a stroke of half-width `pen` along the lower arc of a circle at the origin."""
    angle = torch.tensor(half_angle)
    sin, cos = angle.sin(), angle.cos()
    x = x.abs()
    on_arc = (torch.hypot(x, y) - radius).abs()
    beyond_end = torch.hypot(x - sin * radius, y - cos * radius)
    return torch.where(cos * x > sin * y, beyond_end, on_arc) - pen


def union(*distances: Tensor) -> Tensor:
    """Distance to whichever shape is nearest."""
    nearest = distances[0]
    for distance in distances[1:]:
        nearest = torch.minimum(nearest, distance)
    return nearest


def cut(distance: Tensor, *others: Tensor) -> Tensor:
    """Distance to what all the shapes have in common."""
    for other in others:
        distance = torch.maximum(distance, other)
    return distance
