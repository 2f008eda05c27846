"""`ImageSet`: a set of images as one uint8 tensor, with what is known about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor


def to_unit(images: Tensor) -> Tensor:
    """uint8 in 0..255 to float32 in [0, 1], any shape: the same numbers as torchvision gives."""
    return images.to(torch.float32).div_(255)


def binarised(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each pixel 1 with its grey value as probability, else 0 (sampled binarisation).

    Args:
        images: values in [0, 1], any shape.
        generator: of the draw; one on the CPU gives the same pixels on every device.
    """
    draws = torch.rand(images.shape, generator=generator, device=generator.device)
    return (draws.to(images.device) < images).to(images.dtype)


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images held as uint8 (a quarter of float32's memory), converted when they are used.

    Attributes:
        name: identifier, such as `"fashion_mnist"`.
        title: the name to print, such as `"Fashion-MNIST"`.
        split: `"train"`, `"test"` or `"all"`.
        images: uint8 [N, C, H, W].
        labels: int64 [N], each in `0 .. len(classes) - 1`, or None.
        classes: the labels' names.
        attributes: further labels by name, int64 [N] each.
        attribute_values: for each attribute, the names of its values.
        source: a sentence: what it is, its licence, where it came from.

    Raises:
        ValueError: the parts do not fit together; the message names the part.
    """

    name: str
    title: str
    split: str
    images: Tensor
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    attributes: Mapping[str, Tensor] = field(default_factory=dict)
    attribute_values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        if self.split not in ("train", "test", "all"):
            raise ValueError(f"{self.name}: split is {self.split!r}; use 'train', 'test' or 'all'.")
        if self.images.dtype != torch.uint8 or self.images.dim() != 4:
            raise ValueError(
                f"{self.name}: images must be uint8 [N, C, H, W], got {self.images.dtype} "
                f"{list(self.images.shape)}. Scale floats in [0, 1] by 255 and round; "
                "give grey images [N, H, W] their channel with images[:, None]."
            )
        if self.labels is not None:
            self._check_labels("labels", self.labels, self.classes)
        if set(self.attributes) != set(self.attribute_values):
            raise ValueError(
                f"{self.name}: attributes {sorted(self.attributes)} and attribute_values "
                f"{sorted(self.attribute_values)} must have the same names."
            )
        for name, values in self.attributes.items():
            self._check_labels(f"attribute {name!r}", values, self.attribute_values[name])

    def _check_labels(self, what: str, labels: Tensor, names: tuple[str, ...]) -> None:
        if labels.dtype != torch.int64 or labels.shape != (len(self),):
            raise ValueError(
                f"{self.name}: {what} must be int64 [{len(self)}], one for each image, "
                f"got {labels.dtype} {list(labels.shape)}."
            )
        if labels.device != self.images.device:
            raise ValueError(
                f"{self.name}: {what} lie on {labels.device}, the images on {self.images.device}."
            )
        if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < len(names):
            raise ValueError(
                f"{self.name}: {what} run from {int(labels.min())} to {int(labels.max())}, "
                f"but there are {len(names)} names for them."
            )

    def __len__(self) -> int:
        return self.images.shape[0]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of one image."""
        channels, height, width = self.images.shape[1:]
        return (channels, height, width)

    def to(self, device: torch.device | str) -> ImageSet:
        """The same set with its tensors on `device`."""
        return replace(
            self,
            images=self.images.to(device),
            labels=None if self.labels is None else self.labels.to(device),
            attributes={name: values.to(device) for name, values in self.attributes.items()},
        )

    def select(self, indices: Tensor) -> ImageSet:
        """The images at `indices` (int64 [M]) or where a mask (bool [N]) is true, in that order.

        Negative indices count from the end.

        Raises:
            ValueError: `indices` is neither, or a mask of another length.
            IndexError: an index is out of range.
        """
        numbers = self._numbers(indices)
        return replace(
            self,
            images=self.images[numbers],
            labels=None if self.labels is None else self.labels[numbers],
            attributes={name: values[numbers] for name, values in self.attributes.items()},
        )

    def _numbers(self, indices: Tensor) -> Tensor:
        """What `select` takes as int64 [M], checked, where the images lie."""
        indices = torch.as_tensor(indices)
        if indices.dtype == torch.bool:
            if indices.shape != (len(self),):
                raise ValueError(f"a mask must be bool [{len(self)}], got {list(indices.shape)}.")
            return indices.nonzero().squeeze(1).to(self.images.device)  # [N] -> [M]
        if indices.dtype != torch.int64 or indices.dim() != 1:
            raise ValueError(
                f"select takes int64 [M] or bool [{len(self)}], "
                f"got {indices.dtype} {list(indices.shape)}."
            )
        outside = (indices < -len(self)) | (indices >= len(self))
        if bool(outside.any()):  # asked here: a GPU would stop the whole process instead
            raise IndexError(
                f"{self.name}: index {int(indices[outside][0])} is out of range; there are "
                f"{len(self)} images."
            )
        return indices.to(self.images.device)

    def take(self, n: int) -> ImageSet:
        """The first `n` images (all of them if there are fewer)."""
        return self.select(torch.arange(max(0, min(n, len(self)))))

    def pixels(self, indices: Tensor | None = None) -> Tensor:
        """Images as float32 [N, C, H, W] in [0, 1]; those at `indices`, as for `select`."""
        return to_unit(self.images if indices is None else self.images[self._numbers(indices)])

    def describe(self) -> str:
        """One line for the reader: title, split, number and shape of the images, classes."""
        channels, height, width = self.shape
        kind = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
        parts = f"{self.title}, {self.split}: {len(self):,} {kind} images of {height}x{width}"
        parts += f", {len(self.classes)} classes" if self.labels is not None else ""
        return parts + (f", {len(self.attributes)} attributes" if self.attributes else "")
