"""A player is some parameters, an optimiser, and a loss it wants to lower.

An autoencoder has one player, a GAN two, WGAN-GP two with the critic moving five times in a step,
a VAE-GAN three. The loop in `loop.py` lets them move in turn; a chapter states only models and
losses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler


@dataclass
class Move:
    """What a player sees when it is its turn.

    Attributes:
        x: the batch of images, `[B, C, H, W]` in [0, 1], on the run's device.
        y: their labels, `[B]`, or None.
        step: how many steps the run has finished.
        generator: the run's source of noise; draw from it and from nothing else.
        logged: values the loss wants in the history, by name.
    """

    x: Tensor
    y: Tensor | None
    step: int
    generator: torch.Generator
    logged: dict[str, Tensor] = field(default_factory=dict)

    def log(self, name: str, value: Tensor) -> None:
        """Put a scalar (say, the KL term alone) into the run's history under `name`."""
        self.logged[name] = value.detach()


Loss = Callable[[Move], Tensor]


@dataclass
class Player:
    """One participant of a training run.

    Attributes:
        name: how the history and error messages call it.
        model: the module whose parameters its optimiser moves.
        loss: takes a `Move`, returns the scalar to lower (the mean is taken there, in sight).
        optimizer: over `model`'s parameters.
        moves: how often it moves in one step. Its first move sees the batch of the move before it,
            each further one a fresh batch.
        schedule: stepped after each of its moves, if given.
    """

    name: str
    model: nn.Module
    loss: Loss
    optimizer: torch.optim.Optimizer
    moves: int = 1
    schedule: LRScheduler | None = None

    def __post_init__(self) -> None:
        if self.moves < 1:
            raise ValueError(f"player {self.name!r} must move at least once, got {self.moves}")

    def play(self, move: Move) -> Tensor:
        """One move: loss, gradient, one optimiser step. Returns the loss, detached."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(move)
        if loss.ndim != 0:
            raise ValueError(
                f"the loss of player {self.name!r} has shape {list(loss.shape)}, expected one "
                "number: take the mean over the batch at its end."
            )
        loss.backward()
        self.optimizer.step()
        if self.schedule is not None:
            self.schedule.step()
        return loss.detach()
