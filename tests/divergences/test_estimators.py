"""Estimators of KL from samples: unbiased where theory says so, and honest about their error."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal

from genlib.divergences import k1, k2, k3, kl_normal, mean_and_error


def ratios(mu: float, sigma: float, n: int, seed: int = 0):
    p, q = Normal(torch.zeros(()).double(), 1.0), Normal(torch.tensor(mu).double(), sigma)
    x = torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    truth = kl_normal(p.loc, p.scale, q.loc, q.scale).item()
    return p.log_prob(x), q.log_prob(x), truth


@pytest.mark.parametrize("estimator", [k1, k3])
@pytest.mark.parametrize(("mu", "sigma"), [(0.1, 1.0), (1.0, 1.0), (0.3, 0.8)])
def test_unbiased(estimator, mu, sigma) -> None:
    log_p, log_q, truth = ratios(mu, sigma, 400_000)
    estimate = mean_and_error(estimator(log_p, log_q))
    assert (estimate.mean - truth).abs() < 4 * estimate.error


def test_k2_is_biased_by_what_theory_says() -> None:
    """Means μ apart, σ = 1: log r is normal with mean −μ²/2 and variance μ²."""
    log_p, log_q, truth = ratios(1.0, 1.0, 400_000)
    estimate = mean_and_error(k2(log_p, log_q))
    assert (estimate.mean - (0.5 + 0.125)).abs() < 4 * estimate.error
    assert estimate.mean - truth > 20 * estimate.error


def test_k2_and_k3_vary_less_for_close_distributions() -> None:
    log_p, log_q, _ = ratios(0.1, 1.0, 100_000)
    spread = {k: k(log_p, log_q).std().item() for k in (k1, k2, k3)}
    assert spread[k2] < spread[k1] / 10
    assert spread[k3] < spread[k1] / 10


def test_one_value_per_sample_and_never_negative() -> None:
    log_p, log_q, _ = ratios(0.5, 0.9, 1000)
    for k in (k1, k2, k3):
        assert k(log_p.view(10, 100), log_q.view(10, 100)).shape == (10, 100)
    assert k1(log_p, log_q).min() < 0
    assert k2(log_p, log_q).min() >= 0
    assert k3(log_p, log_q).min() >= 0


def test_k3_keeps_its_digits_near_zero() -> None:
    u = torch.tensor([1e-4, -1e-4])
    torch.testing.assert_close(k3(torch.zeros(2), u), u.square() / 2, rtol=1e-3, atol=0)


def test_off_the_support_of_q() -> None:
    log_p, log_q = torch.zeros(1), torch.tensor([-math.inf])
    assert [k(log_p, log_q).item() for k in (k1, k2, k3)] == [math.inf] * 3


@pytest.mark.parametrize("estimator", [k1, k2, k3])
def test_gradients(estimator) -> None:
    log_p, log_q = torch.randn(2, 6, dtype=torch.float64).requires_grad_().unbind()
    assert torch.autograd.gradcheck(estimator, (log_p, log_q))


def test_the_error_falls_with_the_square_root() -> None:
    log_p, log_q, truth = ratios(1.0, 1.0, 40_000)
    values = k1(log_p, log_q)
    few, many = mean_and_error(values[:400]), mean_and_error(values)
    assert few.error / many.error == pytest.approx(10, rel=0.15)
    means = values.view(400, 100)  # 400 repetitions of n = 100
    told = mean_and_error(means, dim=1).error.mean()
    assert told.item() == pytest.approx(means.mean(1).std().item(), rel=0.15)
    covered = ((means.mean(1) - truth).abs() < 2 * mean_and_error(means, dim=1).error).double()
    assert 0.9 < covered.mean() < 0.99


@pytest.mark.parametrize(
    ("log_p", "log_q", "words"),
    [
        (torch.zeros(3), torch.zeros(3, 1), r"log_p \[3\] and log_q \[3, 1\] differ"),
        (torch.tensor([-math.inf]), torch.zeros(1), "are these samples of p"),
        (torch.zeros(1), torch.tensor([math.nan]), "log_q has entries"),
        (torch.zeros(1), torch.tensor([math.inf]), "log_q has entries"),
    ],
)
def test_bad_input_is_refused(log_p, log_q, words) -> None:
    for estimator in (k1, k2, k3):
        with pytest.raises(ValueError, match=words):
            estimator(log_p, log_q)


def test_one_value_has_no_error() -> None:
    with pytest.raises(ValueError, match="at least two"):
        mean_and_error(torch.zeros(1))
    with pytest.raises(ValueError, match="at least two"):
        mean_and_error(torch.tensor(1.0))
