"""The VAE-GAN's networks: shapes, and features that belong to the logits of the same pass."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from genlib.models.vae_gan import Encoder, FeatureDiscriminator


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
    for build in (Encoder, FeatureDiscriminator):
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
