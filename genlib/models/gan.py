"""Chapters 4 and 5: generators, discriminators and critics.

A generator takes noise `z [B, latent]` and gives images in [0, 1]; a discriminator or critic takes
images and gives one number each, `[B]`: a logit, never a probability. `points.py` has those for
points in the plane.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from genlib.models.autoencoder import multilayer
from genlib.models.convolutions import (
    Norm,
    Place,
    Shape,
    activated,
    down,
    needs_bias,
    small_shape,
    up,
)
from genlib.models.diversity import MinibatchDiscrimination
from genlib.models.noise import Generator, Prior

Network = TypeVar("Network", bound=nn.Module)


class DenseGenerator(Generator):
    """100-128-784 with a sigmoid at the end.

    Args:
        latent: length of the noise `z`.
        hidden: widths between noise and image.
        image_shape: `(C, H, W)`.
        prior: see `Generator`.
    """

    def __init__(
        self,
        latent: int = 100,
        hidden: Sequence[int] = (128,),
        image_shape: Shape = (1, 28, 28),
        prior: Prior = "normal",
    ) -> None:
        super().__init__(latent, prior)
        self.image_shape = image_shape
        self.body = multilayer([latent, *hidden, math.prod(image_shape)])

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.body(z)).unflatten(1, self.image_shape)  # -> [B, C, H, W]


class DenseDiscriminator(nn.Module):
    """784-128-1.

    Args:
        hidden: widths between image and logit.
        image_shape: `(C, H, W)`.
        kernels: of a `MinibatchDiscrimination` before the last layer; 0 for none.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (128,),
        image_shape: Shape = (1, 28, 28),
        kernels: int = 0,
    ) -> None:
        super().__init__()
        body = multilayer([math.prod(image_shape), *hidden, 1])
        if kernels:
            values = [math.prod(image_shape), *hidden][-1]
            compare = MinibatchDiscrimination(values, kernels)
            body = nn.Sequential(*list(body)[:-1], compare, nn.Linear(values + kernels, 1))
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x.flatten(1)).squeeze(1)  # [B, C, H, W] -> [B]


class ConvGenerator(Generator):
    """Transposed convolutions that double the side, with batch normalisation before the ReLU.

    After Radford et al. 2016, with a sigmoid at the end, since images here live in [0, 1].
    `normal_weights` starts it as there.

    Args:
        latent: length of the noise `z`.
        width: channels before the last convolution; twice as many with each halving of the side.
        image_shape: `(C, H, W)`, square, the side halving to 4…7 (28, 32, 64, …).
        norm: "batch", "none", "layer", "group" or "instance".
        place: normalise "before" or "after" the activation.
        prior: see `Generator`.

    Raises:
        ValueError: the side does not halve to 4…7, or there is no such norm, place or prior.
    """

    def __init__(
        self,
        latent: int = 128,
        width: int = 64,
        image_shape: Shape = (1, 28, 28),
        norm: Norm = "batch",
        place: Place = "before",
        prior: Prior = "normal",
    ) -> None:
        super().__init__(latent, prior)
        self.body = up(latent, image_shape, width, norm, place)

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.body(z))  # [B, latent] -> [B, C, H, W]


class ConvDiscriminator(nn.Module):
    """Convolutions that halve the side to 4…7 pixels, then one linear layer.

    Args:
        width: channels after the first convolution; they double with each halving.
        image_shape: `(C, H, W)`, square, the side halving to 4…7.
        norm: "none", "layer", "group" and "instance" keep the images of a batch apart, as a critic
            with a gradient penalty must; "batch" is for GANs only.
        place: normalise "before" or "after" the activation.
        kernels: of a `MinibatchDiscrimination` before the last layer, for GANs only; 0 for none.

    Raises:
        ValueError: the side does not halve to 4…7, or there is no such norm or place.
    """

    def __init__(
        self,
        width: int = 64,
        image_shape: Shape = (1, 28, 28),
        norm: Norm = "none",
        place: Place = "before",
        kernels: int = 0,
    ) -> None:
        super().__init__()
        features = math.prod(small_shape(image_shape, width))
        compare = [MinibatchDiscrimination(features, kernels)] if kernels else []
        self.body = nn.Sequential(*down(image_shape, width, norm, place), nn.Flatten(), *compare)
        self.head = nn.Linear(features + kernels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x)).squeeze(1)  # [B, C, H, W] -> [B]


class UnpaddedGenerator(Generator):
    """64×64 pixels by transposed convolutions without padding: `3 → 9 → 21 → 64`.

    A linear layer to 3×3 pixels of 512 channels, then kernels 3, 5 and 4 with strides 3, 2 and 3,
    with norm and leaky ReLU between them, and tanh rescaled to [0, 1]. As published teaching code
    has it: neither 5 with stride 2 nor 4 with stride 3 covers all pixels equally often; see
    `coverage`.

    Args:
        latent: length of the noise `z`.
        width: channels before the last convolution; twice and four times as many before.
        image_shape: `(C, 64, 64)`.
        norm: "batch", "none", "layer", "group" or "instance".
        place: normalise "before" or "after" the activation.
        prior: see `Generator`.

    Raises:
        ValueError: the side is not 64, or there is no such norm, place or prior.
    """

    def __init__(
        self,
        latent: int = 100,
        width: int = 128,
        image_shape: Shape = (3, 64, 64),
        norm: Norm = "batch",
        place: Place = "before",
        prior: Prior = "normal",
    ) -> None:
        super().__init__(latent, prior)
        _check_64(image_shape)
        a, b, c = 4 * width, 2 * width, width
        bias = needs_bias(norm, place)
        self.body = nn.Sequential(
            nn.Linear(latent, a * 3 * 3),
            nn.Unflatten(1, (a, 3, 3)),  # [B, K] -> [B, 512, 3, 3]
            nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(a, b, 3, stride=3, bias=bias),  # -> [B, 256, 9, 9]
            *activated(norm, b, nn.LeakyReLU(0.2), place),
            nn.ConvTranspose2d(b, c, 5, stride=2, bias=bias),  # -> [B, 128, 21, 21]
            *activated(norm, c, nn.LeakyReLU(0.2), place),
            nn.ConvTranspose2d(c, image_shape[0], 4, stride=3),  # -> [B, C, 64, 64]
        )

    def forward(self, z: Tensor) -> Tensor:
        return 0.5 * (torch.tanh(self.body(z)) + 1)


class UnpaddedDiscriminator(nn.Module):
    """64×64 pixels through three 5×5 convolutions of stride 3 without padding: `64 → 20 → 6 → 1`.

    64, 128 and 256 channels with leaky ReLU, norm behind all but the first, one logit: the other
    half of that teaching code. Images are rescaled to [−1, 1] first, as there; a slope per pixel
    in [0, 1] is therefore twice the slope that it measured.

    Args:
        width: channels after the first convolution, then twice and four times as many.
        image_shape: `(C, 64, 64)`.
        norm: "batch" as there; "none", "layer" or "group" for a critic with a gradient penalty.
        place: normalise "before" or "after" the activation.

    Raises:
        ValueError: the side is not 64, there is no such norm or place, or the norm is "instance",
            of which the last convolution's single pixel would not be left.
    """

    def __init__(
        self,
        width: int = 64,
        image_shape: Shape = (3, 64, 64),
        norm: Norm = "batch",
        place: Place = "before",
    ) -> None:
        super().__init__()
        _check_64(image_shape)
        if norm == "instance":
            raise ValueError(
                "the last convolution leaves one pixel, and one pixel less its own mean is 0: take "
                "norm='layer' or 'none'."
            )
        a, b, c = width, 2 * width, 4 * width
        bias = needs_bias(norm, place)
        self.body = nn.Sequential(
            nn.Conv2d(image_shape[0], a, 5, stride=3),  # [B, C, 64, 64] -> [B, 64, 20, 20]
            nn.LeakyReLU(0.2),
            nn.Conv2d(a, b, 5, stride=3, bias=bias),  # -> [B, 128, 6, 6]
            *activated(norm, b, nn.LeakyReLU(0.2), place),
            nn.Conv2d(b, c, 5, stride=3, bias=bias),  # -> [B, 256, 1, 1]
            *activated(norm, c, nn.LeakyReLU(0.2), place),
            nn.Flatten(),
            nn.Linear(c, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(2 * x - 1).squeeze(1)  # [B, C, 64, 64] -> [B]


@torch.no_grad()
def normal_weights(model: Network, std: float = 0.02) -> Network:
    """Start linear and convolution layers from N(0, std²), biases from 0, as DCGAN does.

    Radford et al. 2016, section 4. Drawn from torch's global generator, as every layer's own start
    is: call `seed_everything` first. Layers that normalise stay as they are.

    Args:
        model: any network, changed in place.
        std: standard deviation.

    Returns:
        The same network.
    """
    kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    for layer in model.modules():
        if isinstance(layer, kinds):
            nn.init.normal_(layer.weight, std=std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return model


def _check_64(image_shape: Shape) -> None:
    if image_shape[1:] != (64, 64):
        raise ValueError(
            f"these convolutions make and take 64×64 pixels, not "
            f"{image_shape[1]}×{image_shape[2]}; ConvGenerator fits other sizes."
        )
