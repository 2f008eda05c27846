"""Hair of the drawn faces: what hangs behind the head, and what falls over the forehead."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genlib.data.faces_canvas import Canvas, box, circle, cut, ellipse, union

# Circles (x, y, radius), mirrored at the middle: curls around the head, and over the forehead.
CURLS = (
    (0, -0.58, 0.2),
    (0.28, -0.52, 0.2),
    (0.5, -0.32, 0.2),
    (0.6, -0.04, 0.19),
    (0.58, 0.24, 0.18),
)
FRINGE_CURLS = ((0, -0.36, 0.17), (0.25, -0.33, 0.16), (0.44, -0.2, 0.14))


def head_shape(c: Canvas, grow: float = 0.0) -> Tensor:
    """A head: an ellipse that narrows to the chin."""
    narrow = 1 + (0.16 + 0.05 * c.vary["chin"]) * c.v.clamp(min=0)
    return ellipse(c.u * narrow, c.v, 0.50 + 0.025 * c.vary["width"] + grow, 0.54 + grow)


def hair_colours(c: Canvas) -> tuple[Tensor, Tensor]:
    """The hair's colour and that of its outline."""
    hair = c.colours["hair_colour"]
    return hair, hair * 0.58


def back_hair(c: Canvas, style: str) -> None:
    """The hair behind head and body."""
    hair, line = hair_colours(c)
    back = hair * 0.80
    a, v = c.u.abs(), c.v
    volume = 0.02 * c.vary["volume"]
    if style == "short":
        shape = ellipse(c.u, v + 0.08, 0.55 + volume, 0.55)
    elif style == "bob":
        shape = union(
            ellipse(c.u, v + 0.06, 0.60 + volume, 0.60),
            box(c.u, v - 0.22, 0.60 + volume, 0.32, 0.16),
        )
    elif style == "long":
        shape = union(
            ellipse(c.u, v + 0.06, 0.59 + volume, 0.59),
            box(c.u, v - 0.50, 0.61 + 0.06 * v + volume, 0.52, 0.18),
        )
    elif style == "curly":
        shape = union(
            circle(c.u, v + 0.10, 0.60),
            *(circle(a - x, v - y, r + volume) for x, y, r in CURLS),
        )
    elif style == "pigtails":
        shape = ellipse(c.u, v + 0.06, 0.56, 0.57)
        for spread, tie in ((a - 0.60, v - 0.02), (a - 0.70, v - 0.24)):
            tail = ellipse(spread, tie, 0.15 + volume, 0.20)
            shape = union(shape, tail)
    else:
        shape = cut(spikes(c, 0.56 + volume, 0.26), v - 0.22)
    c.outlined(shape, back, line=line)
    if style == "pigtails":
        c.outlined(circle(a - 0.545, v + 0.10, 0.075), c.colours["clothes"])


def spikes(c: Canvas, radius: Tensor, height: float) -> Tensor:
    """A head of hair whose edge runs in points, longest at the top."""
    angle = torch.atan2(c.u, -(c.v - 0.02))  # 0 is up
    wave = (angle * (5 / math.pi) + 0.5).remainder(1)
    point = 1 - (2 * wave - 1).abs()  # triangle from 0 to 1
    top = (1.15 - angle.abs() / 2.2).clamp(0, 1)
    return (torch.hypot(c.u, c.v - 0.02) - radius + 0.06 - height * point * top) * 0.75


def front_hair(c: Canvas, style: str) -> None:
    """Fringe and locks, their shadow on the forehead, and a shine."""
    hair, line = hair_colours(c)
    u, a, v = c.u, c.u.abs(), c.v
    fringe = 0.03 * c.vary["fringe"]
    skull = ellipse(u, v + 0.06, 0.555, 0.57)
    if style == "short":
        edge = v + 0.24 - 0.22 * u - fringe - 0.9 * (a - 0.40).clamp(min=0)
        burns = box(a - 0.475, v + 0.05, 0.05, 0.16, 0.04)
        shape = union(cut(skull, edge), burns)
    elif style == "bob":
        edge = v + 0.17 - fringe - 0.02 * torch.cos(u * 22)
        locks = box(a - 0.525, v - 0.10, 0.085, 0.42, 0.08)
        shape = union(cut(skull - 0.03, edge), locks)
    elif style == "long":
        edge = v + 0.52 - 1.15 * a.pow(1.5) * 1.3 - fringe
        locks = box(a - 0.55 - 0.05 * v, v - 0.42, 0.085, 0.56, 0.08)
        shape = union(cut(skull - 0.025, edge), locks)
    elif style == "curly":
        edge = v + 0.27 - fringe
        shape = union(cut(skull, edge), *(circle(a - x, v - y, r) for x, y, r in FRINGE_CURLS))
    elif style == "pigtails":
        edge = v + 0.36 - fringe - 0.9 * (a - 0.12).abs()
        shape = cut(skull, edge * 0.75)
    else:
        wave = (u * 4.2 + 0.5).remainder(1)
        point = 1 - (2 * wave - 1).abs()
        shape = cut(skull, (v + 0.33 - fringe - 0.20 * point) * 0.6)
    c.fill(cut(shape - 0.045, head_shape(c) + 0.02), c.colours["skin"] * 0.74, alpha=0.55, soft=3)
    c.outlined(shape, hair, line=line)
    shine = (torch.hypot(u + 0.10, (v - 0.10)) - 0.50).abs() - 0.035
    c.fill(cut(shine, shape + 0.05, u.abs() - 0.30), hair * 0.55 + 0.45, alpha=0.55, soft=2)
