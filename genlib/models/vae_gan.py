"""Chapter 6: the parts of a VAE-GAN (Larsen et al. 2016). The decoder is a `ConvGenerator`.

`VAEGAN` is what is left after training: encoder and decoder, which share one z.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from genlib.models.convolutions import Norm, Place, Shape, down, small_shape
from genlib.models.gan import ConvGenerator


class Encoder(nn.Module):
    """From images to mean and log-variance of q(z|x).

    Args:
        latent: K, the length of `z`.
        width: channels after the first convolution; they double with each halving.
        image_shape: `(C, H, W)`, square, the side halving to 4…7.
        norm: "batch", "none", "layer", "group" or "instance".
        place: normalise "before" or "after" the activation.

    Raises:
        ValueError: the side does not halve to 4…7, or there is no such norm or place.
    """

    def __init__(
        self,
        latent: int = 128,
        width: int = 64,
        image_shape: Shape = (1, 28, 28),
        norm: Norm = "batch",
        place: Place = "before",
    ) -> None:
        super().__init__()
        self.latent = latent
        values = math.prod(small_shape(image_shape, width))
        self.body = nn.Sequential(
            *down(image_shape, width, norm, place), nn.Flatten(), nn.Linear(values, 2 * latent)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_var = self.body(x).chunk(2, dim=1)  # [B, C, H, W] -> [B, K], [B, K]
        return mu, log_var


class FeatureDiscriminator(nn.Module):
    """A discriminator that also shows what it sees: one forward pass gives features and logits.

    Args:
        width: channels after the first convolution; they double with each halving.
        image_shape: `(C, H, W)`, square, the side halving to 4…7.
        norm: "none", "batch", "layer", "group" or "instance".
        layer: the convolution, counted from 1, whose output `features` are; by default the last.
        place: normalise "before" or "after" the activation.

    Raises:
        ValueError: the side does not halve to 4…7, or there is no such layer, norm or place.
    """

    def __init__(
        self,
        width: int = 64,
        image_shape: Shape = (1, 28, 28),
        norm: Norm = "none",
        layer: int | None = None,
        place: Place = "before",
    ) -> None:
        super().__init__()
        blocks = down(image_shape, width, norm, place)
        layer = len(blocks) if layer is None else layer
        if not 1 <= layer <= len(blocks):
            raise ValueError(f"layer is {layer}; this discriminator has layers 1 to {len(blocks)}")
        side = image_shape[1] // 2**layer
        self.below = nn.Sequential(*blocks[:layer], nn.Flatten())
        self.above = nn.Sequential(
            nn.Unflatten(1, (width * 2 ** (layer - 1), side, side)),
            *blocks[layer:],
            nn.Flatten(),
            nn.Linear(math.prod(small_shape(image_shape, width)), 1),
        )

    def features(self, x: Tensor) -> Tensor:
        """Activations of the chosen layer, `[B, F]`."""
        return self.below(x)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features `[B, F]` and logits `[B]`."""
        features = self.features(x)
        return features, self.above(features).squeeze(1)


class VAEGAN(nn.Module):
    """Encoder and decoder, with the methods that a `VAE` has for looking at images.

    A VAE-GAN has no `nll`: its likeness is a likelihood of features, not of images.

    Args:
        latent: K, the length of `z`.
        width: channels after the encoder's first convolution, and before the decoder's last.
        image_shape: `(C, H, W)`, square, the side halving to 4…7.
        encoder_norm, decoder_norm: "batch", "none", "layer", "group" or "instance".

    Raises:
        ValueError: the side does not halve to 4…7, or there is no such norm.
    """

    def __init__(
        self,
        latent: int = 128,
        width: int = 64,
        image_shape: Shape = (1, 28, 28),
        encoder_norm: Norm = "batch",
        decoder_norm: Norm = "batch",
    ) -> None:
        super().__init__()
        self.latent = latent
        self.encoder = Encoder(latent, width, image_shape, encoder_norm)
        self.decoder = ConvGenerator(latent, width, image_shape, norm=decoder_norm)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x), `[B, K]` each."""
        return self.encoder(x)

    def sample(self, z: Tensor) -> Tensor:
        """The image of z, `[B, K] -> [B, C, H, W]` in [0, 1]."""
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction through the mean of q(z|x), in [0, 1]."""
        return self.sample(self.encode(x)[0])
