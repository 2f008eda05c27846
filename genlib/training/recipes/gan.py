"""The players of chapter 4: a discriminator and a generator."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genlib.losses import discriminator_loss, generator_loss
from genlib.models.gan import ConvGenerator, DenseGenerator
from genlib.training.compiling import CompileMode, compiled
from genlib.training.players import Move, Player


def gan_players(
    generator: DenseGenerator | ConvGenerator,
    discriminator: nn.Module,
    *,
    learning_rate: float = 2e-4,
    betas: tuple[float, float] = (0.5, 0.999),
    compile: CompileMode | None = None,
    ema_decay: float | None = None,
) -> list[Player]:
    """Logistic loss against the non-saturating one, both with Adam (Goodfellow et al. 2014).

    The discriminator judges a batch and as many generated images; the generator then improves the
    very same images. Optimiser settings are those of Radford et al. 2016.

    Args:
        generator: from `z [B, generator.latent]` to images.
        discriminator: from images to logits `[B]`.
        learning_rate: of both.
        betas: of both.
        compile: see `compiled`.
        ema_decay: of the generator; see `Player`.
    """
    paint = compiled(generator, compile, first=True)

    def judge(x: Tensor, fake: Tensor) -> Tensor:
        return discriminator_loss(discriminator(x), discriminator(fake))  # [B]

    def persuade(fake: Tensor) -> Tensor:
        return generator_loss(discriminator(fake))  # [B]

    judge, persuade = compiled(judge, compile), compiled(persuade, compile)

    def fake(move: Move) -> Tensor:
        return move.share("fake", lambda: paint(move.normal(generator.latent)))

    def discriminator_move(move: Move) -> Tensor:
        return judge(move.x, fake(move).detach()).mean()

    def generator_move(move: Move) -> Tensor:
        return persuade(fake(move)).mean()

    def adam(model: nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(model.parameters(), lr=learning_rate, betas=betas, fused=True)

    return [
        Player("discriminator", discriminator, discriminator_move, adam(discriminator)),
        Player("generator", generator, generator_move, adam(generator), ema_decay=ema_decay),
    ]
