"""The game of the GAN laboratory: genlib's models, losses and players on points of the plane.

A `Game` can be trained a part at a time; `genlib.explore.gan_laboratory` draws it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from torch import Tensor

from genlib.data.points import PointStream, PointTarget, grid, ring, swiss_roll
from genlib.losses import generator_loss, saturating_generator_loss
from genlib.metrics import mode_report
from genlib.models.points import PointDiscriminator, PointGenerator
from genlib.seeds import make_generator
from genlib.training import Player, gan_players, train, wgan_clip_players, wgan_gp_players

Data = Literal["ring", "grid", "roll"]
Loss = Literal["saturating", "non-saturating", "clipped", "wgan-gp"]
TARGETS: dict[Data, Callable[[], PointTarget]] = {
    "ring": ring, "grid": grid, "roll": swiss_roll,
}  # fmt: skip
# What one point adds to the generator's loss, by its logit or score.
PERSUADE: dict[Loss, Callable[[Tensor], Tensor]] = {
    "saturating": saturating_generator_loss,
    "non-saturating": generator_loss,
    "clipped": torch.neg,
    "wgan-gp": torch.neg,
}
RATE = 1e-3
POINTS, BATCH = 2_500, 64
BEGINNING = ("data", "loss", "seed")  # what another one of begins a new run; the rest can change


@dataclass(frozen=True)
class Setup:
    """What a run is made of.

    Attributes:
        data: "ring", "grid" or "roll", with genlib's defaults.
        loss: "saturating", "non-saturating", "clipped" or "wgan-gp".
        learning_rate: of both players.
        critic_moves: the judge's moves for one of the generator; None: 1 of a GAN, 5 of a WGAN.
        penalty_weight: λ of WGAN-GP.
        bound: what the clipped critic's weights are clipped at.
        seed: of first weights, data and noise.

    Raises:
        ValueError: no such data or loss, or a number is not positive.
    """

    data: Data = "ring"
    loss: Loss = "non-saturating"
    learning_rate: float = RATE
    critic_moves: int | None = None
    penalty_weight: float = 1.0
    bound: float = 0.1
    seed: int = 1

    def __post_init__(self) -> None:
        for value, kind in ((self.data, Data), (self.loss, Loss)):
            if value not in get_args(kind):
                raise ValueError(f"{value!r} is none of {', '.join(map(repr, get_args(kind)))}")
        numbers = (self.learning_rate, self.moves, self.penalty_weight, self.bound)
        if not all(number > 0 for number in numbers):
            raise ValueError(f"rate, moves, penalty weight and bound must be positive: {numbers}")

    @property
    def wasserstein(self) -> bool:
        return self.loss in ("clipped", "wgan-gp")

    @property
    def moves(self) -> int:
        if self.critic_moves is not None:
            return self.critic_moves
        return 5 if self.wasserstein else 1

    def begins_anew(self, before: Setup) -> bool:
        """Whether a run of `before` cannot go on with this: other data, loss or seed."""
        return any(getattr(self, key) != getattr(before, key) for key in BEGINNING)


def suited(loss: Loss) -> dict[str, float]:
    """The settings that a loss brings with it; both losses of a GAN bring the same."""
    usual = Setup(loss=loss)
    own = {"clipped": {"bound": usual.bound}, "wgan-gp": {"penalty_weight": usual.penalty_weight}}
    return {"learning_rate": RATE, "critic_moves": usual.moves, **own.get(loss, {})}


@dataclass
class Game:
    """A run that can go on: `go` trains some steps more, `adjust` changes how.

    Attributes:
        setup: what it is made of, with the settings of now.
        steps: how many steps it has made.
        curves: name to (step, value) pairs, of all that was trained so far.
    """

    setup: Setup
    steps: int = 0
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.target = TARGETS[self.setup.data]()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.setup.seed)
            self.generator = PointGenerator(2, (64, 64), norm="none")
            self.judge = PointDiscriminator((64, 64), pieces=1)
        self._stream = PointStream(self.target, BATCH, seed=self.setup.seed)
        self._players = _players(self.setup, self.generator, self.judge)

    def adjust(self, setup: Setup) -> None:
        """Go on with another learning rate, number of moves, penalty weight or bound.

        Weights, and what the optimisers know of past gradients, stay as they are.

        Raises:
            ValueError: other data, another loss or another seed; they begin a new run.
        """
        if setup.begins_anew(self.setup):
            raise ValueError(
                f"{setup} has other {', '.join(BEGINNING)} than this run: begin another with "
                "Game(setup)."
            )
        if setup == self.setup:
            return
        players = _players(setup, self.generator, self.judge)
        for old, new in zip(self._players, players, strict=True):
            new.optimizer.load_state_dict(old.optimizer.state_dict())
            for group in new.optimizer.param_groups:
                group["lr"] = setup.learning_rate
        self.setup, self._players = setup, players

    def go(self, steps: int) -> None:
        """Train `steps` steps more.

        Raises:
            NonFiniteLossError: the numbers have left the finite ones; lower the learning rate.
        """
        # Noise is drawn anew for each part of the run, and is the same in a repeated run.
        seed = make_generator(self.setup.seed, "laboratory", self.steps).initial_seed()
        history = train(self._players, self._stream, steps=steps, seed=seed, progress=False)
        for name in history.names():
            pairs = zip(history.steps(name), history[name], strict=True)
            self.curves.setdefault(name, []).extend(
                (self.steps + int(step), float(value)) for step, value in pairs
            )
        self.steps += steps

    @torch.no_grad()
    def points(self, n: int = POINTS) -> Tensor:
        """The first of the points made of frozen noise, `[n, 2]`."""
        z = self.generator.noise(POINTS, make_generator(self.setup.seed, "look"))
        made: Tensor = self.generator(z[:n])
        return made

    def push(self, x: Tensor) -> Tensor:
        """What each point feels: −∂(its part of the generator's loss)/∂x, `[n, 2]`."""
        x = x.clone().requires_grad_()
        persuaded = PERSUADE[self.setup.loss](self.judge(x)).sum()
        return -torch.autograd.grad(persuaded, x)[0]

    def summary(self) -> str:
        """Step, modes and quality in one line; of the roll, which has no modes, the step alone."""
        if not len(self.target.centres):
            return f"step {self.steps:,}"
        found = mode_report(self.points(), self.target)
        return (
            f"step {self.steps:,}: {found.modes_found} of {found.modes} modes, "
            f"{found.high_quality_share:.0%} good"
        )


def _players(setup: Setup, generator: PointGenerator, judge: PointDiscriminator) -> list[Player]:
    if setup.loss == "clipped":
        return wgan_clip_players(
            generator, judge, learning_rate=setup.learning_rate, bound=setup.bound,
            critic_moves=setup.moves,
        )  # fmt: skip
    if setup.loss == "wgan-gp":
        return wgan_gp_players(
            generator, judge, learning_rate=setup.learning_rate, critic_moves=setup.moves,
            penalty_weight=setup.penalty_weight,
        )  # fmt: skip
    kind: Literal["minimax", "non-saturating"] = (
        "minimax" if setup.loss == "saturating" else "non-saturating"
    )
    players = gan_players(generator, judge, loss=kind, learning_rate=setup.learning_rate)
    players[0].moves = setup.moves
    return players
