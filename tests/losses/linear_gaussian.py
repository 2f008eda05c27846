"""A model whose log p(x) is known: z ~ N(0, I), x | z ~ N(Wz + b, s²I), and an inexact q(z|x)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, Normal

from genlib import make_generator

LATENT, PIXELS = 3, 5


class LinearGaussian(nn.Module):
    """Images are `[B, 1, 1, PIXELS]`; everything in double precision.

    Args:
        spread: how much wider than the posterior's own coordinates q is. q has independent
            coordinates and the posterior has not, so that even 1 leaves a gap.
    """

    latent = LATENT

    def __init__(self, seed: int = 0, s: float = 0.8, spread: float = 1.3) -> None:
        super().__init__()
        generator = make_generator(seed, "linear Gaussian")
        weight = torch.randn(PIXELS, LATENT, generator=generator, dtype=torch.float64)
        self.weight = nn.Parameter(0.6 * weight)  # W
        self.bias = nn.Parameter(torch.randn(PIXELS, generator=generator, dtype=torch.float64))
        self.s = s
        self.rows: list[int] = []  # how many codes each call of `nll` saw
        _, cov = self.posterior(torch.zeros(1, 1, 1, PIXELS, dtype=torch.float64))
        self.gain = nn.Parameter((cov @ self.weight.T / s**2).detach())  # the posterior's own mean
        self.shift = nn.Parameter(torch.full((LATENT,), 0.1, dtype=torch.float64))
        self.log_var = nn.Parameter((spread**2 * cov.diagonal()).log().detach())

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu = (x.flatten(1) - self.bias.detach()) @ self.gain.T + self.shift
        # A variance that differs between images, as an encoder's does.
        return mu, self.log_var + 0.1 * torch.tanh(x.flatten(1)[:, :LATENT])

    def nll(self, x: Tensor, z: Tensor) -> Tensor:
        self.rows.append(len(z))
        mean = z @ self.weight.T + self.bias
        return -Normal(mean, self.s).log_prob(x.flatten(1)).sum(1)

    def draw(self, n: int, seed: int = 0) -> Tensor:
        """Images from the model itself."""
        generator = make_generator(seed, "images")
        z = torch.randn(n, LATENT, generator=generator, dtype=torch.float64)
        noise = torch.randn(n, PIXELS, generator=generator, dtype=torch.float64)
        x = z @ self.weight.T + self.bias + self.s * noise
        return x.detach().reshape(n, 1, 1, PIXELS)

    def log_p(self, x: Tensor) -> Tensor:
        """log p(x) = log N(x; b, WWᵀ + s²I), `[B]`."""
        cov = self.weight @ self.weight.T + self.s**2 * torch.eye(PIXELS, dtype=torch.float64)
        return MultivariateNormal(self.bias, cov).log_prob(x.flatten(1)).detach()

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean `[B, K]` and covariance `[K, K]` of p(z|x)."""
        eye = torch.eye(LATENT, dtype=torch.float64)
        cov = torch.linalg.inv(eye + self.weight.T @ self.weight / self.s**2)
        mean = (x.flatten(1) - self.bias) @ self.weight @ cov / self.s**2
        return mean.detach(), cov.detach()


def noise(*shape: int, seed: int = 0) -> Tensor:
    """ε in double precision."""
    return torch.randn(shape, generator=make_generator(seed, "eps"), dtype=torch.float64)
