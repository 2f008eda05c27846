"""Chapter 3: variational autoencoders.

The encoder gives mean and log-variance of q(z|x) = N(μ, diag σ²); the decoder gives the logits of
p(x|z), one Bernoulli variable per pixel. Both models share four methods:
`encode(x) -> (mu, log_var)`, `decode(z) -> logits`, `sample(z) -> images` and
`forward(x) = sample(mu)`. Noise comes from outside: a model draws none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from genlib.models.autoencoder import multilayer
from genlib.models.convolutions import Norm, Shape, down, small_shape, up


class VAE(nn.Module):
    """What both variational autoencoders share.

    Args:
        encoder: from images to `[B, 2·latent]`, first all means, then all log-variances.
        decoder: from `[B, latent]` to logits `[B, C, H, W]`.
        latent: K, the length of `z`.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, latent: int) -> None:
        super().__init__()
        self.encoder, self.decoder, self.latent = encoder, decoder, latent

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x), `[B, K]` each."""
        mu, log_var = self.encoder(x).chunk(2, dim=1)
        return mu, log_var

    def decode(self, z: Tensor) -> Tensor:
        """Logits of p(x|z), `[B, C, H, W]`."""
        return self.decoder(z)

    def sample(self, z: Tensor) -> Tensor:
        """The mean image of p(x|z), in [0, 1]."""
        return torch.sigmoid(self.decode(z))

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction through the mean of q(z|x), in [0, 1]."""
        return self.sample(self.encode(x)[0])


class DenseVAE(VAE):
    """784-400-20 and back, with ReLU between the layers.

    Args:
        latent: K, the length of `z`.
        hidden: widths between image and latent; the decoder has them in reverse.
        image_shape: `(C, H, W)`.
    """

    def __init__(
        self,
        latent: int = 20,
        hidden: Sequence[int] = (400,),
        image_shape: Shape = (1, 28, 28),
    ) -> None:
        pixels = math.prod(image_shape)
        encoder = multilayer([pixels, *hidden, 2 * latent])
        decoder = multilayer([latent, *hidden[::-1], pixels])
        super().__init__(
            nn.Sequential(nn.Flatten(), *encoder),  # [B, C, H, W] -> [B, 2K]
            nn.Sequential(*decoder, nn.Unflatten(1, image_shape)),  # [B, K] -> [B, C, H, W]
            latent,
        )


class ConvVAE(VAE):
    """Convolutions that halve the side to 4…7 pixels, and transposed ones back.

    Args:
        latent: K, the length of `z`.
        width: channels after the first convolution; they double with each halving.
        image_shape: `(C, H, W)`, square.
        norm: "none", "batch", "layer" or "group".

    Raises:
        ValueError: the side does not halve to 4…7.
    """

    def __init__(
        self,
        latent: int = 32,
        width: int = 32,
        image_shape: Shape = (1, 28, 28),
        norm: Norm = "none",
    ) -> None:
        values = math.prod(small_shape(image_shape, width))
        encoder = nn.Sequential(
            *down(image_shape, width, norm), nn.Flatten(), nn.Linear(values, 2 * latent)
        )
        super().__init__(encoder, up(latent, image_shape, width, norm), latent)
