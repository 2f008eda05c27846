"""The losses are the theory: each against torch.distributions, gradcheck, and its own traps."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from genlib.losses import bernoulli_nll, gaussian_nll, normal_nll, psnr, squared_error


def pair(seed: int, batch: int = 3, side: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.rand(2, batch, 1, side, side, generator=generator, dtype=torch.float64))


@given(seed=st.integers(0, 10_000), sigma=st.floats(0.05, 5.0))
@settings(max_examples=30, deadline=None)
def test_gaussian_nll_is_torchs(seed: int, sigma: float) -> None:
    r, x = pair(seed)
    expected = -torch.distributions.Normal(r, sigma).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(gaussian_nll(r, x, sigma), expected)


@given(seed=st.integers(0, 10_000), spread=st.floats(0.1, 3.0))
@settings(max_examples=30, deadline=None)
def test_normal_nll_is_torchs(seed: int, spread: float) -> None:
    """With a variance for each pixel, for each row of pixels, and one for all."""
    mean, x = pair(seed)
    generator = torch.Generator().manual_seed(seed)
    for shape in ((3, 1, 4, 4), (1, 4, 1), (1,), ()):
        log_var = spread * torch.randn(shape, generator=generator, dtype=torch.float64)
        normal = torch.distributions.Normal(mean, torch.exp(0.5 * log_var))
        expected = -normal.log_prob(x).flatten(1).sum(1)
        torch.testing.assert_close(normal_nll(mean, log_var, x), expected)


@given(sigma=st.floats(0.05, 5.0))
@settings(max_examples=20, deadline=None)
def test_with_one_variance_normal_nll_is_gaussian_nll(sigma: float) -> None:
    mean, x = pair(0)
    log_var = torch.tensor(2 * math.log(sigma), dtype=torch.float64)
    torch.testing.assert_close(normal_nll(mean, log_var, x), gaussian_nll(mean, x, sigma))


def test_the_best_variance_is_the_mean_squared_error() -> None:
    """So a model that learns it weighs its two terms itself (Rybkin et al. 2021)."""
    mean, x = pair(3)
    mse = (x - mean).square().mean()
    log_var = mse.log().requires_grad_()
    best = normal_nll(mean, log_var, x).mean()
    (slope,) = torch.autograd.grad(best, log_var)
    torch.testing.assert_close(slope, torch.zeros_like(slope), atol=1e-12, rtol=0)
    for other in (-0.1, 0.1):
        assert normal_nll(mean, log_var + other, x).mean() > best
    # There it costs D/2 (log 2π MSE + 1) nats: the error enters through its logarithm.
    pixels = x[0].numel()
    torch.testing.assert_close(best, pixels / 2 * ((2 * math.pi * mse).log() + 1))


@pytest.mark.parametrize("shape", [(3, 1, 4, 4), ()])
def test_gradients_of_mean_and_variance(shape: tuple[int, ...]) -> None:
    mean, x = pair(1)
    log_var = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda m, v: normal_nll(m, v, x), (mean.requires_grad_(), log_var)
    )


def test_normal_nll_of_a_short_format_is_in_single_precision() -> None:
    mean, x = (values.float() for values in pair(0))
    short = normal_nll(mean.bfloat16(), torch.tensor(-1.0).bfloat16(), x)
    assert short.dtype == torch.float32
    torch.testing.assert_close(short, normal_nll(mean.bfloat16().float(), torch.tensor(-1.0), x))


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
    "loss",
    [
        squared_error,
        bernoulli_nll,
        lambda r, x: gaussian_nll(r, x, 0.5),
        lambda r, x: normal_nll(r, torch.tensor(0.3), x),
    ],
)
def test_one_value_per_image_that_depends_on_that_image_alone(loss) -> None:
    r, x = pair(2)
    values = loss(r, x)
    assert values.shape == (3,)
    for i in range(3):
        torch.testing.assert_close(loss(r[i : i + 1], x[i : i + 1]), values[i : i + 1])


@pytest.mark.parametrize(
    "loss", [squared_error, bernoulli_nll, lambda r, x: normal_nll(r, torch.zeros(()), x)]
)
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


@pytest.mark.parametrize("shape", [(4, 3, 5, 5), (2,), (4, 1, 5, 6)])
def test_normal_nll_refuses_a_log_var_that_widens_the_images(shape: tuple[int, ...]) -> None:
    x = torch.rand(4, 1, 5, 5)
    with pytest.raises(ValueError, match="does not broadcast"):
        normal_nll(x, torch.zeros(shape), x)
