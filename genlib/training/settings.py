"""What a run was started with, so that a resume can say what has changed since."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler

import genlib
from genlib.training.arithmetic import Arithmetic
from genlib.training.functions import PLAIN, function_settings
from genlib.training.players import Player

Settings = dict[str, dict[str, Any]]
MOVING = ("last_epoch", "T_cur", "T_i", "base_lrs")  # attributes of torch's schedules


class ChangedSettingsError(ValueError):
    """A checkpoint was made under settings that would give another run; the message lists them."""


def describe(
    players: Sequence[Player],
    stream: Iterator[Any],
    arithmetic: Arithmetic,
    *,
    seed: int,
    steps: int,
    processes: int,
    device: torch.device,
    log_every: int,
    own: Mapping[str, Any],
) -> Settings:
    """The settings of a run, in two groups.

    `exact`: a change makes the resumed run differ from an unbroken one. `free`: it does not.
    """
    exact: dict[str, Any] = {
        "seed": seed,
        "precision": arithmetic.precision,
        "channels_last": arithmetic.channels_last,
        "processes": processes,
        **_stream_settings(stream),
        **own,
    }
    # More steps are no change of those before; a schedule's own length is among its settings.
    free: dict[str, Any] = {"genlib": genlib.__version__, "log_every": log_every, "steps": steps}
    for player in players:
        for name, value in _player_settings(player).items():
            exact[f"{player.name}.{name}"] = value
    gpu = device.type == "cuda"
    # On a GPU no two runs are equal to the bit anyway; there a new card is worth a word, no stop.
    (free if gpu else exact).update(
        device=torch.cuda.get_device_name(device) if gpu else device.type,
        torch=torch.__version__,
        threads=torch.get_num_threads(),
    )
    return {"exact": exact, "free": free}


def changes(before: Settings, now: Settings) -> tuple[list[str], list[str]]:
    """What differs, as lines to print: what breaks exactness, and what does not."""
    was = {**before["free"], **before["exact"]}
    new = {**now["free"], **now["exact"]}
    breaking: list[str] = []
    harmless: list[str] = []
    for name in sorted({*was, *new}):
        old, current = was.get(name, "not set"), new.get(name, "not set")
        off = old in ("not set", None) and current in ("not set", None)
        if old != current and not off:  # older checkpoints lack newer settings
            both_free = name not in before["exact"] and name not in now["exact"]
            (harmless if both_free else breaking).append(f"{name}: {old} then, {current} now")
    return breaking, harmless


def _stream_settings(stream: Iterator[Any]) -> dict[str, Any]:
    data = getattr(stream, "data", None)
    if data is None:
        return dict(getattr(stream, "settings", {}))
    # A few hundred images tell one data set from another, and cost no time.
    every = max(1, len(data) // 256)
    sample = data.images[::every].cpu().contiguous()
    return {
        "data": f"{data.title}, {data.split}, {len(data):,} images {_short(sample.numpy().data)}",
        "batch_size": getattr(stream, "batch_size", None),
        "stream_seed": getattr(stream, "seed", None),
    }


def _player_settings(player: Player) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "moves": player.moves,
        "clip_norm": player.clip_norm,
        "weight_bound": player.weight_bound,
        "ema_decay": player.ema_decay,
        "model": _short(re.sub("0x[0-9a-f]+", "", repr(player.model)).encode()),
        "optimizer": type(player.optimizer).__name__,
        "schedule": None if player.schedule is None else type(player.schedule).__name__,
        **dict(_schedule_settings(player.schedule, "schedule")),
        **function_settings(player.loss, "loss"),
    }
    groups = player.optimizer.param_groups
    for number, group in enumerate(groups):
        mark = f"[{number}]" if len(groups) > 1 else ""
        settings["weights" + mark] = sum(p.numel() for p in group["params"])
        for name, value in group.items():
            if name == "lr":  # a schedule moves it; where it began is the setting
                value = group.get("initial_lr", value)
            moved = name in ("betas", "momentum") and "max_momentum" in group
            if name not in ("params", "initial_lr") and not moved:
                settings[name + mark] = float(value) if isinstance(value, torch.Tensor) else value
    return settings


def _schedule_settings(part: Any, key: str) -> Iterator[tuple[str, Any]]:
    """What of a schedule does not move with it: its lengths and factors, and its functions."""
    if isinstance(part, LRScheduler):
        for name, inner in vars(part).items():
            if name in ("_schedulers", "_milestones") or (name[0] != "_" and name not in MOVING):
                yield from _schedule_settings(inner, f"{key}.{name.lstrip('_')}")
    elif isinstance(part, list | tuple):
        for number, inner in enumerate(part):
            yield from _schedule_settings(inner, f"{key}[{number}]")
    elif isinstance(part, PLAIN | Counter):
        yield key, part
    elif callable(part):
        yield from function_settings(part, key).items()


def _short(content: Any) -> str:
    return hashlib.blake2b(content, digest_size=4).hexdigest()
