"""Gaussian KLs against torch.distributions, each other, Monte Carlo, and their theorems."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from genlib.divergences import (
    k1,
    kl_diagonal,
    kl_full,
    kl_normal,
    kl_to_standard_normal,
    mean_and_error,
)

often = settings(max_examples=40, deadline=None)
seeds = given(seed=st.integers(0, 100_000), size=st.integers(1, 5))


def numbers(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def covariances(seed: int, count: int, size: int) -> Tensor:
    root = numbers(seed, count, size, size)
    return root @ root.mT + 0.1 * torch.eye(size, dtype=torch.float64)


@seeds
@often
def test_normal_and_diagonal_are_torchs(seed: int, size: int) -> None:
    mu_p, log_var_p, mu_q, log_var_q = numbers(seed, 4, 3, size)
    sigma_p, sigma_q = (0.5 * log_var_p).exp(), (0.5 * log_var_q).exp()
    p, q = Normal(mu_p, sigma_p), Normal(mu_q, sigma_q)
    torch.testing.assert_close(kl_normal(mu_p, sigma_p, mu_q, sigma_q), kl_divergence(p, q))
    torch.testing.assert_close(
        kl_diagonal(mu_p, log_var_p, mu_q, log_var_q),
        kl_divergence(Independent(p, 1), Independent(q, 1)),
    )


@seeds
@often
def test_full_is_torchs(seed: int, size: int) -> None:
    (mu_p, mu_q), (cov_p, cov_q) = (
        numbers(seed, 2, 3, size),
        covariances(seed + 1, 6, size).view(2, 3, size, size),
    )
    expected = kl_divergence(MultivariateNormal(mu_p, cov_p), MultivariateNormal(mu_q, cov_q))
    torch.testing.assert_close(kl_full(mu_p, cov_p, mu_q, cov_q), expected)


@seeds
@often
def test_each_contains_the_simpler_one(seed: int, size: int) -> None:
    mu_p, log_var_p, mu_q, log_var_q = numbers(seed, 4, 3, size)
    diagonal = kl_diagonal(mu_p, log_var_p, mu_q, log_var_q)
    full = kl_full(mu_p, torch.diag_embed(log_var_p.exp()), mu_q, torch.diag_embed(log_var_q.exp()))
    torch.testing.assert_close(full, diagonal)
    zero = torch.zeros_like(mu_p)
    to_prior = kl_diagonal(mu_p, log_var_p, zero, zero)
    torch.testing.assert_close(kl_to_standard_normal(mu_p, log_var_p), to_prior)


@seeds
@often
def test_invariant_under_an_affine_map_and_never_negative(seed: int, size: int) -> None:
    """y = A x + b: KL of the images is the KL of the originals."""
    mu_p, mu_q, shift = numbers(seed, 3, size)
    cov_p, cov_q = covariances(seed + 1, 2, size)
    A = numbers(seed + 2, size, size) + 3 * torch.eye(size, dtype=torch.float64)
    before = kl_full(mu_p, cov_p, mu_q, cov_q)
    after = kl_full(A @ mu_p + shift, A @ cov_p @ A.T, A @ mu_q + shift, A @ cov_q @ A.T)
    torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-8)
    assert before > 0
    assert kl_full(mu_p, cov_p, mu_p, cov_p).abs() < 1e-12


def test_additive_over_independent_parts() -> None:
    (mu_p, mu_q), (cov_p, cov_q) = numbers(0, 2, 3), covariances(1, 2, 3)
    (nu_p, nu_q), (rho_p, rho_q) = numbers(2, 2, 2), covariances(3, 2, 2)
    joint = kl_full(
        torch.cat([mu_p, nu_p]), torch.block_diag(cov_p, rho_p),
        torch.cat([mu_q, nu_q]), torch.block_diag(cov_q, rho_q),
    )  # fmt: skip
    torch.testing.assert_close(
        joint, kl_full(mu_p, cov_p, mu_q, cov_q) + kl_full(nu_p, rho_p, nu_q, rho_q)
    )


def test_the_monte_carlo_mean_lies_within_four_errors() -> None:
    (mu_p, mu_q), (cov_p, cov_q) = numbers(4, 2, 3), covariances(5, 2, 3)
    p, q = MultivariateNormal(mu_p, cov_p), MultivariateNormal(mu_q, cov_q)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x = p.sample((200_000,))
    estimate = mean_and_error(k1(p.log_prob(x), q.log_prob(x)))
    assert (estimate.mean - kl_full(mu_p, cov_p, mu_q, cov_q)).abs() < 4 * estimate.error


def test_by_hand() -> None:
    one, two = torch.tensor(1.0), torch.tensor(2.0)
    assert kl_normal(two, one, one, one).item() == 0.5
    assert kl_normal(one, one, one, two).item() == pytest.approx(0.3181, abs=1e-4)
    assert kl_normal(one, two, one, one).item() == pytest.approx(0.8069, abs=1e-4)


def test_close_normals_keep_their_digits_in_single_precision() -> None:
    sigma = torch.tensor(1 + 1e-4)
    exact = kl_normal(*(torch.tensor(v).double() for v in (0.0, sigma.item(), 0.0, 1.0))).item()
    zero, one = torch.zeros(()), torch.ones(())
    assert kl_normal(zero, sigma, zero, one).item() == pytest.approx(exact, rel=1e-2)


@pytest.mark.parametrize("which", ["normal", "diagonal", "full"])
def test_gradients(which: str) -> None:
    a, b, c, d = (v.clone().requires_grad_() for v in 0.3 * numbers(6, 4, 2, 3))
    if which == "normal":
        assert torch.autograd.gradcheck(
            lambda *v: kl_normal(v[0], v[1].exp(), v[2], v[3].exp()), (a, b, c, d)
        )
    elif which == "diagonal":
        assert torch.autograd.gradcheck(kl_diagonal, (a, b, c, d))
    else:
        eye = torch.eye(3, dtype=torch.float64)
        assert torch.autograd.gradcheck(
            lambda *v: kl_full(
                v[0], eye + v[1].unsqueeze(-1) * v[1].unsqueeze(-2),
                v[2], eye + v[3].unsqueeze(-1) * v[3].unsqueeze(-2),
            ),
            (a, b, c, d),
        )  # fmt: skip


def test_leading_axes_broadcast() -> None:
    mu, log_var = numbers(0, 4, 1, 3), numbers(1, 4, 1, 3)
    assert kl_diagonal(mu, log_var, numbers(2, 5, 3), numbers(3, 5, 3)).shape == (4, 5)
    cov = covariances(1, 4, 3)
    every_pair = kl_full(mu, cov[:, None], mu[:, 0], cov)  # [4, 1] against [4]
    assert every_pair.shape == (4, 4)
    assert every_pair.diagonal().abs().max() < 1e-12


V, M = torch.zeros(3), torch.eye(3)
NAN = torch.full((3,), torch.nan)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: kl_normal(V, -V - 1, V, V + 1), "sigma_p must be positive, got -1"),
        (lambda: kl_normal(V, V + 1, V, V), "sigma_q must be positive, got 0.*log_var"),
        (lambda: kl_normal(V, NAN, V, V + 1), "sigma_p must be positive"),
        (lambda: kl_normal(NAN, V + 1, V, V + 1), "mu_p has entries"),
        (lambda: kl_diagonal(V, V[:2], V, V), r"mu_p \[3\] and log_var_p \[2\] differ"),
        (lambda: kl_diagonal(V[:2], V[:2], V, V), r"mu_p \[2\] and mu_q \[3\] do not fit"),
        (lambda: kl_diagonal(V[:1], V[:1], V, V), "do not fit"),
        (lambda: kl_diagonal(V, NAN, V, V), "log_var_p has entries"),
        (lambda: kl_full(V, V, V, M), r"cov_p must be \[3, 3\]"),
        (lambda: kl_full(V[:2], M[:2, :2], V, M), "do not fit"),
        (lambda: kl_full(V, M, V, 0 * M), "cov_q must be symmetric and positive definite"),
        (lambda: kl_full(V, M + torch.ones(3, 3).triu(1), V, M), "cov_p must be symmetric"),
        (lambda: kl_full(V, M, V, M * torch.nan), "cov_q has entries"),
    ],
)
def test_bad_input_is_refused(call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call()
