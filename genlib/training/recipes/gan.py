"""The players of chapter 4: a discriminator and a generator."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from genlib.losses import (
    discriminator_loss,
    generator_loss,
    hinge_discriminator_loss,
    hinge_generator_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    r1_penalty,
    saturating_generator_loss,
)
from genlib.models.constraints import refuse_meeting
from genlib.models.noise import Generator
from genlib.training.compiling import CompileMode, compiled
from genlib.training.players import Move, Player

GanLoss = Literal["non-saturating", "minimax", "least-squares", "hinge"]
Judge = Callable[..., Tensor]  # logits of real and generated images -> [B]
Persuade = Callable[[Tensor], Tensor]  # logits of generated images -> [B]

LOSSES: dict[GanLoss, tuple[Judge, Persuade]] = {
    "non-saturating": (discriminator_loss, generator_loss),
    "minimax": (discriminator_loss, saturating_generator_loss),
    "least-squares": (least_squares_discriminator_loss, least_squares_generator_loss),
    "hinge": (hinge_discriminator_loss, hinge_generator_loss),
}


def gan_players(
    generator: Generator,
    discriminator: nn.Module,
    *,
    loss: GanLoss = "non-saturating",
    learning_rate: float = 2e-4,
    discriminator_learning_rate: float | None = None,
    betas: tuple[float, float] = (0.5, 0.999),
    label_smoothing: float = 0.0,
    label_noise: float = 0.0,
    instance_noise: float = 0.0,
    r1: float = 0.0,
    steps: int | None = None,
    compile: CompileMode | None = None,
    ema_decay: float | None = None,
) -> list[Player]:
    """Logistic loss against the non-saturating one, both with Adam (Goodfellow et al. 2014).

    The discriminator judges a batch and as many generated images; the generator then improves the
    very same images. Optimiser settings are those of Radford et al. 2016.

    Args:
        generator: from `z [B, latent]` to images; `z` comes from its own prior.
        discriminator: from images to logits `[B]`; a `Packed` one gives one for each pack.
        loss: "non-saturating"; "minimax" (the same discriminator, the saturating loss for the
            generator); "least-squares" (Mao et al. 2017); or "hinge" (Lim & Ye 2017).
        learning_rate: of both.
        discriminator_learning_rate: of the discriminator, where it shall have its own (Heusel et
            al. 2017).
        betas: of both.
        label_smoothing: what the discriminator's target for images of the data is lowered by
            (Salimans et al. 2016); not for "hinge", which has no target.
        label_noise: share of labels that are wrong when the discriminator moves. With this
            probability, an image of the data and the generated one beside it change labels.
        instance_noise: standard deviation, at the start, of Gaussian noise on whatever the
            discriminator sees, also when the generator moves; it falls evenly to 0 over `steps`
            (Sønderby et al. 2017; Arjovsky & Bottou 2017).
        r1: γ of the R1 penalty at images of the data (Mescheder et al. 2018), which the history
            then has as "r1", before its weight; for discriminators that score each image alone.
        steps: length of the run; needed for instance noise alone.
        compile: see `compiled`.
        ema_decay: of the generator; see `Player`.

    Raises:
        ValueError: no such loss, a number out of range, smoothing with "hinge", instance noise
            without `steps`, or `r1` with batch normalisation or minibatch discrimination.
    """
    _check(loss, label_smoothing, label_noise, instance_noise, r1, steps)
    if r1:
        refuse_meeting(discriminator)
    judge_logits, persuade_logits = LOSSES[loss]
    if label_smoothing:
        judge_logits = partial(judge_logits, smoothing=label_smoothing)
    fading = steps if instance_noise else None
    paint = compiled(generator, compile, first=True)

    def judge(x: Tensor, fake: Tensor) -> Tensor:
        return judge_logits(discriminator(x), discriminator(fake))  # [B]

    def judge_mislabelled(x: Tensor, fake: Tensor, u: Tensor) -> Tensor:
        real, made = discriminator(x), discriminator(fake)  # [B]
        wrong = u[: len(real)] < label_noise  # one label per logit: of packs there are fewer
        return judge_logits(torch.where(wrong, made, real), torch.where(wrong, real, made))

    def persuade(fake: Tensor) -> Tensor:
        return persuade_logits(discriminator(fake))  # [B]

    def steepness(x: Tensor) -> Tensor:
        return r1_penalty(discriminator, x)  # [B]

    judge, persuade = compiled(judge, compile), compiled(persuade, compile)
    judge_mislabelled = compiled(judge_mislabelled, compile)
    steepness = compiled(steepness, compile)

    def fake(move: Move) -> Tensor:
        return move.share("fake", lambda: paint(generator.draw(move)))

    def seen(x: Tensor, move: Move) -> Tensor:
        """`x` as the discriminator sees it."""
        if fading is None:
            return x
        sigma = instance_noise * max(0.0, 1 - move.step / fading)
        return x + sigma * move.normal(*x.shape[1:])

    def discriminator_move(move: Move) -> Tensor:
        made = fake(move).detach()
        real, made = seen(move.x, move), seen(made, move)
        if label_noise:
            total = judge_mislabelled(real, made, move.uniform()).mean()
        else:
            total = judge(real, made).mean()
        if not r1:
            return total
        penalty = steepness(real).mean()
        move.log("r1", penalty)
        return total + r1 * penalty

    def generator_move(move: Move) -> Tensor:
        return persuade(seen(fake(move), move)).mean()

    def adam(model: nn.Module, lr: float) -> torch.optim.Adam:
        return torch.optim.Adam(model.parameters(), lr=lr, betas=betas, fused=True)

    own = learning_rate if discriminator_learning_rate is None else discriminator_learning_rate
    return [
        Player("discriminator", discriminator, discriminator_move, adam(discriminator, own)),
        Player(
            "generator", generator, generator_move, adam(generator, learning_rate),
            ema_decay=ema_decay,
        ),
    ]  # fmt: skip


def _check(
    loss: str,
    label_smoothing: float,
    label_noise: float,
    instance_noise: float,
    r1: float,
    steps: int | None,
) -> None:
    if loss not in LOSSES:
        raise ValueError(f"loss is {loss!r}; use one of {', '.join(map(repr, get_args(GanLoss)))}")
    if label_smoothing and loss == "hinge":
        raise ValueError(
            "label_smoothing lowers the target for real images, and the hinge loss has none: take "
            "another loss, or label_smoothing=0."
        )
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"label_smoothing is {label_smoothing}; it must be in [0, 1)")
    if not 0 <= label_noise <= 0.5:
        raise ValueError(
            f"label_noise is {label_noise}; it is the share of wrong labels, at most 0.5: there "
            "labels say nothing, and above it they say the opposite."
        )
    if r1 < 0:
        raise ValueError(f"r1 is {r1}; it is the weight γ of a penalty and must not be below 0")
    if instance_noise < 0:
        raise ValueError(f"instance_noise is {instance_noise}; it must not be below 0")
    if instance_noise and (steps is None or steps < 1):
        raise ValueError(
            f"instance_noise falls to 0 over the run, so it needs its length, and steps is {steps}:"
            " give the same steps as to train."
        )
