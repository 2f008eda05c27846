"""Chapter 3: variational autoencoders.

The encoder gives mean and log-variance of q(z|x) = N(μ, diag σ²); the decoder gives the parameters
of p(x|z). All models share five methods: `encode(x) -> (mu, log_var)`, `decode(z)`,
`nll(x, z) = −log p(x|z)`, `sample(z) -> images` and `forward(x) = sample(mu)`.
Noise comes from outside: a model draws none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.losses.reconstruction import bernoulli_nll, normal_nll
from genlib.models.autoencoder import Activation, multilayer
from genlib.models.convolutions import Norm, Shape, down, small_shape, up


class VAE(nn.Module):
    """What the variational autoencoders share; pixels are Bernoulli variables.

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

    def nll(self, x: Tensor, z: Tensor) -> Tensor:
        """−log p(x|z) in nats, `[B, C, H, W], [B, K] -> [B]`."""
        return bernoulli_nll(self.decode(z), x)

    def sample(self, z: Tensor) -> Tensor:
        """The mean image of p(x|z), in [0, 1]."""
        return torch.sigmoid(self.decode(z))

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction through the mean of q(z|x), in [0, 1]."""
        return self.sample(self.encode(x)[0])


class DenseVAE(VAE):
    """784-400-20 and back.

    Args:
        latent: K, the length of `z`.
        hidden: widths between image and latent; the decoder has them in reverse.
        image_shape: `(C, H, W)`.
        activation: between the layers, "relu" or "tanh".
    """

    def __init__(
        self,
        latent: int = 20,
        hidden: Sequence[int] = (400,),
        image_shape: Shape = (1, 28, 28),
        activation: Activation = "relu",
    ) -> None:
        pixels = math.prod(image_shape)
        encoder = multilayer([pixels, *hidden, 2 * latent], activation)
        decoder = multilayer([latent, *hidden[::-1], pixels], activation)
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
        norm: "none", "batch", "layer", "group" or "instance".

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


class GaussianVAE(DenseVAE):
    """The dense VAE with p(x|z) = N(x; decode(z), σ²I) instead of Bernoulli pixels.

    With a σ of its own to learn, the model chooses the balance of its two terms itself: in the
    optimum σ² is the mean squared error per pixel (Rybkin et al. 2021, equation 5).

    Args:
        latent: K, the length of `z`.
        hidden: widths between image and latent; the decoder has them in reverse.
        image_shape: `(C, H, W)`.
        sigma: a fixed σ of every pixel, or None to learn one for all of them, from 1 on.

    Raises:
        ValueError: `sigma` is not positive.
    """

    def __init__(
        self,
        latent: int = 20,
        hidden: Sequence[int] = (400,),
        image_shape: Shape = (1, 28, 28),
        sigma: float | None = None,
    ) -> None:
        super().__init__(latent, hidden, image_shape)
        if sigma is not None and not sigma > 0:
            raise ValueError(f"sigma must be positive, got {sigma}")
        log_var = torch.tensor(2 * math.log(sigma or 1.0))
        # A parameter in both cases, so that weights of one kind load into the other.
        self.log_var_x = nn.Parameter(log_var, requires_grad=sigma is None)

    @property
    def sigma(self) -> float:
        """The standard deviation of every pixel as it is now."""
        return math.exp(0.5 * float(self.log_var_x.detach()))

    def decode(self, z: Tensor) -> Tensor:
        """The mean of p(x|z), `[B, C, H, W]`; not squashed to [0, 1]."""
        return self.decoder(z)

    def nll(self, x: Tensor, z: Tensor) -> Tensor:
        return normal_nll(self.decode(z), self.log_var_x, x)

    def sample(self, z: Tensor) -> Tensor:
        return self.decode(z).clamp(0, 1)


class ConditionalVAE(nn.Module):
    """Encoder and decoder are told the label: p(x|z, y) and q(z|x, y) (Sohn et al. 2015).

    `z` need not say what `y` says already, and a picture of a chosen class is drawn by choosing y.
    The label enters both networks as a one-hot vector beside their input.

    Args:
        classes: number of labels.
        latent: K, the length of `z`.
        hidden: widths between image and latent; the decoder has them in reverse.
        image_shape: `(C, H, W)`.
    """

    def __init__(
        self,
        classes: int = 10,
        latent: int = 20,
        hidden: Sequence[int] = (400,),
        image_shape: Shape = (1, 28, 28),
    ) -> None:
        super().__init__()
        self.classes, self.latent, self.image_shape = classes, latent, image_shape
        pixels = math.prod(image_shape)
        self.encoder = multilayer([pixels + classes, *hidden, 2 * latent])
        self.decoder = multilayer([latent + classes, *hidden[::-1], pixels])

    def encode(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x, y), `[B, K]` each; `y` int64 `[B]`."""
        mu, log_var = self.encoder(self._beside(x.flatten(1), y)).chunk(2, dim=1)
        return mu, log_var

    def decode(self, z: Tensor, y: Tensor) -> Tensor:
        """Logits of p(x|z, y), `[B, C, H, W]`."""
        return self.decoder(self._beside(z, y)).unflatten(1, self.image_shape)

    def nll(self, x: Tensor, z: Tensor, y: Tensor) -> Tensor:
        """−log p(x|z, y) in nats, `[B]`."""
        return bernoulli_nll(self.decode(z, y), x)

    def sample(self, z: Tensor, y: Tensor) -> Tensor:
        """The mean image of p(x|z, y), in [0, 1]."""
        return torch.sigmoid(self.decode(z, y))

    def given(self, y: Tensor) -> Given:
        """This model with the labels `y` `[B]` held fixed: it has the methods of a `VAE`."""
        return Given(self, y)

    def _beside(self, values: Tensor, y: Tensor) -> Tensor:
        if len(values) != len(y):
            raise ValueError(f"{len(values)} rows have {len(y)} labels; each needs its own.")
        one_hot = F.one_hot(y, self.classes).to(values.dtype)
        return torch.cat([values, one_hot], dim=1)  # [B, D] -> [B, D + classes]


class Given:
    """A `ConditionalVAE` whose labels are fixed; what is written for a `VAE` works on it."""

    def __init__(self, model: ConditionalVAE, y: Tensor) -> None:
        self.model, self.y, self.latent = model, y, model.latent

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.encode(x, self.y)

    def decode(self, z: Tensor) -> Tensor:
        return self.model.decode(z, self._labels(z))

    def nll(self, x: Tensor, z: Tensor) -> Tensor:
        return self.model.nll(x, z, self._labels(z))

    def sample(self, z: Tensor) -> Tensor:
        return self.model.sample(z, self._labels(z))

    def _labels(self, z: Tensor) -> Tensor:
        """The labels once for each of k samples, where `z` has k·B rows."""
        return self.y.repeat(len(z) // len(self.y))
