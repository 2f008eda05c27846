"""Fréchet distance: how far apart two normal distributions fitted to feature vectors are."""

from __future__ import annotations

import torch
from torch import Tensor

from genlib.metrics.feature_vectors import Moments, moments


def frechet_distance(a: Tensor | Moments, b: Tensor | Moments) -> float:
    """‖μ_a − μ_b‖² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½) of two sets of features (Heusel et al. 2017).

    The squared 2-Wasserstein distance of the normal distributions with the sets' means and
    covariances (Dowson & Landau 1982), in squared units of the features. Two sets that differ
    only beyond mean and covariance have the distance 0.

    *It depends on the features.* In the features of this course's classifiers it is not the
    "FID" of the literature, which uses an Inception network, and the two do not compare.

    *It is biased upwards by few samples*: two sets from one distribution have a distance above 0,
    which falls as 1/n and grows with D. With n ≤ D it means little, since a covariance from so few
    samples has rank n − 1. State n, compare sets of the same size, or use `bootstrap`, which
    estimates the bias.

    Args:
        a: features `[N, D]`, or their `moments`.
        b: features `[M, D]`, or their `moments`.

    Raises:
        ValueError: fewer than two vectors, different D, or an entry that is not finite.
    """
    a = a if isinstance(a, Moments) else moments(a)
    b = b if isinstance(b, Moments) else moments(b)
    return frechet_between_gaussians(a.mu, a.cov, b.mu, b.cov)


def frechet_between_gaussians(mu_a: Tensor, cov_a: Tensor, mu_b: Tensor, cov_b: Tensor) -> float:
    """The same of N(μ_a, Σ_a) and N(μ_b, Σ_b); covariances of any rank.

    The trace of (Σ_a Σ_b)^½ is the sum of the singular values of Σ_a^½ Σ_b^½, so two symmetric
    eigen-decompositions suffice; the square root of the product itself, which is not symmetric, is
    never taken.

    Args:
        mu_a: mean `[D]`.
        cov_a: covariance `[D, D]`.
        mu_b: mean `[D]`.
        cov_b: covariance `[D, D]`.

    Raises:
        ValueError: shapes do not fit, or a covariance is not symmetric and positive semidefinite.
    """
    mu_a, cov_a, mu_b, cov_b = (v.double() for v in (mu_a, cov_a, mu_b, cov_b))
    if mu_a.dim() != 1 or mu_a.shape != mu_b.shape:
        raise ValueError(
            f"the means must be [D] with the same D, got {list(mu_a.shape)} and "
            f"{list(mu_b.shape)}; take both from the same features."
        )
    roots = _root(cov_a, mu_a, "cov_a") @ _root(cov_b, mu_b, "cov_b")
    shift = (mu_a - mu_b).square().sum()
    overlap = torch.linalg.svdvals(roots).sum()  # tr (Σ_a Σ_b)^½
    return float((shift + cov_a.trace() + cov_b.trace() - 2 * overlap).clamp(min=0))


def _root(cov: Tensor, mu: Tensor, name: str) -> Tensor:
    """The symmetric square root; eigenvalues within rounding of 0 are 0."""
    if cov.shape != (len(mu), len(mu)):
        raise ValueError(f"{name} must be {[len(mu)] * 2} beside its mean, got {list(cov.shape)}.")
    if not bool(cov.isfinite().all()) or not bool(mu.isfinite().all()):
        raise ValueError(f"{name} or its mean has entries that are NaN or infinite.")
    largest = float(cov.abs().amax()) if len(mu) else 0.0
    values, vectors = torch.linalg.eigh(0.5 * (cov + cov.T))
    lopsided = float((cov - cov.T).abs().amax()) if len(mu) else 0.0
    if lopsided > 1e-6 * largest or bool((values < -1e-6 * len(mu) * largest).any()):
        raise ValueError(
            f"{name} must be symmetric and positive semidefinite, as a covariance matrix is."
        )
    floor = torch.finfo(torch.float64).eps * len(mu) * largest
    values = torch.where(values > floor, values, 0.0)
    return (vectors * values.sqrt()) @ vectors.T
