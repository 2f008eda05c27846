"""Divergences between distributions, in nats, one value per sample."""

from __future__ import annotations

from torch import Tensor

from genlib.losses.precision import single


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
    if mu.shape != log_var.shape:
        raise ValueError(
            f"mu {list(mu.shape)} and log_var {list(log_var.shape)} differ in shape; the encoder "
            "gives one of each per latent dimension."
        )
    mu, log_var = single(mu), single(log_var)
    # expm1(l) − l keeps its digits near l = 0, where exp(l) − 1 loses them.
    return 0.5 * (mu.square() + (log_var.expm1() - log_var)).flatten(1).sum(dim=1)  # [B, K] -> [B]
