"""Shapes, parameter counts, tying, and what a linear autoencoder must be able to express."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from genlib import seed_everything
from genlib.losses import squared_error
from genlib.models.autoencoder import (
    ConvAutoencoder,
    DenseAutoencoder,
    LinearAutoencoder,
    TiedAutoencoder,
    parameter_count,
)

MODELS = [LinearAutoencoder, DenseAutoencoder, TiedAutoencoder, ConvAutoencoder]


@pytest.mark.parametrize("build", MODELS)
@pytest.mark.parametrize("image_shape", [(1, 28, 28), (3, 32, 16)])
@pytest.mark.parametrize("code", [1, 20])
def test_shapes(build, image_shape, code) -> None:
    model = build(code=code, image_shape=image_shape)
    x = torch.rand(5, *image_shape)
    assert model.encode(x).shape == (5, code)
    assert model(x).shape == x.shape
    torch.testing.assert_close(model(x), model.decode(model.encode(x)))


@pytest.mark.parametrize("build", MODELS)
def test_every_parameter_gets_a_gradient(build) -> None:
    model = build()
    x = torch.rand(4, 1, 28, 28)
    squared_error(model(x), x).mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("build", MODELS)
def test_images_of_a_batch_do_not_meet(build) -> None:
    model = build().eval()
    x = torch.rand(4, 1, 28, 28)
    torch.testing.assert_close(model(x)[:1], model(x[:1]), rtol=1e-4, atol=1e-5)


def test_dense_layers_are_those_of_the_chapter() -> None:
    widths = [m.out_features for m in DenseAutoencoder().modules() if isinstance(m, nn.Linear)]
    assert widths == [256, 128, 20, 128, 256, 784]


def test_tied_has_half_the_weights() -> None:
    dense, tied = DenseAutoencoder(), TiedAutoencoder()
    dense_weights = sum(p.numel() for p in dense.parameters() if p.ndim == 2)
    tied_weights = sum(p.numel() for p in tied.parameters() if p.ndim == 2)
    assert tied_weights * 2 == dense_weights
    biases = parameter_count(dense) - dense_weights
    assert parameter_count(tied) == tied_weights + biases


def test_tied_is_dense_with_transposed_weights() -> None:
    tied, dense = TiedAutoencoder(), DenseAutoencoder()
    encoder = [m for m in dense.encoder if isinstance(m, nn.Linear)]
    decoder = [m for m in dense.decoder if isinstance(m, nn.Linear)]
    with torch.no_grad():
        for bias in tied.decoder_biases:
            bias.normal_()
        for mine, layer in zip(tied.layers, encoder, strict=True):
            layer.weight.copy_(mine.weight)
            layer.bias.copy_(mine.bias)
        for mine, bias, layer in zip(
            reversed(tied.layers), tied.decoder_biases, decoder, strict=True
        ):
            layer.weight.copy_(mine.weight.T)
            layer.bias.copy_(bias)
    x = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(tied(x), dense(x))


def test_linear_can_be_pca_exactly() -> None:
    seed_everything(0)
    x = torch.randn(200, 1, 4, 4) @ torch.diag(torch.tensor([3.0, 2.0, 1.0, 0.1]))
    flat = x.flatten(1)
    mean = flat.mean(0)
    _, _, vectors = torch.linalg.svd(flat - mean, full_matrices=False)
    model = LinearAutoencoder(code=5, image_shape=(1, 4, 4))
    with torch.no_grad():
        model.mean.copy_(mean)
        model.encoder.weight.copy_(vectors[:5])
        model.decoder.weight.copy_(vectors[:5].T)
    expected = (flat - mean) @ vectors[:5].T @ vectors[:5] + mean
    torch.testing.assert_close(model(x).flatten(1), expected, rtol=1e-4, atol=1e-4)


def test_conv_refuses_sides_it_cannot_halve_twice() -> None:
    with pytest.raises(ValueError, match="multiples of 4, got 30×28"):
        ConvAutoencoder(image_shape=(1, 30, 28))


def test_conv_decoder_covers_inner_pixels_equally() -> None:
    """Kernel 4 with stride 2: no checkerboard can come from uneven overlap."""
    model = ConvAutoencoder(width=2)
    up = [m for m in model.decoder if isinstance(m, nn.ConvTranspose2d)]
    x = torch.ones(1, 4, 7, 7)
    for layer in up:
        nn.init.constant_(layer.weight, 1.0)
        nn.init.zeros_(layer.bias)
        x = layer(x)
    inner = x[0, 0, 6:-6, 6:-6]
    assert inner.min() == inner.max()
