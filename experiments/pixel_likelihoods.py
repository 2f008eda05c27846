"""Chapter 3: no likelihood without its binarisation: one table, three kinds of pixels (MNIST).

    python -m experiments.pixel_likelihoods

One network is trained on the same digits with grey pixels in [0, 1], with sampled ones (1 with the
grey value as probability, drawn anew for every batch), and with thresholded ones (1 above one
half). Each is tested on all three; sampled test images are drawn once, with a fixed seed.

"elbo" is the negative ELBO, "nll" is −log p(x) by importance sampling. On grey pixels neither is a
likelihood: the Bernoulli distribution has no grey values, and its cross-entropy cannot fall below
the pixels' own entropy (chapter 1). The table is there to show how far apart the numbers lie.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from experiments.binarised_mnist import binarised_once
from experiments.common import Row, over_seeds, run_experiment
from experiments.fitting import fit
from experiments.latent_scores import elbo_of, nll_of, spread
from genlib import budget, pick_device, seed_everything
from genlib.data import ImageSet, mnist
from genlib.models.vae import DenseVAE
from genlib.training import Precision, vae_player


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    steps: int = budget(smoke=5, cpu=3_000, gpu=23_400)
    batch_size: int = budget(smoke=20, cpu=128, gpu=128)
    learning_rate: float = 2e-3
    latent: int = 20
    hidden: tuple[int, ...] = (400,)
    precision: Precision = "bf16"  # in training; everything is measured in fp32
    test_images: int = budget(smoke=40, cpu=1_000, gpu=10_000)
    test_samples: int = budget(smoke=10, cpu=100, gpu=1_000)


SETTINGS = Settings()
KINDS = ("grey", "sampled", "thresholded")
BANDS = {
    "table/grey/grey/elbo/mean": (101.0, 109.0),
    "table/grey/sampled/elbo/mean": (97.0, 106.0),
    "table/grey/thresholded/elbo/mean": (85.0, 95.0),
    "table/sampled/sampled/elbo/mean": (97.0, 106.0),
    "table/sampled/sampled/nll/mean": (93.0, 102.0),
    "table/thresholded/thresholded/elbo/mean": (82.0, 92.0),
    "table/thresholded/thresholded/nll/mean": (78.0, 88.0),
    "table/thresholded/grey/elbo/mean": (104.0, 113.0),
}


def cells(settings: Settings) -> list[Row]:
    return [{"trained": kind, "seed": seed} for seed in range(settings.seeds) for kind in KINDS]


def run(settings: Settings, *, trained: str, seed: int) -> Row:
    device = pick_device()
    train_set, test = mnist("train", device=device), mnist("test", device=device)
    seed_everything(seed)
    model = DenseVAE(settings.latent, settings.hidden).to(device)
    player = vae_player(
        model,
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        binarise=trained == "sampled",
    )
    data = thresholded(train_set) if trained == "thresholded" else train_set
    fit(settings, player, data, seed)
    return {
        kind: {"elbo": elbo_of(model, x)["elbo"], "nll": nll_of(model, x, settings.test_samples)}
        for kind, x in three_kinds(spread(test, settings.test_images)).items()
    }


def thresholded(data: ImageSet) -> ImageSet:
    """The same images with every pixel black or white: white above one half."""
    white = torch.full_like(data.images, 255)
    return replace(data, images=torch.where(data.images > 127, white, 0))


def three_kinds(test: ImageSet) -> dict[str, Tensor]:
    """The same test images with each kind of pixels, `[N, C, H, W]` each."""
    x = test.pixels()
    return {"grey": x, "sampled": binarised_once(x), "thresholded": thresholded(test).pixels()}


def summarise(settings: Settings, rows: list[Row]) -> Row:
    return {
        "table": {
            trained: over_seeds([row for row in rows if row["trained"] == trained], KINDS)
            for trained in KINDS
        }
    }


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "pixel_likelihoods")
