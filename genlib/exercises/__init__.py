"""Friendly checks of the exercises: each takes your function and says what is wrong, and why."""

from genlib.exercises.chapter1 import (
    check_denoising_loss,
    check_pca,
    check_squared_error,
    check_tied_decoder,
)
from genlib.exercises.chapter2 import (
    check_estimator,
    check_js,
    check_kl,
    check_kl_to_prior,
)
from genlib.exercises.chapter3 import (
    check_free_bits,
    check_importance_weighted_bound,
    check_negative_elbo,
    check_reparameterize,
)
from genlib.exercises.chapter4 import (
    check_discriminator_loss,
    check_discriminator_step,
    check_generator_loss,
    check_minibatch_features,
    check_round,
)
from genlib.exercises.chapter5 import (
    check_critic_loss,
    check_gradient_penalty,
    check_lipschitz,
    check_wasserstein,
)
from genlib.exercises.chapter6 import (
    check_attribute,
    check_routing,
    check_vae_gan_losses,
)
from genlib.exercises.chapter7 import (
    check_density_coverage,
    check_frechet,
    check_memoriser,
    check_precision_recall,
)
from genlib.exercises.progress import Progress, forget_progress, keep_progress, progress
from genlib.exercises.report import Finding, Report

__all__ = [
    "Finding",
    "Progress",
    "Report",
    "check_attribute",
    "check_critic_loss",
    "check_denoising_loss",
    "check_density_coverage",
    "check_discriminator_loss",
    "check_discriminator_step",
    "check_estimator",
    "check_frechet",
    "check_free_bits",
    "check_generator_loss",
    "check_gradient_penalty",
    "check_importance_weighted_bound",
    "check_js",
    "check_kl",
    "check_kl_to_prior",
    "check_lipschitz",
    "check_memoriser",
    "check_minibatch_features",
    "check_negative_elbo",
    "check_pca",
    "check_precision_recall",
    "check_reparameterize",
    "check_round",
    "check_routing",
    "check_squared_error",
    "check_tied_decoder",
    "check_vae_gan_losses",
    "check_wasserstein",
    "forget_progress",
    "keep_progress",
    "progress",
]
