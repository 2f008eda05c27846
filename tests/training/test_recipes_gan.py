"""GAN and WGAN-GP: bit for bit a hand-written loop, and no pass through a network too many."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib import make_generator, seed_everything
from genlib.data import BatchStream, ImageSet, digits
from genlib.models.diversity import Packed
from genlib.models.gan import ConvDiscriminator, ConvGenerator, DenseDiscriminator, DenseGenerator
from genlib.training import Move, Player, gan_players, train, wgan_gp_players
from genlib.training.functions import function_settings
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


# --- losses, remedies and priors, each against a loop written by hand -----------------------------


def logistic(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-real) + F.softplus(fake)


def by_hand(
    data: ImageSet,
    steps: int,
    judge=logistic,
    persuade=lambda fake: F.softplus(-fake),
    *,
    networks=dense,
    rates: tuple[float, float] = (2e-4, 2e-4),
    prior=lambda noise: torch.randn(16, 8, generator=noise),
    sigma=lambda step: 0.0,
    wrong: float = 0.0,
) -> Networks:
    """Draws in the order in which the recipe must: z, noise on both kinds, labels, noise again."""
    G, D = networks()
    d_adam = torch.optim.Adam(D.parameters(), lr=rates[0], betas=(0.5, 0.999), fused=True)
    g_adam = torch.optim.Adam(G.parameters(), lr=rates[1], betas=(0.5, 0.999), fused=True)
    noise, stream = make_generator(9, "train"), BatchStream(data, 16, seed=0)
    for step in range(steps):
        x = next(stream).x
        fake = G(prior(noise))
        shown = [x, fake.detach()]
        if sigma(0):
            shown = [u + sigma(step) * torch.randn(u.shape, generator=noise) for u in shown]
        real_logits, fake_logits = D(shown[0]), D(shown[1])
        if wrong:
            flip = torch.rand(16, generator=noise)[: len(real_logits)] < wrong
            pair = real_logits, fake_logits
            real_logits, fake_logits = pair[0].clone(), pair[1].clone()
            real_logits[flip], fake_logits[flip] = pair[1][flip], pair[0][flip]
        d_adam.zero_grad()
        judge(real_logits, fake_logits).mean().backward()
        d_adam.step()
        g_adam.zero_grad()
        if sigma(0):
            fake = fake + sigma(step) * torch.randn(fake.shape, generator=noise)
        persuade(D(fake)).mean().backward()
        g_adam.step()
    return G, D


def assert_same(players: list[Player], data: ImageSet, expected: Networks) -> None:
    run(players, data, 6)
    assert same(players[0].model, expected[1])
    assert same(players[1].model, expected[0])


FAMILIES = {
    "non-saturating": (logistic, lambda fake: F.softplus(-fake)),
    "minimax": (logistic, lambda fake: -F.softplus(fake)),
    "least-squares": (
        lambda real, fake: 0.5 * (real - 1).square() + 0.5 * fake.square(),
        lambda fake: 0.5 * (fake - 1).square(),
    ),
    "hinge": (
        lambda real, fake: F.relu(1 - real) + F.relu(1 + fake),
        lambda fake: -fake,
    ),
}


@pytest.mark.parametrize("loss", FAMILIES)
def test_each_loss_is_plain_pytorch(loss, data: ImageSet) -> None:
    assert_same(gan_players(*dense(), loss=loss), data, by_hand(data, 6, *FAMILIES[loss]))


def test_label_smoothing_is_plain_pytorch(data: ImageSet) -> None:
    def smoothed(real: Tensor, fake: Tensor) -> Tensor:
        return logistic(real, fake) + 0.1 * real

    def squares(real: Tensor, fake: Tensor) -> Tensor:
        return 0.5 * (real - 0.9).square() + 0.5 * fake.square()

    assert_same(gan_players(*dense(), label_smoothing=0.1), data, by_hand(data, 6, smoothed))
    players = gan_players(*dense(), label_smoothing=0.1, loss="least-squares")
    assert_same(players, data, by_hand(data, 6, squares, FAMILIES["least-squares"][1]))


@pytest.mark.parametrize("loss", FAMILIES)
def test_label_noise_is_plain_pytorch(loss, data: ImageSet) -> None:
    players = gan_players(*dense(), loss=loss, label_noise=0.2)
    assert_same(players, data, by_hand(data, 6, *FAMILIES[loss], wrong=0.2))


def test_instance_noise_is_plain_pytorch_and_falls_to_nothing(data: ImageSet) -> None:
    players = gan_players(*dense(), instance_noise=0.3, steps=4)
    expected = by_hand(data, 6, sigma=lambda step: 0.3 * max(0.0, 1 - step / 4))
    assert_same(players, data, expected)
    seen: list[Tensor] = []
    G, D = dense()
    D.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach()))
    run(gan_players(G, D, instance_noise=0.3, steps=4), data, 6)
    stream = BatchStream(data, 16, seed=0)
    for step in range(6):
        sigma = (seen[3 * step] - next(stream).x).std().item()  # real, generated, generated again
        assert sigma == pytest.approx(0.3 * max(0.0, 1 - step / 4), rel=0.03, abs=0)
    assert torch.equal(seen[-1], seen[-2])


def test_both_players_look_through_fresh_noise(data: ImageSet) -> None:
    G, D = dense()
    seen: list[Tensor] = []
    D.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach().clone()))
    run(gan_players(G, D, instance_noise=0.3, steps=100), data, 1)
    real, judged, improved = seen
    assert not torch.equal(judged, improved)
    assert (judged - improved).std().item() == pytest.approx(0.3 * 2**0.5, rel=0.03)
    clean = next(BatchStream(data, 16, seed=0)).x
    assert (real - clean).std().item() == pytest.approx(0.3, rel=0.03)


def test_two_learning_rates_are_plain_pytorch(data: ImageSet) -> None:
    players = gan_players(*dense(), learning_rate=1e-4, discriminator_learning_rate=4e-4)
    assert_same(players, data, by_hand(data, 6, rates=(4e-4, 1e-4)))


def test_all_remedies_at_once(data: ImageSet) -> None:
    def smoothed(real: Tensor, fake: Tensor) -> Tensor:
        return logistic(real, fake) + 0.1 * real

    players = gan_players(
        *dense(), label_smoothing=0.1, label_noise=0.1, instance_noise=0.2, steps=6,
        discriminator_learning_rate=4e-4, loss="minimax",
    )  # fmt: skip
    expected = by_hand(
        data, 6, smoothed, FAMILIES["minimax"][1], rates=(4e-4, 2e-4), wrong=0.1,
        sigma=lambda step: 0.2 * (1 - step / 6),
    )  # fmt: skip
    assert_same(players, data, expected)


def packed() -> Networks:
    seed_everything(1)
    return DenseGenerator(8, (16,)), Packed(DenseDiscriminator((16,), (4, 28, 28)), 4)


def compared() -> Networks:
    seed_everything(1)
    return ConvGenerator(8, 4, place="after"), ConvDiscriminator(4, norm="batch", kernels=3)


@pytest.mark.parametrize("networks", [packed, compared])
def test_discriminators_that_compare_train_the_same_way(networks, data: ImageSet) -> None:
    players = gan_players(*networks(), label_noise=0.2)
    assert_same(players, data, by_hand(data, 6, networks=networks, wrong=0.2))


def uniform() -> Networks:
    seed_everything(1)
    return DenseGenerator(8, (16,), prior="uniform"), DenseDiscriminator((16,))


def test_players_draw_from_the_generators_prior(data: ImageSet) -> None:
    expected = by_hand(
        data, 6, networks=uniform, prior=lambda noise: 2 * torch.rand(16, 8, generator=noise) - 1
    )
    assert_same(gan_players(*uniform()), data, expected)
    for make in (gan_players, wgan_gp_players):
        G, D = uniform()
        seen: list[Tensor] = []
        G.register_forward_pre_hook(lambda _, args, seen=seen: seen.append(args[0]))
        run(make(G, D), data, 20)
        z = torch.cat(seen)
        assert -1 <= z.min() < -0.99
        assert 0.99 < z.max() < 1


def test_the_share_of_wrong_labels() -> None:
    """With a discriminator of constant logits, the loss counts the labels that changed sides."""
    level = nn.Parameter(torch.zeros(()))

    class Constant(nn.Module):
        """Logit +3 for images of the data, which are white, and −3 for generated ones."""

        def __init__(self) -> None:
            super().__init__()
            self.level = level

        def forward(self, x: Tensor) -> Tensor:
            return torch.where(x.flatten(1).mean(1) > 0.99, 3.0, -3.0) + self.level

    seed_everything(0)
    players = gan_players(DenseGenerator(8, (16,)), Constant(), label_noise=0.3)
    move = Move(torch.ones(20_000, 1, 28, 28), None, 0, make_generator(0, "labels"))
    with torch.no_grad():
        loss = float(players[0].loss(move))
    right, wrong = 2 * np.log1p(np.exp(-3)), 2 * np.log1p(np.exp(3))
    assert (loss - right) / (wrong - right) == pytest.approx(0.3, abs=4 * (0.21 / 20_000) ** 0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "wasserstein"}, r"loss is 'wasserstein'; use one of 'non-saturating', 'minimax'"),
        ({"loss": "hinge", "label_smoothing": 0.1}, "the hinge loss has none"),
        ({"label_smoothing": 1.0}, r"label_smoothing is 1.0; it must be in \[0, 1\)"),
        ({"label_noise": 0.6}, r"label_noise is 0.6.*at most 0.5"),
        ({"instance_noise": -0.1}, r"instance_noise is -0.1"),
        ({"instance_noise": 0.1}, r"needs its length, and steps is None"),
    ],
)
def test_settings_that_cannot_be_are_refused(options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gan_players(*dense(), **options)


def test_a_critic_that_compares_images_is_refused() -> None:
    with pytest.raises(ValueError, match=r"minibatch discrimination.*kernels=0"):
        wgan_gp_players(DenseGenerator(8, (16,)), DenseDiscriminator((16,), kernels=3))


def test_each_remedy_is_a_setting_that_a_resume_compares() -> None:
    plain = function_settings(gan_players(*dense())[0].loss, "loss")
    for options in (
        {"label_smoothing": 0.1}, {"label_noise": 0.1}, {"instance_noise": 0.1, "steps": 5},
        {"loss": "hinge"},
    ):  # fmt: skip
        assert function_settings(gan_players(*dense(), **options)[0].loss, "loss") != plain
    minimax = gan_players(*dense(), loss="minimax")[1]
    other = gan_players(*dense())[1]
    assert function_settings(minimax.loss, "loss") != function_settings(other.loss, "loss")
    longer = gan_players(*dense(), steps=100)[0]  # no noise, so the length changes nothing
    assert function_settings(longer.loss, "loss") == plain
