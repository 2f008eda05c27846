"""Chapter 3: what β trades: the rate–distortion curve of one VAE (binarised MNIST).

    python -m experiments.rate_distortion

The same network is trained with eight weights β of the KL term. Rate is KL(q(z|x) ‖ N(0, I)), in
nats that the code says about an image; distortion is −E log p(x|z) (Alemi et al. 2018). Their sum
is the negative ELBO, "elbo" here: a straight line of slope −1 holds it fixed. β = 1 trains for it.

Training images are binarised anew for every batch, the test images once, with a fixed seed. All 784
pixels count, so β here is the weight against whole images.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from experiments.binarised_mnist import binarised_once
from experiments.common import Row, over_seeds, run_experiment
from experiments.fitting import fit
from experiments.latent_scores import elbo_of
from genlib import budget, pick_device, seed_everything
from genlib.data import mnist
from genlib.models.vae import DenseVAE
from genlib.training import Precision, vae_player


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    betas: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 50.0)
    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    steps: int = budget(smoke=3, cpu=2_500, gpu=23_400)
    batch_size: int = budget(smoke=20, cpu=128, gpu=128)
    learning_rate: float = 2e-3
    latent: int = 20
    hidden: tuple[int, ...] = (400,)
    precision: Precision = "bf16"  # in training; everything is measured in fp32
    test_images: int = budget(smoke=50, cpu=10_000, gpu=10_000)


SETTINGS = Settings()
BANDS = {
    "betas/0.1/rate/mean": (45.0, 70.0),
    "betas/0.1/elbo/mean": (115.0, 135.0),
    "betas/1.0/rate/mean": (22.0, 29.0),
    "betas/1.0/elbo/mean": (98.0, 108.0),  # the least of the eight
    "betas/10.0/elbo/mean": (145.0, 170.0),
    "betas/50.0/rate/mean": (0.0, 0.1),
    "betas/50.0/distortion/mean": (203.0, 209.0),  # pixel frequencies, no code
}


def cells(settings: Settings) -> list[Row]:
    return [
        {"beta": beta, "seed": seed} for seed in range(settings.seeds) for beta in settings.betas
    ]


def run(settings: Settings, *, beta: float, seed: int) -> Row:
    device = pick_device()
    train_set, test = mnist("train", device=device), mnist("test", device=device)
    seed_everything(seed)  # every β of a seed starts from the same weights
    model = DenseVAE(settings.latent, settings.hidden).to(device)
    player = vae_player(
        model,
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        beta=beta,
        binarise=True,
    )
    fit(settings, player, train_set, seed)
    scores = elbo_of(model, binarised_once(test.pixels())[: settings.test_images])
    return {"rate": scores.pop("kl"), **scores}


def summarise(settings: Settings, rows: list[Row]) -> Row:
    names = ("rate", "distortion", "elbo", "active_units")
    return {
        "betas": {
            str(beta): over_seeds([row for row in rows if row["beta"] == beta], names)
            for beta in settings.betas
        }
    }


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "rate_distortion")
