"""Checkpoints: a run survives Ctrl-C, `kill -9`, a full disk, and a Colab that goes away."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from genlib.files import remove_partials, write_atomic
from genlib.training.packing import DamagedFileError, load_tree, save_tree
from genlib.training.players import refuse_non_finite
from genlib.training.processes import Processes
from genlib.training.run import Run, misfit
from genlib.training.settings import ChangedSettingsError, Settings, changes

BEST = "best.safetensors"


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
        best: name of a value in the history. Where it is the best so far when a checkpoint is
            written, the checkpoint is kept as `best.safetensors` too.
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
        return sorted(Path(self.folder).glob("step-*.safetensors"), reverse=True)


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


@dataclass
class Keeper:
    """Saves a run when it is due, and finds the newest good checkpoint."""

    plan: Checkpoints
    run: Run
    settings: Settings
    processes: Processes
    saved_step: int | None = None
    saved_at: float = field(default_factory=time.monotonic)

    def resume(self) -> None:
        """Continue from the newest good checkpoint, if there is one.

        Files that are damaged are set aside under the ending `.refused`, and named.

        Raises:
            CheckpointError: there are checkpoints, and none can be used.
            ChangedSettingsError: settings differ, and `allow_changes` is not set.
        """
        folder = Path(self.plan.folder)
        if self.processes.first and folder.is_dir():
            remove_partials(folder)
        # The first process chooses, so that all of them continue from the same file.
        chosen, refused = self.processes.agree(self._choose() if self.processes.first else None)
        if chosen is None:
            if refused:
                raise CheckpointError(
                    f"no checkpoint in {folder} can be used: {'; '.join(refused)}. Name another "
                    "folder to start afresh; nothing was changed in this one."
                )
            return
        state = load_tree(chosen)
        breaking, harmless = changes(state["settings"], self.settings)
        if breaking and not self.plan.allow_changes:
            raise ChangedSettingsError(
                f"{chosen} was made under other settings:\n  " + "\n  ".join(breaking) + "\n"
                "Going on would give another run than an unbroken one. Restore them, name another "
                "folder to start afresh, or go on all the same with allow_changes=True (on the "
                "command line --allow-changes)."
            )
        self.run.restore(state, exactly=not breaking)
        self.saved_step = self.run.step
        if self.processes.first:
            for reason in refused:
                print(f"Passed over: {reason}.")
            for path in refused:
                _set_aside(folder / path.split()[0])
            for change in breaking + harmless:
                print(f"Changed since: {change}")
            print(f"Continuing from step {self.run.step:,} ({chosen}).")
            self._keep_best()

    def save(self, *, force: bool = False) -> None:
        """Write a checkpoint if one is due. A full disk costs the checkpoint, never the run."""
        if not self.processes.first or not (force or self._due()):
            return
        if self.saved_step == self.run.step:
            return
        for player in self.run.players:  # a GPU's losses have not been looked at until now
            total = float(self.run.meter.sums.get(player.name, 0.0))
            refuse_non_finite("loss or gradient", player.name, total, self.run.step)
        self._note_best()
        path = Path(self.plan.folder) / f"step-{self.run.step:08d}.safetensors"
        try:
            save_tree(path, {"settings": self.settings, **self.run.state()})
            self._keep_best()
        except OSError as error:
            last = "none yet" if self.saved_step is None else f"step {self.saved_step}"
            warnings.warn(
                f"the checkpoint of step {self.run.step} could not be written ({error}); the last "
                f"good one: {last}. The run goes on and tries again; free some space in "
                f"{self.plan.folder}.",
                stacklevel=2,
            )
        else:
            self.saved_step = self.run.step
            for old in self.plan.files()[self.plan.keep :]:
                old.unlink(missing_ok=True)
        self.saved_at = time.monotonic()

    def hint(self) -> str:
        """Where a run that failed can be taken up again."""
        if self.saved_step is None:
            return "No checkpoint had been written yet."
        return f"The checkpoint of step {self.saved_step:,} in {self.plan.folder} is good."

    def _due(self) -> bool:
        steps, seconds = self.plan.every_steps, self.plan.every_seconds
        return (steps is not None and self.run.step % steps == 0) or (
            seconds is not None and time.monotonic() - self.saved_at >= seconds
        )

    def _choose(self) -> tuple[Path | None, list[str]]:
        """The newest checkpoint that fits, and what is wrong with those that are newer."""
        refused = []
        for path in self.plan.files():
            try:
                reason = misfit(self.run.players, load_tree(path))
            except DamagedFileError as error:
                refused.append(str(error))
                continue
            if reason is None:
                return path, refused
            refused.append(f"{path.name} is of another model: {reason}")
        return None, refused

    def _note_best(self) -> None:
        name = self.plan.best
        if name is None or not self.run.history.names():
            return
        step, value = int(self.run.history.steps(name)[-1]), float(self.run.history[name][-1])
        sign = 1 if self.plan.best_is == "lowest" else -1
        record = self.run.best.get("value", sign * math.inf)
        if step > self.run.best.get("taken", -1) and sign * value < sign * record:
            self.run.best = {"value": value, "taken": step, "saved": self.run.step}

    def _keep_best(self) -> None:
        """Copy this step's checkpoint if it is the best; also after a kill between the two."""
        folder = Path(self.plan.folder)
        if self.run.best.get("saved") == self.run.step:
            source = folder / f"step-{self.run.step:08d}.safetensors"
            write_atomic(folder / BEST, source.read_bytes())


def _set_aside(path: Path) -> None:
    if path.is_file():
        path.replace(path.with_name(path.name + ".refused"))
