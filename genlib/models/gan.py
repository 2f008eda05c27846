"""Chapters 4 and 5: generators, discriminators and critics.

A generator takes noise `z [B, latent]` and gives images in [0, 1]; a discriminator or critic takes
images and gives one number each, `[B]`: a logit, never a probability.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from genlib.models.autoencoder import multilayer
from genlib.models.convolutions import Norm, Shape, down, small_shape, up


class DenseGenerator(nn.Module):
    """100-128-784 with a sigmoid at the end.

    Args:
        latent: length of the noise `z`.
        hidden: widths between noise and image.
        image_shape: `(C, H, W)`.
    """

    def __init__(
        self,
        latent: int = 100,
        hidden: Sequence[int] = (128,),
        image_shape: Shape = (1, 28, 28),
    ) -> None:
        super().__init__()
        self.latent, self.image_shape = latent, image_shape
        self.body = multilayer([latent, *hidden, math.prod(image_shape)])

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.body(z)).unflatten(1, self.image_shape)  # -> [B, C, H, W]


class DenseDiscriminator(nn.Module):
    """784-128-1."""

    def __init__(self, hidden: Sequence[int] = (128,), image_shape: Shape = (1, 28, 28)) -> None:
        super().__init__()
        self.body = multilayer([math.prod(image_shape), *hidden, 1])

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x.flatten(1)).squeeze(1)  # [B, C, H, W] -> [B]


class ConvGenerator(nn.Module):
    """Transposed convolutions that double the side, with batch normalisation before the ReLU.

    After Radford et al. 2016, with a sigmoid at the end, since images here live in [0, 1].

    Args:
        latent: length of the noise `z`.
        width: channels before the last convolution; twice as many with each halving of the side.
        image_shape: `(C, H, W)`, square, the side halving to 4…7 (28, 32, 64, …).
        norm: "batch", "none", "layer" or "group".

    Raises:
        ValueError: the side does not halve to 4…7.
    """

    def __init__(
        self,
        latent: int = 128,
        width: int = 64,
        image_shape: Shape = (1, 28, 28),
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        self.latent = latent
        self.body = up(latent, image_shape, width, norm)

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.body(z))  # [B, latent] -> [B, C, H, W]


class ConvDiscriminator(nn.Module):
    """Convolutions that halve the side to 4…7 pixels, then one linear layer.

    Args:
        width: channels after the first convolution; they double with each halving.
        image_shape: `(C, H, W)`, square, the side halving to 4…7.
        norm: "none", "layer" or "group" keep the images of a batch apart, as a critic with a
            gradient penalty must; "batch" is for GANs only.

    Raises:
        ValueError: the side does not halve to 4…7.
    """

    def __init__(
        self, width: int = 64, image_shape: Shape = (1, 28, 28), norm: Norm = "none"
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(*down(image_shape, width, norm), nn.Flatten())
        self.head = nn.Linear(math.prod(small_shape(image_shape, width)), 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x)).squeeze(1)  # [B, C, H, W] -> [B]
