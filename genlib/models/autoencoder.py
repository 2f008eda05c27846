"""Chapter 1: autoencoders. An encoder `y = h(x)`, a decoder `r = f(y)`, nothing else.

All of them take images `[B, C, H, W]` in [0, 1] and share three methods:
`encode(x) -> y [B, code]`, `decode(y) -> r [B, C, H, W]`, and `forward(x) = decode(encode(x))`.
Reconstructions are not squashed to [0, 1]: with a squared error the decoder's output is the mean
of a Gaussian, and a sigmoid belongs in the loss, not here (chapter 1, "What can go wrong").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Shape = tuple[int, int, int]
Activation = Literal["relu", "tanh"]


class LinearAutoencoder(nn.Module):
    """`y = A(x − m)`, `r = B y + m`: linear, with one shared offset `m`.

    Trained with squared error it finds the span of PCA's first `code` components (Baldi & Hornik
    1989), though not the components themselves.
    """

    def __init__(self, code: int = 20, image_shape: Shape = (1, 28, 28)) -> None:
        super().__init__()
        self.image_shape = image_shape
        pixels = math.prod(image_shape)
        self.mean = nn.Parameter(torch.zeros(pixels))
        self.encoder = nn.Linear(pixels, code, bias=False)
        self.decoder = nn.Linear(code, pixels, bias=False)

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x.flatten(1) - self.mean)  # [B, C, H, W] -> [B, code]

    def decode(self, y: Tensor) -> Tensor:
        return (self.decoder(y) + self.mean).unflatten(1, self.image_shape)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


class DenseAutoencoder(nn.Module):
    """784-256-128-20 and back: the chapter's main model.

    Args:
        code: length of the code `y`.
        hidden: widths between image and code; the decoder has them in reverse.
        image_shape: `(C, H, W)`.
    """

    def __init__(
        self,
        code: int = 20,
        hidden: Sequence[int] = (256, 128),
        image_shape: Shape = (1, 28, 28),
    ) -> None:
        super().__init__()
        self.image_shape = image_shape
        widths = [math.prod(image_shape), *hidden, code]
        self.encoder = multilayer(widths)
        self.decoder = multilayer(widths[::-1])

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x.flatten(1))  # [B, C, H, W] -> [B, code]

    def decode(self, y: Tensor) -> Tensor:
        return self.decoder(y).unflatten(1, self.image_shape)  # [B, code] -> [B, C, H, W]

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


class TiedAutoencoder(nn.Module):
    """The same layers with the decoder's weights tied: each is an encoder weight transposed.

    Half the weights; only the biases are the decoder's own.
    """

    def __init__(
        self,
        code: int = 20,
        hidden: Sequence[int] = (256, 128),
        image_shape: Shape = (1, 28, 28),
    ) -> None:
        super().__init__()
        self.image_shape = image_shape
        widths = [math.prod(image_shape), *hidden, code]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.decoder_biases = nn.ParameterList(torch.zeros(width) for width in widths[-2::-1])

    def encode(self, x: Tensor) -> Tensor:
        y = x.flatten(1)  # [B, C, H, W] -> [B, D]
        for layer in self.layers[:-1]:
            y = F.relu(layer(y))
        return self.layers[-1](y)

    def decode(self, y: Tensor) -> Tensor:
        last = len(self.layers) - 1
        for i, (layer, bias) in enumerate(
            zip(reversed(self.layers), self.decoder_biases, strict=True)
        ):
            weight: Tensor = layer.weight  # type: ignore[assignment]
            y = F.linear(y, weight.T, bias)  # the transpose is a view: one tensor, two uses
            if i < last:
                y = F.relu(y)
        return y.unflatten(1, self.image_shape)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


class ConvAutoencoder(nn.Module):
    """Two stride-2 convolutions down, two transposed ones up, a linear layer to the code between.

    For images whose sides are multiples of 4 (28×28: `28 → 14 → 7`). Kernel 4 with stride 2 covers
    every output pixel equally often, so the decoder draws no checkerboard.

    Raises:
        ValueError: a side is not a multiple of 4.
    """

    def __init__(self, code: int = 20, width: int = 16, image_shape: Shape = (1, 28, 28)) -> None:
        super().__init__()
        channels, height, breadth = image_shape
        if height % 4 or breadth % 4:
            raise ValueError(f"image sides must be multiples of 4, got {height}×{breadth}")
        small = (2 * width, height // 4, breadth // 4)
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),  # [B, width, H/2, W/2]
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),  # [B, 2·width, H/4, W/4]
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(math.prod(small), code),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, math.prod(small)),
            nn.ReLU(),
            nn.Unflatten(1, small),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
        )

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x)  # [B, C, H, W] -> [B, code]

    def decode(self, y: Tensor) -> Tensor:
        return self.decoder(y)  # [B, code] -> [B, C, H, W]

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


def multilayer(widths: Sequence[int], activation: Activation = "relu") -> nn.Sequential:
    """Linear layers of these widths with the activation between them and none at the end.

    Raises:
        ValueError: no such activation.
    """
    kinds: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}
    if activation not in kinds:
        raise ValueError(f"activation is {activation!r}; use one of {', '.join(kinds)}")
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), kinds[activation]()]
    return nn.Sequential(*layers[:-1])


def parameter_count(model: nn.Module) -> int:
    """How many numbers training may change; a tied weight counts once."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
