"""Checkpoints: where and how often a run is saved, and what lies there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from genlib.training.packing import DamagedFileError, load_tree


class CheckpointError(RuntimeError):
    """No checkpoint of a folder can be used; the message says why for each."""


@dataclass(frozen=True)
class Checkpoints:
    """Where and how often a run is saved.

    `train(…, checkpoints=Checkpoints(folder))` continues the run that lies in `folder`, or starts
    one there. Each checkpoint is one file `step-00001200.safetensors`.

    Attributes:
        folder: of this run alone; made if needed.
        every_steps: save after each so many steps, if given.
        every_seconds: save when so much time has passed since the last time, if given.
        keep: how many of the newest are kept.
        best: name of a value in the history. Where its last entry is the best so far when a
            checkpoint is written, the checkpoint is kept as `best.safetensors` too.
        best_is: whether low or high values of it are good.
        allow_changes: go on although settings have changed that make the run another one.
    """

    folder: Path | str
    every_steps: int | None = None
    every_seconds: float | None = 60.0
    keep: int = 3
    best: str | None = None
    best_is: Literal["lowest", "highest"] = "lowest"
    allow_changes: bool = False

    def __post_init__(self) -> None:
        if self.keep < 1 or (self.every_steps is not None and self.every_steps < 1):
            raise ValueError("keep and every_steps must be at least 1")
        if self.best_is not in ("lowest", "highest"):
            raise ValueError(f"best_is is {self.best_is!r}; use 'lowest' or 'highest'")

    def files(self) -> list[Path]:
        """The checkpoints that are there, the newest first."""
        found = Path(self.folder).glob("step-*.safetensors")
        return sorted(found, key=by_step, reverse=True)


def newest(folder: Path | str) -> dict[str, Any]:
    """The newest good checkpoint of a run, as a tree; for reading weights without training.

    Raises:
        CheckpointError: there is none; the message says what is wrong with those that are there.
    """
    refused = []
    for path in Checkpoints(folder).files():
        try:
            return load_tree(path)
        except DamagedFileError as error:
            refused.append(str(error))
    raise CheckpointError(f"no good checkpoint in {folder}: {'; '.join(refused) or 'it is empty'}")


def by_step(path: Path) -> tuple[int, str]:
    return len(path.name), path.name  # numbers of more than eight digits come last
