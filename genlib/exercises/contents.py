"""Which exercises have checks, and what must pass for each to count as solved.

The one place that says so: progress counts by it, and a test holds it against the chapters.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One check cell of an exercise.

    Attributes:
        check: the name of the check.
        stub: the name of the function that the chapter leaves to you. It tells the parts of an
            exercise apart that share a check; elsewhere your function may have any name.
    """

    check: str
    stub: str


EXERCISES: dict[str, tuple[Part, ...]] = {
    "1.1": (Part("check_squared_error", "my_squared_error"),),
    "1.2": (Part("check_tied_decoder", "my_tied_decoder"),),
    "1.3": (Part("check_pca", "my_pca"),),
    "1.4": (Part("check_denoising_loss", "my_denoising_loss"),),
    "2.1": (Part("check_kl", "my_kl"),),
    "2.2": (Part("check_kl_to_prior", "my_kl_to_prior"),),
    "2.3": (Part("check_js", "my_js"),),
    "2.4": (Part("check_estimator", "my_estimator"),),
    "3.1": (Part("check_reparameterize", "my_reparameterize"),),
    "3.2": (Part("check_negative_elbo", "my_negative_elbo"),),
    "3.3": (Part("check_importance_weighted_bound", "my_importance_weighted_bound"),),
    "3.4": (Part("check_free_bits", "my_free_bits_kl"),),
    "4.1": (
        Part("check_discriminator_loss", "my_discriminator_loss"),
        Part("check_generator_loss", "my_generator_loss"),
    ),
    "4.2": (Part("check_discriminator_step", "my_discriminator_step"),),
    "4.3": (Part("check_minibatch_features", "my_minibatch_features"),),
    "4.4": (
        Part("check_round", "my_round_a"),
        Part("check_round", "my_round_b"),
        Part("check_round", "my_round_c"),
    ),
    "5.1": (Part("check_wasserstein", "my_wasserstein"),),
    "5.2": (Part("check_lipschitz", "my_lipschitz"),),
    "5.3": (Part("check_gradient_penalty", "my_gradient_penalty"),),
    "5.4": (Part("check_critic_loss", "my_critic_loss"),),
    "6.1": (Part("check_vae_gan_losses", "my_losses"),),
    "6.2": (Part("check_routing", "my_step"),),
    "6.3": (Part("check_attribute", "my_attribute"),),
    "7.1": (Part("check_frechet", "my_frechet"),),
    "7.2": (Part("check_precision_recall", "my_precision_recall"),),
    "7.3": (Part("check_density_coverage", "my_density_coverage"),),
    "7.4": (Part("check_memoriser", "my_memoriser"),),
}


def parts_of(check: str) -> list[Part]:
    """The parts that this check decides, none if it belongs to no exercise."""
    return [part for parts in EXERCISES.values() for part in parts if part.check == check]
