"""What has changed since a checkpoint is listed, and what breaks exactness needs a flag."""

from __future__ import annotations

import functools
import math
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import (
    ChainedScheduler,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    SequentialLR,
    StepLR,
)

from genlib.data import digits
from genlib.models.gan import ConvDiscriminator, ConvGenerator
from genlib.models.vae import DenseVAE
from genlib.training import (
    ChangedSettingsError,
    Move,
    Player,
    gan_players,
    newest,
    vae_player,
    warmup_cosine,
    wgan_gp_players,
)
from genlib.training.functions import function_settings
from genlib.training.settings import changes
from tests.faults.runs import difference
from tests.training.tiny import tiny_model, tiny_player, tiny_run, tiny_stream, tree_of

SHAPE = (1, 8, 8)


def sgd_player() -> Player:
    player = tiny_player()
    player.optimizer = torch.optim.SGD(player.model.parameters(), 0.01)
    return player


def dropout(p: float) -> nn.Module:
    model = tiny_model()
    model[3] = nn.Dropout(p)
    return model


def two_groups() -> Player:
    player = tiny_player()
    weights = [p for p in player.parameters if p.ndim > 1]
    biases = [p for p in player.parameters if p.ndim == 1]
    player.optimizer = torch.optim.Adam([{"params": biases, "lr": 0.1}, {"params": weights}], 0.01)
    return player


def frozen() -> Player:
    player = tiny_player()
    player.optimizer = torch.optim.Adam(player.parameters[:2], lr=0.01)
    return player


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "seed": ({"seed": 1}, "seed: 0 then, 1 now"),
    "batch size": ({"stream": lambda: tiny_stream(8)}, "batch_size: 16 then, 8 now"),
    "order": ({"stream": lambda: tiny_stream(seed=3)}, "stream_seed: 0 then, 3 now"),
    "data": (
        {"stream": lambda: tiny_stream(data=digits("test", size=8))},
        "data: scikit-learn digits, train, 1,498 images",
    ),
    "pixels": (
        {"stream": lambda: tiny_stream(data=inverted())},
        "data: scikit-learn digits, train, 1,498 images",
    ),
    "precision": ({"precision": "bf16"}, "precision: fp32 then, bf16 now"),
    "lr": ({"player": lambda: tiny_player(learning_rate=0.02)}, "ae.lr: 0.01 then, 0.02 now"),
    "betas": (
        {"player": lambda: tiny_player(betas=(0.5, 0.9))},
        "ae.betas: (0.9, 0.999) then, (0.5, 0.9) now",
    ),
    "moves": ({"player": lambda: tiny_player(moves=2)}, "ae.moves: 1 then, 2 now"),
    "clip": ({"player": lambda: tiny_player(clip_norm=1.0)}, "ae.clip_norm: None then, 1.0 now"),
    "ema": ({"player": lambda: tiny_player(ema_decay=0.5)}, "ae.ema_decay: None then, 0.5 now"),
    "penalty": (
        {"player": lambda: tiny_player(penalty_weight=0.2)},
        "ae.loss.penalty_weight: 0.1 then, 0.2 now",
    ),
    "schedule": (
        {"player": lambda: tiny_player(schedule_over=12)},
        "ae.schedule: None then, CosineAnnealingLR now",
    ),
    "optimiser": ({"player": sgd_player}, "ae.optimizer: Adam then, SGD now"),
    "groups": ({"player": two_groups}, "ae.lr[0]: not set then, 0.1 now"),
    "frozen": ({"player": frozen}, "ae.weights: 580 then, 260 now"),
    "dropout": ({"player": lambda: tiny_player(dropout(0.5))}, "ae.model: "),
    "own": ({"settings": {"colour": "blue"}}, "colour: red then, blue now"),
}


def inverted() -> Any:
    data = digits("train", size=8)
    return replace(data, images=255 - data.images)


def made(options: dict[str, Any]) -> dict[str, Any]:
    return {
        "settings": {"colour": "red"},
        **{key: value() if callable(value) else value for key, value in options.items()},
    }


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_is_named_and_needs_a_flag(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options, line = CHANGES[kind]
    tiny_run(tmp_path, 6, settings={"colour": "red"})
    before = tree_of(tmp_path, 6)
    with pytest.raises(ChangedSettingsError, match="allow_changes=True") as error:
        tiny_run(tmp_path, 9, **made(options))
    assert line in str(error.value)
    assert "steps" not in str(error.value)  # that change is free
    assert newest(tmp_path)["step"] == 6

    capsys.readouterr()
    history = tiny_run(tmp_path, 9, **made(options), allow_changes=True)
    said = capsys.readouterr().out
    assert f"Changed since: {line}" in said
    assert "Continuing from step 6 " in said
    assert history.steps("ae").tolist() == [2, 4, 6, 8, 9]
    after = tree_of(tmp_path, 9)["players"]["ae"]["model"]
    moved = difference(after, before["players"]["ae"]["model"])
    assert moved is not None

    capsys.readouterr()  # and from now on these settings are the run's own
    tiny_run(tmp_path, 9, **made(options))
    assert "Changed since" not in capsys.readouterr().out


def test_a_setting_that_older_checkpoints_lack_is_no_change_while_it_is_off() -> None:
    def settings(**exact: Any) -> dict[str, dict[str, Any]]:
        return {"exact": exact, "free": {}}

    assert changes(settings(), settings(bound=None)) == ([], [])
    assert changes(settings(bound=None), settings()) == ([], [])
    assert changes(settings(), settings(bound=0.1)) == (["bound: not set then, 0.1 now"], [])
    assert changes(settings(bound=[1]), settings(bound=None))[0] == ["bound: [1] then, None now"]


def test_threads_are_part_of_exactness_on_the_cpu(tmp_path: Path, monkeypatch) -> None:
    tiny_run(tmp_path, 6)
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    with pytest.raises(ChangedSettingsError, match=f"threads: {threads} then, {threads + 1} now"):
        tiny_run(tmp_path, 9)


def test_all_changes_are_listed_at_once(tmp_path: Path) -> None:
    tiny_run(tmp_path, 6)
    player = tiny_player(learning_rate=0.5, clip_norm=2.0)
    with pytest.raises(ChangedSettingsError) as error:
        tiny_run(tmp_path, 6, player, seed=7)
    lines = [line.strip() for line in str(error.value).splitlines() if line.startswith("  ")]
    assert lines == ["ae.clip_norm: None then, 2.0 now", "ae.lr: 0.01 then, 0.5 now",
                     "seed: 0 then, 7 now"]  # fmt: skip


def test_without_a_schedule_more_steps_are_free_and_exact(tmp_path: Path, capsys) -> None:
    tiny_run(tmp_path / "long", 18)
    tiny_run(tmp_path / "run", 6)
    tiny_run(tmp_path / "run", 18)
    assert "Changed since: steps: 6 then, 18 now" in capsys.readouterr().out
    ends = tree_of(tmp_path / "run", 18), tree_of(tmp_path / "long", 18)
    assert difference(*ends) is None


def test_with_a_schedule_more_steps_are_another_run(tmp_path: Path, capsys) -> None:
    tiny_run(tmp_path, 6, tiny_player(schedule_over=6))
    with pytest.raises(ChangedSettingsError) as error:
        tiny_run(tmp_path, 18, tiny_player(schedule_over=18))
    assert "  ae.schedule.T_max: 6 then, 18 now" in str(error.value)
    tiny_run(tmp_path, 4, tiny_player(schedule_over=6))
    assert "further than was asked for" in capsys.readouterr().out
    assert newest(tmp_path)["step"] == 6


# --- what allow_changes does ----------------------------------------------------------------------


def learning_rate_now(player: Player) -> float:
    return player.optimizer.param_groups[0]["lr"]


def test_the_new_rate_follows_the_new_schedule_from_its_start(tmp_path: Path) -> None:
    tiny_run(tmp_path, 6, tiny_player(schedule_over=6))
    player = tiny_player(learning_rate=0.05, schedule_over=20)
    tiny_run(tmp_path, 15, player, allow_changes=True)
    expected = 0.05 * (1 + math.cos(math.pi * 15 / 20)) / 2
    assert learning_rate_now(player) == pytest.approx(expected, rel=1e-9)


def test_a_schedule_that_is_new_begins_as_if_it_had_always_been_there(tmp_path: Path) -> None:
    tiny_run(tmp_path, 6, tiny_player(moves=2))
    player = tiny_player(moves=2, schedule_over=40)
    tiny_run(tmp_path, 10, player, allow_changes=True)
    assert learning_rate_now(player) == pytest.approx(0.01 / 2, rel=1e-9)  # 20 of 40 moves


def test_a_rate_without_schedule_takes_effect_and_moments_are_kept(tmp_path: Path) -> None:
    """One step by hand from the checkpoint, with its moments and the new rate."""
    tiny_run(tmp_path, 6)
    player = tiny_player(learning_rate=0.05, penalty_weight=0.0)
    kept = newest(tmp_path)["players"]["ae"]
    seen: dict[str, Any] = {}
    play = player.optimizer.step

    def look(*args: Any) -> Any:
        seen["moments"] = {
            n: s["exp_avg"].clone() for n, s in player.optimizer.state_dict()["state"].items()
        }
        seen["weights"] = {k: v.clone() for k, v in player.model.state_dict().items()}
        seen["lr"] = learning_rate_now(player)
        return play(*args)

    player.optimizer.step = look  # type: ignore[method-assign]
    tiny_run(tmp_path, 7, player, allow_changes=True)
    assert seen["lr"] == 0.05
    moments = {number: memory["exp_avg"] for number, memory in kept["optimizer"]["state"].items()}
    assert len(moments) == 4
    assert difference(seen["moments"], moments) is None
    assert difference(seen["weights"], kept["model"]) is None


def test_moments_of_another_optimiser_begin_anew(tmp_path: Path, capsys) -> None:
    tiny_run(tmp_path, 6, sgd_player())
    player = tiny_player()
    tiny_run(tmp_path, 7, player, allow_changes=True)
    assert "optimiser of player 'ae' is another one" in capsys.readouterr().out
    assert all(memory["step"] == 1 for memory in player.optimizer.state.values())


def test_another_batch_size_goes_on_after_as_many_images(tmp_path: Path) -> None:
    tiny_run(tmp_path, 6)
    stream = tiny_stream(32)
    history = tiny_run(tmp_path, 9, stream=stream, allow_changes=True)
    assert history.images == 6 * 16 + 3 * 32
    assert stream.epoch * stream.batches_per_epoch + stream.position == 6 * 16 // 32 + 3


def test_an_average_that_is_new_begins_at_the_weights(tmp_path: Path) -> None:
    tiny_run(tmp_path, 6)
    player = tiny_player(ema_decay=0.9)
    tiny_run(tmp_path, 6, player, allow_changes=True)
    weights = dict(player.model.state_dict())
    assert difference(dict(player.best_model.state_dict()), weights) is None


def test_a_stream_that_cannot_be_continued_is_said_to_begin_anew(tmp_path: Path) -> None:
    plain = (batch for batch in tiny_stream())
    tiny_run(tmp_path / "plain", 3, stream=plain)
    with pytest.raises(ChangedSettingsError, match="stream: it has no state_dict, so its batches"):
        tiny_run(tmp_path / "plain", 6, stream=plain)


# --- the same call again, in one session ----------------------------------------------------------


def one_cycle(optimizer: torch.optim.Optimizer) -> LRScheduler:
    return OneCycleLR(optimizer, 0.05, total_steps=30)  # moves the betas too


SCHEDULES: dict[str, Callable[[torch.optim.Optimizer], LRScheduler]] = {
    "cosine": lambda optimizer: CosineAnnealingLR(optimizer, 18),
    "warm-up and cosine": lambda optimizer: warmup_cosine(optimizer, 18, warmup=4),
    "one cycle": one_cycle,
    "lambda": lambda optimizer: LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch)),
    "chained": lambda optimizer: ChainedScheduler(
        [LinearLR(optimizer, total_iters=5), ExponentialLR(optimizer, 0.9)]
    ),
}


def scheduled(kind: str, learning_rate: float = 0.01) -> Player:
    player = tiny_player(ema_decay=0.8, learning_rate=learning_rate)
    player.schedule = SCHEDULES[kind](player.optimizer)
    return player


@pytest.mark.parametrize("kind", SCHEDULES)
def test_the_same_cell_again_after_ctrl_c_is_no_change(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Players, stream and schedule are those of the first call, moved already."""
    tiny_run(tmp_path / "unbroken", 18, scheduled(kind))
    player, stream = scheduled(kind), tiny_stream()

    def press(step: int) -> None:
        if step in (7, 13):
            os.kill(os.getpid(), signal.SIGINT)

    folder = tmp_path / "run"
    for expected in (7, 13, 18):
        tiny_run(folder, 18, player, stream=stream, watch=[press])
        assert newest(folder)["step"] == expected
    said = capsys.readouterr().out
    assert "Changed since" not in said
    assert said.count("Continuing from step") == 2
    ends = tree_of(folder, 18), tree_of(tmp_path / "unbroken", 18)
    for tree in ends:
        del tree["watchers"]
    assert difference(*ends) is None


@pytest.mark.parametrize("kind", SCHEDULES)
def test_with_changes_too_a_schedule_is_where_it_should_be(kind: str, tmp_path: Path) -> None:
    """Once in a new session, once with the players of before: the same rate either way."""
    rates = []
    for again in (True, False):
        folder = tmp_path / str(again)
        player = scheduled(kind)
        tiny_run(folder, 6, player)
        player = player if again else scheduled(kind)
        tiny_run(folder, 9, player, stream=tiny_stream(8), allow_changes=True)
        rates.append(learning_rate_now(player))
    unbroken = scheduled(kind)
    tiny_run(tmp_path / "unbroken", 9, unbroken)
    assert rates == [learning_rate_now(unbroken)] * 2


def test_a_schedule_that_has_gone_too_far_is_refused(tmp_path: Path) -> None:
    player = scheduled("cosine")
    tiny_run(tmp_path, 9, player)
    (tmp_path / "step-00000009.safetensors").unlink()
    with pytest.raises(ChangedSettingsError, match=r"is past the checkpoint, .*make new players"):
        tiny_run(tmp_path, 12, player, stream=tiny_stream(8), allow_changes=True)
    tiny_run(tmp_path, 12, player)  # without changes it is set back


# --- what is looked at ----------------------------------------------------------------------------


def test_the_courses_own_losses_show_their_weights() -> None:
    nets = ConvGenerator(8, 4, SHAPE), ConvDiscriminator(4, SHAPE)
    critic, _ = wgan_gp_players(*nets, penalty_weight=3.0)
    assert function_settings(critic.loss, "loss")["loss.penalty_weight"] == 3.0
    player = vae_player(DenseVAE(4, (16,), SHAPE), steps=10, beta=4.0)
    assert function_settings(player.loss, "loss")["loss.beta"] == 4.0
    first, _ = gan_players(*nets)
    codes = {function_settings(p.loss, "loss")["loss"] for p in (critic, player, first)}
    assert len(codes) == 3


WEIGHT = 2.0


def uses_a_global(move: Move) -> Tensor:
    return WEIGHT * helper(move.x)


def helper(x: Tensor) -> Tensor:
    return OTHER * x.mean()


OTHER = 5


def with_default(move: Move, power: int = 3) -> Tensor:
    return move.x.mean() ** power


class Losses:
    def method(self, move: Move) -> Tensor:
        return move.x.mean() * 7


def test_globals_defaults_methods_and_partials_are_looked_at() -> None:
    found = function_settings(uses_a_global, "loss")
    assert (found["loss.WEIGHT"], found["loss.OTHER"]) == (2.0, 5)
    assert function_settings(with_default, "loss")["loss.power"] == 3
    bound = functools.partial(with_default, power=5)
    assert 5 in function_settings(bound, "loss").values()
    assert "loss" in function_settings(Losses().method, "loss")
    assert function_settings(nn.Linear(1, 1), "loss") == {}
    compiled = torch.compile(with_default, backend="eager")
    assert function_settings(compiled, "loss")["loss.compiled"] is True


def test_the_code_of_a_loss_is_its_constants_and_calls_too() -> None:
    losses: list[Callable[[Move], Tensor]] = [
        lambda move: 2 * move.x.mean(),
        lambda move: 3 * move.x.mean(),
        lambda move: 3 * move.x.sum(),
        lambda move: 3 + move.x.sum(),
        lambda move: (lambda: 3 + move.x.sum())(),
        lambda move: (lambda: 4 + move.x.sum())(),
    ]
    codes = [function_settings(loss, "loss")["loss"] for loss in losses]
    assert len(set(codes)) == len(codes)
    again = function_settings(lambda move: 2 * move.x.mean(), "loss")["loss"]
    assert again == codes[0]


def test_constants_of_schedules_are_listed_and_their_progress_is_not(tmp_path: Path) -> None:
    def player(size: int, gamma: float) -> Player:
        made = tiny_player()
        parts = [
            LinearLR(made.optimizer, total_iters=3),
            StepLR(made.optimizer, size, gamma),
        ]
        made.schedule = SequentialLR(made.optimizer, parts, milestones=[3])
        return made

    tiny_run(tmp_path, 6, player(2, 0.5))
    tiny_run(tmp_path, 6, player(2, 0.5))
    with pytest.raises(ChangedSettingsError) as error:
        tiny_run(tmp_path, 6, player(3, 0.25))
    assert "ae.schedule.schedulers[1].step_size: 2 then, 3 now" in str(error.value)
    assert "ae.schedule.schedulers[1].gamma: 0.5 then, 0.25 now" in str(error.value)
