"""What a run leaves behind: plain numbers by name, each with the step it was taken at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Series = list[tuple[int, float]]


@dataclass
class History:
    """Logged values of a run. `history["loss"]` is an array, `history.steps("loss")` its steps.

    Attributes:
        series: name to `(step, value)` pairs; a value is the mean since the one before it.
        images: how many images the stream gave.
        seconds: time spent in the loop, all sittings together.
        interrupted: whether Ctrl-C ended the run early.
    """

    series: dict[str, Series] = field(default_factory=dict)
    images: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    def add(self, step: int, values: dict[str, float]) -> None:
        """Append one value per name, taken at `step`."""
        for name, value in values.items():
            self.series.setdefault(name, []).append((step, value))

    def names(self) -> list[str]:
        """The names logged so far."""
        return list(self.series)

    def __getitem__(self, name: str) -> npt.NDArray[np.float64]:
        return np.array([value for _, value in self._of(name)])

    def steps(self, name: str) -> npt.NDArray[np.int64]:
        """The steps at which `name` was taken."""
        return np.array([step for step, _ in self._of(name)])

    def latest(self) -> str:
        """The last value of each name, as a line to print."""
        return ", ".join(f"{name} {pairs[-1][1]:.4g}" for name, pairs in self.series.items())

    @property
    def images_per_second(self) -> float:
        """Training speed, images/s."""
        return self.images / self.seconds if self.seconds else 0.0

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint; `interrupted` tells of this sitting alone and stays behind."""
        series = {name: (self.steps(name), self[name]) for name in self.series}
        return {"series": series, "images": self.images, "seconds": self.seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.series = {
            name: list(zip(steps.tolist(), values.tolist(), strict=True))
            for name, (steps, values) in state["series"].items()
        }
        self.images, self.seconds = state["images"], state["seconds"]

    def _of(self, name: str) -> Series:
        if name not in self.series:
            raise KeyError(f"nothing is logged as {name!r}; there is: {', '.join(self.series)}")
        return self.series[name]
