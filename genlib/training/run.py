"""Everything that changes during a run, in one place: what a checkpoint must hold."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from genlib.training.arithmetic import Arithmetic
from genlib.training.fitting import fast_forward, moments, moves_made
from genlib.training.history import History
from genlib.training.players import Player

Watcher = Callable[[int], None]
Tree = dict[str, Any]


@dataclass
class Meter:
    """Means of what was logged since the last history entry."""

    sums: dict[str, Tensor] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            value = value.float()  # a sum in a short format soon stops growing
            self.sums[name] = self.sums[name] + value if name in self.sums else value.clone()
            self.counts[name] += 1

    def take(self) -> dict[str, float]:
        """The means; afterwards the meter is empty. On a GPU this waits for it."""
        means = {name: float(total) / self.counts[name] for name, total in self.sums.items()}
        self.sums.clear()
        self.counts.clear()
        return means


@dataclass
class Run:
    """The moving parts of a run. `state` and `restore` are each other's inverse."""

    players: Sequence[Player]
    stream: Iterator[Any]
    generator: torch.Generator
    arithmetic: Arithmetic
    watch: Sequence[Watcher] = ()
    step: int = 0
    history: History = field(default_factory=History)
    meter: Meter = field(default_factory=Meter)
    best: Tree = field(default_factory=dict)

    def state(self) -> Tree:
        """All of it, as a tree of tensors and plain values; see `save_tree`."""
        return {
            "step": self.step,
            "players": {player.name: self._player_state(player) for player in self.players},
            "stream": _state_of(self.stream),
            "random": {**global_random_state(), "noise": self.generator.get_state()},
            "history": self.history.state_dict(),
            "meter": {"sums": dict(self.meter.sums), "counts": dict(self.meter.counts)},
            "watchers": [_state_of(watcher) for watcher in self.watch],
            "best": self.best,
        }

    def restore(self, state: Tree, *, exactly: bool = True) -> None:
        """Continue where `state` was taken.

        With `exactly=False` hyperparameters and schedules stay as they are in this program; only
        how far they have come is taken over. Noise and batches go on as they would have, unless
        data, batch size or device are others.
        """
        for player in self.players:
            made = moves_made(player, state)
            self._restore_player(player, state["players"][player.name], made, exactly)
        _restore_stream(self.stream, state["stream"], state["history"]["images"], exactly)
        self.step = state["step"]
        self.history.load_state_dict(state["history"])
        device = self.generator.device
        sums = {name: value.to(device) for name, value in state["meter"]["sums"].items()}
        self.meter = Meter(sums, defaultdict(int, state["meter"]["counts"]))
        for watcher, kept in zip(self.watch, state["watchers"], strict=False):
            _restore_to(watcher, kept)
        self.best = state["best"]
        noise = state["random"]["noise"]
        if noise.shape == self.generator.get_state().shape:  # a GPU's state is of another kind
            self.generator.set_state(noise)
        set_global_random_state(state["random"])

    def _player_state(self, player: Player) -> Tree:
        return {
            "model": player.model.state_dict(),
            "average": None if player.average is None else player.average.state_dict(),
            "optimizer": player.optimizer.state_dict(),
            "optimizer_kind": type(player.optimizer).__name__,
            "schedule": None if player.schedule is None else player.schedule.state_dict(),
            "scaler": self.arithmetic.scaler(player.name).state_dict(),
        }

    def _restore_player(self, player: Player, state: Tree, made: int, exactly: bool) -> None:
        player.model.load_state_dict(state["model"])
        if player.average is not None:
            if state["average"] is not None:
                player.average.load_state_dict(state["average"])
            else:  # averaging was switched on since: it begins here
                player.average.module.load_state_dict(state["model"])
        optimizer = state["optimizer"]
        if not exactly:
            optimizer = {**player.optimizer.state_dict(), "state": moments(player, state)}
        player.optimizer.load_state_dict(optimizer)
        _lay_out_like_parameters(player.optimizer)
        if player.schedule is not None:
            if exactly:
                player.schedule.load_state_dict(state["schedule"])
            else:
                fast_forward(player.schedule, made)
        scaler = self.arithmetic.scaler(player.name)
        if scaler.is_enabled() and state["scaler"]:
            scaler.load_state_dict(state["scaler"])


def global_random_state() -> Tree:
    """States of Python's, numpy's and torch's global generators (dropout draws from torch's)."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),  # noqa: NPY002
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_global_random_state(state: Tree) -> None:
    """The inverse of `global_random_state`."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])


def _restore_stream(stream: Any, state: Any, images: int, exactly: bool) -> None:
    """Let the stream go on; one that differs starts after as many images as have been given."""
    if not hasattr(stream, "load_state_dict"):
        return
    try:
        stream.load_state_dict(state)
    except ValueError:
        if exactly or not hasattr(stream, "skip_to"):
            raise
        stream.skip_to(images)


def _state_of(thing: Any) -> Any:
    """The state of a stream or a watcher (`strip.look` has its strip's); None if it has none."""
    owner = getattr(thing, "__self__", thing)
    return owner.state_dict() if hasattr(owner, "state_dict") else None


def _restore_to(thing: Any, state: Any) -> None:
    owner = getattr(thing, "__self__", thing)
    if state is not None and hasattr(owner, "load_state_dict"):
        owner.load_state_dict(state)


def _lay_out_like_parameters(optimizer: torch.optim.Optimizer) -> None:
    """Give loaded moments their parameter's memory layout, which fused optimisers ask for."""
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                state[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def models(players: Sequence[Player]) -> list[nn.Module]:
    """The players' models and averages."""
    return [player.model for player in players] + [
        player.average.module for player in players if player.average is not None
    ]
