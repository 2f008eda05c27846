"""Seven gradient penalties: the right one has every property, each mistake lacks its own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from experiments.penalties import (
    MISTAKES,
    SEVEN,
    VARIANTS,
    by_autograd,
    in_inference_mode,
    norm_of_batch,
    norm_per_pixel,
    normal_eps,
    shared_eps,
    verdicts,
)
from genlib import make_generator, seed_everything
from genlib.losses import gradient_penalty
from genlib.models.gan import ConvDiscriminator


def batch(*shape: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = make_generator(0, "batch")
    x, fake = torch.rand(2, *shape, generator=generator)
    return x, fake, torch.rand(shape[0], generator=generator)


@pytest.mark.parametrize("right", [gradient_penalty, by_autograd])
def test_the_right_penalty_has_every_property(right) -> None:
    assert all(verdicts(right).values())
    assert set(verdicts(right)) == set(MISTAKES)


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_lacks_its_own_property(name: str) -> None:
    lacking = {key for key, has in verdicts(MISTAKES[name]).items() if not has}
    assert name in lacking
    if name != "batch norm":  # which changes every slope
        assert lacking == {name}


def test_the_variants_are_told_by_the_same_tests() -> None:
    assert {key for key, has in verdicts(shared_eps).items() if not has} == {"batch norm"}
    lacking = {key for key, has in verdicts(norm_of_batch).items() if not has}
    assert {"norm per pixel", "batch norm"} <= lacking


@pytest.mark.parametrize("name", [*SEVEN, *VARIANTS])
def test_each_gives_one_number_per_image_and_trains(name: str) -> None:
    seed_everything(0)
    critic = ConvDiscriminator(4)
    penalty = {**SEVEN, **VARIANTS}[name](critic, *batch(5, 1, 28, 28))
    assert penalty.shape == (5,)
    penalty.mean().backward()
    assert all(p.grad.abs().sum() > 0 for n, p in critic.named_parameters() if "weight" in n)


def test_they_agree_on_points_where_there_is_nothing_to_get_wrong() -> None:
    seed_everything(0)
    critic = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))
    x, fake, eps = batch(6, 2)
    right = gradient_penalty(critic, x, fake, eps)
    for penalty in (by_autograd, norm_per_pixel, SEVEN["root without floor"]):
        torch.testing.assert_close(penalty(critic, x, fake, eps), right)


def test_a_unit_slope_pays_for_the_norm_per_pixel() -> None:
    """(1/28 − 1)² for 28×28 pixels, and nothing where the whole image has a slope of 28."""
    x, fake, eps = batch(2, 1, 28, 28)
    unit = norm_per_pixel(lambda u: u.flatten(1).sum(1) / 28, x, fake, eps)
    torch.testing.assert_close(unit, torch.full((2,), (1 / 28 - 1) ** 2))
    steep = norm_per_pixel(lambda u: u.flatten(1).sum(1), x, fake, eps)
    assert steep.max() < 1e-10


def test_normal_eps_are_normal() -> None:
    """With fake = 0, x = 1 and a critic of slope u, the penalty is (|ε| − 1)²."""
    n = 20_000
    eps = torch.rand(n, generator=make_generator(0, "eps"))
    paid = normal_eps(lambda u: 0.5 * u[:, 0] ** 2, torch.ones(n, 1), torch.zeros(n, 1), eps)
    expected = 2 - 2 * (2 / torch.pi) ** 0.5  # E ε² − 2 E|ε| + 1
    error = float(paid.detach().std()) / n**0.5
    assert float(paid.detach().mean()) == pytest.approx(expected, abs=4 * error)


def test_one_norm_for_the_batch_wants_a_slope_of_one_over_root_b() -> None:
    x, fake, eps = batch(4, 1, 4, 4)
    paid = norm_of_batch(lambda u: 0.5 * u.flatten(1).sum(1) / 4, x, fake, eps)
    assert paid.max() < 1e-10  # slope ½ each, four images


def test_inference_mode_punishes_another_function_than_the_scores_use() -> None:
    seed_everything(0)
    arguments = batch(4, 1, 28, 28)
    critic = ConvDiscriminator(4, norm="batch").train()
    counted = critic.body[1][1].num_batches_tracked.clone()
    other = in_inference_mode(critic, *arguments)
    assert critic.training
    assert torch.equal(critic.body[1][1].num_batches_tracked, counted)
    assert (other - by_autograd(critic, *arguments)).abs().min() > 0.01
    plain = ConvDiscriminator(4, norm="layer").train()
    assert torch.equal(in_inference_mode(plain, *arguments), by_autograd(plain, *arguments))
