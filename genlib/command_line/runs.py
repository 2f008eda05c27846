"""The folder of a run: its settings in `run.json`, and its networks as they were saved."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from genlib import pick_device, seed_everything
from genlib.command_line.built import Built
from genlib.command_line.data import load
from genlib.command_line.models import MODELS
from genlib.data import ImageSet
from genlib.files import write_atomic
from genlib.training import CheckpointError, newest
from genlib.training.fitting import misfit
from genlib.training.packing import DamagedFileError, load_tree


class RunError(RuntimeError):
    """Something a command was asked for cannot be done; the message says why, and the remedy."""


@dataclass(frozen=True)
class Plan:
    """All that a run was started with: enough to build it again.

    Attributes:
        options: the model's own, such as `latent`.
        title, shape: of the data that was found.
        classes: names of the labels that the model is told, if it is.
        precision: "auto" only until the device is known.
    """

    model: str
    data: str
    size: int
    grey: bool
    limit: int | None
    steps: int
    batch_size: int
    seed: int
    precision: str
    channels_last: bool
    device: str
    save_every: float
    log_every: int | None
    options: dict[str, Any]
    title: str = ""
    shape: tuple[int, int, int] = (1, 28, 28)
    classes: tuple[str, ...] = ()
    genlib: str = ""

    @classmethod
    def read(cls, folder: Path) -> Plan:
        """The plan of the run in `folder`.

        Raises:
            RunError: there is none, or it cannot be read.
        """
        path = folder / "run.json"
        if not path.is_file():
            raise RunError(f"there is no run in {folder} (no run.json); `train` starts one there")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            lists = {"shape": tuple(content["shape"]), "classes": tuple(content.get("classes", ()))}
            plan = cls(**{**content, **lists})
        except (ValueError, TypeError, KeyError) as error:
            raise RunError(
                f"{path} is damaged or of another genlib ({error}); start the run anew elsewhere"
            ) from error
        if plan.model not in MODELS:
            raise RunError(f"{path} is of model {plan.model!r}, which this genlib does not have")
        return plan

    def write(self, folder: Path) -> None:
        """As `run.json`, whole or not at all."""
        write_json(folder / "run.json", asdict(self))

    def sets(self) -> tuple[ImageSet, ImageSet]:
        """Training and evaluation pictures.

        Raises:
            DataError: the data cannot be used.
            RunError: it is no longer the data of this run.
        """
        sets = load(self.data, size=self.size, grey=self.grey, limit=self.limit)
        if self.title and sets[0].title != self.title:
            raise RunError(
                f"this run was trained on {self.title}, but only {sets[0].title} can be had here "
                "now; make the data available again, or name it with --data"
            )
        return sets

    def build(self, device: torch.device, *, compile: bool = True) -> Built:
        """The model with fresh weights, the same each time.

        Raises:
            RunError: the model does not fit these images.
        """
        options = dict(self.options)
        if not compile:
            options.pop("compile", None)
        entry = MODELS[self.model]
        told = (len(self.classes),) if entry.labelled else ()
        seed_everything(self.seed)
        try:
            return entry.build(self.shape, self.steps, device, *told, **options)
        except ValueError as error:
            raise RunError(str(error)) from error


@dataclass(frozen=True)
class Saved:
    """A run as it was saved, ready to draw and to measure; its networks are in evaluation mode."""

    folder: Path
    plan: Plan
    built: Built
    step: int
    device: torch.device

    def card(self) -> dict[str, Any]:
        """What is known of the model, as plain values."""
        averaged = self.plan.options.get("ema") is not None
        return {**asdict(self.plan), "step": self.step, "averaged": averaged}


def open_run(
    folder: Path, *, best: bool = False, device: str = "auto", data: str | None = None
) -> Saved:
    """The newest good checkpoint of the run in `folder`, or its best.

    Raises:
        RunError, CheckpointError: there is none; the message names the cause.
    """
    plan = Plan.read(folder)
    plan = plan if data is None else replace(plan, data=data)
    place = pick(device)
    built = plan.build(place, compile=False)
    if best and built.best is None:
        raise RunError(
            f"this {plan.model} has no best checkpoint: the losses of a game tell who is ahead and "
            "not how good the pictures are, and with --kl-warmup the early ones are the lowest; "
            "leave --best out for the newest"
        )
    path = folder / "checkpoints"
    try:
        state = load_tree(path / "best.safetensors") if best else newest(path)
    except (DamagedFileError, FileNotFoundError) as error:
        raise RunError(f"no best checkpoint: {error}; leave --best out for the newest") from error
    if reason := misfit(built.players, state):
        raise CheckpointError(f"the checkpoint in {path} does not fit run.json: {reason}")
    for player in built.players:
        kept = state["players"][player.name]
        player.model.load_state_dict(kept["model"])
        player.model.eval()
        if player.average is not None:
            player.average.load_state_dict(kept["average"])
    return Saved(folder, plan, built, state["step"], place)


def pick(device: str) -> torch.device:
    """The device of that name; "auto" is a GPU where there is one.

    Raises:
        RunError: it is not there.
    """
    if device == "auto":
        return pick_device()
    number = device.partition(":")[2] or "0"
    if device != "cpu" and int(number) >= torch.cuda.device_count():
        raise RunError(
            f"there is no device {device}: torch finds {torch.cuda.device_count()} GPUs here; "
            "leave --device out, or use --device cpu"
        )
    return torch.device(device)


def write_json(path: Path, content: object) -> None:
    """Whole or not at all."""
    write_atomic(path, (json.dumps(content, indent=1) + "\n").encode())
