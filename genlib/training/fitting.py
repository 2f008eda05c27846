"""Whether a checkpoint fits the players of a run, and what of it can be taken over."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from genlib.training.players import Player

Tree = dict[str, Any]


def misfit(players: Sequence[Player], state: Tree) -> str | None:
    """Why `state` is no checkpoint of these players; None if it is one."""
    if {"step", "players", "stream", "random", "history"} - set(state):
        return "it holds no training run"
    names = {player.name for player in players}
    if names != set(state["players"]):
        return f"its players are {sorted(state['players'])}, this run's are {sorted(names)}"
    for player in players:
        kept, own = state["players"][player.name]["model"], player.model.state_dict()
        different = sorted(set(kept) ^ set(own))
        if different:
            return f"the model of player {player.name!r} differs in {different[0]!r}"
        for key, value in own.items():
            if kept[key].shape != value.shape:
                return (
                    f"{key!r} of player {player.name!r} has shape {list(kept[key].shape)} there "
                    f"and {list(value.shape)} here"
                )
    return None


def unsaved(players: Sequence[Player]) -> str | None:
    """What moves and would be in no checkpoint; None if all is kept."""
    kept = {id(p) for player in players for p in player.model.parameters()}
    for player in players:
        if any(id(p) not in kept for p in player.parameters):
            return (
                f"the optimiser of player {player.name!r} moves a parameter that is in no player's "
                "model, so no checkpoint would hold it. Make it a part of the model."
            )
    return None


def overrun(players: Sequence[Player], state: Tree) -> str | None:
    """Which schedule has gone further than `state`, and cannot go back; None if none has."""
    for player in players:
        if player.schedule is not None and _epoch(player.schedule) > moves_made(player, state):
            return f"the schedule of player {player.name!r} is past the checkpoint"
    return None


def moves_made(player: Player, state: Tree) -> int:
    """How often the player had moved."""
    schedule = state["players"][player.name]["schedule"] or {}
    return schedule.get("last_epoch", state["step"] * player.moves)


def moments(player: Player, state: Tree) -> Tree:
    """The optimiser's memory in `state`; nothing if it is of another optimiser."""
    own = [p for group in player.optimizer.param_groups for p in group["params"]]
    kept = state["optimizer"]
    fits = state["optimizer_kind"] == type(player.optimizer).__name__
    fits &= len(own) == sum(len(group["params"]) for group in kept["param_groups"])
    if fits and all(
        value.ndim == 0 or value.shape == own[number].shape
        for number, memory in kept["state"].items()
        for value in memory.values()
        if isinstance(value, Tensor)
    ):
        return kept["state"]
    print(f"The optimiser of player {player.name!r} is another one; its moments begin anew.")
    return {}


def fast_forward(schedule: LRScheduler, moves: int) -> None:
    """Bring a schedule to where it stands after `moves` steps."""
    with warnings.catch_warnings():  # torch expects the optimiser to have moved in between
        warnings.simplefilter("ignore", UserWarning)
        for _ in range(_epoch(schedule), moves):
            schedule.step()


def _epoch(schedule: Any) -> int:
    """How many steps it has made; torch's `ChainedScheduler` leaves counting to its parts."""
    parts = getattr(schedule, "_schedulers", [schedule])
    return getattr(schedule, "last_epoch", parts[0].last_epoch)
