"""A player is some parameters, an optimiser, and a loss it wants to lower.

An autoencoder has one player, a GAN two, WGAN-GP two with the critic moving five times in a step,
a VAE-GAN three. The loop in `loop.py` lets them move in turn; a chapter states only models and
losses.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from genlib.models.constraints import clip_weights
from genlib.training.arithmetic import FP32, Arithmetic
from genlib.training.processes import ALONE, Processes

T = TypeVar("T")


@dataclass
class Move:
    """What a player sees when it is its turn.

    Attributes:
        x: the batch of images, `[B, C, H, W]` in [0, 1], on the run's device.
        y: their labels, `[B]`, or None.
        step: how many steps the run has finished.
        last: whether it is the player's last move in this step.
        generator: the run's source of noise; draw from it and from nothing else, best through
            `normal` and `uniform`.
        processes: this process among those that train together; by default it is alone.
        shared: what players have made of this batch for one another; see `share`.
        logged: values the loss wants in the history, by name.
    """

    x: Tensor
    y: Tensor | None
    step: int
    generator: torch.Generator
    last: bool = True
    processes: Processes = ALONE
    shared: dict[str, object] = field(default_factory=dict)
    logged: dict[str, Tensor] = field(default_factory=dict)

    def log(self, name: str, value: Tensor) -> None:
        """Put a scalar (say, the KL term alone) into the run's history under `name`."""
        self.logged[name] = value.detach()

    def normal(self, *shape: int) -> Tensor:
        """Noise from N(0, 1), `[B, *shape]`.

        Several processes draw the numbers of the whole batch and keep the rows of their own
        images, so that a run's noise does not depend on how many share the work.
        """
        whole = self._whole(shape)
        return self._rows(torch.randn(whole, generator=self.generator, device=self.x.device))

    def uniform(self, *shape: int) -> Tensor:
        """Noise from U[0, 1), `[B, *shape]`; rows as for `normal`."""
        whole = self._whole(shape)
        return self._rows(torch.rand(whole, generator=self.generator, device=self.x.device))

    def share(self, name: str, make: Callable[[], T]) -> T:
        """What `make` returns, computed by the first player that asks and kept for this batch.

        A GAN's discriminator judges `share("fake", …).detach()`; the generator then improves the
        same pictures instead of painting new ones. What is kept does not change while players
        move. If a player's gradient needs weights that have moved since, autograd refuses.
        """
        if name not in self.shared:
            self.shared[name] = make()
        return self.shared[name]  # type: ignore[return-value]

    def _whole(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (len(self.x) * self.processes.count, *shape)

    def _rows(self, noise: Tensor) -> Tensor:
        own = len(self.x)
        return noise[self.processes.rank * own :][:own]  # [count · B, ...] -> [B, ...]


Loss = Callable[[Move], Tensor]


class NonFiniteLossError(RuntimeError):
    """A loss or its gradient became infinite or NaN; the message names player and step."""


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
        clip_norm: the gradient is scaled down to this norm where it is longer, if given.
        weight_bound: if given, all weights are put into [−bound, bound] after each of its moves.
        ema_decay: if given, an exponential moving average of the weights is kept:
            `average ← decay · average + (1 − decay) · weights` after each move.
    """

    name: str
    model: nn.Module
    loss: Loss
    optimizer: torch.optim.Optimizer
    moves: int = 1
    schedule: LRScheduler | None = None
    clip_norm: float | None = None
    weight_bound: float | None = None
    ema_decay: float | None = None

    def __post_init__(self) -> None:
        if self.moves < 1:
            raise ValueError(f"player {self.name!r} must move at least once, got {self.moves}")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ValueError(f"clip_norm of player {self.name!r} must be positive")
        if self.weight_bound is not None and not self.weight_bound > 0:
            raise ValueError(f"weight_bound of player {self.name!r} must be positive")
        if self.ema_decay is not None and not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay of player {self.name!r} must be in [0, 1)")
        self.average: AveragedModel | None = None
        if self.ema_decay is not None:
            # The first update copies the weights; from then on the average follows them.
            follow = get_ema_multi_avg_fn(self.ema_decay)
            self.average = AveragedModel(self.model, multi_avg_fn=follow).eval()
            self.average.requires_grad_(False)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """What its optimiser moves."""
        groups = self.optimizer.param_groups
        return [p for group in groups for p in group["params"] if p.requires_grad]

    @property
    def best_model(self) -> nn.Module:
        """The model to sample from and to measure: the average where there is one."""
        return self.model if self.average is None else self.average.module

    def play(self, move: Move, arithmetic: Arithmetic = FP32) -> Tensor:
        """One move: loss, gradient, one optimiser step. Returns the loss, detached.

        Raises:
            NonFiniteLossError: loss or gradient; on a GPU the loss returned is NaN instead.
            ValueError: the loss is no single number.
        """
        self.optimizer.zero_grad(set_to_none=True)
        with arithmetic.context():
            loss = self.loss(move)
        if loss.ndim != 0:
            raise ValueError(
                f"the loss of player {self.name!r} has shape {list(loss.shape)}, expected one "
                "number: take the mean over the batch at its end."
            )
        # Only this player's parameters get a gradient, whatever else the loss ran through; a
        # graph that players share is kept for the next of them.
        parameters = self.parameters
        scaler = arithmetic.scaler(self.name)
        scaler.scale(loss).backward(inputs=parameters, retain_graph=bool(move.shared))
        loss = move.processes.average(loss.detach(), parameters, move.logged)
        scaler.unscale_(self.optimizer)
        # A scaler looks for itself: it skips a step that overflows, and lowers its scale.
        loss = self._check(loss, [] if scaler.is_enabled() else parameters, move.step)
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(parameters, self.clip_norm)
        scaler.step(self.optimizer)
        scaler.update()
        for parameter in parameters:  # fused optimisers change weights without telling autograd
            torch.autograd.graph.increment_version(parameter)
        if self.weight_bound is not None:
            clip_weights(self.model, self.weight_bound)
        if self.average is not None:
            self.average.update_parameters(self.model)
        if self.schedule is not None:
            self.schedule.step()
        return loss

    def _check(self, loss: Tensor, parameters: list[nn.Parameter], step: int) -> Tensor:
        """The loss. Where the gradient is not finite: an error on the CPU, NaN on a GPU.

        Looking at a number on a GPU makes the CPU wait for it, so there the NaN travels with the
        loss, and the loop looks when it writes the history and before it saves anything.
        """
        sums = [p.grad.sum() for p in parameters if p.grad is not None]
        total = torch.stack(sums).sum() if sums else loss  # finite if every entry is
        if loss.device.type != "cpu":
            return torch.where(total.isfinite(), loss, torch.nan)
        refuse_non_finite("loss", self.name, float(loss), step)
        refuse_non_finite("gradient", self.name, float(total), step)
        return loss


def refuse_non_finite(what: str, player: str, value: float, step: int) -> None:
    """Stop a run whose numbers have left the finite ones."""
    if not math.isfinite(value):
        raise NonFiniteLossError(
            f"the {what} of player {player!r} is {value} at step {step}. Usual causes: a learning "
            "rate too large (try a tenth), a logarithm, a square root or a division at 0, inputs "
            "outside [0, 1]. Clipping the gradient (clip_norm) helps against single outliers."
        )
