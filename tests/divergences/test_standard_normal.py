"""Divergences against torch.distributions, by hand, and where digits are easily lost."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from genlib import make_generator
from genlib.divergences import kl_normal, kl_per_dimension, kl_to_standard_normal


@given(seed=st.integers(0, 10_000), spread=st.floats(0.01, 8))
@settings(max_examples=50, deadline=None)
def test_kl_is_torchs(seed: int, spread: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    mu, log_var = spread * torch.randn(2, 4, 6, generator=generator, dtype=torch.float64)
    q, p = Normal(mu, torch.exp(0.5 * log_var)), Normal(torch.zeros(()).double(), 1.0)
    expected = kl_divergence(q, p).sum(1)
    torch.testing.assert_close(kl_to_standard_normal(mu, log_var), expected)


@given(seed=st.integers(0, 10_000), spread=st.floats(0.01, 8))
@settings(max_examples=50, deadline=None)
def test_each_dimension_is_a_divergence_of_its_own(seed: int, spread: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    mu, log_var = spread * torch.randn(2, 4, 6, generator=generator, dtype=torch.float64)
    each = kl_per_dimension(mu, log_var)
    assert each.shape == (4, 6)
    assert each.min() >= 0
    standard = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)
    torch.testing.assert_close(each, kl_normal(mu, torch.exp(0.5 * log_var), *standard))
    torch.testing.assert_close(each.sum(1), kl_to_standard_normal(mu, log_var))


def test_a_dimension_that_says_nothing_costs_nothing() -> None:
    mu, log_var = torch.tensor([[0.0, 3.0]]), torch.tensor([[0.0, 0.0]])
    assert kl_per_dimension(mu, log_var).tolist() == [[0.0, 4.5]]


def test_kl_by_hand() -> None:
    mu, log_var = torch.tensor([[0.0, 0.0], [2.0, -1.0]]), torch.zeros(2, 2)
    assert kl_to_standard_normal(mu, log_var).tolist() == [0.0, 2.5]


def test_kl_is_the_expected_log_ratio() -> None:
    """Monte Carlo, within four standard errors."""
    mu, log_var = torch.tensor([[0.7]]).double(), torch.tensor([[-1.2]]).double()
    q = Normal(mu, torch.exp(0.5 * log_var))
    eps = torch.randn(200_000, 1, generator=make_generator(0, "kl"), dtype=torch.float64)
    z = mu + torch.exp(0.5 * log_var) * eps
    ratio = q.log_prob(z) - Normal(0.0, 1.0).log_prob(z)
    error = ratio.std() / len(z) ** 0.5
    assert (ratio.mean() - kl_to_standard_normal(mu, log_var)).abs() < 4 * error


@pytest.mark.parametrize("log_var", [1e-4, -1e-4, 1e-3, -0.02])
def test_kl_near_zero_is_neither_negative_nor_noise(log_var: float) -> None:
    value = torch.full((1, 1), log_var)
    exact = kl_to_standard_normal(torch.zeros(1, 1).double(), value.double()).item()
    kl = kl_to_standard_normal(torch.zeros(1, 1), value).item()
    assert kl >= 0
    assert kl == pytest.approx(exact, rel=1e-2)
    naive = 0.5 * (value.exp() - 1 - value).item()  # exp(l) − 1 in single precision
    if abs(log_var) <= 1e-4:
        assert abs(naive - exact) > 0.5 * exact


def test_gradients() -> None:
    mu, log_var = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True).unbind()
    assert torch.autograd.gradcheck(kl_to_standard_normal, (mu, log_var))
    assert torch.autograd.gradcheck(kl_per_dimension, (mu, log_var))


def test_one_value_per_sample_in_single_precision() -> None:
    mu = torch.randn(5, 8).bfloat16()
    kl = kl_to_standard_normal(mu, mu)
    assert kl.shape == (5,)
    assert kl.dtype == torch.float32
    torch.testing.assert_close(kl, kl_to_standard_normal(mu.float(), mu.float()))


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(ValueError, match=r"mu \[4, 3\] and log_var \[4, 1\] differ"):
        kl_to_standard_normal(torch.zeros(4, 3), torch.zeros(4, 1))
    with pytest.raises(ValueError, match=r"mu \[4, 3\] and log_var \[3\] differ"):
        kl_per_dimension(torch.zeros(4, 3), torch.zeros(3))
