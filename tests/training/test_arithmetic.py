"""Precision and memory layout: the losses of single precision, flags put back, overflows survived.

Both short formats exist on the CPU too, so nothing here needs a GPU; the last test uses one.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genlib import seed_everything
from genlib.data import BatchStream, ImageSet, digits
from genlib.losses import squared_error
from genlib.models.gan import ConvDiscriminator, ConvGenerator
from genlib.models.vae import ConvVAE
from genlib.models.vae_gan import Encoder, FeatureDiscriminator
from genlib.training import (
    Arithmetic,
    Checkpoints,
    History,
    Move,
    NonFiniteLossError,
    Player,
    Precision,
    gan_players,
    pick_precision,
    train,
    vae_gan_players,
    vae_player,
    wgan_gp_players,
)
from genlib.training.run import Meter

STEPS = 8


def vae() -> list[Player]:
    return [vae_player(ConvVAE(4, 4), steps=STEPS, ema_decay=0.9)]


def gan() -> list[Player]:
    return gan_players(ConvGenerator(8, 4), ConvDiscriminator(4, norm="batch"))


def wgan_gp() -> list[Player]:
    generator, critic = ConvGenerator(8, 4), ConvDiscriminator(4, norm="layer")
    return wgan_gp_players(generator, critic, critic_moves=2)


def vae_gan() -> list[Player]:
    return vae_gan_players(Encoder(8, 4), ConvGenerator(8, 4), FeatureDiscriminator(4))


# How far losses may be off within these steps, relative to |loss| + 0.1: about five times what was
# seen. bf16 has 3 digits, and the critic's loss is a difference of scores that are nearly equal.
FAMILIES: dict[Callable[[], list[Player]], dict[str, float]] = {
    vae: {"bf16": 1e-2, "fp16": 5e-3},
    gan: {"bf16": 1e-2, "fp16": 1e-3},
    wgan_gp: {"bf16": 0.1, "fp16": 3e-2},
    vae_gan: {"bf16": 2e-2, "fp16": 2e-3},
}


def run(
    make: Callable[[], list[Player]],
    precision: Precision = "fp32",
    *,
    channels_last: bool = False,
    device: str = "cpu",
) -> tuple[list[Player], History]:
    seed_everything(0)
    players = make()
    for player in players:
        player.model.to(device)
        if player.average is not None:
            player.average.module.to(device)
    stream = BatchStream(digits("train", device=device), 16, seed=0)
    history = train(
        players, stream, steps=STEPS, log_every=1, progress=False, precision=precision,
        channels_last=channels_last,
    )  # fmt: skip
    return players, history


@pytest.fixture(scope="module")
def single() -> dict[Callable[[], list[Player]], History]:
    """The losses in single precision."""
    return {make: run(make)[1] for make in FAMILIES}


@pytest.fixture
def low_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss scale at which nothing overflows, so that no step is skipped."""
    low = functools.partial(torch.amp.GradScaler, init_scale=2.0**5)
    monkeypatch.setattr(torch.amp, "GradScaler", low)


def furthest(history: History, other: History) -> float:
    """The largest difference of a player's losses, relative to |loss| + 0.1."""
    assert history.names() == other.names()
    return max(
        float(np.max(np.abs(history[name] - other[name]) / (np.abs(other[name]) + 0.1)))
        for name in other.names()
    )


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("make", FAMILIES)
def test_short_formats_give_nearly_the_same_losses(
    make: Callable[[], list[Player]],
    precision: Precision,
    single: dict[Callable[[], list[Player]], History],
    low_scale: None,
) -> None:
    players, history = run(make, precision)
    assert 0 < furthest(history, single[make]) < FAMILIES[make][precision]
    for player in players:
        kept = [*player.best_model.state_dict().values(), *player.parameters]
        kept += [v for state in player.optimizer.state.values() for v in state.values()]
        assert {v.dtype for v in kept if v.is_floating_point()} == {torch.float32}


@pytest.mark.parametrize("make", FAMILIES)
def test_layout_and_tf32_change_nothing_on_the_cpu(
    make: Callable[[], list[Player]], single: dict[Callable[[], list[Player]], History]
) -> None:
    assert furthest(run(make, "tf32")[1], single[make]) == 0
    assert furthest(run(make, channels_last=True)[1], single[make]) < 1e-4


def colour() -> BatchStream:
    noise = torch.randint(0, 256, (64, 3, 8, 8), dtype=torch.uint8)
    return BatchStream(ImageSet("noise", "Noise", "all", noise), 16, seed=0)


def colour_player(loss: Callable[[nn.Module, Move], Tensor] | None = None) -> Player:
    """Two convolutions that copy colour pictures, with plain gradient descent."""
    seed_everything(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 3, 3, padding=1))

    def copy(move: Move) -> Tensor:
        return squared_error(model(move.x), move.x).mean()

    own = copy if loss is None else functools.partial(loss, model)
    sgd = torch.optim.SGD(model.parameters(), 1e-4)
    return Player("copy", model, own, sgd, ema_decay=0.5)


@pytest.mark.parametrize("channels_last", [False, True])
def test_images_models_and_averages_get_the_layout(channels_last: bool) -> None:
    def loss(model: nn.Module, move: Move) -> Tensor:
        r = model(move.x)
        for tensor in (move.x, r):
            assert tensor.is_contiguous(memory_format=torch.channels_last) == channels_last
        return squared_error(r, move.x).mean()

    player = colour_player(loss)
    train([player], colour(), steps=2, progress=False, channels_last=channels_last)
    for model in (player.model, player.best_model):
        weight = model[0].weight
        assert weight.is_contiguous(memory_format=torch.channels_last) == channels_last


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [("fp32", torch.float32), ("tf32", torch.float32), ("bf16", torch.bfloat16),
     ("fp16", torch.float16)],
)  # fmt: skip
def test_products_are_made_in_the_format_that_was_asked_for(
    precision: Precision, dtype: torch.dtype
) -> None:
    seen = []

    def loss(model: nn.Module, move: Move) -> Tensor:
        r = model(move.x)
        seen.append(r.dtype)
        return squared_error(r, move.x).mean()

    train([colour_player(loss)], colour(), steps=1, progress=False, precision=precision)
    assert seen == [dtype]


@pytest.fixture(params=[(False, True), (True, False)])
def flags(request: pytest.FixtureRequest) -> Iterator[tuple[bool, bool]]:
    """TF32 as somebody has set it, for matrix products and for convolutions."""
    before = read_flags()
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = request.param
    yield request.param
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def read_flags() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16", "fp16"])
def test_tf32_flags_hold_during_the_run_and_are_put_back(
    precision: Precision, flags: tuple[bool, bool]
) -> None:
    def loss(model: nn.Module, move: Move) -> Tensor:
        assert read_flags() == (precision != "fp32",) * 2
        raise KeyError("a mistake in a loss")

    with pytest.raises(KeyError, match="a mistake in a loss"):
        train([colour_player(loss)], colour(), steps=1, progress=False, precision=precision)
    assert read_flags() == flags


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match=r"precision is 'half'; use one of fp32, tf32, bf16, fp16"):
        train([colour_player()], colour(), steps=1, progress=False, precision="half")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("device", "has_bf16", "choice"),
    [("cpu", True, "fp32"), ("cuda", True, "bf16"), ("cuda:1", False, "fp16")],
)
def test_the_fast_precision_of_a_device(
    device: str, has_bf16: bool, choice: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A T4 says that it supports bfloat16, and means by emulation."""

    def supported(including_emulation: bool = True) -> bool:
        return has_bf16 or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert pick_precision(device) == choice


def overflowing(at: int) -> Player:
    """Its loss is finite at step `at`, but its gradient is too large for half precision."""

    def loss(model: nn.Module, move: Move) -> Tensor:
        return squared_error(model(move.x), move.x).mean() * (1e9 if move.step == at else 1.0)

    return colour_player(loss)


def test_an_overflow_skips_the_step_and_lowers_the_scale(low_scale: None) -> None:
    player = overflowing(at=2)
    weights = []

    def look(step: int) -> None:
        weights.append(player.model[0].weight.detach().clone())

    history = train([player], colour(), steps=4, watch=[look], progress=False, precision="fp16")
    moved = [not torch.equal(a, b) for a, b in itertools.pairwise(weights)]
    assert moved == [True, True, False, True]
    assert np.isfinite(history["copy"]).all()

    arithmetic = Arithmetic("fp16")
    move = Move(colour().data.pixels()[:16], None, 2, torch.Generator())
    for scale in (2.0**5, 2.0**4):
        assert arithmetic.scaler("copy").get_scale() == scale
        player.play(move, arithmetic)
    with pytest.raises(NonFiniteLossError):  # in single precision the step is made, and too far
        train([overflowing(at=0)], colour(), steps=4, progress=False)


def test_a_nan_loss_stops_half_precision_too() -> None:
    def loss(model: nn.Module, move: Move) -> Tensor:
        return squared_error(model(move.x), move.x).mean() * float("nan")

    with pytest.raises(NonFiniteLossError, match="loss of player 'copy' is nan at step 0"):
        train([colour_player(loss)], colour(), steps=1, progress=False, precision="fp16")


def never_finite(model: nn.Module, move: Move) -> Tensor:
    """The gradient of a square root at 0, for a loss that is 0 itself."""
    return (0 * model(move.x).float()).sum().sqrt()


def test_a_scale_without_a_floor_means_a_gradient_that_is_never_finite() -> None:
    player, arithmetic = colour_player(never_finite), Arithmetic("fp16")
    move = Move(colour().data.pixels()[:16], None, 0, torch.Generator())
    for _ in range(26):
        player.play(move, arithmetic)
    assert not arithmetic.lost("copy")  # 2¹⁶ · 2⁻²⁶
    player.play(move, arithmetic)
    assert arithmetic.lost("copy")
    assert not Arithmetic("bf16").lost("copy")


def test_a_gradient_that_is_never_finite_stops_half_precision() -> None:
    with pytest.raises(NonFiniteLossError, match="gradient of player 'copy'"):
        train([colour_player(never_finite)], colour(), steps=60, log_every=30, progress=False,
              precision="fp16")  # fmt: skip


def test_clipping_sees_the_gradient_without_its_scale(low_scale: None) -> None:
    moved = {}
    for precision in ("fp32", "fp16"):
        player = colour_player()
        player.clip_norm = 0.5
        before = [p.detach().clone() for p in player.parameters]
        train([player], colour(), steps=1, progress=False, precision=precision)
        change = [p.detach() - b for p, b in zip(player.parameters, before, strict=True)]
        moved[precision] = float(torch.cat([c.flatten() for c in change]).norm())
    assert moved["fp32"] == pytest.approx(1e-4 * 0.5, rel=1e-3)
    assert moved["fp16"] == pytest.approx(1e-4 * 0.5, rel=1e-3)


def test_the_loss_scale_survives_a_checkpoint(tmp_path: Path) -> None:
    """It begins at 2¹⁶, where the first steps overflow: begun anew, it would skip steps again."""

    def go(steps: int, folder: Path) -> list[Player]:
        seed_everything(0)
        players = vae()
        folder.mkdir(exist_ok=True)

        def stop(step: int) -> None:
            if step == steps:
                raise InterruptedError

        stream = BatchStream(digits("train"), 16, seed=0)
        plan = Checkpoints(folder, every_steps=1)
        with contextlib.suppress(InterruptedError):
            train(players, stream, steps=24, watch=[stop], progress=False, precision="fp16",
                  checkpoints=plan)  # fmt: skip
        return players

    go(13, tmp_path / "broken")
    (resumed,), (unbroken,) = go(24, tmp_path / "broken"), go(24, tmp_path / "unbroken")
    for a, b in zip(resumed.parameters, unbroken.parameters, strict=True):
        assert torch.equal(a, b)
    (fresh,) = vae()
    assert not torch.equal(unbroken.parameters[0], fresh.parameters[0])  # some steps were made


def test_means_of_short_values_do_not_stall() -> None:
    """In bfloat16, 256 + 0.7 is 256: a sum of many such losses would stop there."""
    meter = Meter()
    for _ in range(1000):
        meter.add({"loss": torch.tensor(0.7, dtype=torch.bfloat16)})
    assert meter.take()["loss"] == pytest.approx(0.7, rel=5e-3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["tf32", "bf16", "fp16"])
@pytest.mark.parametrize("make", FAMILIES)
def test_short_formats_on_a_gpu(
    make: Callable[[], list[Player]], precision: Precision, low_scale: None
) -> None:
    single = run(make, device="cuda")[1]
    tolerance = FAMILIES[make].get(precision, FAMILIES[make]["fp16"])
    assert furthest(run(make, precision, device="cuda")[1], single) < tolerance
    short = run(make, precision, device="cuda", channels_last=True)[1]
    assert furthest(short, single) < tolerance
