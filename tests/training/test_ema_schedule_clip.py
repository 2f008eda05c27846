"""Averages, schedules, clipping and parameter groups are what their formulas say."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from genlib import seed_everything
from genlib.data import BatchStream, ImageSet, digits
from genlib.losses import squared_error
from genlib.training import (
    ChangedSettingsError,
    Checkpoints,
    History,
    Player,
    autoencoder_player,
    train,
    warmup_cosine,
)

DECAY = 0.9
Weights = dict[str, Tensor]


@pytest.fixture(scope="module")
def data() -> ImageSet:
    return digits("train")


def network(norm: bool = False) -> nn.Sequential:
    seed_everything(0)
    between = [nn.BatchNorm1d(8)] if norm else []
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 8), *between, nn.Tanh(), nn.Linear(8, 784),
        nn.Unflatten(1, (1, 28, 28)),
    )  # fmt: skip


def player_of(
    model: nn.Module, optimizer: torch.optim.Optimizer | None = None, **more: Any
) -> Player:
    if optimizer is None:
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    return Player(
        "copy", model, lambda move: squared_error(model(move.x), move.x).mean(), optimizer, **more
    )


def go(player: Player, data: ImageSet, steps: int = 6, **more: Any) -> History:
    return train([player], BatchStream(data, 16, seed=0), steps=steps, progress=False, **more)


def state(model: nn.Module) -> Weights:
    return {key: value.detach().clone() for key, value in model.state_dict().items()}


def recorder(model: nn.Module, kept: list[Weights]) -> Callable[[int], None]:
    """A watcher that keeps the weights after each step, without those before the first."""
    return lambda step: kept.append(state(model)) if step else None


def assert_same(a: Weights, b: Weights) -> None:
    assert a.keys() == b.keys()
    for key in a:
        assert torch.equal(a[key], b[key]), key


def followed(weights: list[Weights]) -> Weights:
    """average ← decay · average + (1 − decay) · weights, by hand, from the first weights on."""
    average = dict(weights[0])
    for new in weights[1:]:
        for key, value in new.items():
            average[key] = average[key].lerp(value, 1 - DECAY)
    return average


def test_the_average_is_the_recurrence(data: ImageSet) -> None:
    model, kept = network(), []
    player = player_of(model, ema_decay=DECAY)
    go(player, data, watch=[recorder(model, kept)])
    assert len(kept) == 6
    average = state(player.best_model)
    assert_same(average, followed(kept))
    written_out = kept[0]["1.weight"]
    for new in kept[1:]:
        written_out = DECAY * written_out + (1 - DECAY) * new["1.weight"]
    torch.testing.assert_close(average["1.weight"], written_out, rtol=1e-6, atol=1e-7)
    assert not torch.equal(average["1.weight"], model[1].weight)


def test_averaging_does_not_touch_the_training(data: ImageSet) -> None:
    averaged, plain = network(), network()
    go(player_of(averaged, ema_decay=DECAY), data)
    go(player_of(plain), data)
    assert_same(state(averaged), state(plain))


def test_a_player_without_average_shows_its_model(data: ImageSet) -> None:
    player = player_of(network())
    go(player, data, steps=1)
    assert player.best_model is player.model


def test_the_average_has_the_newest_statistics_of_batch_normalisation(data: ImageSet) -> None:
    """They are averages already. The averaged model never trains, and has no gradients."""
    model, modes = network(norm=True), []
    player = player_of(model, ema_decay=DECAY)
    usual = player.loss

    def loss(move: Any) -> Tensor:
        modes.append((model.training, player.best_model.training))
        return usual(move)

    player.loss = loss
    go(player, data)
    assert set(modes) == {(True, False)}
    newest, average = state(model), state(player.best_model)
    for key in ("2.running_mean", "2.running_var", "2.num_batches_tracked"):
        assert torch.equal(average[key], newest[key]), key
    assert newest["2.num_batches_tracked"] == 6
    assert not torch.equal(average["2.weight"], newest["2.weight"])
    assert not any(p.requires_grad for p in player.best_model.parameters())


def test_every_move_is_averaged(data: ImageSet) -> None:
    """Two moves in each of three steps, and one in each of six on the same batches."""
    twice = player_of(network(), ema_decay=DECAY, moves=2)
    once = player_of(network(), ema_decay=DECAY)
    go(twice, data, steps=3)
    go(once, data, steps=6)
    assert_same(state(twice.best_model), state(once.best_model))


def test_the_average_resumes_exactly(data: ImageSet, tmp_path: Path) -> None:
    first = player_of(network(norm=True), ema_decay=DECAY)
    go(first, data, steps=5, checkpoints=Checkpoints(tmp_path))
    resumed, unbroken = (player_of(network(norm=True), ema_decay=DECAY) for _ in range(2))
    go(resumed, data, steps=9, checkpoints=Checkpoints(tmp_path))
    go(unbroken, data, steps=9)
    assert_same(state(resumed.best_model), state(unbroken.best_model))
    assert_same(state(resumed.average), state(unbroken.average))  # and how many there were


def test_an_average_that_is_switched_on_later_begins_there(data: ImageSet, tmp_path: Path) -> None:
    go(player_of(network()), data, steps=5, checkpoints=Checkpoints(tmp_path))
    with pytest.raises(ChangedSettingsError, match=r"copy\.ema_decay: None then, 0\.9 now"):
        go(player_of(network(), ema_decay=DECAY), data, checkpoints=Checkpoints(tmp_path))
    model, kept = network(), []
    player = player_of(model, ema_decay=DECAY)
    go(player, data, steps=9, watch=[recorder(model, kept)],
       checkpoints=Checkpoints(tmp_path, allow_changes=True))  # fmt: skip
    assert len(kept) == 4
    assert_same(state(player.best_model), followed(kept))
    unbroken = network()
    go(player_of(unbroken), data, steps=9)
    assert_same(state(model), state(unbroken))


def test_an_average_is_there_at_once_when_nothing_is_left_to_do(
    data: ImageSet, tmp_path: Path
) -> None:
    go(player_of(network()), data, steps=5, checkpoints=Checkpoints(tmp_path))
    player = player_of(network(), ema_decay=DECAY)
    go(player, data, steps=5, checkpoints=Checkpoints(tmp_path, allow_changes=True))
    assert_same(state(player.best_model), state(player.model))


@pytest.mark.parametrize(("moves", "steps"), [(1, 12), (3, 4)])
def test_the_rate_warms_up_and_falls_along_a_cosine(moves: int, steps: int, data: ImageSet) -> None:
    """The schedule goes on at each move of its player."""
    model, rates = network(), []
    sgd = torch.optim.SGD(model.parameters(), lr=1e-3)
    player = player_of(model, sgd, moves=moves, schedule=warmup_cosine(sgd, 12, warmup=3))
    usual = player.loss

    def loss(move: Any) -> Tensor:
        rates.append(sgd.param_groups[0]["lr"])
        return usual(move)

    player.loss = loss
    go(player, data, steps=steps)
    rise = [1e-3 * (t + 1) / 4 for t in range(3)]
    fall = [1e-3 * (1 + math.cos(math.pi * t / 9)) / 2 for t in range(9)]
    assert rates == pytest.approx([*rise, *fall], rel=1e-6)


def plain_loop(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: ImageSet,
    *,
    steps: int = 6,
    clip_norm: float | None = None,
) -> list[float]:
    """Fifteen lines of PyTorch. Returns the norms of the gradients, before clipping."""
    stream, norms = BatchStream(data, 16, seed=0), []
    for _ in range(steps):
        x = next(stream).x
        optimizer.zero_grad()
        squared_error(model(x), x).mean().backward()
        norm = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        norms.append(float(norm.norm()))
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()
    return norms


def test_clipping_is_torchs(data: ImageSet) -> None:
    mine, plain, free = network(), network(), network()
    sgd = torch.optim.SGD(mine.parameters(), lr=1e-3)
    norms = plain_loop(free, torch.optim.SGD(free.parameters(), lr=1e-3), data)
    limit = sorted(norms)[3]  # so that some gradients are shortened and some are not
    before = state(mine)
    go(player_of(mine, sgd, clip_norm=limit), data)
    plain_loop(plain, torch.optim.SGD(plain.parameters(), lr=1e-3), data, clip_norm=limit)
    assert_same(state(mine), state(plain))
    assert not torch.equal(mine[1].weight, free[1].weight)

    one_step = network()
    short = torch.optim.SGD(one_step.parameters(), lr=1.0)
    go(player_of(one_step, short, clip_norm=1e-3), data, steps=1)
    moved = torch.cat([(state(one_step)[key] - before[key]).flatten() for key in before])
    assert float(moved.norm()) == pytest.approx(1e-3, rel=1e-3)


def two_groups(model: nn.Sequential, rate: float = 1e-3) -> torch.optim.AdamW:
    return torch.optim.AdamW(
        [
            {"params": list(model[1].parameters()), "lr": 1e-2, "weight_decay": 0.1},
            {"params": list(model[3].parameters()), "lr": rate, "weight_decay": 0.0},
        ]
    )


def test_parameter_groups_keep_their_own_settings(data: ImageSet, tmp_path: Path) -> None:
    mine, plain = network(), network()
    go(player_of(mine, two_groups(mine)), data, steps=4, checkpoints=Checkpoints(tmp_path))
    again = network()
    go(player_of(again, two_groups(again)), data, steps=6, checkpoints=Checkpoints(tmp_path))
    plain_loop(plain, two_groups(plain), data, steps=6)
    assert_same(state(again), state(plain))
    other = network()
    with pytest.raises(ChangedSettingsError, match=r"copy\.lr\[1\]: 0\.001 then, 0\.005 now"):
        go(player_of(other, two_groups(other, 5e-3)), data, checkpoints=Checkpoints(tmp_path))


def test_frozen_parameters_stay_where_they_are(data: ImageSet) -> None:
    model = network()
    model[1].requires_grad_(False)
    before = state(model)
    player = player_of(model, torch.optim.Adam(model.parameters(), lr=1e-2), clip_norm=1.0)
    go(player, data)
    assert torch.equal(model[1].weight, before["1.weight"])
    assert not torch.equal(model[3].weight, before["3.weight"])
    assert [p.shape for p in player.parameters] == [model[3].weight.shape, model[3].bias.shape]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"clip_norm": 0.0}, "clip_norm of player 'copy' must be positive"),
        ({"clip_norm": float("nan")}, "clip_norm of player 'copy' must be positive"),
        ({"weight_bound": 0.0}, "weight_bound of player 'copy' must be positive"),
        ({"ema_decay": 1.0}, r"ema_decay of player 'copy' must be in \[0, 1\)"),
        ({"ema_decay": -0.1}, r"ema_decay of player 'copy' must be in \[0, 1\)"),
    ],
)
def test_settings_without_sense_are_refused(settings: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        player_of(network(), **settings)


def test_an_average_of_no_memory_is_the_model(data: ImageSet) -> None:
    player = player_of(network(), ema_decay=0.0)
    go(player, data, steps=3)
    assert_same(state(player.best_model), state(player.model))


def test_the_ready_made_players_fall_to_zero(data: ImageSet) -> None:
    player = autoencoder_player(network(), steps=5)
    go(player, data, steps=5)
    assert player.optimizer.param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)
