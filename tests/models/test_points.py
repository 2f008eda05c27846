"""Networks for points: the published sizes, and maxout by its definition."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from genlib import seed_everything
from genlib.models.gan import normal_weights
from genlib.models.points import Maxout, PointDiscriminator, PointGenerator


def test_published_widths() -> None:
    def shapes(model: nn.Module) -> list[tuple[int, int]]:
        return [
            (m.in_features, m.out_features) for m in model.modules() if isinstance(m, nn.Linear)
        ]

    assert shapes(PointGenerator()) == [(2, 400), (400, 400), (400, 400), (400, 400), (400, 2)]
    assert shapes(PointDiscriminator()) == [(2, 1000), (200, 1000), (200, 1000), (200, 1)]


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("pieces", [1, 5])
@pytest.mark.parametrize("dims", [1, 2])
def test_shapes_and_gradients(norm, pieces: int, dims: int) -> None:
    seed_everything(0)
    generator = PointGenerator(3, (8, 8), dims, norm)
    discriminator = PointDiscriminator((8,), dims, pieces)
    x = generator(torch.randn(16, 3))
    assert x.shape == (16, dims)
    logits = discriminator(x)
    assert logits.shape == (16,)
    logits.square().sum().backward()
    for model in (generator, discriminator):
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_maxout_takes_the_largest() -> None:
    seed_everything(0)
    layer = Maxout(3, 4, 5)
    x = torch.randn(6, 3)
    weight, bias = layer.linear.weight.reshape(4, 5, 3), layer.linear.bias.reshape(4, 5)
    expected = torch.stack([(x @ weight[o].T + bias[o]).max(dim=1).values for o in range(4)], dim=1)
    torch.testing.assert_close(layer(x), expected)
    with pytest.raises(ValueError, match="at least 2"):
        Maxout(3, 4, 1)


def test_another_norm_is_refused() -> None:
    with pytest.raises(ValueError, match="norm is 'layer'; use 'batch' or 'none'"):
        PointGenerator(norm="layer")  # type: ignore[arg-type]


def test_weights_start_from_a_narrow_normal_distribution() -> None:
    seed_everything(0)
    model = normal_weights(PointDiscriminator(), 0.02)
    assert isinstance(model, PointDiscriminator)
    weights = torch.cat([m.weight.flatten() for m in model.modules() if isinstance(m, nn.Linear)])
    assert weights.mean().abs() < 4 * 0.02 / len(weights) ** 0.5
    assert weights.std().item() == pytest.approx(0.02, rel=0.01)
    assert all((m.bias == 0).all() for m in model.modules() if isinstance(m, nn.Linear))
