"""Generators, discriminators and critics: shapes, ranges, layers, and which let images meet."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from genlib import seed_everything
from genlib.models.convolutions import halvings, normalised
from genlib.models.gan import (
    ConvDiscriminator,
    ConvGenerator,
    DenseDiscriminator,
    DenseGenerator,
    UnpaddedDiscriminator,
    UnpaddedGenerator,
    normal_weights,
)

NORMS = ["none", "batch", "layer", "group", "instance"]
SHAPES = [(c, s, s) for c in (1, 3) for s in (28, 32, 64)]


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_and_ranges(shape) -> None:
    pairs = [
        (DenseGenerator(7, (16,), shape), DenseDiscriminator((16,), shape)),
        (ConvGenerator(7, 4, shape), ConvDiscriminator(4, shape)),
    ]
    for generator, discriminator in pairs:
        x = generator(100 * torch.randn(5, generator.latent))
        assert x.shape == (5, *shape)
        assert x.min() >= 0
        assert x.max() <= 1
        assert discriminator(x).shape == (5,)
        assert discriminator(10 * x - 5).abs().max() > 0  # logits take any value


@pytest.mark.parametrize(
    ("side", "count", "small"), [(28, 2, 7), (32, 3, 4), (64, 4, 4), (48, 3, 6), (40, 3, 5)]
)
def test_sides_halve_to_four_to_seven(side: int, count: int, small: int) -> None:
    assert halvings((1, side, side)) == count
    body = ConvDiscriminator(4, (1, side, side)).body[:-1]
    assert body(torch.rand(1, 1, side, side)).shape == (1, 4 * 2 ** (count - 1), small, small)


@pytest.mark.parametrize("side", [1, 4, 7, 9, 30, 36, 65, 100])
def test_other_sides_are_refused_with_a_remedy(side: int) -> None:
    for build in (ConvGenerator, ConvDiscriminator):
        with pytest.raises(ValueError, match=f"{side}×{side} pixels.*28, 32, 48 or 64.*dense"):
            build(image_shape=(1, side, side))


def test_images_must_be_square_and_the_norm_known() -> None:
    with pytest.raises(ValueError, match="32×64 pixels"):
        ConvGenerator(image_shape=(3, 32, 64))
    with pytest.raises(ValueError, match="64×32 pixels"):
        ConvGenerator(image_shape=(3, 64, 32))
    with pytest.raises(ValueError, match="norm is 'spectral'; use 'none', 'batch'"):
        ConvDiscriminator(norm="spectral")  # type: ignore[arg-type]


def test_dense_networks_have_128_hidden_units() -> None:
    def widths(model: nn.Module) -> list[int]:
        return [m.out_features for m in model.modules() if isinstance(m, nn.Linear)]

    assert widths(DenseGenerator()) == [128, 784]
    assert widths(DenseDiscriminator()) == [128, 1]


def test_batch_normalisation_stands_before_the_activation() -> None:
    layers = list(ConvGenerator(image_shape=(3, 64, 64)).body)
    norms = [i for i, layer in enumerate(layers) if isinstance(layer, nn.BatchNorm2d)]
    assert len(norms) == 4
    for i in norms:
        assert isinstance(layers[i + 1], nn.ReLU)
        assert isinstance(layers[i - 1], nn.Unflatten | nn.ConvTranspose2d)
    convs = [layer for layer in layers if isinstance(layer, nn.ConvTranspose2d)]
    assert [conv.bias is None for conv in convs] == [True, True, True, False]


@pytest.mark.parametrize("norm", NORMS)
def test_only_batch_normalisation_lets_the_critics_images_meet(norm) -> None:
    seed_everything(0)
    critic = ConvDiscriminator(8, norm=norm)
    kinds = dict.fromkeys(NORMS[1:], nn.GroupNorm) | {"batch": nn.BatchNorm2d}
    found = [m for m in critic.modules() if isinstance(m, nn.BatchNorm2d | nn.GroupNorm)]
    assert [type(m) for m in found] == ([kinds[norm]] if norm in kinds else [])
    x = torch.rand(4, 1, 28, 28)
    others = torch.cat([x[:1], 1 - x[1:]])
    alone = torch.allclose(critic(x)[0], critic(others)[0], atol=1e-6)
    assert alone == (norm != "batch")


@pytest.mark.parametrize(("norm", "axes"), [("layer", (1, 2, 3)), ("instance", (2, 3))])
def test_over_what_each_norm_takes_its_mean(norm, axes) -> None:
    (layer,) = normalised(norm, 6)
    x = 3 * torch.randn(4, 6, 5, 5) + torch.arange(6.0).reshape(6, 1, 1)
    out = layer(x)
    torch.testing.assert_close(out.mean(axes), torch.zeros_like(out.mean(axes)), atol=1e-5, rtol=0)
    ones = torch.ones_like(out.mean(axes))
    torch.testing.assert_close(out.var(axes, unbiased=False), ones, atol=1e-4, rtol=0)
    if norm == "layer":  # channels keep what tells them apart
        assert (out.mean((2, 3))[:, 5] - out.mean((2, 3))[:, 0]).min() > 0.5


def test_instance_normalisation_is_torchs() -> None:
    x = torch.randn(3, 4, 5, 5)
    torch.testing.assert_close(normalised("instance", 4)[0](x), nn.InstanceNorm2d(4)(x))


def test_the_default_critic_has_no_norm() -> None:
    assert not any(
        isinstance(m, nn.BatchNorm2d | nn.GroupNorm) for m in ConvDiscriminator().modules()
    )


@pytest.mark.parametrize("norm", NORMS)
def test_every_parameter_gets_a_gradient(norm) -> None:
    seed_everything(0)
    generator, discriminator = ConvGenerator(8, 8, norm=norm), ConvDiscriminator(8, norm=norm)
    discriminator(generator(torch.randn(4, 8))).square().sum().backward()
    for model in (generator, discriminator):
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_generator_covers_inner_pixels_equally() -> None:
    """Kernel 4 with stride 2: no checkerboard can come from uneven overlap."""
    body = ConvGenerator(4, 2, (1, 28, 28), norm="none").body
    x = torch.ones(1, 4, 7, 7)
    for layer in body:
        if isinstance(layer, nn.ConvTranspose2d):
            nn.init.constant_(layer.weight, 1.0)
            nn.init.zeros_(layer.bias)
            x = layer(x)
    inner = x[0, 0, 6:-6, 6:-6]
    assert inner.min() == inner.max()


def sides(model: nn.Module, x: torch.Tensor, kind: type[nn.Module]) -> list[tuple[int, int]]:
    """Channels and side behind each convolution."""
    found: list[tuple[int, int]] = []
    for layer in model.modules():
        if isinstance(layer, kind):
            layer.register_forward_hook(lambda _, __, out: found.append(tuple(out.shape[1:3])))
    model(x)
    return found


def test_the_unpadded_pair_is_the_published_one() -> None:
    generator, discriminator = UnpaddedGenerator(), UnpaddedDiscriminator()
    painted = sides(generator, torch.randn(2, 100), nn.ConvTranspose2d)
    assert painted == [(256, 9), (128, 21), (3, 64)]
    assert generator.body[1](generator.body[0](torch.randn(2, 100))).shape == (2, 512, 3, 3)
    judged = sides(discriminator, torch.rand(2, 3, 64, 64), nn.Conv2d)
    assert judged == [(64, 20), (128, 6), (256, 1)]
    for model, count in ((generator, 2), (discriminator, 2)):
        layers = list(model.body)
        norms = [i for i, layer in enumerate(layers) if isinstance(layer, nn.BatchNorm2d)]
        assert len(norms) == count
        assert all(isinstance(layers[i + 1], nn.LeakyReLU) for i in norms)


def test_the_unpadded_pair_uses_the_whole_range() -> None:
    seed_everything(0)
    generator, discriminator = UnpaddedGenerator(4, 2, norm="none"), UnpaddedDiscriminator(2)
    z = 1e4 * torch.randn(8, 4)
    x = generator(z)
    torch.testing.assert_close(x, torch.sigmoid(2 * generator.body(z)), rtol=1e-4, atol=1e-6)
    assert 0 <= x.min() < 0.01
    assert 0.99 < x.max() <= 1
    first = discriminator.body[0]
    seen = []
    first.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    discriminator(torch.tensor([0.0, 0.5, 1.0]).reshape(3, 1, 1, 1).expand(3, 3, 64, 64))
    assert [v.unique().tolist() for v in seen[0]] == [[-1.0], [0.0], [1.0]]


@pytest.mark.parametrize("norm", ["none", "batch", "layer", "group"])
@pytest.mark.parametrize("place", ["before", "after"])
def test_every_parameter_of_the_unpadded_pair_gets_a_gradient(norm, place) -> None:
    seed_everything(0)
    generator = UnpaddedGenerator(8, 8, norm=norm, place=place)
    discriminator = UnpaddedDiscriminator(8, norm=norm, place=place)
    discriminator(generator(torch.randn(4, 8))).square().sum().backward()
    for model in (generator, discriminator):
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_a_single_pixel_has_no_instance_norm() -> None:
    with pytest.raises(ValueError, match=r"one pixel less its own mean is 0.*norm='layer'"):
        UnpaddedDiscriminator(norm="instance")
    assert UnpaddedGenerator(norm="instance")(torch.randn(2, 100)).shape == (2, 3, 64, 64)


def test_other_sizes_are_refused_by_the_unpadded_pair() -> None:
    for build in (UnpaddedGenerator, UnpaddedDiscriminator):
        with pytest.raises(ValueError, match=r"64×64 pixels, not 28×28; ConvGenerator"):
            build(image_shape=(1, 28, 28))


def test_convolutions_start_from_a_narrow_normal_distribution() -> None:
    seed_everything(0)
    model = normal_weights(ConvGenerator(image_shape=(3, 64, 64)))
    for layer in model.modules():
        if isinstance(layer, nn.ConvTranspose2d | nn.Linear):
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
            assert layer.bias is None or layer.bias.abs().max() == 0
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.weight.eq(1).all()
