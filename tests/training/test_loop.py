"""The loop adds no magic: bit-identical to plain PyTorch, and it says what went wrong."""

from __future__ import annotations

import ast
import inspect
import os
import signal
import textwrap

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genlib import make_generator, seed_everything
from genlib.data import BatchStream, ImageSet, digits
from genlib.losses import squared_error
from genlib.models.autoencoder import DenseAutoencoder
from genlib.training import (
    Move,
    NonFiniteLossError,
    OutOfMemoryError,
    Player,
    SampleStrip,
    autoencoder_player,
    milestones,
    train,
)
from genlib.training import loop as loop


@pytest.fixture(scope="module")
def data() -> ImageSet:
    return digits("train")


def small() -> DenseAutoencoder:
    seed_everything(0)
    return DenseAutoencoder(code=4, hidden=(16,))


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


def test_one_player_is_plain_pytorch(data: ImageSet) -> None:
    mine, plain = small(), small()
    train([autoencoder_player(mine, steps=20)], BatchStream(data, 32, seed=3), steps=20,
          progress=False)  # fmt: skip

    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-3, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    stream = BatchStream(data, 32, seed=3)
    for _ in range(20):
        x = next(stream).x
        optimizer.zero_grad()
        squared_error(plain(x), x).mean().backward()
        optimizer.step()
        schedule.step()
    assert same(mine, plain)


def critic_and_generator() -> tuple[nn.Linear, nn.Linear]:
    seed_everything(1)
    return nn.Linear(784, 1), nn.Linear(8, 784)


def two_players(critic: nn.Linear, generator: nn.Linear) -> list[Player]:
    def fake(move: Move) -> Tensor:
        return generator(torch.randn(len(move.x), 8, generator=move.generator))

    def critic_loss(move: Move) -> Tensor:
        return critic(fake(move).detach()).mean() - critic(move.x.flatten(1)).mean()

    def generator_loss(move: Move) -> Tensor:
        return -critic(fake(move)).mean()

    return [
        Player("critic", critic, critic_loss, torch.optim.SGD(critic.parameters(), 0.01), moves=5),
        Player(
            "generator", generator, generator_loss, torch.optim.SGD(generator.parameters(), 0.1)
        ),
    ]


def test_two_players_five_to_one_are_plain_pytorch(data: ImageSet) -> None:
    critic, generator = critic_and_generator()
    history = train(two_players(critic, generator), BatchStream(data, 16, seed=0), steps=6, seed=9,
                    progress=False)  # fmt: skip

    plain_critic, plain_generator = critic_and_generator()
    critic_sgd = torch.optim.SGD(plain_critic.parameters(), 0.01)
    generator_sgd = torch.optim.SGD(plain_generator.parameters(), 0.1)
    noise = make_generator(9, "train")
    stream = BatchStream(data, 16, seed=0)
    for _ in range(6):
        for _ in range(5):
            x = next(stream).x
            critic_sgd.zero_grad()
            fake = plain_generator(torch.randn(16, 8, generator=noise)).detach()
            (plain_critic(fake).mean() - plain_critic(x.flatten(1)).mean()).backward()
            critic_sgd.step()
        generator_sgd.zero_grad()
        (-plain_critic(plain_generator(torch.randn(16, 8, generator=noise))).mean()).backward()
        generator_sgd.step()
    assert same(critic, plain_critic)
    assert same(generator, plain_generator)
    assert history.images == 6 * 5 * 16  # the generator moves on the critic's last batch
    assert set(history.names()) == {"critic", "generator"}


def test_same_seed_same_run_other_seed_other_run(data: ImageSet) -> None:
    def run(seed: int) -> DenseAutoencoder:
        model = small()
        player = autoencoder_player(model, steps=5, noise_std=0.3)
        train([player], BatchStream(data, 32, seed=0), steps=5, seed=seed, progress=False)
        return model

    assert same(run(0), run(0))
    assert not same(run(0), run(1))


def test_history_holds_means_between_entries(data: ImageSet) -> None:
    seen: list[float] = []
    model = small()

    def loss(move: Move) -> Tensor:
        value = squared_error(model(move.x), move.x).mean()
        seen.append(value.item())
        move.log("twice", 2 * value)
        return value

    player = Player("ae", model, loss, torch.optim.SGD(model.parameters(), 1e-4))
    history = train([player], BatchStream(data, 32, seed=0), steps=10, log_every=4, progress=False)
    assert history.steps("ae").tolist() == [4, 8, 10]
    expected = [np.mean(seen[:4]), np.mean(seen[4:8]), np.mean(seen[8:])]
    np.testing.assert_allclose(history["ae"], expected, rtol=1e-6)
    np.testing.assert_allclose(history["twice"], 2 * history["ae"], rtol=1e-6)
    assert history.images == 320
    assert history.images_per_second > 0
    with pytest.raises(KeyError, match="there is: ae, twice"):
        history["loss"]


def test_strip_draws_at_its_steps_without_touching_the_run(data: ImageSet) -> None:
    watched, unwatched = small(), small()
    strip = SampleStrip(lambda: watched(data.pixels()[:2]), at=[0, 3, 5])
    for model, watch in ((watched, [strip.look]), (unwatched, [])):
        train([autoencoder_player(model, steps=5)], BatchStream(data, 32, seed=0), steps=5,
              watch=watch, progress=False)  # fmt: skip
    assert strip.steps == [0, 3, 5]
    assert all(frame.shape == (2, 1, 28, 28) for frame in strip.frames)
    assert all(frame.min() >= 0 and frame.max() <= 1 for frame in strip.frames)
    assert not torch.equal(strip.frames[0], strip.frames[-1])
    assert same(watched, unwatched)


def test_looking_changes_nothing_even_with_batch_norm_and_dropout(data: ImageSet) -> None:
    def build() -> nn.Sequential:
        seed_everything(0)
        return nn.Sequential(
            nn.Flatten(), nn.BatchNorm1d(784), nn.Dropout(0.3), nn.Linear(784, 784),
            nn.Unflatten(1, (1, 28, 28)),
        )  # fmt: skip

    states = []
    for watched in (True, False):
        model = build()
        strip = SampleStrip(lambda model=model: model(data.pixels()[:4]), at=range(5))
        train([autoencoder_player(model, steps=4)], BatchStream(data, 32, seed=0), steps=4,
              watch=[strip.look] if watched else [], progress=False)  # fmt: skip
        assert not model.training
        states.append(model.state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_a_strip_belongs_to_one_run() -> None:
    strip = SampleStrip(lambda: torch.zeros(1, 1, 2, 2), at=[0, 3])
    strip.look(0)
    strip.look(3)
    with pytest.raises(ValueError, match="drawn up to step 3 already"):
        strip.look(0)


def test_models_evaluate_after_a_failure_too(data: ImageSet) -> None:
    model = small()
    player = Player(
        "ae", model, lambda move: squared_error(model(move.x), move.x).mean() * float("inf"),
        torch.optim.SGD(model.parameters(), 0.1),
    )  # fmt: skip
    with pytest.raises(NonFiniteLossError):
        train([player], BatchStream(data, 32, seed=0), steps=2, progress=False)
    assert not model.training


def test_nan_stops_at_once_and_names_player_and_step(data: ImageSet) -> None:
    model = small()

    def loss(move: Move) -> Tensor:
        value = squared_error(model(move.x), move.x).mean()
        return value * float("nan") if move.step == 3 else value

    player = Player("painter", model, loss, torch.optim.SGD(model.parameters(), 1e-4))
    with pytest.raises(NonFiniteLossError, match=r"'painter' is nan at step 3.*learning rate"):
        train([player], BatchStream(data, 32, seed=0), steps=10, progress=False)


def test_ctrl_c_finishes_the_step_and_keeps_the_history(data: ImageSet, capsys) -> None:
    model = small()

    def press(step: int) -> None:
        if step == 4:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    history = train([autoencoder_player(model, steps=1000)], BatchStream(data, 32, seed=0),
                    steps=1000, watch=[press], progress=False)  # fmt: skip
    assert history.interrupted
    assert history.steps("reconstruction").tolist() == [4]  # logged, though no entry was due
    assert "Stopped by Ctrl-C" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before


def test_a_loss_with_one_value_per_image_is_refused(data: ImageSet) -> None:
    model = small()
    player = Player(
        "ae", model, lambda move: squared_error(model(move.x), move.x),
        torch.optim.SGD(model.parameters(), 0.1),
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"'ae' has shape \[32\].*take the mean"):
        train([player], BatchStream(data, 32, seed=0), steps=1, progress=False)


def test_players_need_names_of_their_own_and_moves(data: ImageSet) -> None:
    model = small()
    player = autoencoder_player(model, steps=1)
    stream = BatchStream(data, 32, seed=0)
    with pytest.raises(ValueError, match="different names"):
        train([player, player], stream, steps=1)
    with pytest.raises(ValueError, match="at least one player"):
        train([], stream, steps=1)
    with pytest.raises(ValueError, match="at least once"):
        Player("x", model, player.loss, player.optimizer, moves=0)


@pytest.mark.parametrize(("steps", "count"), [(1, 2), (1000, 2), (10, 5), (1000, 5), (23_400, 24)])
def test_milestones_begin_and_end_where_they_should(steps: int, count: int) -> None:
    chosen = milestones(steps, count)
    assert chosen[0] == 0
    assert chosen[-1] == steps
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= count


def test_denoising_sees_noise_and_is_compared_with_the_clean_image(data: ImageSet) -> None:
    """A model that copies its input pays exactly the noise: D σ² per image."""

    class Copy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(()))

        def forward(self, x: Tensor) -> Tensor:
            return x + 0 * self.unused

    player = autoencoder_player(Copy(), steps=1, noise_std=0.5)
    x = data.pixels()[:200]
    loss = player.loss(Move(x, None, 0, make_generator(0, "test")))
    assert loss.item() == pytest.approx(784 * 0.25, rel=0.02)


def test_out_of_memory_names_the_batch_size_to_try(data: ImageSet) -> None:
    model = small()

    def loss(move: Move) -> Tensor:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    player = Player("painter", model, loss, torch.optim.SGD(model.parameters(), 0.1))
    with pytest.raises(OutOfMemoryError, match=r"48 images.*'painter'.*batch_size=24"):
        train([player], BatchStream(data, 48, seed=0), steps=1, progress=False)


def test_the_loop_reads_in_one_sitting() -> None:
    """Without docstrings and comments, the functions that make a step and a run of steps."""
    parts = (loop._loop, loop.make_step, loop._log, loop._next, loop._look, loop.training_mode)
    lines = 0
    for function in parts:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        lines += len(ast.unparse(tree).splitlines())
    assert lines < 150
