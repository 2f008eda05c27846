"""The VAE-GAN's networks: shapes, and features that belong to the logits of the same pass."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from genlib import make_generator
from genlib.models.gan import ConvGenerator
from genlib.models.vae_gan import VAEGAN, Encoder, FeatureDiscriminator


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 64, 64)])
def test_shapes(shape) -> None:
    x = torch.rand(5, *shape)
    mu, log_var = Encoder(6, 4, shape)(x)
    assert mu.shape == log_var.shape == (5, 6)
    assert not torch.equal(mu, log_var)
    features, logits = FeatureDiscriminator(4, shape)(x)
    assert features.ndim == 2
    assert len(features) == 5
    assert logits.shape == (5,)


@pytest.mark.parametrize(
    ("layer", "size"), [(1, 4 * 32 * 32), (2, 8 * 16 * 16), (3, 16 * 8 * 8), (4, 32 * 4 * 4)]
)
def test_features_are_those_of_the_chosen_layer(layer: int, size: int) -> None:
    model = FeatureDiscriminator(4, (3, 64, 64), layer=layer)
    x = torch.rand(2, 3, 64, 64)
    features, logits = model(x)
    assert features.shape == (2, size)
    assert torch.equal(features, model.features(x))
    assert torch.equal(logits, model.above(features).squeeze(1))
    convs = [m for m in model.below.modules() if isinstance(m, nn.Conv2d)]
    assert len(convs) == layer
    assert isinstance(list(model.below.modules())[-2], nn.LeakyReLU)  # after the activation


def test_the_layer_changes_nothing_but_where_one_looks() -> None:
    x, logits = torch.rand(2, 1, 28, 28), []
    for layer in (1, 2, None):
        torch.manual_seed(0)
        logits.append(FeatureDiscriminator(4, layer=layer)(x)[1])
    assert torch.equal(logits[0], logits[1])
    assert torch.equal(logits[1], logits[2])


@pytest.mark.parametrize("layer", [0, 3, -1])
def test_layers_that_are_not_there_are_refused(layer: int) -> None:
    with pytest.raises(ValueError, match=f"layer is {layer}.*1 to 2"):
        FeatureDiscriminator(4, (1, 28, 28), layer=layer)


def test_sides_that_do_not_halve_are_refused() -> None:
    for build in (Encoder, FeatureDiscriminator, VAEGAN):
        with pytest.raises(ValueError, match="30×30"):
            build(image_shape=(1, 30, 30))


@pytest.mark.parametrize("build", [Encoder, FeatureDiscriminator])
@pytest.mark.parametrize(("place", "first"), [("before", nn.BatchNorm2d), ("after", nn.LeakyReLU)])
def test_the_norm_stands_where_it_is_put(build, place: str, first: type[nn.Module]) -> None:
    """In every block but the first, which has no norm."""
    model = build(width=4, norm="batch", place=place)
    found = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d | nn.LeakyReLU)][1:]
    assert len(found) == 2
    assert isinstance(found[0], first)


def test_there_is_no_other_place() -> None:
    for build in (Encoder, FeatureDiscriminator):
        with pytest.raises(ValueError, match="normalise 'before' or 'after'"):
            build(place="beside")


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 64, 64)])
def test_encoder_and_decoder_together(shape) -> None:
    """One model for looking: its methods are those of its two parts, and z is shared."""
    model = VAEGAN(6, 4, shape).eval()
    x = torch.rand(3, *shape, generator=make_generator(0, "x"))
    mu, log_var = model.encode(x)
    assert mu.shape == log_var.shape == (3, 6)
    assert model.latent == model.decoder.latent == model.encoder.latent == 6
    assert model.decoder.prior == "normal"  # the KL term draws codes towards N(0, I)
    assert torch.equal(mu, model.encoder(x)[0])
    assert torch.equal(log_var, model.encoder(x)[1])
    assert torch.equal(model(x), model.decoder(mu))  # through the mean: no noise
    assert torch.equal(model(x), model(x))
    pictures = model.sample(model.decoder.noise(5, make_generator(0, "z")))
    assert pictures.shape == (5, *shape)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert not hasattr(model, "nll")  # likeness is no likelihood of images


def test_the_parts_are_those_that_were_trained() -> None:
    """Weights of an encoder and a decoder that were built on their own fit, and nothing is over."""
    torch.manual_seed(0)
    encoder, decoder = Encoder(6, 4), ConvGenerator(6, 4)
    model = VAEGAN(6, 4).eval()
    model.encoder.load_state_dict(encoder.state_dict())
    model.decoder.load_state_dict(decoder.state_dict())
    x = torch.rand(3, 1, 28, 28)
    assert torch.equal(model(x), decoder.eval()(encoder.eval()(x)[0]))
    parts = {*map(id, model.encoder.parameters()), *map(id, model.decoder.parameters())}
    assert parts == set(map(id, model.parameters()))


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_each_part_has_its_own_norm(part: str) -> None:
    model = VAEGAN(6, 4, (3, 64, 64), **{f"{part}_norm": "none"})
    other = "decoder" if part == "encoder" else "encoder"
    counts = {
        name: sum(isinstance(m, nn.BatchNorm2d) for m in getattr(model, name).modules())
        for name in (part, other)
    }
    assert counts[part] == 0
    assert counts[other] >= 3
    with pytest.raises(ValueError, match="norm is 'batches'"):
        VAEGAN(6, 4, **{f"{part}_norm": "batches"})
