"""The player of chapter 3: a variational autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor

from genlib.divergences import kl_to_standard_normal
from genlib.losses import bernoulli_nll
from genlib.models.vae import VAE
from genlib.training.compiling import CompileMode, compiled
from genlib.training.players import Move, Player
from genlib.training.recipes.schedules import warmup_cosine


def vae_player(
    model: VAE,
    *,
    steps: int,
    learning_rate: float = 1e-3,
    warmup: int = 0,
    beta: float = 1.0,
    compile: CompileMode | None = None,
    ema_decay: float | None = None,
) -> Player:
    """Adam on the negative ELBO in nats, with one noise sample per image.

    Bernoulli likelihood + β · KL(q(z|x) ‖ N(0, I)), both summed over an image (Kingma & Welling
    2014, equation 7; β: Higgins et al. 2017). The history has both terms, "reconstruction" and
    "kl", and their weighted sum, "vae".

    Args:
        model: gives `encode(x) -> (mu, log_var)`, `decode(z) -> logits` and `latent`.
        steps: length of the run; the rate falls to 0 at its end along a cosine.
        learning_rate: the largest one.
        warmup: steps over which the rate rises to it.
        beta: weight of the KL term; 1 gives the ELBO.
        compile: see `compiled`.
        ema_decay: see `Player`.
    """

    def terms(x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_var = model.encode(x)
        z = mu + torch.exp(0.5 * log_var) * eps
        return bernoulli_nll(model.decode(z), x), kl_to_standard_normal(mu, log_var)  # [B], [B]

    terms = compiled(terms, compile, first=True)

    def loss(move: Move) -> Tensor:
        reconstruction, kl = terms(move.x, move.normal(model.latent))
        move.log("reconstruction", reconstruction.mean())
        move.log("kl", kl.mean())
        return (reconstruction + beta * kl).mean()

    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    schedule = warmup_cosine(optimizer, steps, warmup)
    return Player("vae", model, loss, optimizer, schedule=schedule, ema_decay=ema_decay)
