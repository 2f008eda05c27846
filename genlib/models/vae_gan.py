"""Chapter 6: the parts of a VAE-GAN (Larsen et al. 2016). The decoder is a `ConvGenerator`."""

from __future__ import annotations

import math

from torch import Tensor, nn

from genlib.models.convolutions import Norm, Shape, down, small_shape


class Encoder(nn.Module):
    """From images to mean and log-variance of q(z|x).

    Args:
        latent: K, the length of `z`.
        width: channels after the first convolution; they double with each halving.
        image_shape: `(C, H, W)`, square, the side halving to 4…7.
        norm: "batch", "none", "layer", "group" or "instance".

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
        values = math.prod(small_shape(image_shape, width))
        self.body = nn.Sequential(
            *down(image_shape, width, norm), nn.Flatten(), nn.Linear(values, 2 * latent)
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

    Raises:
        ValueError: the side does not halve to 4…7, or there is no such layer.
    """

    def __init__(
        self,
        width: int = 64,
        image_shape: Shape = (1, 28, 28),
        norm: Norm = "none",
        layer: int | None = None,
    ) -> None:
        super().__init__()
        blocks = down(image_shape, width, norm)
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
