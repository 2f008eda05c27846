"""A run survives Ctrl-C, `kill -9`, a full disk, and a Colab that goes away."""

from __future__ import annotations

import contextlib
import math
import os
import time
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from genlib.files import remove_partials, write_atomic
from genlib.training.checkpoints import CheckpointError, Checkpoints, by_step
from genlib.training.fitting import misfit, overrun, unsaved
from genlib.training.packing import DamagedFileError, load_tree, packed, save_tree
from genlib.training.players import refuse_non_finite
from genlib.training.processes import Processes
from genlib.training.run import Run
from genlib.training.settings import ChangedSettingsError, Settings, changes

BEST = "best.safetensors"
Refused = list[tuple[Path, str]]  # files, and why


@dataclass
class Keeper:
    """Saves a run when it is due, and finds the newest good checkpoint."""

    plan: Checkpoints
    run: Run
    settings: Settings
    processes: Processes
    saved_step: int | None = None
    saved_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        # A program may change its working directory during the run.
        self.plan = replace(self.plan, folder=Path(self.plan.folder).absolute())

    def resume(self) -> None:
        """Continue from the newest good checkpoint, if there is one.

        Files that cannot be used are set aside under the ending `.refused`, and named.

        Raises:
            CheckpointError: there are checkpoints, and none can be used; or none can be written.
            ChangedSettingsError: settings differ, and `allow_changes` is not set.
            TypeError: settings, an optimiser or a watcher hold what a checkpoint cannot.
        """
        self._check()
        folder = Path(self.plan.folder)
        # The first process chooses, so that all of them continue from the same file.
        chosen, refused = self.processes.agree(self._choose() if self.processes.first else None)
        if chosen is None:
            if refused:
                raise CheckpointError(
                    f"no checkpoint in {folder} can be used: {_reasons(refused)}. Name another "
                    "folder to start afresh; nothing was changed in this one."
                )
            self._tidy([])
            return
        state = load_tree(chosen)
        breaking, harmless = changes(state["settings"], self.settings)
        if not hasattr(self.run.stream, "load_state_dict"):
            breaking.append("stream: it has no state_dict, so its batches begin anew")
        if breaking and not self.plan.allow_changes:
            raise ChangedSettingsError(
                f"{chosen} was made under other settings:\n  " + "\n  ".join(breaking) + "\n"
                "Going on would give another run than an unbroken one. Restore them, name another "
                "folder to start afresh, or go on all the same with allow_changes=True (on the "
                "command line --allow-changes)."
            )
        if breaking and (far := overrun(self.run.players, state)):
            raise ChangedSettingsError(f"{far}, {chosen}: make new players, then go on.")
        self.run.restore(state, exactly=not breaking)
        self.saved_step = self.run.step
        self._tidy(refused)
        if self.processes.first:
            for change in breaking + harmless:
                print(f"Changed since: {change}")
            print(f"Continuing from step {self.run.step:,} ({chosen}).")
            if self.run.step > self.settings["free"]["steps"]:
                print("That is further than was asked for: the run stays as it is.")

    def save(self, *, force: bool = False) -> None:
        """Write a checkpoint if one is due. A full disk costs the checkpoint, never the run.

        Raises:
            NonFiniteLossError: losses or weights are not finite; nothing is written.
            ValueError: nothing is logged under the name that `best` asks for.
        """
        self._check_best()
        if not self.processes.first or not (force or self._due()):
            return
        if self.saved_step == self.run.step:
            return
        self._check_finite()
        best_before = self.run.best
        self._note_best()
        path = self._path()
        try:
            save_tree(path, {"settings": self.settings, **self.run.state()})
            self.saved_step = self.run.step
            self._keep_best()
            written = [old for old in self.plan.files() if by_step(old) <= by_step(path)]
            for old in written[self.plan.keep :]:
                old.unlink(missing_ok=True)
        except OSError as error:
            self.run.best = best_before
            last = "none yet" if self.saved_step is None else f"step {self.saved_step}"
            warnings.warn(
                f"at step {self.run.step} the checkpoint could not be written ({error}); the last "
                f"good one: {last}. The run goes on and tries again; look whether the disk of "
                f"{self.plan.folder} is full.",
                stacklevel=2,
            )
        self.saved_at = time.monotonic()

    def hint(self) -> str:
        """Where a run that failed can be taken up again; the first process knows."""
        if not self.processes.first:
            return ""
        if self.saved_step is None:
            return "No checkpoint had been written yet."
        return f"The checkpoint of step {self.saved_step:,} in {self.plan.folder} is good."

    def _due(self) -> bool:
        steps, seconds = self.plan.every_steps, self.plan.every_seconds
        return (steps is not None and self.run.step % steps == 0) or (
            seconds is not None and time.monotonic() - self.saved_at >= seconds
        )

    def _path(self) -> Path:
        return Path(self.plan.folder) / f"step-{self.run.step:08d}.safetensors"

    def _check(self) -> None:
        """Fail now rather than an hour into the run."""
        if reason := unsaved(self.run.players):
            raise CheckpointError(reason)
        packed({"settings": self.settings, **self.run.state()})
        folder = Path(self.plan.folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"the folder {folder} cannot be made ({error})") from error
        if not os.access(folder, os.W_OK):
            raise CheckpointError(f"nothing can be written into {folder}: name another folder")

    def _check_finite(self) -> None:
        """A GPU's losses have not been looked at until now, and the last update nowhere."""
        for player in self.run.players:
            total = float(self.run.meter.sums.get(player.name, 0.0))
            refuse_non_finite("loss or gradient", player.name, total, self.run.step)
            sums = torch.stack([p.detach().float().sum() for p in player.parameters])
            refuse_non_finite("sum of all weights", player.name, float(sums.sum()), self.run.step)

    def _check_best(self) -> None:
        name, logged = self.plan.best, {**self.run.history.series, **self.run.meter.sums}
        if name is not None and logged and name not in logged:
            raise ValueError(
                f"best={name!r}, but nothing is logged under that name; there is: "
                f"{', '.join(logged)}"
            )

    def _choose(self) -> tuple[Path | None, Refused]:
        """The newest checkpoint that fits, and what is wrong with those that are newer."""
        refused: Refused = []
        for path in self.plan.files():
            try:
                reason = misfit(self.run.players, load_tree(path))
            except DamagedFileError as error:
                refused.append((path, str(error)))
                continue
            if reason is None:
                return path, refused
            refused.append((path, f"{path.name} is of another model: {reason}"))
        return None, refused

    def _tidy(self, refused: Refused) -> None:
        """Once it is clear where the run goes on: set aside what is refused, drop leftovers."""
        if not self.processes.first:
            return
        for path, reason in refused:
            print(f"Passed over: {reason}.")
            _set_aside(path)
        remove_partials(Path(self.plan.folder))
        with contextlib.suppress(OSError):
            self._keep_best()

    def _note_best(self) -> None:
        name, metric = self.plan.best, f"{self.plan.best_is} {self.plan.best}"
        if name is None or name not in self.run.history.series:
            return
        step, value = int(self.run.history.steps(name)[-1]), float(self.run.history[name][-1])
        sign = 1 if self.plan.best_is == "lowest" else -1
        # A record of another metric, from before a resume, is none.
        best = self.run.best if self.run.best.get("metric") == metric else {}
        record = best.get("value", sign * math.inf)
        if step > best.get("taken", -1) and sign * value < sign * record:
            self.run.best = {
                "metric": metric, "value": value, "taken": step, "saved": self.run.step,
            }  # fmt: skip

    def _keep_best(self) -> None:
        """Copy this step's checkpoint if it is the best; also after a kill between the two."""
        if self.run.best.get("saved") == self.run.step:
            write_atomic(Path(self.plan.folder) / BEST, self._path().read_bytes())


def _reasons(refused: Refused) -> str:
    return "; ".join(reason for _, reason in refused)


def _set_aside(path: Path) -> None:
    """Rename to the first free name that ends in `.refused`: nothing is ever deleted."""
    aside, number = path.with_name(f"{path.name}.refused"), 2
    while aside.exists():
        aside, number = path.with_name(f"{path.name}.{number}.refused"), number + 1
    with contextlib.suppress(OSError):  # it lies in nobody's way
        path.rename(aside)
