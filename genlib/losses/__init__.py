"""Losses, one value per image, so that the reduction stays in the caller's sight."""

from genlib.losses.adversarial import (
    critic_loss,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
)
from genlib.losses.reconstruction import bernoulli_nll, gaussian_nll, psnr, squared_error

__all__ = [
    "bernoulli_nll",
    "critic_loss",
    "discriminator_loss",
    "gaussian_nll",
    "generator_loss",
    "gradient_penalty",
    "psnr",
    "squared_error",
]
