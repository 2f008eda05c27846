"""Chapter 3: the VAE of `binarised_mnist` once more, with the longer schedule.

    python -m experiments.binarised_mnist_longer

The same network, data, seed and recipe; only the training is three times as long: 3,000 epochs of
600 updates, over which the learning rate falls to zero. On two CPU cores that is about two hours;
it saves itself every minute, so it can run in the background, be killed, and go on.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from experiments import binarised_mnist
from experiments.binarised_mnist import PUBLISHED, STEPS_PER_EPOCH, Settings, run
from experiments.common import Row, run_experiment
from genlib import budget

SETTINGS = replace(
    binarised_mnist.SETTINGS,
    long_steps=budget(smoke=6, cpu=3_000 * STEPS_PER_EPOCH, gpu=3_280 * STEPS_PER_EPOCH),
    looks=budget(smoke=2, cpu=60, gpu=60),
)
BANDS = {"vae_longer/nll": (86.0, 87.0)}  # asked for: 87.0 or better

__all__ = ["run"]


def cells(settings: Settings) -> list[Row]:
    return [{"objective": "vae", "steps": settings.long_steps}]


def summarise(settings: Settings, rows: list[Row]) -> Row:
    (row,) = rows
    kept = ("elbo", "k50", "nll", "nll_error", "active_units", "train_bound", "train_seconds")
    figures = {key: row[key] for key in (*kept, "steps", "curve")}
    return {"vae_longer": figures, "published": {"vae": PUBLISHED["vae"]}}


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "binarised_mnist_longer")
