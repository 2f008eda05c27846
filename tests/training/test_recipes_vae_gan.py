"""VAE-GAN: who gets which gradient, one pass for three players, and why their order is safe."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib import make_generator, seed_everything
from genlib.data import BatchStream, ImageSet, digits
from genlib.models.gan import ConvGenerator
from genlib.models.vae_gan import Encoder, FeatureDiscriminator
from genlib.training import Move, train, vae_gan_players
from tests.training.counting import count_calls, same

K, B, GAMMA = 6, 16, 0.01
Networks = tuple[Encoder, ConvGenerator, FeatureDiscriminator]


@pytest.fixture(scope="module")
def data() -> ImageSet:
    return digits("train")


def networks(layer: int | None = None) -> Networks:
    seed_everything(1)
    return Encoder(K, 4), ConvGenerator(K, 4), FeatureDiscriminator(4, layer=layer)


def losses(E: Encoder, G: ConvGenerator, D: FeatureDiscriminator, x: Tensor,
           noise: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Algorithm 1 of Larsen et al., written down once more."""
    mu, log_var = E(x)
    z = mu + torch.exp(0.5 * log_var) * torch.randn(B, K, generator=noise)
    z_prior = torch.randn(B, K, generator=noise)
    features, real = D(x)
    rebuilt_features, rebuilt = D(G(z))
    _, sampled = D(G(z_prior))
    kl = 0.5 * (mu.square() + (log_var.expm1() - log_var)).sum(1)
    likeness = 0.5 * (features - rebuilt_features).square().sum(1)
    fooling = F.softplus(-rebuilt) + F.softplus(-sampled)
    judging = F.softplus(-real) + F.softplus(rebuilt) + F.softplus(sampled)
    return kl.mean() + likeness.mean(), (GAMMA * likeness + fooling).mean(), judging.mean()


def test_three_players_are_plain_pytorch_with_all_gradients_taken_first(data: ImageSet) -> None:
    """The plain loop takes all three gradients before any weight moves; the engine moves its
    players one after the other. That both agree to the bit proves the order safe."""
    mine, plain = networks(), networks()
    train(vae_gan_players(*mine, gamma=GAMMA), BatchStream(data, B, seed=0), steps=6, seed=9,
          progress=False)  # fmt: skip

    adams = [torch.optim.Adam(m.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=True)
             for m in plain]  # fmt: skip
    noise, stream = make_generator(9, "train"), BatchStream(data, B, seed=0)
    for _ in range(6):
        for model, loss in zip(plain, losses(*plain, next(stream).x, noise), strict=True):
            weights = list(model.parameters())
            gradients = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.grad = gradient
        for adam in adams:
            adam.step()
    for model, expected in zip(mine, plain, strict=True):
        assert same(model, expected)


def played(data: ImageSet, order: tuple[int, ...]) -> None:
    players, shared = vae_gan_players(*networks()), {}
    for i in order:
        players[i].play(Move(data.pixels()[:B], None, 0, make_generator(0, "test"), shared=shared))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_autograd_refuses_every_order_that_uses_moved_weights(order, data: ImageSet) -> None:
    """Encoder, decoder, discriminator is the only order in which nothing needed has moved."""
    if order == (0, 1, 2):
        played(data, order)
    else:
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            played(data, order)


def test_one_pass_serves_three_players(data: ImageSet) -> None:
    E, G, D = networks()
    calls = count_calls(E=E, G=G, D=D)
    train(vae_gan_players(E, G, D), BatchStream(data, B, seed=0), steps=3, progress=False)
    # image → code; reconstruction and prior sample; image, reconstruction and prior sample.
    assert calls == {"E": 3 * 1, "G": 3 * 2, "D": 3 * 3}


def test_each_loss_reaches_its_own_parameters_alone(data: ImageSet) -> None:
    models = networks(layer=1)
    players, shared = vae_gan_players(*models), {}
    for player in players:
        for model in models:
            model.zero_grad(set_to_none=True)
        player.play(Move(data.pixels()[:B], None, 0, make_generator(0, "t"), shared=shared))
        for model in models:
            got = [p.grad is not None and bool(p.grad.any()) for p in model.parameters()]
            assert all(got) if model is player.model else not any(got), player.name


def gradient(loss: Tensor, model: nn.Module) -> Tensor:
    found = torch.autograd.grad(
        loss, list(model.parameters()), retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return torch.cat([g.flatten() for g in found])


def test_who_gets_which_gradient(data: ImageSet) -> None:
    """The table of the chapter: prior, likeness and GAN terms against the three networks."""
    E, G, D = networks(layer=1)
    players, shared = vae_gan_players(E, G, D, gamma=GAMMA), {}
    move = Move(data.pixels()[:B], None, 0, make_generator(0, "t"), shared=shared)
    encoder, decoder, discriminator = (player.loss(move) for player in players)
    terms = {name: value.mean() for name, value in shared["terms"]._asdict().items()}
    expected_encoder = gradient(terms["kl"] + terms["likeness"], E)  # no GAN loss
    torch.testing.assert_close(gradient(encoder, E), expected_encoder)
    expected_decoder = GAMMA * gradient(terms["likeness"], G) + gradient(terms["fooling"], G)
    torch.testing.assert_close(gradient(decoder, G), expected_decoder)
    torch.testing.assert_close(gradient(discriminator, D), gradient(terms["judging"], D))
    assert not gradient(terms["kl"], G).any()  # the prior is the encoder's affair
    assert not gradient(terms["kl"], D).any()
    for name in ("likeness", "judging"):  # both reach D; only the second may move it
        assert gradient(terms[name], D).any()
    # γ = 0 leaves the decoder with the GAN loss alone.
    alone = vae_gan_players(E, G, D, gamma=0.0)[1].loss(move)
    torch.testing.assert_close(gradient(alone, G), gradient(terms["fooling"], G))


def test_beta_weighs_the_prior_alone(data: ImageSet) -> None:
    E, G, D = networks()
    players, shared = vae_gan_players(E, G, D, beta=1 / K), {}
    move = Move(data.pixels()[:B], None, 0, make_generator(0, "t"), shared=shared)
    encoder = players[0].loss(move)
    terms = shared["terms"]
    torch.testing.assert_close(encoder, terms.kl.mean() / K + terms.likeness.mean())
    expected = gradient(terms.kl.mean(), E) / K + gradient(terms.likeness.mean(), E)
    torch.testing.assert_close(gradient(encoder, E), expected)


def test_both_kinds_of_generated_image_count_as_fakes(data: ImageSet) -> None:
    E, G, D = networks()
    players, shared = vae_gan_players(E, G, D), {}
    seen: list[Tensor] = []
    D.register_forward_hook(lambda _, __, output: seen.append(output[1]))
    move = Move(data.pixels()[:B], None, 0, make_generator(0, "t"), shared=shared)
    judging = players[2].loss(move)
    real, rebuilt, sampled = seen
    expected = F.softplus(-real) + F.softplus(rebuilt) + F.softplus(sampled)
    torch.testing.assert_close(judging, expected.mean())
    assert not torch.equal(rebuilt, sampled)


def test_history_and_names(data: ImageSet) -> None:
    players = vae_gan_players(*networks(), ema_decay=0.9)
    history = train(players, BatchStream(data, B, seed=0), steps=2, progress=False)
    assert set(history.names()) == {"encoder", "decoder", "discriminator", "kl", "likeness"}
    assert [player.average is not None for player in players] == [True, True, False]


def test_encoder_and_decoder_must_share_a_latent() -> None:
    with pytest.raises(ValueError, match="encoder's latent is 4, the decoder's 6"):
        vae_gan_players(Encoder(4, 4), ConvGenerator(6, 4), FeatureDiscriminator(4))
