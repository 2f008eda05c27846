"""The players of chapter 3: a variational autoencoder, and one trained by importance weighting."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from genlib.losses.bounds import LatentModel, elbo_terms, free_bits, importance_weighted_bound
from genlib.models.vae import VAE, ConditionalVAE
from genlib.training.compiling import CompileMode, compiled
from genlib.training.players import Loss, Move, Player
from genlib.training.recipes.schedules import warmup_cosine


def vae_player(
    model: VAE | ConditionalVAE,
    *,
    steps: int,
    learning_rate: float = 1e-3,
    warmup: int = 0,
    beta: float = 1.0,
    kl_warmup: int = 0,
    least_kl: float = 0.0,
    binarise: bool = False,
    compile: CompileMode | None = None,
    ema_decay: float | None = None,
) -> Player:
    """Adam on the negative ELBO in nats, with one noise sample per image.

    −log p(x|z) + β · KL(q(z|x) ‖ N(0, I)), both summed over an image (Kingma & Welling 2014,
    equation 7; β: Higgins et al. 2017). The history has both terms, "reconstruction" and "kl", and
    their weighted sum, "vae".

    Args:
        model: a `VAE`, or a `ConditionalVAE`, which needs a stream with labels.
        steps: length of the run; the rate falls to 0 at its end along a cosine.
        learning_rate: the largest one. The σ that a `GaussianVAE` learns gets ten times as much.
        warmup: steps over which the rate rises to it.
        beta: weight of the KL term; 1 gives the ELBO.
        kl_warmup: steps over which that weight rises from 0 to `beta` (Bowman et al. 2016). Until
            then "vae" means another thing at each step; compare such runs by its two terms.
        least_kl: nats that each latent dimension has for free; see `free_bits`.
        binarise: draw each pixel of each batch as 0 or 1 with its grey value as probability
            (dynamic binarisation).
        compile: see `compiled`.
        ema_decay: see `Player`.

    Raises:
        ValueError: `kl_warmup` or `least_kl` is negative.
    """
    if kl_warmup < 0 or least_kl < 0:
        raise ValueError(f"kl_warmup {kl_warmup} and least_kl {least_kl} must not be negative")

    def terms(x: Tensor, eps: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
        return elbo_terms(_at(model, y), x, eps)  # [B], [B, K]

    terms = compiled(terms, compile, first=True)

    def loss(move: Move) -> Tensor:
        x = _drawn(move) if binarise else move.x
        reconstruction, kl = terms(x, move.normal(model.latent), move.y)
        weight = beta * min(1.0, move.step / kl_warmup) if kl_warmup else beta
        move.log("reconstruction", reconstruction.mean())
        move.log("kl", kl.sum(dim=1).mean())
        if least_kl > 0:
            return reconstruction.mean() + weight * free_bits(kl, least_kl).sum()
        return (reconstruction + weight * kl.sum(dim=1)).mean()

    return _player("vae", model, loss, steps, learning_rate, warmup, ema_decay)


def iwae_player(
    model: VAE | ConditionalVAE,
    *,
    steps: int,
    samples: int,
    learning_rate: float = 1e-3,
    warmup: int = 0,
    binarise: bool = False,
    chunk: int | None = None,
    ema_decay: float | None = None,
) -> Player:
    """Adam on the negative importance-weighted bound with k samples (Burda et al. 2016).

    The history has "iwae": the bound with its sign turned, in nats.

    Args:
        model: a `VAE`, or a `ConditionalVAE`, which needs a stream with labels.
        steps: length of the run; the rate falls to 0 at its end along a cosine.
        samples: how many, k.
        learning_rate: the largest one.
        warmup: steps over which the rate rises to it.
        binarise: see `vae_player`.
        chunk: samples of each image in memory at a time; see `importance_weighted_bound`.
        ema_decay: see `Player`.
    """

    def loss(move: Move) -> Tensor:
        x = _drawn(move) if binarise else move.x
        eps = move.normal(samples, model.latent).transpose(0, 1)  # [B, k, K] -> [k, B, K]
        return -importance_weighted_bound(_at(model, move.y), x, eps, chunk).mean()  # [B] -> []

    return _player("iwae", model, loss, steps, learning_rate, warmup, ema_decay)


def _drawn(move: Move) -> Tensor:
    """0 or 1 for each pixel, 1 with the probability that its grey value says."""
    return (move.uniform(*move.x.shape[1:]) < move.x).to(move.x.dtype)


def _at(model: VAE | ConditionalVAE, y: Tensor | None) -> LatentModel:
    if not isinstance(model, ConditionalVAE):
        return model
    if y is None:
        raise ValueError("a ConditionalVAE needs labels, and this stream's images have none.")
    return model.given(y)


def _player(
    name: str,
    model: nn.Module,
    loss: Loss,
    steps: int,
    learning_rate: float,
    warmup: int,
    ema_decay: float | None,
) -> Player:
    free = {key: value for key, value in model.named_parameters() if value.requires_grad}
    # Adam moves a number by about its rate per step. A learned log σ² of the pixels is one number
    # with several nats to go, so it gets ten times the rate of the weights.
    pixel_width = free.pop("log_var_x", None)
    groups: list[dict[str, Any]] = [{"params": list(free.values())}] if free else []
    if pixel_width is not None:
        groups.append({"params": [pixel_width], "lr": 10 * learning_rate})
    optimizer = torch.optim.Adam(groups, lr=learning_rate, fused=True)
    schedule = warmup_cosine(optimizer, steps, warmup)
    return Player(name, model, loss, optimizer, schedule=schedule, ema_decay=ema_decay)
