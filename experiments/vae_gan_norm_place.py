"""Chapter 6: batch normalisation before the activation, after it, or not at all, in a VAE-GAN.

    python -m experiments.vae_gan_norm_place

The VAE-GAN of `vae_gan_mnist` with the same losses, optimiser, noise and images, in fewer
steps. Encoder, decoder and discriminator have batch normalisation before the activation (Ioffe &
Szegedy 2015), all three after it, or none of them has any; "decoder_after" has it after the
activation in the decoder alone. No block that sees the image itself is normalised. All start from
N(0, 0.02²) weights, which suit networks that normalise. Nothing was chosen for any of the four;
γ and the learning rate were chosen for "before".

Scores are of the averaged networks, as `vae_gan_fit` has them: pictures from the prior, and
reconstructed test images. "stopped": runs that ended early because a number was not finite. They
have no scores; intervals are over the others, and without two of them there are no limits.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import torch

from experiments import vae_gan_fit
from experiments.common import Row, over_seeds, run_experiment
from experiments.gan_images import now
from experiments.vae_gan_fit import (
    Pair,
    fit,
    in_parts,
    networks,
    reconstruction_scores,
    sample_scores,
)
from genlib import budget, make_generator, pick_device, seed_everything
from genlib.data import mnist
from genlib.models.convolutions import Norm, Place
from genlib.models.vae_gan import Encoder
from genlib.training import NonFiniteLossError, vae_gan_players


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    steps: int = budget(smoke=4, cpu=1_500, gpu=40_000)
    samples: int = budget(smoke=80, cpu=10_000, gpu=10_000)
    batch_size: int = budget(smoke=10, cpu=64, gpu=64)
    latent: int = 32
    width: int = budget(smoke=4, cpu=16, gpu=64)
    learning_rate: float = budget(smoke=1e-3, cpu=1e-3, gpu=2e-4)
    ema_decay: float = budget(smoke=0.5, cpu=0.995, gpu=0.999)
    gamma: float = 1e-2


SETTINGS = Settings()
BANDS: dict[str, tuple[float, float]] = {
    "places/before/frechet/mean": (100.0, 280.0),
    "places/before/recall/mean": (0.7, 0.88),
    "places/before/mse/mean": (0.011, 0.018),
    "places/after/frechet/mean": (150.0, 400.0),
    "places/after/recall/mean": (0.48, 0.71),
    "places/after/precision/mean": (0.49, 0.65),
    "places/after/mse/mean": (0.008, 0.0145),
    "places/decoder_after/recall/mean": (0.65, 0.86),
    "places/none/mse/mean": (0.04, 0.085),
    "places/none/read_right/mean": (0.5, 0.85),
}
PLACES: dict[str, tuple[Norm, tuple[Place, Place, Place]]] = {  # encoder, decoder, discriminator
    "before": ("batch", ("before", "before", "before")),
    "after": ("batch", ("after", "after", "after")),
    "none": ("none", ("before", "before", "before")),
    "decoder_after": ("batch", ("before", "after", "before")),
}
SCORES = (
    "frechet",
    "kernel",
    "precision",
    "recall",
    "entropy",
    "smallest_class",
    "sharpness",
    "mse",
    "feature_error",
    "read_right",
)


def cells(settings: Settings) -> list[Row]:
    return [{"place": place, "seed": seed} for seed in range(settings.seeds) for place in PLACES]


def run(settings: Settings, *, place: str, seed: int) -> Row:
    device = pick_device()
    norm, places = PLACES[place]
    judge = vae_gan_fit.referee(device)
    seed_everything(seed)
    players = vae_gan_players(
        *networks(settings, norms=(norm, norm, norm), places=places),
        gamma=settings.gamma,
        learning_rate=settings.learning_rate,
        ema_decay=settings.ema_decay,
    )
    noise = make_generator(seed, "samples")
    z = torch.randn(settings.samples, settings.latent, generator=noise).to(device)
    began = now(z)
    try:
        fit(settings, players, settings.steps, seed)
    except NonFiniteLossError:
        return {"stopped": True}
    seconds = now(z) - began
    encoder = players[0].best_model
    assert isinstance(encoder, Encoder)
    model = Pair(encoder, players[1].best_model)
    x, labels = vae_gan_fit.test_images(len(mnist("test", device=device)), device)
    return {
        **sample_scores(judge, in_parts(model.sample, z)),
        **reconstruction_scores(judge, model, x, labels),
        "training_seconds": seconds,
        "stopped": False,
    }


def summarise(settings: Settings, rows: list[Row]) -> Row:
    places = {}
    for place in PLACES:
        own = [row for row in rows if row["place"] == place]
        finished = [row for row in own if not row["stopped"]]
        nothing = dict.fromkeys((*SCORES, "training_seconds"))
        found = over_seeds(finished, tuple(nothing)) if finished else nothing
        places[place] = {
            **{name: found[name] for name in SCORES},
            "seconds": found["training_seconds"],
            "stopped": len(own) - len(finished),
            "steps": settings.steps,
        }
    return {"places": places}


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "vae_gan_norm_place")
