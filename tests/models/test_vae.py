"""Shapes, ranges, layers, likelihoods, and that noise only comes from outside."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from genlib import make_generator, seed_everything, zoo
from genlib.data import BatchStream, digits
from genlib.divergences import kl_to_standard_normal
from genlib.losses import bernoulli_nll, elbo_terms, gaussian_nll, log_weights
from genlib.models.vae import VAE, ConditionalVAE, ConvVAE, DenseVAE, GaussianVAE
from genlib.training import train, vae_player

SHAPES = [(1, 28, 28), (3, 32, 32), (3, 64, 64)]


def build(kind: type[VAE], shape: tuple[int, int, int], latent: int = 6) -> VAE:
    seed_everything(0)
    if kind is ConvVAE:
        return ConvVAE(latent, width=4, image_shape=shape)
    return kind(latent, hidden=(16,), image_shape=shape)  # type: ignore[call-arg, arg-type]


@pytest.mark.parametrize("kind", [DenseVAE, ConvVAE, GaussianVAE])
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_and_ranges(kind, shape) -> None:
    model = build(kind, shape)
    x = torch.rand(5, *shape)
    mu, log_var = model.encode(x)
    assert mu.shape == log_var.shape == (5, 6)
    assert model.decode(mu).shape == x.shape
    sample = model.sample(100 * torch.randn(5, model.latent))
    assert sample.shape == x.shape
    assert sample.min() >= 0
    assert sample.max() <= 1
    squash = (lambda v: v.clamp(0, 1)) if kind is GaussianVAE else torch.sigmoid
    assert torch.equal(model(x), squash(model.decode(mu)))
    assert torch.equal(model(x), model(x))
    nll = model.nll(x, mu)
    assert nll.shape == (5,)
    torch.testing.assert_close(nll[:2], model.nll(x[:2], mu[:2]), rtol=1e-5, atol=1e-3)


def test_dense_layers_are_those_of_the_benchmark() -> None:
    widths = [(m.in_features, m.out_features) for m in DenseVAE().modules()
              if isinstance(m, nn.Linear)]  # fmt: skip
    assert widths == [(784, 400), (400, 40), (20, 400), (400, 784)]


def test_deeper_vae_mirrors_itself() -> None:
    model = DenseVAE(2, hidden=(64, 32))
    widths = [m.out_features for m in model.modules() if isinstance(m, nn.Linear)]
    assert widths == [64, 32, 4, 32, 64, 784]


def test_activation_between_the_layers() -> None:
    def kinds(activation: str) -> list[type[nn.Module]]:
        model = DenseVAE(3, (8, 6), (1, 4, 4), activation)  # type: ignore[arg-type]
        layers = [*model.encoder, *model.decoder]
        return [type(m) for m in layers if not isinstance(m, nn.Flatten | nn.Unflatten)]

    tanh = [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear]
    assert kinds("tanh") == tanh * 2  # none after the last, on either side
    assert kinds("relu") == [nn.ReLU if kind is nn.Tanh else kind for kind in tanh * 2]
    with pytest.raises(ValueError, match="activation is 'gelu'; use one of relu, tanh"):
        kinds("gelu")


@pytest.mark.parametrize("kind", [DenseVAE, ConvVAE])
def test_every_parameter_gets_a_gradient(kind) -> None:
    model = build(kind, (1, 28, 28))
    x = torch.rand(4, 1, 28, 28)
    mu, log_var = model.encode(x)
    z = mu + torch.exp(0.5 * log_var) * torch.randn(4, 6)
    (bernoulli_nll(model.decode(z), x) + kl_to_standard_normal(mu, log_var)).mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_conv_refuses_sides_that_do_not_halve() -> None:
    with pytest.raises(ValueError, match=r"30×30 pixels do not fit.*28, 32"):
        ConvVAE(image_shape=(1, 30, 30))


@pytest.mark.parametrize("norm", ["none", "batch", "layer", "group"])
def test_only_batch_normalisation_lets_images_meet(norm) -> None:
    seed_everything(0)
    model = ConvVAE(4, width=8, norm=norm)
    x = torch.rand(4, 1, 28, 28)
    others = torch.cat([x[:1], x[1:].flip(2)])
    alone = torch.allclose(model(x)[0], model(others)[0], atol=1e-6)
    assert alone == (norm != "batch")


def test_nll_is_bernoulli_in_the_logits() -> None:
    model = build(DenseVAE, (1, 4, 4))
    x, z = (torch.rand(3, 1, 4, 4) > 0.5).float(), torch.randn(3, 6)
    expected = -torch.distributions.Bernoulli(model.sample(z)).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(model.nll(x, z), expected)


# p(x|z) normal.


@pytest.mark.parametrize("sigma", [0.1, 1.0, 2.5])
def test_gaussian_with_a_fixed_sigma(sigma: float) -> None:
    model = GaussianVAE(2, (8,), (1, 4, 4), sigma=sigma)
    x, z = torch.rand(3, 1, 4, 4), torch.randn(3, 2)
    assert model.sigma == pytest.approx(sigma)
    torch.testing.assert_close(model.nll(x, z), gaussian_nll(model.decode(z), x, sigma))
    model.nll(x, z).sum().backward()
    assert model.log_var_x.grad is None


def test_a_learned_sigma_begins_at_one_and_has_a_gradient() -> None:
    model = GaussianVAE(2, (8,), (1, 4, 4))
    assert model.sigma == 1.0
    model.nll(torch.rand(3, 1, 4, 4), torch.randn(3, 2)).sum().backward()
    assert model.log_var_x.grad is not None
    assert model.log_var_x.grad > 0  # images in [0, 1] call for less


@pytest.mark.parametrize("sigma", [0.0, -0.5, math.nan])
def test_sigma_must_be_positive(sigma: float) -> None:
    with pytest.raises(ValueError, match="sigma must be positive"):
        GaussianVAE(sigma=sigma)


def test_weights_of_one_kind_load_into_the_other() -> None:
    fixed, learned = (GaussianVAE(2, (8,), (1, 4, 4), sigma=s) for s in (0.25, None))
    learned.load_state_dict(fixed.state_dict())
    assert learned.sigma == pytest.approx(0.25)


def test_a_learned_variance_becomes_the_mean_squared_error() -> None:
    """Rybkin et al. 2021, equation 5: where the networks rest, σ² settles at their error."""
    seed_everything(0)
    model, data = GaussianVAE(4, (64,), (1, 8, 8)), digits("train", size=8)
    with torch.no_grad():
        model.log_var_x.fill_(-2.0)
    for steps, rate in ((200, 5e-3), (200, 2e-2)):
        player = vae_player(model, steps=steps, learning_rate=rate)
        train([player], BatchStream(data, 64, seed=0), steps=steps, progress=False)
        model.requires_grad_(False)
        model.log_var_x.requires_grad_()
    x, noise = data.pixels(), make_generator(0, "eps")
    with torch.no_grad():
        mu, log_var = model.encode(x)
        z = mu + torch.exp(0.5 * log_var) * torch.randn(mu.shape, generator=noise)
        mse = (x - model.decode(z)).square().mean()
    assert model.sigma**2 == pytest.approx(float(mse), rel=0.02)
    assert mse < 0.8 * x.var(dim=0).mean()  # less than the mean image leaves: the code is used


# Labels.


def labelled(n: int = 5) -> tuple[ConditionalVAE, Tensor, Tensor]:
    seed_everything(0)
    model = ConditionalVAE(4, 3, (16,), (1, 6, 6))
    return model, torch.rand(n, 1, 6, 6), torch.arange(n) % 4


def test_conditional_shapes_and_layers() -> None:
    model, x, y = labelled()
    mu, log_var = model.encode(x, y)
    assert mu.shape == log_var.shape == (5, 3)
    assert model.decode(mu, y).shape == model.sample(mu, y).shape == x.shape
    assert 0 <= model.sample(50 * mu, y).min() <= model.sample(50 * mu, y).max() <= 1
    torch.testing.assert_close(model.nll(x, mu, y), bernoulli_nll(model.decode(mu, y), x))
    widths = [(m.in_features, m.out_features) for m in model.modules()
              if isinstance(m, nn.Linear)]  # fmt: skip
    assert widths == [(40, 16), (16, 6), (7, 16), (16, 36)]  # four labels beside image and code


def test_the_label_matters_to_both_networks() -> None:
    model, x, y = labelled()
    other = (y + 1) % 4
    mu, _ = model.encode(x, y)
    assert not torch.allclose(mu, model.encode(x, other)[0])
    assert not torch.allclose(model.decode(mu, y), model.decode(mu, other))


def test_given_labels_it_is_a_vae() -> None:
    model, x, y = labelled()
    view, eps = model.given(y), torch.randn(5, 3)
    mu, log_var = model.encode(x, y)
    assert view.latent == 3
    for ours, theirs in zip(view.encode(x), (mu, log_var), strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(view.decode(mu), model.decode(mu, y))
    assert torch.equal(view.sample(mu), model.sample(mu, y))
    z = mu + torch.exp(0.5 * log_var) * eps
    nll, kl = elbo_terms(view, x, eps)
    torch.testing.assert_close(nll, model.nll(x, z, y))
    torch.testing.assert_close(kl.sum(1), kl_to_standard_normal(mu, log_var))


def test_samples_stacked_over_the_batch_keep_their_labels() -> None:
    """z with k·B rows, image by image within a sample, as `log_weights` makes them."""
    model, x, y = labelled()
    view, z = model.given(y), torch.randn(7, 5, 3)
    stacked = view.nll(x.repeat(7, 1, 1, 1), z.flatten(0, 1)).unflatten(0, (7, 5))
    for i in range(7):
        torch.testing.assert_close(stacked[i], model.nll(x, z[i], y))
        torch.testing.assert_close(
            view.decode(z.flatten(0, 1)).unflatten(0, (7, 5))[i], model.decode(z[i], y)
        )
    log_w = log_weights(view, x, torch.randn(7, 5, 3, generator=make_generator(0, "eps")))
    eps = torch.randn(7, 5, 3, generator=make_generator(0, "eps"))
    for i in range(5):
        alone = log_weights(model.given(y[i : i + 1]), x[i : i + 1], eps[:, i : i + 1])
        torch.testing.assert_close(log_w[:, i : i + 1], alone, rtol=1e-5, atol=1e-4)


def test_each_row_needs_its_label() -> None:
    model, x, y = labelled()
    with pytest.raises(ValueError, match="5 rows have 4 labels; each needs its own"):
        model.encode(x, y[:4])
    with pytest.raises(ValueError, match="7 rows have 5 labels"):
        model.given(y).decode(torch.randn(7, 3))


def test_gradients_reach_every_parameter_of_a_conditional_vae() -> None:
    model, x, y = labelled()
    nll, kl = elbo_terms(model.given(y), x, torch.randn(5, 3))
    (nll + kl.sum(1)).mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


# In half precision.


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (DenseVAE, {"latent": 3, "hidden": [8], "activation": "tanh"}),
        (ConvVAE, {"latent": 3, "width": 4}),
        (GaussianVAE, {"latent": 3, "hidden": [8]}),
        (GaussianVAE, {"latent": 3, "hidden": [8], "sigma": 0.3}),
        (ConditionalVAE, {"classes": 4, "latent": 3, "hidden": [8]}),
    ],
)
def test_a_round_trip_in_half_precision(
    kind: type[nn.Module], options: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoo, "MODELS", (kind,))
    seed_everything(0)
    model = kind(**options)
    zoo.save(model, "toy", settings=options, card={}, folder=tmp_path)
    again = zoo.load("toy", tmp_path)
    x, z, y = torch.rand(4, 1, 28, 28), torch.randn(4, 3), torch.arange(4)
    labels = (y,) if kind is ConditionalVAE else ()
    torch.testing.assert_close(
        again.sample(z, *labels), model.sample(z, *labels), atol=2e-3, rtol=1e-2
    )
    torch.testing.assert_close(
        again.nll(x, z, *labels), model.nll(x, z, *labels), atol=0.5, rtol=2e-3
    )
    assert not any(p.requires_grad for p in again.parameters())
