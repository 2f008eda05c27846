"""KL divergences between normal distributions in closed form, in nats.

The names of the arguments say what is taken: `sigma` a standard deviation, `log_var` the logarithm
of a variance, `cov` a covariance matrix.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genlib.losses.precision import single


def kl_normal(mu_p: Tensor, sigma_p: Tensor, mu_q: Tensor, sigma_q: Tensor) -> Tensor:
    """KL(N(μ_p, σ_p²) ‖ N(μ_q, σ_q²)) of numbers, elementwise; the arguments broadcast.

    Raises:
        ValueError: a standard deviation is not positive, or something is not finite.
    """
    mu_p, sigma_p, mu_q, sigma_q = (single(v) for v in (mu_p, sigma_p, mu_q, sigma_q))
    for name, sigma in {"sigma_p": sigma_p, "sigma_q": sigma_q}.items():
        if not bool((sigma > 0).all()):
            raise ValueError(
                f"{name} must be positive, got {sigma.min().item():.4g}: it is a standard "
                "deviation; from log σ² it is exp(0.5 * log_var)."
            )
    _finite(mu_p=mu_p, sigma_p=sigma_p, mu_q=mu_q, sigma_q=sigma_q)
    return _kl(mu_p, 2 * sigma_p.log(), mu_q, 2 * sigma_q.log())


def kl_diagonal(mu_p: Tensor, log_var_p: Tensor, mu_q: Tensor, log_var_q: Tensor) -> Tensor:
    """KL between normals with independent coordinates, `[..., K] -> [...]`: the sum over them.

    Raises:
        ValueError: a mean and its log σ² differ in shape, p and q do not fit, something is not
            finite.
    """
    mu_p, log_var_p, mu_q, log_var_q = (single(v) for v in (mu_p, log_var_p, mu_q, log_var_q))
    for name, mu, log_var in (("p", mu_p, log_var_p), ("q", mu_q, log_var_q)):
        if mu.shape != log_var.shape:
            raise ValueError(
                f"mu_{name} {list(mu.shape)} and log_var_{name} {list(log_var.shape)} differ in "
                "shape; each coordinate has one of each."
            )
    _fit(mu_p, mu_q)
    _finite(mu_p=mu_p, log_var_p=log_var_p, mu_q=mu_q, log_var_q=log_var_q)
    return _kl(mu_p, log_var_p, mu_q, log_var_q).sum(-1)


def kl_full(mu_p: Tensor, cov_p: Tensor, mu_q: Tensor, cov_q: Tensor) -> Tensor:
    """KL between normals with means `[..., K]` and covariance matrices `[..., K, K]`, `-> [...]`.

    Through Cholesky factors, so that no matrix is inverted.

    Raises:
        ValueError: shapes do not fit, or a covariance is not symmetric and positive definite.
    """
    mu_p, cov_p, mu_q, cov_q = (single(v) for v in (mu_p, cov_p, mu_q, cov_q))
    _fit(mu_p, mu_q)
    _finite(mu_p=mu_p, cov_p=cov_p, mu_q=mu_q, cov_q=cov_q)
    factor_p, factor_q = _cholesky(cov_p, mu_p, "p"), _cholesky(cov_q, mu_q, "q")
    batch = torch.broadcast_shapes(factor_p.shape, factor_q.shape)
    spread = torch.linalg.solve_triangular(factor_q, factor_p.expand(batch), upper=False)
    shift = (mu_p - mu_q).unsqueeze(-1)
    shift = torch.linalg.solve_triangular(factor_q, shift, upper=False)  # L_q⁻¹ (μ_p − μ_q)
    log_det = 2 * spread.diagonal(dim1=-2, dim2=-1).log().sum(-1)  # log |Σ_p| − log |Σ_q|
    trace = spread.square().sum((-2, -1))  # tr(Σ_q⁻¹ Σ_p)
    return 0.5 * (trace - mu_p.shape[-1] - log_det + shift.square().sum((-2, -1)))


def kl_to_standard_normal(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(μ, diag σ²) ‖ N(0, I)) = ½ Σ (μ² + σ² − 1 − log σ²), in nats.

    Kingma & Welling 2014, appendix B. Never negative, 0 only for μ = 0 and σ = 1.

    Args:
        mu: means, `[B, K]`.
        log_var: log σ², of the same shape.

    Returns:
        `[B]`, summed over the dimensions.

    Raises:
        ValueError: the shapes differ.
    """
    return kl_per_dimension(mu, log_var).flatten(1).sum(dim=1)  # [B, K] -> [B]


def kl_per_dimension(mu: Tensor, log_var: Tensor) -> Tensor:
    """What each dimension adds to `kl_to_standard_normal`, `[B, K] -> [B, K]`.

    Raises:
        ValueError: the shapes differ.
    """
    if mu.shape != log_var.shape:
        raise ValueError(
            f"mu {list(mu.shape)} and log_var {list(log_var.shape)} differ in shape; the encoder "
            "gives one of each per latent dimension."
        )
    mu, log_var = single(mu), single(log_var)
    # expm1(l) − l keeps its digits near l = 0, where exp(l) − 1 loses them.
    return 0.5 * (mu.square() + (log_var.expm1() - log_var))


def _kl(mu_p: Tensor, log_var_p: Tensor, mu_q: Tensor, log_var_q: Tensor) -> Tensor:
    """½ (σ_p²/σ_q² − 1 − log(σ_p²/σ_q²) + (μ_p − μ_q)²/σ_q²), elementwise."""
    log_ratio = log_var_p - log_var_q
    distance = (mu_p - mu_q).square() * (-log_var_q).exp()
    return 0.5 * ((log_ratio.expm1() - log_ratio) + distance)


def _fit(mu_p: Tensor, mu_q: Tensor) -> None:
    try:
        fit = mu_p.shape[-1] == mu_q.shape[-1]
        torch.broadcast_shapes(mu_p.shape, mu_q.shape)
    except (RuntimeError, IndexError):
        fit = False
    if not fit:
        raise ValueError(
            f"mu_p {list(mu_p.shape)} and mu_q {list(mu_q.shape)} do not fit: the last axis holds "
            "the coordinates and must be equal, the axes before it must broadcast."
        )


def _finite(**tensors: Tensor) -> None:
    for name, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise ValueError(f"{name} has entries that are NaN or infinite.")


def _cholesky(cov: Tensor, mu: Tensor, name: str) -> Tensor:
    if cov.shape != (*mu.shape, mu.shape[-1]):
        raise ValueError(
            f"cov_{name} must be {[*mu.shape, mu.shape[-1]]} beside mu_{name} {list(mu.shape)}, "
            f"got {list(cov.shape)}."
        )
    factor, failed = torch.linalg.cholesky_ex(cov)
    largest = cov.detach().abs().amax() if cov.numel() else 0.0
    if bool(failed.any()) or bool(((cov - cov.mT).abs() > 1e-5 * largest).any()):
        raise ValueError(
            f"cov_{name} must be symmetric and positive definite; a covariance from fewer samples "
            "than coordinates is not: add a small multiple of the identity."
        )
    return factor
