"""Losses of discriminator and generator: definitions, gradients, and what they are lowest at."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from genlib import make_generator
from genlib.divergences import js
from genlib.losses import (
    discriminator_loss,
    generator_loss,
    hinge_discriminator_loss,
    hinge_generator_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    saturating_generator_loss,
)

PAIRS = {
    "logistic": discriminator_loss,
    "least squares": least_squares_discriminator_loss,
    "hinge": hinge_discriminator_loss,
}
GENERATORS = {
    "non-saturating": generator_loss,
    "minimax": saturating_generator_loss,
    "least squares": least_squares_generator_loss,
    "hinge": hinge_generator_loss,
}
logits = st.lists(st.floats(-80, 80), min_size=1, max_size=8)


def doubles(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


@settings(deadline=None, max_examples=100)
@given(logits, st.floats(0, 0.99))
def test_logistic_losses_are_cross_entropies(values: list[float], s: float) -> None:
    real = doubles(values)
    fake = real.flip(0) / 3

    def entropy(l: Tensor, target: float) -> Tensor:  # noqa: E741
        wanted = torch.full_like(l, target)
        return F.binary_cross_entropy_with_logits(l, wanted, reduction="none")

    expected = entropy(real, 1 - s) + entropy(fake, 0)
    torch.testing.assert_close(discriminator_loss(real, fake, s), expected)
    torch.testing.assert_close(generator_loss(fake), entropy(fake, 1))
    torch.testing.assert_close(saturating_generator_loss(fake), -entropy(fake, 0))


def test_without_smoothing_no_bit_changes() -> None:
    real, fake = 5 * torch.randn(2, 100, generator=make_generator(0, "logits"))
    plain = F.softplus(-real) + F.softplus(fake)
    assert torch.equal(discriminator_loss(real, fake), plain)
    assert torch.equal(discriminator_loss(real, fake, 0.0), plain)
    assert not torch.equal(discriminator_loss(real, fake, 0.1), plain)


@settings(deadline=None, max_examples=50)
@given(logits, st.floats(0, 0.99))
def test_least_squares_and_hinge_by_their_definitions(values: list[float], s: float) -> None:
    real = doubles(values)
    fake = real.flip(0) - 0.5
    squares = [0.5 * (r - 1 + s) ** 2 + 0.5 * f**2 for r, f in zip(real, fake, strict=True)]
    torch.testing.assert_close(
        least_squares_discriminator_loss(real, fake, s), torch.stack(squares)
    )
    torch.testing.assert_close(least_squares_generator_loss(fake), 0.5 * (fake - 1) ** 2)
    hinges = [max(0, 1 - float(r)) + max(0, 1 + float(f)) for r, f in zip(real, fake, strict=True)]
    torch.testing.assert_close(hinge_discriminator_loss(real, fake), doubles(hinges))
    assert torch.equal(hinge_generator_loss(fake), -fake)


@pytest.mark.parametrize("loss", PAIRS.values(), ids=PAIRS)
def test_gradients_of_discriminators(loss: Callable[..., Tensor]) -> None:
    real, fake = doubles([-3.0, -0.3, 0.4, 2.5]), doubles([0.2, -2.0, 4.0, -0.7])
    assert torch.autograd.gradcheck(loss, (real.requires_grad_(), fake.requires_grad_()))


@pytest.mark.parametrize("loss", GENERATORS.values(), ids=GENERATORS)
def test_gradients_of_generators(loss: Callable[[Tensor], Tensor]) -> None:
    assert torch.autograd.gradcheck(loss, doubles([-3.0, 0.0, 2.5]).requires_grad_())


def test_smoothed_gradients() -> None:
    at = doubles([-3.0, 0.0, 2.5]).requires_grad_()
    for loss in (discriminator_loss, least_squares_discriminator_loss):
        assert torch.autograd.gradcheck(lambda r, loss=loss: loss(r, doubles([1, 2, 3]), 0.3), at)


def test_where_the_discriminator_is_sure_minimax_teaches_nothing() -> None:
    """Slopes −σ(l) against −σ(−l): they add up to −1, and the first dies where D is right."""
    at = torch.linspace(-30, 30, 13, dtype=torch.float64).requires_grad_()
    (minimax,) = torch.autograd.grad(saturating_generator_loss(at).sum(), at)
    (other,) = torch.autograd.grad(generator_loss(at).sum(), at)
    torch.testing.assert_close(minimax, -torch.sigmoid(at))
    torch.testing.assert_close(minimax + other, -torch.ones_like(at))
    assert minimax[0].abs() < 1e-12
    assert other[0] == pytest.approx(-1)


def two_distributions() -> tuple[Tensor, Tensor]:
    p = doubles([0.5, 0.3, 0.15, 0.05])
    return p, doubles([0.1, 0.2, 0.3, 0.4])


def expected(loss: Callable[[Tensor, Tensor], Tensor], l: Tensor, p: Tensor, q: Tensor) -> Tensor:  # noqa: E741
    """The loss over all pairs of outcomes, with one logit for each outcome."""
    pairs = loss(l.repeat_interleave(len(l)), l.repeat(len(l)))
    return (torch.outer(p, q).flatten() * pairs).sum()


def is_lowest(loss: Callable[[Tensor, Tensor], Tensor], best: Tensor, value: float) -> None:
    p, q = two_distributions()
    assert float(expected(loss, best, p, q)) == pytest.approx(value)
    generator = make_generator(0, "around")
    for size in (0.01, 0.3, 3.0):
        for _ in range(20):
            step = size * torch.randn(4, generator=generator, dtype=torch.float64)
            assert float(expected(loss, best + step, p, q)) > value


@pytest.mark.parametrize("s", [0.0, 0.1, 0.5])
def test_the_best_discriminator_is_p_over_p_plus_q(s: float) -> None:
    """With smoothing it is (1 − s) p / (p + q); without, the loss there is 2 log 2 − 2 JS."""
    p, q = two_distributions()
    best = (1 - s) * p / (p + q)
    at = torch.logit(best).requires_grad_()
    loss = expected(lambda r, f: discriminator_loss(r, f, s), at, p, q)
    (slope,) = torch.autograd.grad(loss, at)
    torch.testing.assert_close(slope, torch.zeros_like(slope))
    if s == 0:
        value = 2 * math.log(2) - 2 * float(js(p, q))
        is_lowest(discriminator_loss, at.detach(), value)


def test_the_best_least_squares_scores() -> None:
    """p/(p + q) again, and ½ Σ pq/(p + q) is left."""
    p, q = two_distributions()
    left = 0.5 * float((p * q / (p + q)).sum())
    is_lowest(least_squares_discriminator_loss, p / (p + q), left)


def test_the_best_hinge_scores_tell_the_total_variation() -> None:
    p, q = two_distributions()
    variation = 0.5 * float((p - q).abs().sum())
    is_lowest(hinge_discriminator_loss, torch.sign(p - q), 2 * (1 - variation))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_short_scores_give_losses_in_single_precision(dtype: torch.dtype) -> None:
    short = torch.tensor([1.0, 2.5, -40.0], dtype=dtype)
    for pair in PAIRS.values():
        assert pair(short, short).dtype == torch.float32
    for alone in GENERATORS.values():
        torch.testing.assert_close(alone(short), alone(short.float()))


@pytest.mark.parametrize("loss", PAIRS.values(), ids=PAIRS)
def test_scores_that_would_broadcast_are_refused(loss: Callable[..., Tensor]) -> None:
    with pytest.raises(ValueError, match=r"\[4\].*\[4, 1\].*[Ss]queeze"):
        loss(torch.zeros(4), torch.zeros(4, 1))


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, math.nan])
def test_smoothing_has_its_range(smoothing: float) -> None:
    for loss in (discriminator_loss, least_squares_discriminator_loss):
        with pytest.raises(ValueError, match="smoothing is"):
            loss(torch.zeros(2), torch.zeros(2), smoothing)
