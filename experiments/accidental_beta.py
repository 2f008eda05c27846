"""Chapter 3: the KL summed over the code, the squared error averaged over the pixels.

    python -m experiments.accidental_beta

Three losses for one network (Fashion-MNIST, Gaussian pixels, 20 latent dimensions):

- `mean_over_pixels`, the mistake: Σ (x − r)² / 784 + KL, which is the second one with β = 784;
- `summed`: Σ (x − r)² + KL, the negative ELBO with σ² = ½, up to a constant;
- `learned_variance`: −log N(x; r, σ²I) + KL with one σ that is learned too.

"mse" is that of reconstructions through the mean of q(z|x), per pixel, and "mean_image_mse" that of
the mean training image in place of every reconstruction: who says nothing of x can do no better.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from experiments.autoencoder_models import mse
from experiments.common import Row, over_seeds, run_experiment
from experiments.fitting import fit
from experiments.latent_scores import elbo_of
from genlib import budget, pick_device, seed_everything
from genlib.data import fashion_mnist
from genlib.divergences import kl_to_standard_normal
from genlib.losses import reparameterize, squared_error
from genlib.models.vae import GaussianVAE
from genlib.training import Move, Precision, vae_player


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    steps: int = budget(smoke=5, cpu=2_000, gpu=23_400)
    batch_size: int = budget(smoke=20, cpu=128, gpu=128)
    learning_rate: float = 1e-3
    latent: int = 20
    hidden: tuple[int, ...] = (400,)
    precision: Precision = "bf16"  # in training; everything is measured in fp32


SETTINGS = Settings()
VARIANTS = ("mean_over_pixels", "summed", "learned_variance")
BANDS = {
    "mean_image_mse": (0.0860, 0.0875),
    "variants/mean_over_pixels/kl/mean": (0.0, 0.01),
    "variants/mean_over_pixels/active_units/mean": (0.0, 0.0),
    "variants/mean_over_pixels/mse/mean": (0.0855, 0.0885),  # the mean image's
    "variants/summed/kl/mean": (5.0, 12.0),
    "variants/summed/mse/mean": (0.015, 0.025),
    "variants/learned_variance/kl/mean": (35.0, 55.0),
    "variants/learned_variance/mse/mean": (0.008, 0.015),
}


def cells(settings: Settings) -> list[Row]:
    return [
        {"variant": variant, "seed": seed} for seed in range(settings.seeds) for variant in VARIANTS
    ]


def run(settings: Settings, *, variant: str, seed: int) -> Row:
    device = pick_device()
    train_set, test = fashion_mnist("train", device=device), fashion_mnist("test", device=device)
    seed_everything(seed)
    # With σ² = ½ the model's −log p(x|z) is the squared error, up to a constant.
    sigma = None if variant == "learned_variance" else math.sqrt(0.5)
    model = GaussianVAE(settings.latent, settings.hidden, sigma=sigma).to(device)
    player = vae_player(model, steps=settings.steps, learning_rate=settings.learning_rate)
    if variant == "mean_over_pixels":
        player = replace(player, loss=mean_over_pixels(model))
    fit(settings, player, train_set, seed)
    scores = elbo_of(model, test.pixels())
    return {
        "kl": scores["kl"],
        "mse": mse(model, test),
        "active_units": scores["active_units"],
        "sigma": model.sigma,
    }


def mean_over_pixels(model: GaussianVAE) -> Callable[[Move], Tensor]:
    """The mistaken loss: squared error averaged over pixels, KL summed over latent dimensions."""

    def loss(move: Move) -> Tensor:
        mu, log_var = model.encode(move.x)
        r = model.decode(reparameterize(mu, log_var, move.normal(model.latent)))
        kl = kl_to_standard_normal(mu, log_var)
        return (squared_error(r, move.x) / r[0].numel() + kl).mean()

    return loss


def summarise(settings: Settings, rows: list[Row]) -> Row:
    names = ("kl", "mse", "active_units", "sigma")
    return {
        "variants": {
            variant: over_seeds([row for row in rows if row["variant"] == variant], names)
            for variant in VARIANTS
        },
        "mean_image_mse": mean_image_mse(),
    }


def mean_image_mse() -> float:
    """Error per pixel of the mean training image as the reconstruction of every test image."""
    mean = fashion_mnist("train").pixels().mean(dim=0)  # [N, C, H, W] -> [C, H, W]
    return mse(lambda x: mean.to(x.device).expand_as(x), fashion_mnist("test"))


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "accidental_beta")
