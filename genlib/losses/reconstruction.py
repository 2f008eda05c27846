"""Reconstruction losses, one value per image, so that the reduction stays in the caller's sight.

Each is a negative log-likelihood up to what its docstring names, in nats, summed over pixels:
`squared_error(r, x).mean()` is the mean over the batch of the error of whole images.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.losses.precision import single


def squared_error(r: Tensor, x: Tensor) -> Tensor:
    """`Σ (x − r)²` over everything but the batch.

    Args:
        r: reconstructions, `[B, ...]`.
        x: images of the same shape.

    Returns:
        `[B]`. Half of it is −log N(x; r, I) up to the constant `D/2 · log 2π` (chapter 1).

    Raises:
        ValueError: the shapes differ. Broadcasting would silently compare every reconstruction
            with every image.
    """
    _same_shape(r, x)
    return (single(x) - single(r)).square().flatten(1).sum(dim=1)  # [B, ...] -> [B]


def gaussian_nll(r: Tensor, x: Tensor, sigma: float) -> Tensor:
    """−log N(x; r, σ²I) in nats, constants included.

    Args:
        r: means, `[B, ...]`.
        x: images of the same shape.
        sigma: the standard deviation of every pixel, positive.

    Returns:
        `[B]`.

    Raises:
        ValueError: shapes differ, or `sigma` is not positive.
    """
    if not sigma > 0:
        raise ValueError(f"sigma must be positive, got {sigma}")
    pixels = math.prod(x.shape[1:])
    constant = pixels * (math.log(sigma) + 0.5 * math.log(2 * math.pi))
    return squared_error(r, x) / (2 * sigma**2) + constant


def normal_nll(mean: Tensor, log_var: Tensor, x: Tensor) -> Tensor:
    """−log N(x; mean, σ²) in nats, constants included, with a σ² that may be learned.

    Args:
        mean: `[B, ...]`.
        log_var: log σ², of the same shape or one that broadcasts to it: a single number, or
            `[B, 1, 1, 1]` for one per image.
        x: images of the same shape as `mean`.

    Returns:
        `[B]`.

    Raises:
        ValueError: the shapes differ, or `log_var` does not broadcast to them.
    """
    _same_shape(mean, x)
    try:
        log_var = single(log_var).expand(mean.shape)
    except RuntimeError:
        raise ValueError(
            f"log_var {list(log_var.shape)} does not broadcast to the images {list(x.shape)}"
        ) from None
    squares = (single(x) - single(mean)).square() * torch.exp(-log_var)
    return 0.5 * (squares + log_var + math.log(2 * math.pi)).flatten(1).sum(dim=1)


def bernoulli_nll(logits: Tensor, x: Tensor) -> Tensor:
    """−Σ x log p + (1 − x) log(1 − p) with `p = sigmoid(logits)`, in nats.

    A likelihood for binary `x` only. On grey values in [0, 1] it is a cross-entropy whose least
    possible value is the pixels' own entropy, not 0 (chapter 1).

    Args:
        logits: what the decoder emits before any sigmoid, `[B, ...]`.
        x: images in [0, 1] of the same shape.

    Returns:
        `[B]`.

    Raises:
        ValueError: the shapes differ.
    """
    _same_shape(logits, x)
    # Stable for large |logits|: torch uses max(l, 0) − l·x + log(1 + exp(−|l|)).
    nll = F.binary_cross_entropy_with_logits(single(logits), x, reduction="none")
    return nll.flatten(1).sum(dim=1)  # [B, ...] -> [B]


def psnr(r: Tensor, x: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in decibels for images in [0, 1]: `−10 log₁₀ MSE`.

    Returns:
        `[B]`; infinite where `r` equals `x`.
    """
    return -10 * torch.log10(squared_error(r, x) / math.prod(x.shape[1:]))


def _same_shape(r: Tensor, x: Tensor) -> None:
    if r.shape != x.shape:
        raise ValueError(
            f"reconstruction {list(r.shape)} and images {list(x.shape)} differ in shape; "
            "broadcasting would compare the wrong pixels. Reshape one of them: "
            f"r.reshape(x.shape) works if the counts ({r.numel()} and {x.numel()}) agree."
        )
