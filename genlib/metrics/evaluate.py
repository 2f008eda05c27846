"""Run something over a whole data set in batches, without gradients, and keep a value per image."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from genlib.data.images import ImageSet, to_unit


@torch.no_grad()
def per_image(data: ImageSet, measure: Callable[[Tensor], Tensor], batch_size: int = 500) -> Tensor:
    """`measure` of every image of `data`, in order.

    >>> mse = per_image(test, lambda x: squared_error(model(x), x) / x[0].numel()).mean()

    Args:
        data: N images.
        measure: takes `[B, C, H, W]` in [0, 1], returns `[B, ...]`.
        batch_size: images per call.

    Returns:
        `[N, ...]`, on the device of `data`.
    """
    return torch.cat([measure(to_unit(part)) for part in data.images.split(batch_size)])


def accuracy(classifier: nn.Module, data: ImageSet) -> float:
    """Share of `data`'s images that the classifier labels correctly.

    Raises:
        ValueError: the data has no labels.
    """
    if data.labels is None:
        raise ValueError(f"{data.title} has no labels; accuracy needs them")
    predicted = per_image(data, lambda x: classifier(x).argmax(dim=1))
    return float((predicted == data.labels).float().mean())


@torch.no_grad()
def confidence(classifier: nn.Module, images: Tensor) -> Tensor:
    """The largest class probability, `[N, C, H, W] -> [N]` (Hendrycks & Gimpel 2017).

    High for pictures like those the classifier learned from; a low value says that it recognises
    nothing. A high one alone proves little: a classifier can be sure of nonsense.
    """
    parts = [classifier(x).softmax(dim=1).amax(dim=1) for x in images.split(500)]
    return torch.cat(parts)
