"""The players of chapter 5: a critic that is kept from being steep, and a generator."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from genlib.losses import critic_loss, gradient_penalty
from genlib.losses.adversarial import Penalty
from genlib.losses.precision import single
from genlib.models.constraints import refuse_meeting
from genlib.models.noise import Generator
from genlib.training.compiling import CompileMode, compiled
from genlib.training.players import Move, Player


def wgan_gp_players(
    generator: Generator,
    critic: nn.Module,
    *,
    learning_rate: float = 1e-4,
    betas: tuple[float, float] = (0.0, 0.9),
    penalty_weight: float = 10.0,
    one_sided: bool = False,
    penalise: Penalty | None = None,
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
        betas: of both.
        penalty_weight: λ.
        one_sided: punish only slopes above 1; see `gradient_penalty`.
        penalise: another penalty, for experiments; see `critic_loss`. Critics of all kinds are then
            taken, also those that let images meet.
        critic_moves: moves of the critic for one of the generator.
        compile: see `compiled`.
        ema_decay: of the generator; see `Player`.

    Raises:
        ValueError: the critic has batch normalisation or minibatch discrimination. The penalty
            would then depend on which images share a batch. Or `one_sided` beside `penalise`.
    """
    if penalise is None:
        refuse_meeting(critic)
        penalise = partial(gradient_penalty, one_sided=one_sided)
    elif one_sided:
        raise ValueError("one_sided is for the library's penalty: leave it out beside penalise.")
    price = penalise

    def judge(x: Tensor, fake: Tensor, eps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return critic_loss(critic, x, fake, eps, penalty_weight, price)  # [B] each

    judge = compiled(judge, compile)

    def critic_move(move: Move, fake: Tensor) -> Tensor:
        total, distance, penalty = judge(move.x, fake, move.uniform())
        move.log("wasserstein", distance.mean())
        move.log("penalty", penalty.mean())
        return total.mean()

    def adam(model: nn.Module) -> torch.optim.Adam:
        first, second = betas
        rates = float(first), float(second)  # Adam refuses a whole number beside a float
        return torch.optim.Adam(model.parameters(), lr=learning_rate, betas=rates, fused=True)

    return _players(generator, critic, critic_move, adam, critic_moves, None, compile, ema_decay)


def wgan_clip_players(
    generator: Generator,
    critic: nn.Module,
    *,
    learning_rate: float = 5e-5,
    bound: float | None = 0.01,
    critic_moves: int = 5,
    compile: CompileMode | None = None,
    ema_decay: float | None = None,
) -> list[Player]:
    """Arjovsky et al. 2017, algorithm 1, with RMSProp: after each move, all weights are clipped.

    Moves, images and history as for `wgan_gp_players`, without a penalty. "wasserstein" estimates a
    multiple of the distance that nobody knows: the slope that the bound allows.

    Args:
        generator: from `z [B, latent]` to images; `z` comes from its own prior.
        critic: from images to scores `[B]`; batch normalisation is allowed, as in the paper.
        learning_rate: of both.
        bound: c; the critic's weights stay in [−c, c]. None for a critic that bounds its own slope,
            such as one by `spectral_normalised`.
        critic_moves: moves of the critic for one of the generator.
        compile: see `compiled`.
        ema_decay: of the generator; see `Player`.

    Raises:
        ValueError: `bound` is not above 0.
    """

    def judge(x: Tensor, fake: Tensor) -> Tensor:
        return single(critic(x)) - single(critic(fake))  # [B]

    judge = compiled(judge, compile)

    def critic_move(move: Move, fake: Tensor) -> Tensor:
        distance = judge(move.x, fake).mean()
        move.log("wasserstein", distance)
        return -distance

    def rmsprop(model: nn.Module) -> torch.optim.RMSprop:
        return torch.optim.RMSprop(model.parameters(), lr=learning_rate)

    return _players(
        generator, critic, critic_move, rmsprop, critic_moves, bound, compile, ema_decay
    )


def _players(
    generator: Generator,
    critic: nn.Module,
    lower: Callable[[Move, Tensor], Tensor],
    optimizer: Callable[[nn.Module], torch.optim.Optimizer],
    critic_moves: int,
    bound: float | None,
    compile: CompileMode | None,
    ema_decay: float | None,
) -> list[Player]:
    """Both players; `lower` is the critic's loss, of its move and generated images."""
    paint = compiled(generator, compile, first=True)

    def persuade(fake: Tensor) -> Tensor:
        return -single(critic(fake))  # [B]

    persuade = compiled(persuade, compile)

    def fake(move: Move) -> Tensor:
        with torch.set_grad_enabled(move.last):  # only the last are for the generator to improve
            return move.share("fake", lambda: paint(generator.draw(move)))

    def critic_move(move: Move) -> Tensor:
        return lower(move, fake(move).detach())

    def generator_move(move: Move) -> Tensor:
        return persuade(fake(move)).mean()

    return [
        Player(
            "critic", critic, critic_move, optimizer(critic), moves=critic_moves,
            weight_bound=bound,
        ),
        Player(
            "generator", generator, generator_move, optimizer(generator), ema_decay=ema_decay
        ),
    ]  # fmt: skip
