"""The noise that a generator starts from: its distribution is a property of the generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import torch
from torch import Tensor, nn

Prior = Literal["normal", "uniform"]


class Source(Protocol):
    """Where random numbers come from: a `Move` of a training run is one."""

    def normal(self, *shape: int) -> Tensor:
        """From N(0, 1), `[B, *shape]`."""

    def uniform(self, *shape: int) -> Tensor:
        """From U[0, 1), `[B, *shape]`."""


@dataclass(frozen=True)
class Rows:
    """A `Source` of `n` rows from a generator."""

    n: int
    generator: torch.Generator

    def normal(self, *shape: int) -> Tensor:
        device = self.generator.device
        return torch.randn(self.n, *shape, generator=self.generator, device=device)

    def uniform(self, *shape: int) -> Tensor:
        device = self.generator.device
        return torch.rand(self.n, *shape, generator=self.generator, device=device)


class Generator(nn.Module):
    """From noise `z [B, latent]` to samples, with the prior that `z` is drawn from.

    A network that learned on one prior shows a part of what it can do, or things that it never
    learned, when it is fed from another. So the prior is stored with the weights, and loading them
    brings it back, whatever the generator was built with.

    Args:
        latent: length of `z`.
        prior: "normal" for N(0, I), "uniform" for each number from U[−1, 1).

    Raises:
        ValueError: no such prior.
    """

    uniform_prior: Tensor

    def __init__(self, latent: int, prior: Prior) -> None:
        super().__init__()
        if prior not in get_args(Prior):
            raise ValueError(f"prior is {prior!r}; use {' or '.join(map(repr, get_args(Prior)))}")
        self.latent, self._prior = latent, prior
        # A whole number, as BatchNorm's counter is: every tool that handles weights can handle it.
        self.register_buffer("uniform_prior", torch.tensor(int(prior == "uniform")))
        self.register_load_state_dict_post_hook(_read_prior)

    @property
    def prior(self) -> Prior:
        """ "normal" or "uniform"; it cannot be changed."""
        return self._prior

    def draw(self, source: Source) -> Tensor:
        """`z` from the prior, `[B, latent]`; in a player's loss, `source` is the move."""
        if self.prior == "uniform":
            return 2 * source.uniform(self.latent) - 1
        return source.normal(self.latent)

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """`n` times `z` from the prior, `[n, latent]`, on the model's device.

        Drawn where `generator` lives: one of the CPU gives the same numbers on every device.
        """
        return self.draw(Rows(n, generator)).to(self.uniform_prior.device)

    def extra_repr(self) -> str:
        return f"latent={self.latent}, prior={self.prior!r}"


def _read_prior(model: Any, _: Any) -> None:
    """After loading: the prior of the weights."""
    model._prior = "uniform" if model.uniform_prior else "normal"
