"""The losses are the theory: each against torch.distributions, gradcheck, and its own traps."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from genlib.losses import bernoulli_nll, gaussian_nll, psnr, squared_error


def pair(seed: int, batch: int = 3, side: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.rand(2, batch, 1, side, side, generator=generator, dtype=torch.float64))


@given(seed=st.integers(0, 10_000), sigma=st.floats(0.05, 5.0))
@settings(max_examples=30, deadline=None)
def test_gaussian_nll_is_torchs(seed: int, sigma: float) -> None:
    r, x = pair(seed)
    expected = -torch.distributions.Normal(r, sigma).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(gaussian_nll(r, x, sigma), expected)


@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 30))
@settings(max_examples=30, deadline=None)
def test_bernoulli_nll_is_torchs_on_binary_images(seed: int, scale: float) -> None:
    r, x = pair(seed)
    logits, binary = (r - 0.5) * scale, (x > 0.5).double()
    expected = -torch.distributions.Bernoulli(logits=logits).log_prob(binary).flatten(1).sum(1)
    torch.testing.assert_close(bernoulli_nll(logits, binary), expected)


def test_bernoulli_nll_is_finite_at_huge_logits() -> None:
    logits = torch.tensor([[1e4, -1e4]], requires_grad=True)
    loss = bernoulli_nll(logits, torch.tensor([[0.0, 1.0]]))
    loss.sum().backward()
    assert loss.item() == pytest.approx(2e4)
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_squared_error_by_hand() -> None:
    r = torch.tensor([[[[1.0, 2.0]]], [[[0.0, 0.0]]]])
    x = torch.tensor([[[[0.0, 0.0]]], [[[3.0, 4.0]]]])
    assert squared_error(r, x).tolist() == [5.0, 25.0]


def test_half_the_squared_error_is_the_unit_gaussian_up_to_its_constant() -> None:
    r, x = pair(0)
    constant = x[0].numel() / 2 * math.log(2 * math.pi)
    torch.testing.assert_close(gaussian_nll(r, x, 1.0) - constant, squared_error(r, x) / 2)


@pytest.mark.parametrize(
    "loss", [squared_error, bernoulli_nll, lambda r, x: gaussian_nll(r, x, 0.5)]
)
def test_gradients(loss) -> None:
    r, x = pair(1)
    assert torch.autograd.gradcheck(lambda r: loss(r, x), r.requires_grad_())


@pytest.mark.parametrize(
    "loss", [squared_error, bernoulli_nll, lambda r, x: gaussian_nll(r, x, 0.5)]
)
def test_one_value_per_image_that_depends_on_that_image_alone(loss) -> None:
    r, x = pair(2)
    values = loss(r, x)
    assert values.shape == (3,)
    for i in range(3):
        torch.testing.assert_close(loss(r[i : i + 1], x[i : i + 1]), values[i : i + 1])


@pytest.mark.parametrize("loss", [squared_error, bernoulli_nll])
def test_shapes_that_would_broadcast_are_refused(loss) -> None:
    with pytest.raises(ValueError, match=r"\[16, 1, 28, 28\] and images \[16, 28, 28\]"):
        loss(torch.zeros(16, 1, 28, 28), torch.zeros(16, 28, 28))


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan])
def test_sigma_must_be_positive(sigma: float) -> None:
    r, x = pair(0)
    with pytest.raises(ValueError, match="sigma must be positive"):
        gaussian_nll(r, x, sigma)


def test_an_empty_batch_has_no_losses() -> None:
    x = torch.zeros(0, 1, 5, 5)
    assert [f.shape for f in (squared_error(x, x), gaussian_nll(x, x, 1.0), psnr(x, x))] == [
        (0,)
    ] * 3


def test_psnr_of_a_known_error() -> None:
    x = torch.zeros(2, 1, 5, 5)
    torch.testing.assert_close(psnr(x + 0.1, x), torch.full((2,), 20.0))
    assert psnr(x, x).isposinf().all()
