"""Distributions of points in the plane, on which a GAN can be measured against the truth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genlib.data.stream import Batch
from genlib.seeds import make_generator


@dataclass(frozen=True, eq=False)
class PointTarget:
    """A distribution in the plane: places, blurred with Gaussian noise.

    Attributes:
        title: what it is, with its numbers.
        centres: `[M, 2]`, the modes, all equally likely; `[0, 2]` where there are none.
        sigma: standard deviation of the noise in each coordinate.
        places: gives n points `[n, 2]` without noise, drawn from a generator, where it lives.
    """

    title: str
    centres: Tensor
    sigma: float
    places: Callable[[int, torch.Generator], Tensor]

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """`n` independent points, `[n, 2]`, where the generator lives."""
        exact = self.places(n, generator)
        noise = torch.randn(n, 2, generator=generator, device=generator.device)
        return exact + self.sigma * noise


def ring(modes: int = 8, radius: float = 1.0, sigma: float = 0.01) -> PointTarget:
    """Gaussians at equal distances on a circle (VEEGAN: Srivastava et al. 2017; PacGAN).

    Args:
        modes: how many.
        radius: of the circle.
        sigma: of each Gaussian.

    Raises:
        ValueError: there are no modes, or `sigma` is negative.
    """
    _check(modes, sigma)
    angle = torch.arange(modes) * (2 * math.pi / modes)
    centres = radius * torch.stack([angle.cos(), angle.sin()], dim=1)  # [modes, 2]
    return _mixture(f"Ring of {modes}, radius {radius:g}, σ {sigma:g}", centres, sigma)


def grid(side: int = 5, spacing: float = 2.0, sigma: float = 0.05) -> PointTarget:
    """Gaussians on a square grid around the origin (VEEGAN: Srivastava et al. 2017; PacGAN).

    Args:
        side: how many in a row; `side²` in all.
        spacing: between neighbours.
        sigma: of each Gaussian.

    Raises:
        ValueError: there are no modes, or `sigma` is negative.
    """
    _check(side, sigma)
    line = spacing * (torch.arange(side) - (side - 1) / 2)
    centres = torch.cartesian_prod(line, line)  # [side², 2]
    return _mixture(f"Grid of {side * side}, spacing {spacing:g}, σ {sigma:g}", centres, sigma)


def swiss_roll(turns: float = 1.5, sigma: float = 1 / 30) -> PointTarget:
    """A spiral with noise: one connected mode, thin and curved.

    The point at angle t lies at distance t/7.5 from the origin, with t uniform between 1.5π and
    1.5π + 2π · `turns`: the size that Gulrajani et al. 2017 train on.

    Args:
        turns: of the spiral.
        sigma: of the noise; theirs is 0.25/7.5.
    """

    def places(n: int, generator: torch.Generator) -> Tensor:
        u = torch.rand(n, generator=generator, device=generator.device)
        t = math.pi * (1.5 + 2 * turns * u)
        return torch.stack([t * t.cos(), t * t.sin()], dim=1) / 7.5

    return PointTarget(
        f"Swiss roll, {turns:g} turns, σ {sigma:.3g}", torch.empty(0, 2), sigma, places
    )


def _mixture(title: str, centres: Tensor, sigma: float) -> PointTarget:
    def places(n: int, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(len(centres), (n,), generator=generator, device=generator.device)
        return centres.to(generator.device)[chosen]

    return PointTarget(title, centres, sigma, places)


def _check(modes: int, sigma: float) -> None:
    if modes < 1 or sigma < 0:
        raise ValueError(f"there must be at least one mode and no negative σ: {modes}, {sigma}")


class PointStream(Iterator[Batch]):
    """Endless batches of fresh points for `train`: no point is ever seen twice.

    Batch i comes from `(seed, i)` alone and is drawn on the CPU, so the batches are the same on
    every device, and a stream can be resumed from a number. The points stand in `Batch.x`, as
    `[B, 2]`.

    Args:
        target: what to draw from.
        batch_size: points in a batch.
        seed: gives the points.
        device: where batches are put.
        part: `(rank, count)`: give only this process's rows of each batch; see `BatchStream`.

    Raises:
        ValueError: `batch_size` is below 1 or does not divide evenly.
    """

    def __init__(
        self,
        target: PointTarget,
        batch_size: int,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        part: tuple[int, int] = (0, 1),
    ) -> None:
        _, count = part
        if batch_size < 1 or batch_size % count:
            raise ValueError(
                f"batch_size is {batch_size}; use a positive multiple of the number of processes, "
                f"{count}."
            )
        self.target, self.batch_size, self.seed = target, batch_size, seed
        self.device, self.part = torch.device(device), part
        self._given = 0  # batches given since the beginning

    def __next__(self) -> Batch:
        rank, count = self.part
        own = self.batch_size // count
        generator = make_generator(self.seed, "points", self._given)
        rows = slice(rank * own, (rank + 1) * own)
        x = self.target.sample(self.batch_size, generator)[rows]  # [B, 2]
        index = torch.arange(self.batch_size)[rows] + self._given * self.batch_size
        self._given += 1
        return Batch(x.to(self.device), None, index.to(self.device))

    def skip_to(self, images: int) -> None:
        """Stand where about `images` points have been given; for a run whose batches changed."""
        self._given = images // self.batch_size

    @property
    def settings(self) -> dict[str, Any]:
        """What a resumed run must have in common with this one."""
        return {
            "data": self.target.title,
            "batch_size": self.batch_size,
            "stream_seed": self.seed,
        }

    def state_dict(self) -> dict[str, Any]:
        """Where the stream stands: enough to continue it exactly."""
        return {**self.settings, "given": self._given}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state`.

        Raises:
            ValueError: the state is of another stream; the message names the difference.
        """
        missing = {*self.settings, "given"} - set(state)
        if missing:
            raise ValueError(f"this is no state of a PointStream: it lacks {sorted(missing)}.")
        differ = {k: (state[k], v) for k, v in self.settings.items() if state[k] != v}
        if differ:
            words = ", ".join(f"{k} {old} (here {new})" for k, (old, new) in differ.items())
            raise ValueError(
                f"the state is of another stream: {words}. Make the PointStream with the same "
                "target, batch_size and seed, or start afresh without the state."
            )
        self._given = state["given"]
