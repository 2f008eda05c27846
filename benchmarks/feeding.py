"""Batches as PyTorch's examples make them: one picture at a time, through a DataLoader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from genlib.data import ImageSet
from genlib.torchvision_compat import import_torchvision


class OnePictureAtATime(torch.utils.data.Dataset[Any]):
    """What torchvision's MNIST does for each picture, for whatever set is at hand."""

    def __init__(self, data: ImageSet) -> None:
        self.images = data.images.cpu()
        self.labels = data.labels
        self.transform = import_torchvision("transforms").ToTensor()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Any:
        from PIL import Image

        pixels = self.images[index]  # [C, H, W]
        picture = Image.fromarray(pixels[0].numpy() if len(pixels) == 1 else
                                  pixels.permute(1, 2, 0).numpy())  # fmt: skip
        return self.transform(picture), 0 if self.labels is None else int(self.labels[index])


def vae_loader(data: ImageSet, batch_size: int, device: torch.device) -> Iterator[Tensor]:
    """As PyTorch's VAE example is fed: on a GPU by one worker and pinned memory, else by none."""
    if device.type == "cuda":
        return loader(data, batch_size, device, num_workers=1, pin_memory=True)
    return loader(data, batch_size, device)


def gan_loader(data: ImageSet, batch_size: int, device: torch.device) -> Iterator[Tensor]:
    """As PyTorch's DCGAN example is fed: by two workers; on a CPU by none, which is faster there.

    Workers would take the cores that train.
    """
    return loader(data, batch_size, device, num_workers=2 if device.type == "cuda" else 0)


def loader(
    data: ImageSet, batch_size: int, device: torch.device, **options: Any
) -> Iterator[Tensor]:
    """Batches without end, one picture at a time through `ToTensor`."""
    batches = torch.utils.data.DataLoader(
        OnePictureAtATime(data), batch_size, shuffle=True, drop_last=True, **options
    )
    while True:
        for x, _ in batches:
            yield x.to(device)
