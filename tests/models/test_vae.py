"""Shapes, ranges, layers, and that noise only comes from outside."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from genlib import seed_everything
from genlib.divergences import kl_to_standard_normal
from genlib.losses import bernoulli_nll
from genlib.models.vae import VAE, ConvVAE, DenseVAE

SHAPES = [(1, 28, 28), (3, 32, 32), (3, 64, 64)]


def build(kind: type[VAE], shape: tuple[int, int, int], latent: int = 6) -> VAE:
    seed_everything(0)
    if kind is ConvVAE:
        return ConvVAE(latent, width=4, image_shape=shape)
    return DenseVAE(latent, hidden=(16,), image_shape=shape)


@pytest.mark.parametrize("kind", [DenseVAE, ConvVAE])
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
    assert torch.equal(model(x), torch.sigmoid(model.decode(mu)))
    assert torch.equal(model(x), model(x))


def test_dense_layers_are_those_of_the_benchmark() -> None:
    widths = [(m.in_features, m.out_features) for m in DenseVAE().modules()
              if isinstance(m, nn.Linear)]  # fmt: skip
    assert widths == [(784, 400), (400, 40), (20, 400), (400, 784)]


def test_deeper_vae_mirrors_itself() -> None:
    model = DenseVAE(2, hidden=(64, 32))
    widths = [m.out_features for m in model.modules() if isinstance(m, nn.Linear)]
    assert widths == [64, 32, 4, 32, 64, 784]


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
