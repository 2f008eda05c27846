"""Slopes of functions whose Lipschitz constant is known; estimates against exact distances."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from genlib import make_generator, seed_everything
from genlib.divergences import optimal_transport, wasserstein_points
from genlib.metrics import critic_estimate, lipschitz_estimate
from genlib.models.constraints import spectral_normalised
from genlib.models.gan import ConvDiscriminator
from genlib.models.points import PointDiscriminator


def points(name: str, *shape: int) -> Tensor:
    return torch.randn(shape, generator=make_generator(0, name), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(2,), (1, 4, 4)])
def test_a_linear_critic_has_its_slope_everywhere(shape) -> None:
    x, y = points("x", 9, *shape), points("y", 7, *shape)
    direction = points("w", math.prod(shape))
    found = lipschitz_estimate(lambda u: u.flatten(1) @ direction, x, y)
    assert found.lines == pytest.approx(float(direction.norm()))
    assert 0.2 < found.pairs / found.lines <= 1 + 1e-12
    along = torch.stack([0 * direction, direction]).reshape(2, *shape)
    pair = lipschitz_estimate(lambda u: u.flatten(1) @ direction, along[:1], along[1:])
    assert pair.pairs == pytest.approx(found.lines)  # a pair along the slope sees all of it


def test_the_distance_from_a_point_has_slope_1() -> None:
    x, y = points("x", 50, 3), points("y", 50, 3) + 2
    found = lipschitz_estimate(lambda u: u.norm(dim=1), x, y)
    assert found.lines == pytest.approx(1)
    assert 0.9 < found.pairs <= 1 + 1e-12


def test_gradients_see_a_steep_stretch_that_pairs_overlook() -> None:
    """A ramp of slope 10 from 0.5 to 0.6, between points at 0 and 1."""
    zero, one = torch.zeros(1, 1), torch.ones(1, 1)

    def ramp(u: Tensor) -> Tensor:
        return 10 * (u[:, 0].clamp(0.5, 0.6) - 0.5)

    found = lipschitz_estimate(ramp, zero, one, steps=20)  # 0.55 is a point of the walk
    assert found == (pytest.approx(1), pytest.approx(10))


def test_points_that_coincide_have_no_slope() -> None:
    x = points("x", 4, 2)
    found = lipschitz_estimate(lambda u: u[:, 0], x, x.clone())
    assert 0 < found.pairs <= 1
    assert lipschitz_estimate(lambda u: u[:, 0], x[:1], x[:1].clone()).pairs == 0


def test_both_stay_below_the_constant_of_a_spectrally_normalised_critic() -> None:
    seed_everything(0)
    critic = spectral_normalised(PointDiscriminator((16, 16), pieces=1), 30).eval()
    found = lipschitz_estimate(critic, points("x", 40, 2).float(), points("y", 40, 2).float())
    assert 0.001 < found.pairs <= found.lines * 1.5
    assert max(found) < 1 + 1e-3


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_batches_change_nothing(batch_size: int) -> None:
    seed_everything(0)
    critic = ConvDiscriminator(4).eval()
    x, y = points("x", 5, 1, 28, 28).float(), points("y", 4, 1, 28, 28).float()
    whole, parts = (lipschitz_estimate(critic, x, y, 2, size) for size in (500, batch_size))
    assert parts == pytest.approx(whole, rel=1e-4)
    one, other = (critic_estimate(critic, x, y, size) for size in (500, batch_size))
    torch.testing.assert_close(one, other)
    assert not one.mean.requires_grad


def test_the_estimate_of_the_best_critic_is_the_distance() -> None:
    x, y = points("x", 30, 2), points("y", 25, 2) + 1
    best = optimal_transport(x, y)
    found = critic_estimate(best.critic, x, y)
    assert float(found.mean) == pytest.approx(float(best.distance), abs=1e-6)
    # Any other function of slope 1 stays below, one of slope 3 need not.
    assert critic_estimate(lambda u: -u[:, 0], x, y).mean < wasserstein_points(x, y)
    assert critic_estimate(lambda u: -3 * u[:, 0], x, y).mean > wasserstein_points(x, y)


def test_the_error_is_the_spread_of_the_estimate() -> None:
    """Over many pairs of samples; f(x) ~ N(0, 4), f(y) ~ N(−1, 9)."""
    x, y = 2 * points("x", 400, 50), 3 * points("y", 400, 20) - 1
    found = [
        critic_estimate(lambda u: u[:, 0], a[:, None], b[:, None])
        for a, b in zip(x, y, strict=True)
    ]
    means = torch.stack([f.mean for f in found])
    expected = (4 / 50 + 9 / 20) ** 0.5
    assert float(means.mean()) == pytest.approx(1, abs=4 * expected / 20)
    assert float(means.std()) == pytest.approx(expected, rel=0.15)
    errors = torch.stack([f.error for f in found])
    assert float(errors.square().mean().sqrt()) == pytest.approx(expected, rel=0.05)


def test_bad_input_is_refused() -> None:
    x = points("x", 4, 2)
    with pytest.raises(ValueError, match=r"x \[4, 2\] and y \[4, 3\] must hold points of one"):
        lipschitz_estimate(lambda u: u[:, 0], x, points("y", 4, 3))
    with pytest.raises(ValueError, match="at least 1, not 0"):
        lipschitz_estimate(lambda u: u[:, 0], x, x, steps=0)
    with pytest.raises(ValueError, match=r"gives \[4, 1\] for 4 points.*Squeeze"):
        critic_estimate(lambda u: u[:, :1], x, x)
    with pytest.raises(ValueError, match="two points in each set, got 4 and 1"):
        critic_estimate(lambda u: u[:, 0], x, x[:1])
