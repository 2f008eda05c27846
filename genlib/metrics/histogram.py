"""Which classes are there? A classifier sorts the images; missing classes show in the shares."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genlib.data.images import ImageSet
from genlib.divergences import entropy
from genlib.metrics.feature_vectors import unit_batches


@torch.no_grad()
def class_histogram(
    classifier: nn.Module, images: Tensor | ImageSet, batch_size: int = 500
) -> Tensor:
    """Share of the images that the classifier gives to each class.

    Balanced data give about 1/K each. A share far below says that the generator seldom makes
    what the classifier knows by that name. Even shares say nothing of variety *within* a class,
    nor of quality: every image gets a class, also one that shows nothing.

    Args:
        classifier: gives logits `[B, K]`.
        images: N images, or `[N, C, H, W]` in [0, 1].
        batch_size: images per call; memory grows with it.

    Returns:
        `[K]` in double precision, summing to 1. The standard error of a share s is √(s(1 − s)/N).

    Raises:
        ValueError: there are no images, or they are not in [0, 1].
    """
    counts = sum(
        torch.nn.functional.one_hot(logits.argmax(dim=1), logits.shape[1]).sum(dim=0)
        for logits in map(classifier, unit_batches(classifier, images, batch_size))
    )
    assert isinstance(counts, Tensor)  # at least one batch came
    return counts.double() / counts.sum()  # [K]


@torch.no_grad()
def predicted_classes(
    classifier: nn.Module, images: Tensor | ImageSet, batch_size: int = 500
) -> Tensor:
    """The class that the classifier gives to each image, int64 `[N]`, where the classifier lies.

    Args:
        classifier: gives logits `[B, K]`.
        images: N images, or `[N, C, H, W]` in [0, 1].
        batch_size: images per call; memory grows with it.

    Raises:
        ValueError: there are no images, or they are not in [0, 1].
    """
    batches = unit_batches(classifier, images, batch_size)
    return torch.cat([classifier(x).argmax(dim=1) for x in batches])


def class_entropy(classes: Tensor) -> float:
    """`histogram_entropy` of the shares that the numbers in `classes` `[N]` have, in nats.

    For an interval, see `bootstrap_of_one`.

    Raises:
        ValueError: there are none, or they are not class numbers.
    """
    if classes.dim() != 1 or not len(classes) or classes.is_floating_point():
        raise ValueError(
            f"classes must be whole numbers [N], one per image, got {classes.dtype} "
            f"{list(classes.shape)}; take predicted_classes."
        )
    return histogram_entropy(classes.bincount().double() / len(classes))


def histogram_entropy(shares: Tensor) -> float:
    """Entropy of the shares `[K]` in nats: log K if all are equal, 0 if one class has everything.

    Its exponential reads as a number of classes: m equally frequent ones give log m. It takes
    a wide gap to move it, so look at the smallest share too. From N images it comes out too low
    by about (K − 1) / 2N (Miller 1955).

    Raises:
        ValueError: the shares are no distribution.
    """
    return float(entropy(shares))
