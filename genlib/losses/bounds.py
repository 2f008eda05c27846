"""Chapter 3: lower bounds on log p(x) of a model with latent variables, per image, in nats.

The noise ε comes from outside, so that a bound is a function and its gradient is the pathwise one.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from genlib.divergences.gaussian import kl_per_dimension
from genlib.losses.precision import single


class LatentModel(Protocol):
    """What a bound needs to know of a model; `VAE` and `ConditionalVAE.given(y)` have it."""

    latent: int

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x), `[B, K]` each."""

    def nll(self, x: Tensor, z: Tensor) -> Tensor:
        """−log p(x|z), `[B]`."""


def reparameterize(mu: Tensor, log_var: Tensor, eps: Tensor) -> Tensor:
    """z = μ + σ ⊙ ε with σ = exp(½ log σ²) (Kingma & Welling 2014, section 2.4).

    Args:
        mu: means, `[B, K]`.
        log_var: log σ², of the same shape.
        eps: noise from N(0, I), `[..., B, K]`.

    Returns:
        Samples of N(μ, diag σ²), shaped like `eps`.
    """
    return mu + torch.exp(0.5 * log_var) * eps


def elbo_terms(model: LatentModel, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """The two terms of −ELBO (Kingma & Welling 2014, equation 7).

    `nll + kl.sum(1)` is the negative ELBO of each image, estimated with one sample.

    Args:
        model: a `VAE`, or `ConditionalVAE.given(y)`.
        x: images, `[B, C, H, W]`.
        eps: noise from N(0, I), `[B, K]`.

    Returns:
        −log p(x|z) at z = μ + σ ⊙ ε, `[B]`, and KL(q(z|x) ‖ N(0, I)) by dimension, `[B, K]`.
    """
    mu, log_var = model.encode(x)
    return model.nll(x, reparameterize(mu, log_var, eps)), kl_per_dimension(mu, log_var)


def log_weights(model: LatentModel, x: Tensor, eps: Tensor) -> Tensor:
    """log w = log p(x, z) − log q(z|x) at z = μ + σ ⊙ ε, for k samples of each image.

    The mean of w is an unbiased estimate of p(x); the mean of log w is the ELBO.

    Args:
        model: a `VAE`, or `ConditionalVAE.given(y)`.
        x: images, `[B, C, H, W]`.
        eps: noise from N(0, I), `[k, B, K]`.

    Returns:
        `[k, B]`.
    """
    mu, log_var = (single(value) for value in model.encode(x))  # [B, K] each
    z = reparameterize(mu, log_var, eps)  # [k, B, K]
    repeated = x.expand(len(eps), *x.shape).flatten(0, 1)  # [B, C, H, W] -> [k·B, C, H, W]
    nll = model.nll(repeated, z.flatten(0, 1)).unflatten(0, eps.shape[:2])  # [k·B] -> [k, B]
    # log p(z) − log q(z|x): both have −K/2 · log 2π, and (z − μ)²/σ² is ε².
    return 0.5 * (eps.square() + log_var - z.square()).sum(dim=2) - nll


def importance_bound(log_w: Tensor) -> Tensor:
    """log (1/k Σ w) from `log_weights`, `[k, B] -> [B]` (Burda et al. 2016, equation 8).

    Its expectation is the ELBO for k = 1, never falls with k, and tends to log p(x).
    """
    return log_w.logsumexp(dim=0) - math.log(len(log_w))


def importance_weighted_bound(
    model: LatentModel, x: Tensor, eps: Tensor, chunk: int | None = None
) -> Tensor:
    """`importance_bound` of `log_weights`, in memory for `chunk` samples.

    With `chunk`, a backward pass computes each chunk of samples a second time instead of keeping
    what it needs of all of them. Values and gradients are the same up to rounding.

    Args:
        model: a `VAE`, or `ConditionalVAE.given(y)`.
        x: images, `[B, C, H, W]`.
        eps: noise from N(0, I), `[k, B, K]`.
        chunk: samples of each image at a time; None takes all k.

    Returns:
        `[B]`.

    Raises:
        ValueError: `chunk` is below 1.
    """
    if chunk is None or chunk >= len(eps):
        return importance_bound(log_weights(model, x, eps))
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1, got {chunk}")

    def part(eps: Tensor) -> Tensor:
        return log_weights(model, x, eps)

    parts = [
        checkpoint(part, some, use_reentrant=False, preserve_rng_state=False)
        for some in eps.split(chunk)
    ]
    return importance_bound(torch.cat(parts))  # [k, B] -> [B]


def free_bits(kl: Tensor, least: float) -> Tensor:
    """Free bits: each dimension's KL, averaged over the batch, but no less than `least`.

    Below the floor a dimension costs the same whatever it says, so nothing pushes it to say less
    (Kingma et al. 2016, equation 15, every dimension its own group).

    Args:
        kl: by dimension, `[B, K]`, from `elbo_terms`.
        least: nats, not negative; 0 changes nothing.

    Returns:
        `[K]`; its sum takes the place of the KL term.

    Raises:
        ValueError: `least` is negative.
    """
    if least < 0:
        raise ValueError(f"free bits must not be negative, got {least}")
    return kl.mean(dim=0).clamp_min(least)  # [B, K] -> [K]
