"""Chapter 3: how many of 50 latent dimensions a VAE uses, and what helps (binarised MNIST).

    python -m experiments.posterior_collapse

Three trainings of Burda et al.'s network (two hidden layers of 200 tanh units), equal updates:

- `plain`: the ELBO from the first step;
- `warmup`: the weight of the KL term rises from 0 to 1 over the first quarter of the steps;
- `free_bits`: a dimension's KL costs nothing below 0.1 nats.

All are tested with the ELBO ("elbo", its negative) and with −log p(x) by importance sampling
("nll"). The test images are binarised once, with a fixed seed. More active units are no aim in
themselves: a code that says more must also give a better likelihood.

In all three the learning rate rises over the first 400 steps. At its full height from the first
step on, the training with KL warm-up came out far worse than the plain one, not better: where the
KL term weighs next to nothing, the first steps decide.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from experiments.binarised_mnist import binarised_once
from experiments.common import Row, over_seeds, run_experiment
from experiments.fitting import fit
from experiments.latent_scores import elbo_of, nll_of, spread
from genlib import budget, pick_device, seed_everything
from genlib.data import mnist
from genlib.models.vae import DenseVAE
from genlib.training import Precision, vae_player


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    steps: int = budget(smoke=5, cpu=8_000, gpu=60_000)
    kl_warmup: int = budget(smoke=2, cpu=2_000, gpu=15_000)
    rate_warmup: int = budget(smoke=1, cpu=400, gpu=400)
    least_kl: float = 0.1  # nats for each dimension
    batch_size: int = budget(smoke=20, cpu=128, gpu=128)
    learning_rate: float = 2e-3
    latent: int = 50
    hidden: tuple[int, ...] = (200, 200)
    precision: Precision = "bf16"  # in training; everything is measured in fp32
    test_images: int = budget(smoke=40, cpu=2_000, gpu=10_000)
    test_samples: int = budget(smoke=10, cpu=100, gpu=1_000)


SETTINGS = Settings()
VARIANTS = ("plain", "warmup", "free_bits")
BANDS = {
    "variants/plain/nll/mean": (95.0, 103.0),
    "variants/warmup/nll/mean": (95.0, 103.0),  # neither remedy gains a likelihood here
    "variants/free_bits/nll/mean": (95.0, 103.0),
    "variants/plain/active_units/mean": (12.0, 40.0),
    "variants/free_bits/active_units/mean": (45.0, 50.0),
    "variants/free_bits/elbo/mean": (99.0, 108.0),
}


def cells(settings: Settings) -> list[Row]:
    return [
        {"variant": variant, "seed": seed} for seed in range(settings.seeds) for variant in VARIANTS
    ]


def run(settings: Settings, *, variant: str, seed: int) -> Row:
    device = pick_device()
    train_set, test = mnist("train", device=device), mnist("test", device=device)
    seed_everything(seed)
    model = DenseVAE(settings.latent, settings.hidden, activation="tanh").to(device)
    helps: dict[str, dict[str, Any]] = {
        "plain": {},
        "warmup": {"kl_warmup": settings.kl_warmup},
        "free_bits": {"least_kl": settings.least_kl},
    }
    player = vae_player(
        model,
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        warmup=settings.rate_warmup,
        binarise=True,
        **helps[variant],
    )
    fit(settings, player, train_set, seed)
    x = binarised_once(spread(test, settings.test_images).pixels())
    return {**elbo_of(model, x), "nll": nll_of(model, x, settings.test_samples)}


def summarise(settings: Settings, rows: list[Row]) -> Row:
    names = ("kl", "distortion", "elbo", "nll", "active_units")
    return {
        "variants": {
            variant: over_seeds([row for row in rows if row["variant"] == variant], names)
            for variant in VARIANTS
        }
    }


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "posterior_collapse")
