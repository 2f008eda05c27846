"""The Fréchet distance against its closed forms and against scipy's matrix square root."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from torch import Tensor

from genlib.metrics import frechet_between_gaussians, frechet_distance, moments


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def covariance(d: int, rank: int, seed: int) -> Tensor:
    factor = normal(d, rank, seed=seed)
    return factor @ factor.T


def test_commuting_covariances_compare_standard_deviations() -> None:
    """In a common basis the distance is ‖μ_a − μ_b‖² + Σ (σ_a − σ_b)²."""
    basis, _ = torch.linalg.qr(normal(6, 6))
    s, t = torch.linspace(0, 2, 6).double(), torch.linspace(3, 0.5, 6).double()
    mu, nu = normal(6, seed=1), normal(6, seed=2)
    cov_s, cov_t = ((basis * v.square()) @ basis.T for v in (s, t))
    expected = (mu - nu).square().sum() + (s - t).square().sum()
    assert frechet_between_gaussians(mu, cov_s, nu, cov_t) == pytest.approx(expected.item())


@given(angle=st.floats(0, math.pi), s=st.floats(0, 3), t=st.floats(0, 3))
@settings(max_examples=50, deadline=None)
def test_two_dimensions_in_closed_form(angle: float, s: float, t: float) -> None:
    """For 2×2 matrices tr M^½ = √(tr M + 2 √det M); the covariances do not commute."""
    c, r = math.cos(angle), math.sin(angle)
    turn = torch.tensor([[c, -r], [r, c]], dtype=torch.float64)
    a = torch.diag(torch.tensor([1.0, s], dtype=torch.float64))
    b = turn @ torch.diag(torch.tensor([t, 2.0], dtype=torch.float64)) @ turn.T
    overlap = math.sqrt((a @ b).trace().item() + 2 * math.sqrt(s * t * 2))
    zero = torch.zeros(2)
    ours = frechet_between_gaussians(zero, a, zero, b)
    assert ours == pytest.approx(1 + s + t + 2 - 2 * overlap, abs=1e-6)
    assert ours == pytest.approx(frechet_between_gaussians(zero, b, zero, a), abs=1e-6)


@pytest.mark.parametrize("rank", [8, 3])
def test_against_scipy(rank: int) -> None:
    a, b = covariance(8, rank, 0), covariance(8, 8, 1)
    mu, nu = normal(8, seed=2), normal(8, seed=3)
    root = sqrtm((a @ b).numpy()).real.trace()  # its imaginary part is rounding
    expected = (mu - nu).square().sum() + (a + b).trace() - 2 * root
    ours = frechet_between_gaussians(mu, a, nu, b)
    assert ours == pytest.approx(expected.item(), rel=1e-6)


@given(seed=st.integers(0, 10_000), n=st.integers(2, 40), scale=st.sampled_from([1e-4, 1.0, 1e4]))
@settings(max_examples=40, deadline=None)
def test_a_set_has_no_distance_from_itself(seed: int, n: int, scale: float) -> None:
    """Also with fewer vectors than dimensions, where the covariance has rank n − 1."""
    a = scale * normal(n, 16, seed=seed)
    size = moments(a).cov.trace().item()
    assert 0 <= frechet_distance(a, a.clone()) < 1e-10 * size
    shift = torch.full((16,), scale, dtype=torch.float64)
    assert frechet_distance(a, a + shift) == pytest.approx(16 * scale**2)


def test_samples_approach_the_closed_form() -> None:
    """N(0, I) against N(μ, 1.5² I) in 8 dimensions: ‖μ‖² + 8 · 0.25."""
    a, b = normal(50_000, 8), 1.5 * normal(50_000, 8, seed=1) + 0.5
    assert frechet_distance(a, b) == pytest.approx(8 * 0.25 + 8 * 0.25, rel=0.02)


def test_bias_falls_as_one_over_n() -> None:
    """Two samples of one distribution: a distance all the same, ten times less for ten times n."""
    few, many = (
        sum(
            frechet_distance(normal(n, 8, seed=2 * s), normal(n, 8, seed=2 * s + 1))
            for s in range(20)
        )
        for n in (200, 2000)
    )
    assert few / many == pytest.approx(10, rel=0.2)


def test_moments_will_do() -> None:
    a, b = normal(30, 4), normal(50, 4, seed=1)
    assert frechet_distance(moments(a), b) == pytest.approx(
        frechet_distance(a, moments(b.split(7)))
    )


@pytest.mark.parametrize(
    ("mu", "cov", "words"),
    [
        (torch.zeros(3), torch.eye(3), r"\[2\] and \[3\]"),
        (torch.zeros(2), torch.eye(3), r"cov_b must be \[2, 2\]"),
        (torch.zeros(2), torch.tensor([[1.0, 0.5], [0.0, 1.0]]), "cov_b must be symmetric"),
        (torch.zeros(2), -torch.eye(2), "positive semidefinite"),
        (torch.zeros(2), torch.full((2, 2), torch.nan), "NaN or infinite"),
    ],
)
def test_what_is_no_normal_is_refused(mu: Tensor, cov: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        frechet_between_gaussians(torch.zeros(2), torch.eye(2), mu, cov)
