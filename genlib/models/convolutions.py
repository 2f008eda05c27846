"""Stacks of convolutions that halve or double the side of square images, and their arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

Shape = tuple[int, int, int]
Norm = Literal["none", "batch", "layer", "group", "instance"]
Place = Literal["before", "after"]


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

    "batch" takes mean and variance over the batch, so that its images meet; the others over each
    image alone: "layer" over all channels and pixels, "group" over an eighth of the channels,
    "instance" over the pixels of each channel. Each has a scale and a shift for every channel.
    """
    if norm == "none":
        return []
    if norm == "batch":
        return [nn.BatchNorm2d(channels)]
    groups = {"layer": 1, "group": math.gcd(8, channels), "instance": channels}
    if norm not in groups:
        raise ValueError(f"norm is {norm!r}; use 'none', 'batch', 'layer', 'group' or 'instance'")
    return [nn.GroupNorm(groups[norm], channels)]


def activated(
    norm: Norm, channels: int, activation: nn.Module, place: Place = "before"
) -> list[nn.Module]:
    """The activation with the layer that normalises before or after it, in a list.

    Raises:
        ValueError: no such norm or place.
    """
    if place not in ("before", "after"):
        raise ValueError(f"place is {place!r}; normalise 'before' or 'after' the activation")
    norms = normalised(norm, channels)
    return [*norms, activation] if place == "before" else [activation, *norms]


def needs_bias(norm: Norm, place: Place = "before") -> bool:
    """Whether a bias has an effect in a convolution that `activated` layers follow.

    Batch and instance normalisation right behind it subtract each channel's mean, and with it the
    bias.
    """
    return norm not in ("batch", "instance") or place == "after"


def down(
    image_shape: Shape, width: int, norm: Norm, place: Place = "before"
) -> list[nn.Sequential]:
    """One block per halving: kernel 4, stride 2, norm (not in the first block), leaky ReLU.

    The channels are `width`, then double in each block (Radford et al. 2016).
    """
    blocks, channels = [], image_shape[0]
    for i in range(halvings(image_shape)):
        own: Norm = norm if i > 0 else "none"
        out = width * 2**i
        conv = nn.Conv2d(channels, out, 4, stride=2, padding=1, bias=needs_bias(own, place))
        blocks.append(nn.Sequential(conv, *activated(own, out, nn.LeakyReLU(0.2), place)))
        channels = out
    return blocks


def small_shape(image_shape: Shape, width: int) -> Shape:
    """The shape after `down`."""
    count = halvings(image_shape)
    side = image_shape[1] // 2**count
    return (width * 2 ** (count - 1), side, side)


def up(
    latent: int, image_shape: Shape, width: int, norm: Norm, place: Place = "before"
) -> nn.Sequential:
    """`down` reversed: a linear layer, then transposed convolutions; logits `[B, C, H, W]`.

    Each but the last is followed by norm and ReLU. Kernel 4 with stride 2 covers every output
    pixel equally often, but for the rim.
    """
    channels, side, _ = small_shape(image_shape, width)
    bias = needs_bias(norm, place)
    layers: list[nn.Module] = [
        nn.Linear(latent, channels * side * side, bias=bias),  # [B, K] -> [B, C'·s·s]
        nn.Unflatten(1, (channels, side, side)),
        *activated(norm, channels, nn.ReLU(), place),
    ]
    while channels > width:
        out = channels // 2
        conv = nn.ConvTranspose2d(channels, out, 4, stride=2, padding=1, bias=bias)
        layers += [conv, *activated(norm, out, nn.ReLU(), place)]
        channels = out
    last = nn.ConvTranspose2d(channels, image_shape[0], 4, stride=2, padding=1)
    return nn.Sequential(*layers, last)


def transposed_size(
    side: int, kernel: int, stride: int, padding: int = 0, output_padding: int = 0
) -> int:
    """Side of the output of a transposed convolution, in pixels.

    Each input pixel stamps the kernel onto the output, `stride` pixels from its neighbour's. So the
    first stamp covers `kernel` pixels, each further one adds `stride`, and `padding` pixels are
    cut off at both ends: `(side − 1) · stride + kernel − 2 · padding + output_padding`. In Keras,
    "valid" is padding 0 where the stride is at most the kernel.

    Args:
        side: of the input, in pixels.
        kernel, stride, padding, output_padding: as for `torch.nn.ConvTranspose2d`.

    Raises:
        ValueError: a number is out of range, or nothing is left of the output.
    """
    if min(side, kernel, stride) < 1 or padding < 0 or not 0 <= output_padding < stride:
        raise ValueError(
            f"side {side}, kernel {kernel} and stride {stride} must be at least 1, padding "
            f"{padding} at least 0, and output_padding {output_padding} below the stride"
        )
    size = (side - 1) * stride + kernel - 2 * padding + output_padding
    if size < 1:
        raise ValueError(
            f"padding {padding} cuts off all of {size + 2 * padding} pixels; make it smaller"
        )
    return size


def explain_sizes(side: int, layers: Sequence[tuple[int, ...]]) -> str:
    """The sides that a stack of transposed convolutions goes through, one line of sums per layer.

    >>> print(explain_sizes(3, [(3, 3), (5, 2), (4, 3)]))
    3 → 9: 2 steps of 3, then a kernel of 3: 2 · 3 + 3 = 9
    9 → 21: 8 steps of 2, then a kernel of 5: 8 · 2 + 5 = 21
    21 → 64: 20 steps of 3, then a kernel of 4: 20 · 3 + 4 = 64

    Args:
        side: of the input, in pixels.
        layers: `(kernel, stride)`, `(kernel, stride, padding)` or with `output_padding` as a fourth
            number.

    Raises:
        ValueError: as for `transposed_size`.
    """
    lines = []
    for kernel, stride, *rest in layers:
        padding, extra = (*rest, 0, 0)[:2]
        out = transposed_size(side, kernel, stride, padding, extra)
        words = f"{side - 1} steps of {stride}, then a kernel of {kernel}"
        sums = f"{side - 1} · {stride} + {kernel}"
        if padding:
            words, sums = f"{words}, less {padding} at both ends", f"{sums} − 2 · {padding}"
        if extra:
            words, sums = f"{words}, and {extra} more at one", f"{sums} + {extra}"
        lines.append(f"{side} → {out}: {words}: {sums} = {out}")
        side = out
    return "\n".join(lines)


def coverage(kernel: int, stride: int, side: int, padding: int = 0) -> Tensor:
    """How many input pixels reach each output pixel of a transposed convolution.

    Where the stride does not divide the kernel the counts alternate, also far from the rim: with
    weights that are all alike the output is a checkerboard (Odena et al. 2016), and training has to
    undo it.

    Args:
        kernel, stride, padding: as for `torch.nn.ConvTranspose2d`.
        side: of the input, in pixels.

    Returns:
        int64 `[S, S]`, with S from `transposed_size`.

    Raises:
        ValueError: as for `transposed_size`.
    """
    pixel = torch.arange(transposed_size(side, kernel, stride, padding)) + padding  # [S]
    # Input i reaches pixels i · stride to i · stride + kernel − 1.
    last = pixel.div(stride, rounding_mode="floor").clamp(max=side - 1)
    first = (pixel - kernel).div(stride, rounding_mode="floor").add(1).clamp(min=0)
    counts = (last - first + 1).clamp(min=0)
    return torch.outer(counts, counts)  # rows and columns are independent
