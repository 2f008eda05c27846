"""Losses, one value per image, so that the reduction stays in the caller's sight."""

from genlib.losses.adversarial import (
    critic_loss,
    discriminator_loss,
    generator_loss,
    gradient_norm,
    gradient_penalty,
    hinge_discriminator_loss,
    hinge_generator_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    r1_penalty,
    saturating_generator_loss,
)
from genlib.losses.bounds import (
    elbo_terms,
    free_bits,
    importance_bound,
    importance_weighted_bound,
    log_weights,
    reparameterize,
)
from genlib.losses.reconstruction import (
    bernoulli_nll,
    gaussian_nll,
    normal_nll,
    psnr,
    squared_error,
)

__all__ = [
    "bernoulli_nll",
    "critic_loss",
    "discriminator_loss",
    "elbo_terms",
    "free_bits",
    "gaussian_nll",
    "generator_loss",
    "gradient_norm",
    "gradient_penalty",
    "hinge_discriminator_loss",
    "hinge_generator_loss",
    "importance_bound",
    "importance_weighted_bound",
    "least_squares_discriminator_loss",
    "least_squares_generator_loss",
    "log_weights",
    "normal_nll",
    "psnr",
    "r1_penalty",
    "reparameterize",
    "saturating_generator_loss",
    "squared_error",
]
