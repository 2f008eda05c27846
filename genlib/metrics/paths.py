"""Interpolation: what a decoder shows along the straight line between two codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from genlib.metrics.neighbours import nearest


def as_pixels(pictures: Tensor) -> Tensor:
    """A picture is its pixels: `[B, C, H, W] -> [B, D]`."""
    return pictures.flatten(1)


class Smoothness(NamedTuple):
    """Two figures for each of P lines; 1 is the least both can be."""

    length: Tensor  # [P], length of the way over the distance of its ends
    largest: Tensor  # [P], largest step over the mean step


@torch.no_grad()
def smoothness(
    decode: Callable[[Tensor], Tensor],
    start: Tensor,
    end: Tensor,
    look: Callable[[Tensor], Tensor] = as_pixels,
    steps: int = 16,
    batch_size: int = 1_000,
) -> Smoothness:
    """How directly and how evenly the picture changes while the code moves in equal steps.

    `length` is 1 if what is seen goes straight from the one end to the other, more if it takes a
    detour or wavers. `largest` is 1 if each step changes it equally, and `steps` if all the change
    comes in one jump. Compare at equal `steps`.

    Smooth is not good: fading one picture over into the other has 1 and 1 in pixels and shows two
    at once in the middle. A classifier's features punish that somewhat; `departure` asks about it.

    Args:
        decode: `[B, K]` to pictures `[B, C, H, W]` in [0, 1].
        start: codes `[P, K]`.
        end: codes `[P, K]`.
        look: what to compare the pictures by, `[B, C, H, W] -> [B, D]`: pixels, or
            `classifier.features`.
        steps: equal steps from start to end.
        batch_size: lines worked on at a time; memory grows with it.

    Returns:
        `[P]` each, in double precision; NaN for a line whose ends look the same.

    Raises:
        ValueError: the codes do not fit together, or `steps` is below 2.
    """
    parts = [_along(views) for views in _lines(decode, start, end, look, steps, batch_size)]
    return Smoothness(torch.cat([p.length for p in parts]), torch.cat([p.largest for p in parts]))


@torch.no_grad()
def departure(
    decode: Callable[[Tensor], Tensor],
    start: Tensor,
    end: Tensor,
    real: Tensor,
    look: Callable[[Tensor], Tensor] = as_pixels,
    steps: int = 8,
    batch_size: int = 1_000,
) -> Tensor:
    """How much farther from real images the pictures on the way are than those at its ends.

    The distance to the nearest real image, averaged over the inner points, over its average at
    both ends. 1: what lies between is as real as the ends. Above: the line leaves the data.

    Args:
        decode: as for `smoothness`.
        start: codes `[P, K]`.
        end: codes `[P, K]`.
        real: the real images as `look` gives them, `[N, D]`.
        look: as for `smoothness`. In pixels a blurred picture lies near to everything.
        steps: equal steps; `steps` − 1 inner points are judged.
        batch_size: as for `smoothness`.

    Returns:
        `[P]` in double precision; NaN for a line whose ends are real images themselves.

    Raises:
        ValueError: the codes do not fit together, or `steps` is below 2.
    """
    parts = []
    for views in _lines(decode, start, end, look, steps, batch_size):
        distance, _ = nearest(views.flatten(0, 1), real)
        distance = distance.unflatten(0, views.shape[:2])  # [S + 1, B]
        ends = 0.5 * (distance[0] + distance[-1])
        parts.append(_over(distance[1:-1].mean(dim=0), ends))
    return torch.cat(parts)


def _lines(
    decode: Callable[[Tensor], Tensor],
    start: Tensor,
    end: Tensor,
    look: Callable[[Tensor], Tensor],
    steps: int,
    batch_size: int,
) -> Iterator[Tensor]:
    """Views of the pictures on each line, `[S + 1, B, D]`."""
    if start.dim() != 2 or start.shape != end.shape or steps < 2 or not len(start):
        raise ValueError(
            f"start and end must be codes [P, K] and there must be at least 2 steps, got "
            f"{list(start.shape)}, {list(end.shape)} and {steps}."
        )
    for a, b in zip(start.split(batch_size), end.split(batch_size), strict=True):
        places = [s / steps for s in range(steps + 1)]
        yield torch.stack([look(decode(torch.lerp(a, b, t))).flatten(1) for t in places])


def _along(views: Tensor) -> Smoothness:
    views = views.double()  # [S + 1, B, D]
    each = (views[1:] - views[:-1]).norm(dim=2)  # [S, B]
    straight = (views[-1] - views[0]).norm(dim=1)  # [B]
    length = each.sum(dim=0)
    return Smoothness(_over(length, straight), _over(each.amax(dim=0) * len(each), length))


def _over(above: Tensor, below: Tensor) -> Tensor:
    """Their ratio, NaN where it has no meaning."""
    return torch.where(below > 0, above / below, torch.nan)
