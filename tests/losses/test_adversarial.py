"""Adversarial losses by their formulas; the gradient penalty against each way to get it wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from genlib import make_generator, seed_everything
from genlib.losses import (
    critic_loss,
    discriminator_loss,
    generator_loss,
    gradient_norm,
    gradient_penalty,
    r1_penalty,
)
from genlib.models.gan import ConvDiscriminator

Critic = Callable[[Tensor], Tensor]


def images(*shape: int, count: int = 2, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    generator = make_generator(0, "images", *shape)
    return [torch.rand(shape, generator=generator, dtype=dtype) for _ in range(count)]


def linear(direction: Tensor) -> Critic:
    return lambda x: x.flatten(1) @ direction


def test_logistic_losses_by_their_definitions() -> None:
    real, fake = torch.linspace(-3, 3, 7).double(), torch.linspace(2, -2, 7).double()
    expected = -torch.log(torch.sigmoid(real)) - torch.log(1 - torch.sigmoid(fake))
    torch.testing.assert_close(discriminator_loss(real, fake), expected)
    torch.testing.assert_close(generator_loss(fake), -torch.log(torch.sigmoid(fake)))
    undecided = discriminator_loss(torch.zeros(1), torch.zeros(1))
    assert undecided.item() == pytest.approx(2 * math.log(2))


def test_logistic_losses_keep_their_digits_where_the_sigmoid_has_none_left() -> None:
    sure = torch.tensor([200.0])
    assert discriminator_loss(-sure, sure).item() == 400
    assert generator_loss(-sure).item() == 200
    logit = torch.tensor([-200.0], requires_grad=True)
    generator_loss(logit).sum().backward()
    assert logit.grad == -1  # the saturating loss has gradient 0 here


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_short_logits_give_losses_in_single_precision(dtype: torch.dtype) -> None:
    logits = torch.tensor([1.0, 2.5], dtype=dtype)
    assert discriminator_loss(logits, logits).dtype == torch.float32
    torch.testing.assert_close(generator_loss(logits), generator_loss(logits.float()))


def test_logits_that_would_broadcast_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[4\] and fake_logits \[4, 1\].*[Ss]queeze"):
        discriminator_loss(torch.zeros(4), torch.zeros(4, 1))
    x, fake = images(4, 1, 2, 2)
    with pytest.raises(ValueError, match=r"critic\(x\) has shape \[4, 1\].*[Ss]queeze"):
        critic_loss(lambda x: x.flatten(1)[:, :1], x, fake, torch.rand(4))


@pytest.mark.parametrize("shape", [(5, 2), (5, 1, 4, 4), (5, 3, 4, 6), (5, 2, 2, 2, 2)])
def test_a_linear_critic_pays_its_slope_minus_one_squared_exactly(shape) -> None:
    x, fake = images(*shape)
    eps = torch.rand(5)
    one = torch.zeros(math.prod(shape[1:]))
    one[1] = 1.0
    assert gradient_penalty(linear(one), x, fake, eps).tolist() == [0.0] * 5
    assert gradient_penalty(linear(-3 * one), x, fake, eps).tolist() == [4.0] * 5
    assert gradient_penalty(linear(0 * one), x, fake, eps).tolist() == [1.0] * 5


def test_the_norm_is_over_the_whole_image() -> None:
    """A slope of 1 spread evenly: the norm over channels of each pixel would be 1/√(H·W)."""
    x, fake = images(3, 1, 4, 4)
    spread = torch.full((16,), 0.25)
    assert gradient_penalty(linear(spread), x, fake, torch.rand(3)).tolist() == [0.0] * 3
    per_pixel = torch.func.grad(lambda u: linear(spread)(u).sum())(x).norm(dim=1)
    assert (per_pixel - 1).square().mean() > 0.5  # the test can tell


def test_x_hat_lies_between_its_own_two_images() -> None:
    """A critic with ∇ = x̂ pays (‖x̂‖ − 1)²."""
    x, fake = images(6, 3, 2, 2, dtype=torch.float64)
    eps = torch.linspace(0, 1, 6).double()

    def half_square(u: Tensor) -> Tensor:
        return 0.5 * u.square().flatten(1).sum(1)

    weight = eps.reshape(6, 1, 1, 1)
    x_hat = weight * x + (1 - weight) * fake
    expected = (x_hat.flatten(1).norm(dim=1) - 1).square()
    for shape in [(6,), (6, 1), (6, 1, 1, 1)]:
        penalty = gradient_penalty(half_square, x, fake, eps.reshape(shape))
        torch.testing.assert_close(penalty, expected)


def test_one_eps_per_image_or_none() -> None:
    x, fake = images(4, 1, 4, 4)
    first = linear(torch.ones(16))
    for wrong in (
        torch.rand(()),
        torch.rand(1),
        torch.rand(16),
        torch.rand_like(x),
        torch.rand(1, 4),
    ):
        with pytest.raises(ValueError, match="one number per image"):
            gradient_penalty(first, x, fake, wrong)
    with pytest.raises(ValueError, match="differ in shape"):
        gradient_penalty(first, x, fake[:2], torch.rand(4))


def smooth_critic(dtype: torch.dtype = torch.float64) -> nn.Sequential:
    seed_everything(0)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.Softplus(), nn.Flatten(), nn.Linear(12, 4),
        nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0),
    ).to(dtype)  # fmt: skip


def test_gradients_through_the_penalty() -> None:
    """The second derivative that training needs, against finite differences."""
    critic = smooth_critic()
    x, fake = images(3, 2, 4, 4, dtype=torch.float64)
    eps = torch.tensor([0.1, 0.5, 0.8]).double()
    names, weights = zip(*critic.named_parameters(), strict=True)

    def penalty(*weights: Tensor) -> Tensor:
        named = dict(zip(names, weights, strict=True))
        return gradient_penalty(lambda u: functional_call(critic, named, u), x, fake, eps)

    assert torch.autograd.gradcheck(penalty, weights)
    total = penalty(*weights).sum()
    gradient = torch.autograd.grad(total, weights, allow_unused=True, materialize_grads=True)
    assert sum(g.abs().sum() for g in gradient) > 0.01


def test_it_equals_autograd_grad() -> None:
    critic = smooth_critic(torch.float32)
    x, fake = images(3, 2, 4, 4)
    eps = torch.rand(3)
    x_hat = torch.lerp(fake, x, eps.reshape(3, 1, 1, 1)).requires_grad_()
    (slope,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    expected = (slope.flatten(1).norm(dim=1) - 1).square()
    penalty = gradient_penalty(critic, x, fake, eps)
    assert torch.equal(penalty, expected)  # the scale of 2⁸ changes no bit
    weights = list(critic.parameters())[:-1]  # the last bias has no part in the slope
    for mine, plain in zip(
        torch.autograd.grad(penalty.mean(), weights),
        torch.autograd.grad(expected.mean(), weights),
        strict=True,
    ):
        torch.testing.assert_close(mine, plain, rtol=1e-6, atol=1e-8)


def test_a_flat_critic_has_a_gradient_of_zero_not_nan() -> None:
    weight = torch.zeros(16, requires_grad=True)
    x, fake = images(3, 1, 4, 4)
    gradient_penalty(lambda u: u.flatten(1) @ weight, x, fake, torch.rand(3)).sum().backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [0.0] * 16


def test_images_of_a_batch_do_not_meet() -> None:
    critic = smooth_critic()
    x, fake = images(5, 2, 4, 4, dtype=torch.float64)
    eps = torch.rand(5, dtype=torch.float64)
    penalty = gradient_penalty(critic, x, fake, eps)
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(
        gradient_penalty(critic, x[order], fake[order], eps[order]), penalty[order]
    )
    others = x.clone()
    others[1:] = 1 - others[1:]
    changed = gradient_penalty(critic, others, fake, eps)
    torch.testing.assert_close(changed[0], penalty[0])
    assert (changed[1:] != penalty[1:]).all()


def test_critic_loss_is_algorithm_1() -> None:
    critic = smooth_critic()
    x, fake = images(3, 2, 4, 4, dtype=torch.float64)
    eps = torch.rand(3, dtype=torch.float64)
    total, distance, penalty = critic_loss(critic, x, fake, eps, penalty_weight=7.0)
    torch.testing.assert_close(distance, critic(x) - critic(fake))
    torch.testing.assert_close(penalty, gradient_penalty(critic, x, fake, eps))
    torch.testing.assert_close(total, critic(fake) - critic(x) + 7 * penalty)


# Each published mistake, as a variant of the penalty, and the property it breaks.


def variant(
    critic: Critic,
    x: Tensor,
    fake: Tensor,
    eps: Tensor,
    norm: Callable[[Tensor], Tensor] = lambda g: g.flatten(1).norm(dim=1),
) -> Tensor:
    x_hat = (eps * x + (1 - eps) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    return (norm(slope) - 1).square()


def test_the_properties_above_catch_each_published_mistake() -> None:
    x, fake = images(4, 1, 4, 4)
    eps = torch.rand(4, 1, 1, 1)
    spread = linear(torch.full((16,), 0.25))
    per_pixel = variant(spread, x, fake, eps, norm=lambda g: g.norm(dim=1))
    assert per_pixel.shape != (4,)
    assert per_pixel.mean() > 0.5  # a unit slope pays
    whole_batch = variant(spread, x, fake, eps, norm=lambda g: g.norm())
    assert whole_batch == 1.0  # (√4 − 1)²: pays, and images meet

    def half_square(u: Tensor) -> Tensor:
        return 0.5 * u.square().flatten(1).sum(1)

    right = gradient_penalty(half_square, x, fake, eps)
    for wrong in (torch.ones_like(eps), torch.rand_like(x), torch.randn_like(eps)):
        assert not torch.allclose(variant(half_square, x, fake, wrong), right)
    weight = torch.zeros(16, requires_grad=True)
    root = variant(
        lambda u: u.flatten(1) @ weight, x, fake, eps,
        norm=lambda g: g.flatten(1).square().sum(1).sqrt(),
    )  # fmt: skip
    root.sum().backward()
    assert weight.grad is not None
    assert weight.grad.isnan().all()
    norm = ConvDiscriminator(4, norm="batch").train()
    x, fake = images(4, 1, 28, 28)
    others = torch.cat([x[:1], 1 - x[1:]])
    change = variant(norm, others, fake, eps)[0] - variant(norm, x, fake, eps)[0]
    assert change.abs() > 1e-3  # batch normalisation lets images meet


def conv_critic(slope: float) -> tuple[ConvDiscriminator, list[Tensor]]:
    """A critic of about this slope, its size spread over all layers, and `x`, `fake`, `eps`."""
    seed_everything(0)
    critic = ConvDiscriminator(8, image_shape=(3, 32, 32))
    x, fake = images(6, 3, 32, 32)
    found = torch.func.grad(lambda u: critic(u).sum())(x).flatten(1).norm(dim=1).mean()
    weights = [p for p in critic.parameters() if p.ndim > 1]
    with torch.no_grad():
        for weight in weights:
            weight *= (slope / found) ** (1 / len(weights))
    return critic, [x, fake, torch.linspace(0, 1, 6)]


def penalty_and_gradient(slope: float, short: torch.dtype | None) -> tuple[Tensor, Tensor]:
    critic, (x, fake, eps) = conv_critic(slope)
    with torch.autocast("cpu", dtype=short or torch.bfloat16, enabled=short is not None):
        before = critic(x)
        total, distance, penalty = critic_loss(critic, x, fake, eps)
        assert torch.equal(before, critic(x))  # autocast's cache of short weights survives
    assert {t.dtype for t in (total, distance, penalty)} == {torch.float32}
    weights = [p for p in critic.parameters() if p.ndim > 1]
    scale = 2.0**16
    while True:  # a GradScaler finds such a scale while it trains
        gradients = torch.autograd.grad(scale * penalty.mean(), weights, retain_graph=True)
        gradient = torch.cat([g.flatten() for g in gradients]) / scale
        if short != torch.float16 or gradient.isfinite().all():
            return penalty.detach(), gradient
        scale /= 2


def relative_error(short: Tensor, full: Tensor) -> float:
    return float((short - full).norm() / full.norm())


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.05), (torch.float16, 0.015)])
@pytest.mark.parametrize("slope", [1e-6, 0.1, 2.0, 30.0])
def test_short_formats_agree_with_single_precision(
    dtype: torch.dtype, tolerance: float, slope: float
) -> None:
    """Within ten to thirty roundings of the format (2⁻⁸, 2⁻¹¹), for slopes small and large."""
    penalty, gradient = penalty_and_gradient(slope, None)
    short_penalty, short_gradient = penalty_and_gradient(slope, dtype)
    assert relative_error(short_penalty, penalty) < tolerance
    assert relative_error(short_gradient, gradient) < tolerance


def test_half_precision_loses_small_slopes_without_the_scale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A nearly flat critic must still be told which way to become steeper."""
    _, gradient = penalty_and_gradient(1e-6, None)
    monkeypatch.setattr("genlib.losses.adversarial.SCALE", 1.0)
    _, unscaled = penalty_and_gradient(1e-6, torch.float16)
    assert relative_error(unscaled, gradient) > 0.3


# The relatives of the penalty: one-sided, and R1.


@pytest.mark.parametrize("shape", [(5, 2), (5, 1, 4, 4), (5, 2, 2, 2, 2)])
def test_slopes_of_linear_critics_are_known(shape) -> None:
    x, fake = images(*shape)
    eps = torch.rand(5)
    one = torch.zeros(math.prod(shape[1:]))
    one[1] = -1.0
    for slope, one_sided, r1 in [(0.5, 0.0, 0.125), (1.0, 0.0, 0.5), (3.0, 4.0, 4.5), (0.0, 0, 0)]:
        critic = linear(slope * one)
        assert gradient_norm(critic, x).tolist() == [slope] * 5
        assert gradient_penalty(critic, x, fake, eps, one_sided=True).tolist() == [one_sided] * 5
        assert r1_penalty(critic, x).tolist() == [r1] * 5


def half_square(u: Tensor) -> Tensor:
    """∇ = u: its penalties tell where the critic was asked."""
    return 0.5 * u.square().flatten(1).sum(1)


def test_r1_looks_at_the_data_and_is_half_the_squared_norm() -> None:
    x, _ = images(6, 3, 2, 2, dtype=torch.float64)
    torch.testing.assert_close(r1_penalty(half_square, x), half_square(x))


def test_the_one_sided_penalty_is_the_other_where_the_slope_exceeds_1() -> None:
    x, fake = images(40, 3, dtype=torch.float64)
    eps = torch.rand(40)
    both = gradient_penalty(half_square, x, fake, eps)
    one = gradient_penalty(half_square, x, fake, eps, one_sided=True)
    steep = torch.lerp(fake, x, eps[:, None].double()).norm(dim=1) > 1
    assert 5 < int(steep.sum()) < 35
    assert torch.equal(one, torch.where(steep, both, 0.0))


@pytest.mark.parametrize("scale", [1.0, 50.0])
def test_gradients_through_the_relatives(scale: float) -> None:
    """Below a slope of 1, where the one-sided penalty is flat, and above it."""
    critic = smooth_critic()
    x, fake = images(3, 2, 4, 4, dtype=torch.float64)
    eps = torch.tensor([0.1, 0.5, 0.8]).double()
    names, weights = zip(*critic.named_parameters(), strict=True)

    def penalties(*weights: Tensor) -> tuple[Tensor, Tensor]:
        named = dict(zip(names, weights, strict=True))

        def score(u: Tensor) -> Tensor:
            return scale * functional_call(critic, named, u)

        return gradient_penalty(score, x, fake, eps, one_sided=True), r1_penalty(score, x)

    assert torch.autograd.gradcheck(penalties, weights)
    one_sided, r1 = penalties(*weights)
    assert bool((one_sided > 0).all()) == (scale > 1)
    assert (r1 > 0).all()


def test_images_of_a_batch_do_not_meet_in_the_relatives() -> None:
    critic = smooth_critic()

    def steep(u: Tensor) -> Tensor:
        return 50 * critic(u)

    x, fake = images(5, 2, 4, 4, dtype=torch.float64)
    eps = torch.rand(5, dtype=torch.float64)
    others = torch.cat([x[:1], 1 - x[1:]])
    for penalty in (
        lambda x: gradient_penalty(steep, x, fake, eps, one_sided=True),
        lambda x: r1_penalty(steep, x),
    ):
        torch.testing.assert_close(penalty(others)[0], penalty(x)[0])
        assert (penalty(others)[1:] != penalty(x)[1:]).all()


def test_a_flat_critic_sends_r1_and_the_one_sided_penalty_a_gradient_of_zero() -> None:
    weight = torch.zeros(16, requires_grad=True)
    x, fake = images(3, 1, 4, 4)

    def flat(u: Tensor) -> Tensor:
        return u.flatten(1) @ weight

    total = r1_penalty(flat, x) + gradient_penalty(flat, x, fake, torch.rand(3), one_sided=True)
    total.sum().backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [0.0] * 16


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.05), (torch.float16, 0.015)])
def test_short_formats_agree_for_r1(dtype: torch.dtype, tolerance: float) -> None:
    found = []
    for short in (None, dtype):
        critic, (x, _, _) = conv_critic(2.0)
        with torch.autocast("cpu", dtype=dtype, enabled=short is not None):
            penalty = r1_penalty(critic, x)
        assert penalty.dtype == torch.float32
        found.append(penalty.detach())
    assert relative_error(found[1], found[0]) < tolerance


def test_another_penalty_in_the_critics_loss() -> None:
    critic = smooth_critic()
    x, fake = images(3, 2, 4, 4, dtype=torch.float64)
    eps = torch.rand(3, dtype=torch.float64)
    one_sided = partial(gradient_penalty, one_sided=True)
    total, distance, penalty = critic_loss(critic, x, fake, eps, 7.0, one_sided)
    torch.testing.assert_close(penalty, one_sided(critic, x, fake, eps))
    torch.testing.assert_close(total, 7 * penalty - distance)
    with pytest.raises(ValueError, match=r"the penalty \[3, 4\]; expected one number per image"):
        critic_loss(critic, x, fake, eps, penalise=lambda *_: torch.rand(3, 4))
