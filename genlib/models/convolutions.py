"""Stacks of convolutions that halve or double the side of square images."""

from __future__ import annotations

import math
from typing import Literal

from torch import nn

Shape = tuple[int, int, int]
Norm = Literal["none", "batch", "layer", "group"]


def halvings(image_shape: Shape) -> int:
    """How often the side is halved until 4 to 7 pixels are left: `28 → 14 → 7`, `64 → … → 4`.

    Raises:
        ValueError: the images are not square, or halving ends at an odd side above 7 or below 4.
    """
    _, height, side = image_shape
    count = 0
    while side > 7 and side % 2 == 0:
        side //= 2
        count += 1
    if height != image_shape[2] or not 4 <= side <= 7 or count == 0:
        raise ValueError(
            f"images of {height}×{image_shape[2]} pixels do not fit these convolutions: they need "
            "square images whose side halves without remainder to 4, 5, 6 or 7, such as 28, 32, 48 "
            "or 64. Resize the images, or take a dense model."
        )
    return count


def normalised(norm: Norm, channels: int) -> list[nn.Module]:
    """The layer that normalises, in a list; empty for "none".

    "batch" takes mean and variance over the batch, so that its images meet; "layer" and "group"
    over the channels and pixels of each image alone, "group" in eight parts.
    """
    if norm == "none":
        return []
    if norm == "batch":
        return [nn.BatchNorm2d(channels)]
    if norm not in ("layer", "group"):
        raise ValueError(f"norm is {norm!r}; use 'none', 'batch', 'layer' or 'group'")
    return [nn.GroupNorm(1 if norm == "layer" else math.gcd(8, channels), channels)]


def down(image_shape: Shape, width: int, norm: Norm) -> list[nn.Sequential]:
    """One block per halving: kernel 4, stride 2, norm (not in the first block), leaky ReLU.

    The channels are `width`, then double in each block (Radford et al. 2016).
    """
    blocks, channels = [], image_shape[0]
    for i in range(halvings(image_shape)):
        out = width * 2**i
        norms = normalised(norm, out) if i > 0 else []
        # Batch normalisation subtracts the mean, and with it any bias before it.
        conv = nn.Conv2d(channels, out, 4, stride=2, padding=1, bias=not norms or norm != "batch")
        blocks.append(nn.Sequential(conv, *norms, nn.LeakyReLU(0.2)))
        channels = out
    return blocks


def small_shape(image_shape: Shape, width: int) -> Shape:
    """The shape after `down`."""
    count = halvings(image_shape)
    side = image_shape[1] // 2**count
    return (width * 2 ** (count - 1), side, side)


def up(latent: int, image_shape: Shape, width: int, norm: Norm) -> nn.Sequential:
    """`down` reversed: a linear layer, then transposed convolutions; logits `[B, C, H, W]`.

    Each but the last is followed by norm and ReLU. Kernel 4 with stride 2 covers every output
    pixel equally often.
    """
    channels, side, _ = small_shape(image_shape, width)
    layers: list[nn.Module] = [
        nn.Linear(latent, channels * side * side, bias=norm != "batch"),  # [B, K] -> [B, C'·s·s]
        nn.Unflatten(1, (channels, side, side)),
        *normalised(norm, channels),
        nn.ReLU(),
    ]
    while channels > width:
        out = channels // 2
        conv = nn.ConvTranspose2d(channels, out, 4, stride=2, padding=1, bias=norm != "batch")
        layers += [conv, *normalised(norm, out), nn.ReLU()]
        channels = out
    last = nn.ConvTranspose2d(channels, image_shape[0], 4, stride=2, padding=1)
    return nn.Sequential(*layers, last)
