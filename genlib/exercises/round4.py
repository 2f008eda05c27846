"""Exercise 4.4: a round of a GAN, and where it must take both players."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from genlib.exercises.calling4 import call, judge, normal, same
from genlib.exercises.mistakes4 import discriminator_loss
from genlib.exercises.players4 import (
    TinyDiscriminator,
    TinyGenerator,
    flat,
    gradient_of,
    gradients_in,
    judging,
    persuading,
)
from genlib.exercises.report import Finding
from genlib.exercises.trial import Wrong, agree
from genlib.seeds import make_generator

RATES = {"discriminator": 0.25, "generator": 0.5}
_BOTH = (
    "Two gradients move your generator: that of its own loss, and that of the discriminator's, "
    "which pulls the other way. `backward` of the discriminator's loss went on through the images, "
    "and nothing cleared what it left there. Detach the images in that loss."
)
_ONCE = (
    "The loss still takes a sigmoid before the logarithm. In single precision it is 0 or 1 here, "
    "and no gradient is left. Give the logits to a loss on logits."
)


class Round:
    """Rounds of a student's function on networks of its own.

    Args:
        sure: None: the logits leave room for doubt. Otherwise a player's name: the discriminator
            is sure, and so wrong or so right that this player must move.
    """

    def __init__(self, sure: str | None = None) -> None:
        scale = {None: 0.8, "discriminator": 30.0, "generator": -30.0}[sure]
        self.sure = sure
        self.generator = TinyGenerator(torch.tensor([0.7, -0.7]))
        self.discriminator = TinyDiscriminator(scale * torch.tensor([1.0, -0.7]))
        self.players: dict[str, nn.Module] = {
            "discriminator": self.discriminator, "generator": self.generator
        }  # fmt: skip
        self.optimizers = {
            name: torch.optim.SGD(player.parameters(), lr=RATES[name])
            for name, player in self.players.items()
        }
        self.x = torch.tensor([-0.7, 0.7, 0.0]) + 0.1 * normal("round", 256, 3).float()  # [256, 3]
        self.noises: list[Tensor] = []  # every z of the last round
        self.rounds = 0
        self.steps = dict.fromkeys(self.players, 0)  # of the last round
        for name, optimizer in self.optimizers.items():
            optimizer.register_step_post_hook(functools.partial(self._count, name))

    def play(self, fn: Any, rng: torch.Generator) -> Tensor:
        """One call: what it returns."""
        self.generator.given.clear()
        self.steps = dict.fromkeys(self.players, 0)
        pictures = call(
            fn, self.generator, self.discriminator, self.optimizers["generator"],
            self.optimizers["discriminator"], self.x, rng,
            hint="The discriminator moves, then the generator; return samples of it.",
        )  # fmt: skip
        self.noises = list(self.generator.given)
        self.rounds += 1
        return pictures

    def findings(self, fn: Any) -> list[Finding]:
        """What one round shows, up to the first thing that is wrong."""
        before = {name: flat(player.parameters()) for name, player in self.players.items()}
        left = {name: gradients_in(player) for name, player in self.players.items()}
        d, old = self.discriminator, TinyGenerator(before["generator"])
        fake = self._images(old)
        right, wrongs = judging(d, self.x, fake)
        early = persuading(d, old, fake)[0]  # against the discriminator before its move
        first = TinyGenerator(before["generator"] - RATES["generator"] * early)
        wrongs.append((
            "The generator moved before the discriminator: the order was the other way round.",
            judging(d, self.x, self._images(first))[0],
        ))  # fmt: skip
        through = gradient_of(discriminator_loss(d(self.x), d(fake)).mean(), old)
        pictures = self.play(fn, make_generator(0, "exercise 4", "rng", self.rounds))
        change = {n: flat(p.parameters()) - before[n] for n, p in self.players.items()}
        found = []
        if self.sure != "generator":
            name = "discriminator"
            found.append(self._move(name, change[name], right, wrongs, left[name]))
        if self.sure != "discriminator" and all(f.ok for f in found):
            right, wrongs = persuading(d, old, self._images(old))  # against D after its move
            wrongs = [
                (_BOTH, right + through),
                ("Only the discriminator's loss moves your generator, the wrong way: where is the "
                 "gradient of its own?", through),
                ("The generator moved against the discriminator as it was before this round: take "
                 "the logits again after the discriminator's step.", early),
                *wrongs,
            ]  # fmt: skip
            name = "generator"
            found.append(self._move(name, change[name], right, wrongs, left[name]))
        if self.sure is None and all(f.ok for f in found):
            found.append(self._pictures(pictures))
            found += [self._noise(pictures)] if found[-1].ok else []
        return found

    def source(self, fn: Any) -> Finding:
        """Does all noise come from `rng`?"""
        calls = []
        for seed, rng in ((1, "rng"), (2, "rng"), (3, "another rng")):
            torch.manual_seed(seed)
            again = Round()
            again.play(fn, make_generator(0, "exercise 4", rng))
            calls.append(again.noises)
        if any(same(z, other) for z, other in zip(calls[1], calls[2], strict=False)):
            cause = "The function seeds `rng`, or a generator of its own: only draw from `rng`."
            return Finding(False, "with another `rng` there is noise that stays the same", cause)
        if len(calls[0]) == len(calls[1]) and all(map(same, *calls[:2])):
            return Finding(True, "all noise comes from `rng`")
        cause = "Pass `generator=rng` to every `torch.rand` and `torch.randn`."
        return Finding(False, "with the same `rng`, two calls drew different noise", cause)

    def _move(
        self, name: str, change: Tensor, right: Tensor, wrongs: list[Wrong], left: Tensor | None
    ) -> Finding:
        """Did the player move by its gradient, times its learning rate?"""
        rate = RATES[name]
        moves: list[Wrong] = [
            (f"The {name} did not move: is its `step` missing, or did no gradient reach it?",
             torch.zeros_like(change)),
            (f"The {name}'s optimiser stepped twice with one gradient.", -2 * rate * right),
            *((cause, -rate * w) for cause, w in wrongs if w is not None),
        ]  # fmt: skip
        if left is not None and bool(left.any()):
            cause = (
                f"What was left in the {name}'s gradients from before was added: clear them before "
                "each `backward` of its own loss."
            )
            moves.append((cause, -rate * (right + left)))
        how = f"in round {self.rounds}"
        if self.sure is not None:
            how = "where the discriminator is sure and " + (
                "wrong" if self.sure == "discriminator" else "right"
            )
        found = judge(change, -rate * right, moves, f"{how}, the change of the {name}'s weights")
        # On doubtful logits it was right: what fails here is arithmetic.
        if self.sure is not None and not found.ok:
            return replace(found, cause=_ONCE)
        if not self.steps[name] and bool(change.any()):
            seen = f"the {name}'s weights moved, but its optimiser made no step"
            return Finding(False, seen, "Move them with the optimiser that is given: `step()`.")
        if not found.ok and not found.cause and self.steps[name] > 1:
            seen = f"The {name}'s optimiser made {self.steps[name]} steps: one a round."
            return replace(found, cause=seen)
        return found

    def _count(self, name: str, *_: Any) -> None:
        self.steps[name] += 1

    def _images(self, generator: TinyGenerator) -> Tensor:
        images: Tensor = generator(torch.zeros(len(self.x), generator.latent))
        return images

    def _pictures(self, pictures: Tensor) -> Finding:
        """Are they samples of the generator after its move?"""
        if pictures.ndim != 2 or pictures.shape[1] != 3 or not len(pictures):
            seen = f"what you return has shape {list(pictures.shape)}; samples are [B, 3] here"
            return Finding(False, seen, "Return samples for the strip, as the printed code does.")
        now = self.generator.shift.detach().expand(len(pictures), 2)
        if agree(pictures[:, :2], now):
            return Finding(True, "what you return are samples of the generator after its move")
        cause = "Draw them at the end: those of the losses are from before the generator's step."
        return Finding(False, "what you return are no samples of the generator as it is now", cause)

    def _noise(self, pictures: Tensor) -> Finding:
        """Do the samples come from the noise that the players learned on?"""
        if any(z.ndim != 2 or z.shape[1] != self.generator.latent for z in self.noises):
            shape = f"[B, {self.generator.latent}]"
            return Finding(False, f"the generator was not given noise of shape {shape}",
                           "`generator.latent` is the length of z.")  # fmt: skip
        drawn = [same(z[:, :1], pictures.detach()[:, 2:]) for z in self.noises]
        if not any(drawn):
            cause = "Return what `generator(z)` gives, unchanged."
            return Finding(False, "what you return was changed after it was drawn", cause)
        sampling = _law(self.noises[drawn.index(True)])
        others = [_law(z) for z, own in zip(self.noises, drawn, strict=True) if not own]
        odd = next((law for law in others if not sampling.like(law)), None)
        if odd is None:
            return Finding(True, f"one law of noise serves players and samples: z is {sampling}")
        return Finding(
            False, f"where the players move, z is {odd}; for the samples, z is {sampling}",
            "The samples come from another law than the generator learned on, and show another "
            "part of what it can do, or what it never learned. Draw z from one law everywhere.",
        )  # fmt: skip


@dataclass(frozen=True)
class _Law:
    """What can be seen of a distribution in a draw from it."""

    n: int
    mean: float
    std: float
    low: float
    high: float

    def like(self, other: _Law) -> bool:
        """Whether means and widths agree, within what chance explains."""
        error = 6 * max(self.std, other.std) * math.sqrt(1 / self.n + 1 / other.n) + 1e-9
        return abs(self.mean - other.mean) < error and abs(self.std - other.std) < error

    def __str__(self) -> str:
        return f"from {self.low:.2f} to {self.high:.2f}, with mean {self.mean:.2f}"


def _law(z: Tensor) -> _Law:
    z = z.double()
    values = (z.mean(), z.std(unbiased=False), z.min(), z.max())
    return _Law(z.numel(), *(v.item() for v in values))
