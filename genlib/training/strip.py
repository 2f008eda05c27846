"""Pictures of the same thing, taken again and again while a model learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from genlib.data.images import to_unit


class SampleStrip:
    """Calls `draw()` at chosen steps and keeps what it returns.

    `draw` shows the same inputs each time (fixed images, frozen noise), so that only the model
    changes from one row to the next.

    Args:
        draw: returns images `[N, C, H, W]`; values outside [0, 1] are clipped.
        at: the steps to draw at; 0 is before the first step. See `milestones`.

    Attributes:
        steps: the steps drawn so far.
        bytes: what was drawn, each `[N, C, H, W]` uint8 on the CPU: small enough to be part of
            every checkpoint.
    """

    def __init__(self, draw: Callable[[], Tensor], at: Sequence[int]) -> None:
        self.draw = draw
        self.at = frozenset(at)
        self.steps: list[int] = []
        self.bytes: list[Tensor] = []

    @property
    def frames(self) -> list[Tensor]:
        """What was drawn, each `[N, C, H, W]` float in [0, 1] on the CPU."""
        return [to_unit(frame) for frame in self.bytes]

    @torch.no_grad()
    def look(self, step: int) -> None:
        """Draw if `step` is one of the chosen ones.

        Raises:
            ValueError: the strip has seen this step or a later one: it belongs to another run.
        """
        if self.steps and step <= self.steps[-1]:
            raise ValueError(
                f"this strip was drawn up to step {self.steps[-1]} already; make a new one per run"
            )
        if step in self.at:
            self.steps.append(step)
            images = self.draw().detach().float().clamp(0, 1)
            self.bytes.append((images * 255).round().to(torch.uint8).cpu())

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"steps": self.steps, "bytes": self.bytes}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.steps, self.bytes = list(state["steps"]), list(state["bytes"])


def milestones(steps: int, count: int = 8) -> list[int]:
    """About `count` steps from 0 to `steps`, dense at the beginning, where most happens.

    >>> milestones(1000, 5)
    [0, 1, 10, 100, 1000]
    """
    if steps < 1 or count < 2:
        raise ValueError(f"need steps >= 1 and count >= 2, got {steps} and {count}")
    powers = torch.linspace(0, 1, count - 1, dtype=torch.float64)
    return sorted({0, steps, *(round(steps ** float(p)) for p in powers[:-1])})
