"""GAN and WGAN-GP: bit for bit a hand-written loop, and no pass through a network too many."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib import make_generator, seed_everything
from genlib.data import BatchStream, ImageSet, digits
from genlib.models.gan import ConvDiscriminator, ConvGenerator, DenseDiscriminator, DenseGenerator
from genlib.training import Move, Player, gan_players, train, wgan_gp_players
from tests.training.counting import count_calls, same

Networks = tuple[nn.Module, nn.Module]


@pytest.fixture(scope="module")
def data() -> ImageSet:
    return digits("train")


def dense() -> Networks:
    seed_everything(1)
    return DenseGenerator(8, (16,)), DenseDiscriminator((16,))


def convolutional() -> Networks:
    seed_everything(1)
    return ConvGenerator(8, 4), ConvDiscriminator(4, norm="batch")


def for_wasserstein() -> Networks:
    seed_everything(1)
    return ConvGenerator(8, 4), ConvDiscriminator(4, norm="layer")


def run(players: list[Player], data: ImageSet, steps: int):
    return train(players, BatchStream(data, 16, seed=0), steps=steps, seed=9, progress=False)


@pytest.mark.parametrize("networks", [dense, convolutional])
def test_a_gan_is_plain_pytorch(networks, data: ImageSet) -> None:
    generator, discriminator = networks()
    run(gan_players(generator, discriminator), data, 8)

    G, D = networks()
    d_adam = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=True)
    g_adam = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=True)
    noise, stream = make_generator(9, "train"), BatchStream(data, 16, seed=0)
    for _ in range(8):
        x = next(stream).x
        fake = G(torch.randn(16, 8, generator=noise))
        d_adam.zero_grad()
        (F.softplus(-D(x)) + F.softplus(D(fake.detach()))).mean().backward()
        d_adam.step()
        g_adam.zero_grad()
        F.softplus(-D(fake)).mean().backward()
        g_adam.step()
    assert same(discriminator, D)
    assert same(generator, G)


def test_wgan_gp_is_plain_pytorch(data: ImageSet) -> None:
    generator, critic = for_wasserstein()
    history = run(wgan_gp_players(generator, critic), data, 4)

    G, C = for_wasserstein()
    c_adam = torch.optim.Adam(C.parameters(), lr=1e-4, betas=(0.0, 0.9), fused=True)
    g_adam = torch.optim.Adam(G.parameters(), lr=1e-4, betas=(0.0, 0.9), fused=True)
    noise, stream = make_generator(9, "train"), BatchStream(data, 16, seed=0)
    for _ in range(4):
        for _ in range(5):
            x, fake = next(stream).x, G(torch.randn(16, 8, generator=noise))
            eps = torch.rand(16, generator=noise).reshape(16, 1, 1, 1)
            real_score, fake_score = C(x), C(fake.detach())
            x_hat = torch.lerp(fake.detach(), x, eps).requires_grad_()
            (slope,) = torch.autograd.grad(C(x_hat).sum(), x_hat, create_graph=True)
            penalty = (slope.flatten(1).norm(dim=1) - 1).square()
            c_adam.zero_grad()
            (10 * penalty - (real_score - fake_score)).mean().backward()
            c_adam.step()
        g_adam.zero_grad()
        (-C(fake)).mean().backward()
        g_adam.step()
    assert same(critic, C)
    assert same(generator, G)
    assert history.images == 4 * 5 * 16
    total = 10 * history["penalty"] - history["wasserstein"]
    np.testing.assert_allclose(history["critic"], total, rtol=1e-5)


def test_nothing_is_computed_twice(data: ImageSet) -> None:
    G, D = dense()
    calls = count_calls(G=G, D=D)
    run(gan_players(G, D), data, 3)
    assert calls == {"G": 3, "D": 3 * 3}  # real, fake, and fake again after D has moved
    G, C = for_wasserstein()
    calls = count_calls(G=G, C=C)
    run(wgan_gp_players(G, C, critic_moves=5), data, 2)
    assert calls == {"G": 2 * 5, "C": 2 * (5 * 3 + 1)}  # real, fake, x̂; the generator's move


def test_only_the_images_the_generator_will_improve_carry_a_graph(data: ImageSet) -> None:
    G, C = for_wasserstein()
    graphs: list[bool] = []
    G.register_forward_hook(lambda _, __, fake: graphs.append(fake.requires_grad))
    run(wgan_gp_players(G, C, critic_moves=3), data, 2)
    assert graphs == [False, False, True] * 2


@pytest.mark.parametrize("make", [gan_players, wgan_gp_players])
def test_gradients_reach_the_moving_player_alone(make, data: ImageSet) -> None:
    G, D = dense()
    players = make(G, D)
    shared: dict[str, object] = {}
    for player, other in (players, reversed(players)):
        for model in (G, D):
            model.zero_grad(set_to_none=True)
        move = Move(data.pixels()[:8], None, 0, make_generator(0, "test"), shared=shared)
        player.play(move)
        assert any(p.grad is not None for p in player.model.parameters())
        assert all(p.grad is None for p in other.model.parameters())


def test_both_players_see_the_same_generated_images(data: ImageSet) -> None:
    G, D = dense()
    seen: list[Tensor] = []
    D.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach().clone()))
    run(gan_players(G, D), data, 1)
    real, judged, improved = seen
    assert torch.equal(judged, improved)
    assert not torch.equal(real, judged)


def test_optimisers_are_those_of_the_papers() -> None:
    discriminator, generator = gan_players(*dense())
    assert [discriminator.name, generator.name] == ["discriminator", "generator"]
    critic, painter = wgan_gp_players(*dense(), critic_moves=3)
    assert [critic.name, critic.moves, painter.name, painter.moves] == ["critic", 3, "generator", 1]
    for player, lr, betas in [(generator, 2e-4, (0.5, 0.999)), (critic, 1e-4, (0.0, 0.9))]:
        group = player.optimizer.param_groups[0]
        assert (group["lr"], group["betas"]) == (lr, betas)


def test_average_of_the_generator() -> None:
    for make in (gan_players, wgan_gp_players):
        other, generator = make(*dense(), ema_decay=0.99)
        assert other.average is None
        assert generator.best_model is not generator.model


def test_a_critic_with_batch_normalisation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"batch normalisation.*norm='layer' or 'none'"):
        wgan_gp_players(*convolutional())


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_short_formats_train_like_single_precision(precision, data: ImageSet) -> None:
    """The critic's estimate after a few steps, within the noise of rounding."""
    distances = []
    for chosen in ("fp32", precision):
        generator, critic = for_wasserstein()
        history = train(
            wgan_gp_players(generator, critic, learning_rate=1e-3), BatchStream(data, 32, seed=0),
            steps=12, seed=9, progress=False, precision=chosen,
        )  # fmt: skip
        distances.append(history["wasserstein"][-1])
    assert distances[0] > 0.1
    assert distances[1] == pytest.approx(distances[0], rel=0.35)
