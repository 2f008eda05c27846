"""What a classifier sees: its features of many images, and their mean and covariance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from genlib.data.images import ImageSet, to_unit


class Moments(NamedTuple):
    """Mean `[D]` and unbiased covariance `[D, D]` of n feature vectors, in double precision."""

    mu: Tensor
    cov: Tensor
    n: int


@torch.no_grad()
def features(classifier: nn.Module, images: Tensor | ImageSet, batch_size: int = 500) -> Tensor:
    """The classifier's features: the numbers before its last layer.

    The last layer is linear, so these are the numbers in which the classes lie apart. Logits would
    keep nothing but the class, pixels know nothing of it.

    Args:
        classifier: has a method `features(x)`, `[B, C, H, W] -> [B, D]`, and is in evaluation mode
            (as `zoo.load` gives it).
        images: N images, or `[N, C, H, W]` in [0, 1].
        batch_size: images per call; memory grows with it.

    Returns:
        `[N, D]` in double precision, where the classifier lies.

    Raises:
        ValueError: there are no features, or the images are not in [0, 1].
    """
    look = getattr(classifier, "features", None)
    if not callable(look):
        raise ValueError(
            f"{type(classifier).__name__} has no method features(x); SmallClassifier has one."
        )
    return torch.cat(
        [look(x).flatten(1).double() for x in unit_batches(classifier, images, batch_size)]
    )


def moments(vectors: Tensor | Iterable[Tensor], chunk: int = 10_000) -> Moments:
    """Mean and covariance, exact in one pass (Chan, Golub & LeVeque 1983).

    >>> real = moments(features(classifier, part) for part in pictures.split(500))

    Args:
        vectors: `[N, D]`, or parts of it one after the other, of which only one need be in memory.
        chunk: rows worked on at a time.

    Raises:
        ValueError: fewer than two vectors, parts that do not fit, or an entry that is not finite.
    """
    parts = [vectors] if isinstance(vectors, Tensor) else vectors
    n, mu, scatter = 0, torch.zeros(()), torch.zeros(())
    for part in parts:
        if part.dim() != 2 or (n and part.shape[1] != mu.shape[0]):
            raise ValueError(
                f"feature vectors must be [N, D] with the same D throughout, got {list(part.shape)}"
                f"{f' after D = {mu.shape[0]}' if n else ''}."
            )
        for rows in part.split(chunk):
            rows = rows.double()
            if not len(rows):
                continue
            m, mu_rows = len(rows), rows.mean(dim=0)
            centred = rows - mu_rows
            shift = mu_rows - mu  # [D]
            between = torch.outer(shift, shift) * (n * m / (n + m)) if n else 0
            scatter = centred.T @ centred + scatter.to(rows) + between  # [D, D]
            mu = mu_rows if not n else mu + shift * (m / (n + m))
            n += m
    if n < 2:
        raise ValueError(f"a covariance needs at least two feature vectors, got {n}.")
    if not bool(scatter.isfinite().all()):
        raise ValueError("feature vectors have entries that are NaN or infinite.")
    return Moments(mu, scatter / (n - 1), n)


def unit_batches(
    classifier: nn.Module, images: Tensor | ImageSet, batch_size: int
) -> Iterator[Tensor]:
    """Batches `[B, C, H, W]` in [0, 1], checked, where the classifier lies."""
    weight = next(classifier.parameters(), None)
    all_images = images.images if isinstance(images, ImageSet) else images
    if len(all_images) == 0:
        raise ValueError("there are no images to measure.")
    for part in all_images.split(batch_size):
        x = to_unit(part) if isinstance(images, ImageSet) else part
        yield in_unit_range(x if weight is None else x.to(weight.device))


def in_unit_range(x: Tensor) -> Tensor:
    """`x` itself, if it is `[B, C, H, W]`, floating and in [0, 1].

    Raises:
        ValueError: it is not.
    """
    if x.dim() != 4 or not x.is_floating_point():
        raise ValueError(
            f"images must be [N, C, H, W] floats in [0, 1] or an ImageSet, got {x.dtype} "
            f"{list(x.shape)}."
        )
    low, high = (float(v) for v in x.aminmax()) if x.numel() else (0.0, 0.0)
    if not (low >= -1e-4 and high <= 1 + 1e-4):  # written so that NaN is refused too
        raise ValueError(
            f"images must be in [0, 1], but run from {low:.4g} to {high:.4g}: use clamp(0, 1) on "
            "an unbounded decoder's output, (x + 1) / 2 on tanh's, sigmoid on logits."
        )
    return x
