"""Clipped weights, spectral norms, and what they make of a critic's slope."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from genlib import make_generator, seed_everything
from genlib.losses import gradient_norm, gradient_penalty
from genlib.models.constraints import clip_weights, refuse_meeting, spectral_normalised
from genlib.models.gan import ConvDiscriminator, DenseDiscriminator
from genlib.models.points import PointDiscriminator


def test_clipping_puts_every_weight_into_the_interval_and_leaves_those_inside() -> None:
    seed_everything(0)
    critic = ConvDiscriminator(8, norm="batch")
    before = {name: p.detach().clone() for name, p in critic.named_parameters()}
    assert clip_weights(critic, 0.02) is critic
    moved = 0
    for name, p in critic.named_parameters():  # biases and the norm's scales too
        assert torch.equal(p, before[name].clamp(-0.02, 0.02))
        moved += int((p != before[name]).sum())
    assert moved > 100
    with pytest.raises(ValueError, match="bound is 0"):
        clip_weights(critic, 0)


def test_clipping_bounds_the_slope_by_widths_and_depth_alone() -> None:
    """|∂f/∂x_i| ≤ Π of widths · bound^layers, attained where all weights are the bound."""
    critic = PointDiscriminator((6, 5), pieces=1)
    with torch.no_grad():
        for p in critic.parameters():
            p.fill_(100.0)
    clip_weights(critic, 0.1)
    slope = gradient_norm(critic, torch.rand(4, 2))
    torch.testing.assert_close(slope, torch.full((4,), 2**0.5 * 6 * 5 * 0.1**3))


def weights(critic: nn.Module) -> list[torch.Tensor]:
    kinds = (nn.Linear, nn.Conv2d)
    return [m.weight.detach().flatten(1) for m in critic.modules() if isinstance(m, kinds)]


@pytest.mark.parametrize("build", [
    lambda: PointDiscriminator((16, 16)), lambda: PointDiscriminator((16, 16), pieces=1),
    lambda: DenseDiscriminator((16,), (1, 4, 4)), lambda: ConvDiscriminator(4),
])  # fmt: skip
def test_every_layers_largest_singular_value_is_1(build) -> None:
    seed_everything(0)
    critic = build()
    with torch.no_grad():
        for p in critic.parameters():
            p *= 5
    assert max(float(torch.linalg.matrix_norm(w, 2)) for w in weights(critic)) > 1.5
    spectral_normalised(critic, power_iterations=50).train()
    x = torch.rand(2, 2) if isinstance(critic, PointDiscriminator) else None
    if x is None:
        x = torch.rand(2, 1, 4, 4) if isinstance(critic, DenseDiscriminator) else torch.rand(
            2, 1, 28, 28
        )  # fmt: skip
    assert critic(x).shape == (2,)
    for w in weights(critic.eval()):
        assert float(torch.linalg.matrix_norm(w, 2)) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("pieces", [1, 5])
def test_a_dense_critic_of_spectral_norm_1_is_1_lipschitz(pieces: int) -> None:
    seed_everything(0)
    critic = PointDiscriminator((32, 32), pieces=pieces)
    with torch.no_grad():
        for p in critic.parameters():
            p *= 4
    x = 4 * torch.randn(500, 2, generator=make_generator(0, "points"))
    assert gradient_norm(critic, x).max() > 2
    slope = gradient_norm(spectral_normalised(critic, 30).train(), x)
    assert slope.max() < 1 + 1e-3
    assert slope.max() > 0.01


def test_a_convolution_may_be_steeper_than_its_matrix() -> None:
    """All weights 1: the matrix has norm k, the convolution nearly k · k."""
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    with torch.no_grad():
        conv.weight.fill_(1.0)
    spectral_normalised(conv, 20)
    x = torch.ones(1, 1, 60, 60)
    assert 2.9 < float(conv(x).norm() / x.norm()) < 3


def test_spectral_norms_train_and_take_a_penalty() -> None:
    seed_everything(0)
    critic = spectral_normalised(PointDiscriminator((8,), pieces=1))
    x, fake, eps = torch.rand(5, 2), torch.rand(5, 2), torch.rand(5)
    gradient_penalty(critic, x, fake, eps).mean().backward()
    moved = [p.grad for p in critic.parameters() if p.ndim > 1]
    assert len(moved) == 2
    assert all(g is not None and g.abs().sum() > 0 for g in moved)


def test_critics_that_score_each_image_alone_pass() -> None:
    for critic in (ConvDiscriminator(4, norm="layer"), ConvDiscriminator(4, norm="instance"),
                   PointDiscriminator((8,))):  # fmt: skip
        refuse_meeting(critic)
    with pytest.raises(ValueError, match="batch normalisation"):
        refuse_meeting(nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)))
    with pytest.raises(ValueError, match="minibatch discrimination"):
        refuse_meeting(ConvDiscriminator(4, kernels=2))
