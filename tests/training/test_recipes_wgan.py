"""Clipped critics, options of the gradient penalty, R1: bit for bit loops written by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib import make_generator, seed_everything
from genlib.data import BatchStream, ImageSet, PointStream, digits, ring
from genlib.losses import gradient_penalty
from genlib.models.constraints import spectral_normalised
from genlib.models.gan import ConvDiscriminator, ConvGenerator, DenseDiscriminator, DenseGenerator
from genlib.models.points import PointDiscriminator, PointGenerator
from genlib.training import (
    ChangedSettingsError,
    Checkpoints,
    History,
    Player,
    gan_players,
    train,
    wgan_clip_players,
    wgan_gp_players,
)
from genlib.training.functions import function_settings
from tests.training.counting import count_calls, same

Networks = tuple[nn.Module, nn.Module]
STEPS = 3


@pytest.fixture(scope="module")
def data() -> ImageSet:
    return digits("train")


def dense() -> Networks:
    seed_everything(1)
    return DenseGenerator(8, (16,)), DenseDiscriminator((16,))


def convolutional(norm: str = "layer") -> Networks:
    seed_everything(1)
    return ConvGenerator(8, 4), ConvDiscriminator(4, norm=norm)


def run(players: list[Player], data: ImageSet, **more) -> History:
    stream = BatchStream(data, 16, seed=0)
    return train(players, stream, steps=STEPS, seed=9, progress=False, **more)


def by_hand(
    data: ImageSet,
    networks: Callable[[], Networks],
    optimizer: Callable[[nn.Module], torch.optim.Optimizer],
    penalty: Callable[[nn.Module, Tensor, Tensor, torch.Generator], Tensor] | None,
    bound: float | None = None,
    critic_moves: int = 5,
) -> Networks:
    G, C = networks()
    c_optimizer, g_optimizer = optimizer(C), optimizer(G)
    noise, stream = make_generator(9, "train"), BatchStream(data, 16, seed=0)
    for _ in range(STEPS):
        for _ in range(critic_moves):
            x, fake = next(stream).x, G(torch.randn(16, 8, generator=noise))
            distance = C(x) - C(fake.detach())
            loss = -distance if penalty is None else penalty(C, x, fake.detach(), noise) - distance
            c_optimizer.zero_grad()
            loss.mean().backward()
            c_optimizer.step()
            if bound is not None:
                with torch.no_grad():
                    for p in C.parameters():
                        p.clamp_(-bound, bound)
        g_optimizer.zero_grad()
        (-C(fake)).mean().backward()
        g_optimizer.step()
    return G, C


def assert_same(players: list[Player], data: ImageSet, expected: Networks) -> History:
    history = run(players, data)
    assert same(players[0].model, expected[1])
    assert same(players[1].model, expected[0])
    return history


def largest(model: nn.Module) -> float:
    return max(float(p.detach().abs().max()) for p in model.parameters())


def rmsprop(model: nn.Module, lr: float = 5e-5) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(model.parameters(), lr=lr)


# --- clipping -------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_a_clipped_wgan_is_plain_pytorch(norm: str, data: ImageSet) -> None:
    networks = partial(convolutional, norm)
    players = wgan_clip_players(*networks(), bound=0.05)
    history = assert_same(players, data, by_hand(data, networks, rmsprop, None, bound=0.05))
    assert largest(players[0].model) == pytest.approx(0.05)
    assert largest(players[1].model) > 0.1
    assert history["wasserstein"].tolist() == [-v for v in history["critic"]]
    assert history.images == STEPS * 5 * 16


def test_its_other_settings_are_plain_pytorch(data: ImageSet) -> None:
    players = wgan_clip_players(*dense(), learning_rate=1e-3, bound=None, critic_moves=2)
    expected = by_hand(data, dense, partial(rmsprop, lr=1e-3), None, critic_moves=2)
    assert_same(players, data, expected)


def test_defaults_are_those_of_the_paper() -> None:
    critic, generator = wgan_clip_players(*dense())
    assert (critic.moves, critic.weight_bound, generator.weight_bound) == (5, 0.01, None)
    for player in (critic, generator):
        assert isinstance(player.optimizer, torch.optim.RMSprop)
        assert player.optimizer.param_groups[0]["lr"] == 5e-5


def test_nothing_is_computed_twice(data: ImageSet) -> None:
    G, C = dense()
    calls = count_calls(G=G, C=C)
    run(wgan_clip_players(G, C), data)
    assert calls == {"G": STEPS * 5, "C": STEPS * (5 * 2 + 1)}


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_weights_stay_within_the_bound_in_short_formats(precision: str, data: ImageSet) -> None:
    players = wgan_clip_players(*dense(), learning_rate=1e-2, bound=0.03)
    run(players, data, precision=precision)
    assert largest(players[0].model) == pytest.approx(0.03)


def test_a_moving_average_is_of_clipped_weights(data: ImageSet) -> None:
    critic, generator = wgan_clip_players(*dense(), learning_rate=1e-2, bound=0.03)
    critic.ema_decay = 0.5
    critic.__post_init__()
    run([critic, generator], data)
    assert 0.02 < largest(critic.best_model) < 0.03 + 1e-7


def test_a_bound_without_sense_is_refused_and_a_change_is_seen(
    data: ImageSet, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="weight_bound of player 'critic' must be positive"):
        wgan_clip_players(*dense(), bound=0.0)
    run(wgan_clip_players(*dense()), data, checkpoints=Checkpoints(tmp_path))
    with pytest.raises(ChangedSettingsError, match=r"critic\.weight_bound: 0\.01 then, 0\.1 now"):
        run(wgan_clip_players(*dense(), bound=0.1), data, checkpoints=Checkpoints(tmp_path))


# --- the penalty and its relatives ----------------------------------------------------------------


def adam(model: nn.Module, betas: tuple[float, float] = (0.0, 0.9)) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=1e-4, betas=betas, fused=True)


def penalty_by_hand(
    C: nn.Module, x: Tensor, fake: Tensor, noise: torch.Generator, *, one_sided: bool = False
) -> Tensor:
    eps = torch.rand(16, generator=noise).reshape(16, 1, 1, 1)
    x_hat = torch.lerp(fake, x, eps).requires_grad_()
    (slope,) = torch.autograd.grad(C(x_hat).sum(), x_hat, create_graph=True)
    excess = slope.flatten(1).norm(dim=1) - 1
    return 10 * (excess.clamp(min=0) if one_sided else excess).square()


def test_betas_are_plain_pytorch(data: ImageSet) -> None:
    optimizer = partial(adam, betas=(0.5, 0.9))
    expected = by_hand(data, convolutional, optimizer, penalty_by_hand)
    assert_same(wgan_gp_players(*convolutional(), betas=(0.5, 0.9)), data, expected)
    wgan_gp_players(*dense(), betas=(0, 0.9))  # torch's Adam alone refuses a whole 0


def steep() -> Networks:
    """A critic some of whose slopes begin below 1 and some above."""
    G, C = convolutional()
    with torch.no_grad():
        C.head.weight *= 1.16
    return G, C


def test_the_one_sided_penalty_is_plain_pytorch(data: ImageSet) -> None:
    expected = by_hand(data, steep, adam, partial(penalty_by_hand, one_sided=True))
    history = assert_same(wgan_gp_players(*steep(), one_sided=True), data, expected)
    assert history["penalty"].max() > 0
    other = run(wgan_gp_players(*steep()), data)
    assert not np.array_equal(history["penalty"], other["penalty"])


def test_another_penalty_is_taken_and_any_critic_with_it(data: ImageSet) -> None:
    def halved(critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
        return 0.5 * gradient_penalty(critic, x, fake, eps)

    expected = wgan_gp_players(*convolutional(), penalty_weight=5.0)
    run(expected, data)
    players = wgan_gp_players(*convolutional(), penalise=halved)
    assert_same(players, data, (expected[1].model, expected[0].model))

    def for_batches(critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
        """By autograd.grad, as batch normalisation counts its batches in place."""
        x_hat = torch.lerp(fake, x, eps.reshape(-1, 1, 1, 1)).requires_grad_()
        (slope,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
        return (slope.flatten(1).norm(dim=1) - 1).square()

    history = run(wgan_gp_players(*convolutional("batch"), penalise=for_batches), data)
    assert history["penalty"].min() > 0
    with pytest.raises(ValueError, match="leave it out beside penalise"):
        wgan_gp_players(*dense(), one_sided=True, penalise=halved)


def test_the_penalty_is_a_setting_that_a_resume_compares() -> None:
    def other(critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
        return gradient_penalty(critic, x, fake, eps)

    plain = function_settings(wgan_gp_players(*dense())[0].loss, "loss")
    for options in ({"one_sided": True}, {"penalise": other}, {"penalty_weight": 1.0}):
        assert function_settings(wgan_gp_players(*dense(), **options)[0].loss, "loss") != plain
    r1 = [function_settings(gan_players(*dense(), r1=r)[0].loss, "loss") for r in (0.0, 1.0, 2.0)]
    assert r1[0] != r1[1] != r1[2]


@pytest.mark.parametrize("label_noise", [0.0, 0.2])
def test_r1_is_plain_pytorch(label_noise: float, data: ImageSet) -> None:
    """Mescheder et al. 2018, equation 9: γ/2 times the squared norm at images of the data."""
    players = gan_players(*dense(), r1=3.0, label_noise=label_noise)
    history = run(players, data)

    G, D = dense()
    d_adam, g_adam = (
        torch.optim.Adam(m.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=True) for m in (D, G)
    )
    noise, stream = make_generator(9, "train"), BatchStream(data, 16, seed=0)
    for _ in range(STEPS):
        x = next(stream).x
        fake = G(torch.randn(16, 8, generator=noise))
        real, made = D(x), D(fake.detach())
        if label_noise:
            flip = torch.rand(16, generator=noise) < label_noise
            real, made = torch.where(flip, made, real), torch.where(flip, real, made)
        seen = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(D(seen).sum(), seen, create_graph=True)
        r1 = (0.5 * slope.flatten(1).norm(dim=1).square()).mean()
        d_adam.zero_grad()
        ((F.softplus(-real) + F.softplus(made)).mean() + 3.0 * r1).backward()
        d_adam.step()
        g_adam.zero_grad()
        F.softplus(-D(fake)).mean().backward()
        g_adam.step()
    assert same(players[0].model, D)
    assert same(players[1].model, G)
    assert history["r1"][-1] == pytest.approx(float(r1.detach()), rel=1e-5)


def test_r1_needs_a_discriminator_that_scores_each_image_alone() -> None:
    with pytest.raises(ValueError, match="batch normalisation"):
        gan_players(*convolutional("batch"), r1=1.0)
    with pytest.raises(ValueError, match="minibatch discrimination"):
        gan_players(DenseGenerator(8, (16,)), DenseDiscriminator((16,), kernels=3), r1=1.0)
    with pytest.raises(ValueError, match="r1 is -1"):
        gan_players(*dense(), r1=-1.0)


# --- points in the plane --------------------------------------------------------------------------


def on_points(make, **options) -> History:
    seed_everything(0)
    G, C = PointGenerator(2, (32,), norm="none"), PointDiscriminator((32, 32), pieces=1)
    if make is wgan_clip_players and options.get("bound", 0.1) is None:
        spectral_normalised(C)
    stream = PointStream(ring(), 64, seed=0)
    return train(make(G, C, **options), stream, steps=40, seed=0, progress=False)


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (wgan_gp_players, {"penalty_weight": 0.1, "learning_rate": 1e-3}),
        (wgan_clip_players, {"bound": 0.1, "learning_rate": 1e-3}),
        (wgan_clip_players, {"bound": None, "learning_rate": 1e-3}),
    ],
    ids=["penalty", "clipped", "spectral"],
)
def test_critics_of_points_tell_the_two_sets_apart(make, options) -> None:
    """The critic's estimate is above 0 soon, and below the ring's radius plus a bit."""
    history = on_points(make, **options)
    assert history["wasserstein"][10:].mean() > 0.005
    assert history["wasserstein"][-10:].mean() < 3
