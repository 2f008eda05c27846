"""The players of chapter 5: a critic with a gradient penalty, and a generator."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from genlib.losses import critic_loss
from genlib.losses.precision import single
from genlib.models.diversity import MinibatchDiscrimination
from genlib.models.noise import Generator
from genlib.training.compiling import CompileMode, compiled
from genlib.training.players import Move, Player


def wgan_gp_players(
    generator: Generator,
    critic: nn.Module,
    *,
    learning_rate: float = 1e-4,
    penalty_weight: float = 10.0,
    critic_moves: int = 5,
    compile: CompileMode | None = None,
    ema_decay: float | None = None,
) -> list[Player]:
    """Gulrajani et al. 2017, algorithm 1, with Adam (β = 0, 0.9).

    Each move of the critic has a fresh batch and fresh generated images; the generator then
    improves those of the last one, where the paper draws new ones from the same distribution. The
    history has the critic's estimate of the Wasserstein distance, "wasserstein", and the
    "penalty" before its weight.

    Args:
        generator: from `z [B, latent]` to images; `z` comes from its own prior.
        critic: from images to scores `[B]`, without batch normalisation.
        learning_rate: of both.
        penalty_weight: λ.
        critic_moves: moves of the critic for one of the generator.
        compile: see `compiled`.
        ema_decay: of the generator; see `Player`.

    Raises:
        ValueError: the critic has batch normalisation or minibatch discrimination. The penalty
            would then depend on which images share a batch.
    """
    if any(isinstance(module, MinibatchDiscrimination) for module in critic.modules()):
        raise ValueError(
            "the critic has minibatch discrimination, which compares the images of a batch: the "
            "gradient penalty of one would depend on the others. Build it with kernels=0."
        )
    if any(isinstance(module, _BatchNorm) for module in critic.modules()):
        raise ValueError(
            "the critic has batch normalisation, which lets the images of a batch meet: the "
            "gradient penalty of one would depend on the others. Take norm='layer' or 'none'."
        )
    paint = compiled(generator, compile, first=True)

    def judge(x: Tensor, fake: Tensor, eps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return critic_loss(critic, x, fake, eps, penalty_weight)  # [B] each

    def persuade(fake: Tensor) -> Tensor:
        return -single(critic(fake))  # [B]

    judge, persuade = compiled(judge, compile), compiled(persuade, compile)

    def fake(move: Move) -> Tensor:
        with torch.set_grad_enabled(move.last):  # only the last are for the generator to improve
            return move.share("fake", lambda: paint(generator.draw(move)))

    def critic_move(move: Move) -> Tensor:
        total, distance, penalty = judge(move.x, fake(move).detach(), move.uniform())
        move.log("wasserstein", distance.mean())
        move.log("penalty", penalty.mean())
        return total.mean()

    def generator_move(move: Move) -> Tensor:
        return persuade(fake(move)).mean()

    def adam(model: nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(model.parameters(), lr=learning_rate, betas=(0.0, 0.9), fused=True)

    return [
        Player("critic", critic, critic_move, adam(critic), moves=critic_moves),
        Player("generator", generator, generator_move, adam(generator), ema_decay=ema_decay),
    ]
