"""The drawn face itself, layer by layer from back to front."""

from __future__ import annotations

from collections.abc import Callable

import torch

from genlib.data.faces_attributes import ATTRIBUTES
from genlib.data.faces_canvas import Canvas, arc, box, circle, cut, ellipse, union
from genlib.data.faces_hair import back_hair, front_hair, head_shape

WHITE = torch.ones(3, 1, 1)
INK = torch.tensor([0.17, 0.13, 0.19])[:, None, None]
MOUTH = torch.tensor([0.55, 0.16, 0.20])[:, None, None]
TONGUE = torch.tensor([0.95, 0.50, 0.52])[:, None, None]
YOLK = torch.tensor([0.98, 0.75, 0.20])[:, None, None]
BLUSH = torch.tensor([0.95, 0.38, 0.38])[:, None, None]


def paint_face(c: Canvas) -> None:
    """Paint the whole picture."""
    background(c)
    each(c, "hair_style", back_hair)
    body(c)
    head(c)
    eyes(c.window(-0.42, 0.42, -0.30, 0.30))
    each(c.window(-0.22, 0.22, 0.18, 0.52), "mouth", mouth)
    each(c, "hair_style", front_hair)
    each(c.window(-0.55, 0.55, -0.18, 0.34), "glasses", glasses)
    each(c, "accessory", accessory)
    c.pixels.mul_(1 + 0.04 * c.vary["light"][:, None])


def each(c: Canvas, attribute: str, paint: Callable[[Canvas, str], None]) -> None:
    """`paint(part, value)` for the pictures of each value of `attribute`."""
    for number, value in enumerate(ATTRIBUTES[attribute]):
        with c.only(attribute, number) as part:
            paint(part, value)


def background(c: Canvas) -> None:
    """A colour that darkens downwards, with a pale disc behind the head."""
    colour = c.colours["background"]
    c.pixels.copy_(colour.expand_as(c.pixels))
    c.blend((c.y * 0.10 + 0.10).clamp_(0, 1), colour * 0.55)
    c.fill(circle(c.x, c.y + 0.05, 0.80), WHITE, alpha=0.22, soft=3)


def body(c: Canvas) -> None:
    """Shoulders, neck with the head's shadow, and a collar."""
    c = c.window(-1, 1, 0.45, 1)
    cloth, skin = c.colours["clothes"], c.colours["skin"]
    x, y = c.x - 0.03 * c.vary["x"], c.y
    c.outlined(ellipse(x, y - 1.08, 0.66, 0.42), cloth)
    neck = box(x, y - 0.62, 0.15, 0.22, 0.10)
    c.outlined(neck, skin * 0.90)
    c.fill(cut(neck, ellipse(c.u, c.v - 0.12, 0.47, 0.52)), skin * 0.72, soft=2)
    c.fill(arc(x, y - 0.66, 0.20, 1.1, 0.035), cloth * 0.8 + 0.12)


def head(c: Canvas) -> None:
    """Ears, face with a shaded side, cheeks and nose."""
    skin = c.colours["skin"]
    a = c.u.abs()
    ears = circle(a - 0.50, c.v - 0.10, 0.105)
    c.outlined(ears, skin * 0.96)
    c.fill(circle(a - 0.505, c.v - 0.10, 0.055), skin * 0.78, soft=2)
    shape = head_shape(c)
    c.outlined(shape, skin)
    shadow = torch.maximum(shape + 0.02, -ellipse(c.u + 0.06, c.v + 0.05, 0.50, 0.54))
    c.fill(shadow, skin * 0.84, alpha=0.8, soft=3)
    cheeks = torch.exp(-(((a - 0.30) / 0.10) ** 2) - ((c.v - 0.25) / 0.07) ** 2)
    c.blend(cheeks.mul_(0.42 + 0.15 * c.vary["cheeks"]), BLUSH)
    nose = c.window(-0.1, 0.1, 0.1, 0.3)
    nose.fill(ellipse(nose.u, nose.v - 0.215, 0.035, 0.022), nose.colours["skin"] * 0.76, soft=1.5)


def eyes(c: Canvas) -> None:
    """Eyes that look left, ahead or right (the viewer's sides), lashes and brows."""
    vary = c.vary
    size = 1 + 0.08 * vary["eye_size"]
    gaze = (c.attributes["gaze"].float()[:, None, None] - 1) * 0.045
    gap, height = 0.225 + 0.015 * vary["eye_gap"], 0.06 + 0.02 * vary["eye_height"]
    side = torch.sign(c.u)
    a, v = c.u.abs() - gap, c.v - height  # both eyes at once: mirrored at the nose
    white = ellipse(a, v, 0.125 * size, 0.155 * size)
    c.fill(white, WHITE * 0.99)
    eye = c.colours["eye_colour"]
    iu, iv = a - gaze * side, v - 0.012
    iris = cut(ellipse(iu, iv, 0.098 * size, 0.120 * size), white)
    c.fill(iris, eye * 0.50)
    c.fill(iris + 0.022, eye)
    c.fill(cut(iris + 0.025, -iv + 0.02), eye * 0.6 + 0.4, alpha=0.8, soft=3)
    c.fill(cut(ellipse(iu, iv, 0.050 * size, 0.066 * size), white), INK)
    c.fill(circle(c.u - side * gap - gaze + 0.035, v + 0.050, 0.036), WHITE)
    c.fill(circle(c.u - side * gap - gaze - 0.040, v - 0.055, 0.018), WHITE, alpha=0.8)
    lash = arc(a, -(v - 0.01), 0.150 * size, 0.95, 0.020)
    c.fill(lash, INK)
    brow = arc(a - 0.01, -(v + 0.06 + 0.02 * vary["brow"]), 0.20, 0.55, 0.020)
    c.fill(brow, c.colours["hair_colour"] * 0.62)


def mouth(c: Canvas, kind: str) -> None:
    """One of the four mouths."""
    size = 1 + 0.10 * c.vary["mouth_size"]
    u, v = c.u / size, (c.v - 0.355 - 0.015 * c.vary["mouth_height"]) / size
    line = c.colours["skin"] * 0.25 + MOUTH * 0.25
    if kind == "smile":
        c.fill(arc(u, v + 0.10, 0.145, 1.0, 0.021), line)
    elif kind == "laugh":
        lips = cut(ellipse(u, v + 0.06, 0.16, 0.175), -(v + 0.05))
        c.fill(lips - 0.014, line)
        c.fill(lips + 0.010, MOUTH)
        c.fill(cut(lips + 0.010, ellipse(u, v - 0.11, 0.085, 0.075)), TONGUE)
        c.fill(cut(lips + 0.010, v + 0.010), WHITE)
    elif kind == "calm":
        c.fill(box(u, v - 0.01, 0.085, 0.020, 0.019), line)
    else:
        c.fill(ellipse(u, v - 0.01, 0.072, 0.092), line)
        c.fill(ellipse(u, v - 0.015, 0.046, 0.066), MOUTH)


def glasses(c: Canvas, kind: str) -> None:
    """A frame, its temples, and a slight glare."""
    if kind == "none":
        return
    a, v = c.u.abs() - 0.225, c.v - 0.07
    lens = circle(a, v, 0.190) if kind == "round" else box(a, v, 0.185, 0.155, 0.05)
    c.fill(lens, WHITE, alpha=0.14)
    frame = union(lens.abs() - 0.020, box(c.u, v + 0.03, 0.05, 0.018, 0.01))
    temple = cut(box(a - 0.235, v + 0.04, 0.05, 0.018, 0.01), -lens)
    c.fill(union(frame, temple), INK)


def accessory(c: Canvas, kind: str) -> None:
    """A beanie over the hair, or a bow or a flower in it."""
    colour = c.colours["accessory"]
    u, v = c.u, c.v
    if kind == "beanie":
        dome = cut(ellipse(u, v + 0.28, 0.61, 0.50), v + 0.36)
        c.outlined(dome, colour)
        glow = cut(dome + 0.03, circle(u + 0.15, v + 0.5, 0.2))
        c.fill(glow, colour * 0.7 + 0.3, alpha=0.4, soft=4)
        c.outlined(circle(u, v + 0.80, 0.13), colour * 0.4 + 0.6)
        band = box(u, v + 0.36, 0.63, 0.095, 0.08)
        c.outlined(band, colour * 0.75 + 0.2)
        ribs = ((u * 8).remainder(1) - 0.5).abs() / 8 - 0.012
        c.fill(cut(ribs, band + 0.03), colour * 0.62, alpha=0.6)
    elif kind == "bow":
        u, v = u - 0.34, v + 0.48
        wings = cut(box(u, v, 0.24, 0.16, 0.05), v.abs() - 0.06 - 0.45 * u.abs())
        c.outlined(wings, colour)
        c.outlined(box(u, v, 0.065, 0.075, 0.05), colour * 0.85)
    elif kind == "flower":
        u, v = u + 0.40, v + 0.40
        petals = torch.hypot(u, v) - 0.16 - 0.045 * torch.cos(5 * torch.atan2(v, u))
        c.outlined(petals, colour * 0.35 + 0.65, line=colour * 0.45 + 0.2)
        c.fill(circle(u, v, 0.065), YOLK)
