"""Chapter 1: test error against the length of the code, PCA's curve beside it (Fashion-MNIST).

python -m experiments.autoencoder_code_size
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from experiments.autoencoder_models import mse, pca
from experiments.common import Row, run_experiment
from genlib import budget, pick_device, seed_everything
from genlib.data import BatchStream, fashion_mnist
from genlib.metrics import interval
from genlib.models.autoencoder import DenseAutoencoder
from genlib.training import autoencoder_player, train


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    codes: tuple[int, ...] = (2, 4, 8, 16, 32, 64)
    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    steps: int = budget(smoke=10, cpu=9_400, gpu=23_400)
    batch_size: int = 128
    learning_rate: float = 1e-3


SETTINGS = Settings()
BANDS = {
    "codes/2/over_pca/mean": (0.45, 0.65),
    "codes/4/over_pca/mean": (0.42, 0.60),
    "codes/16/over_pca/mean": (0.52, 0.70),
    "codes/64/over_pca/low": (0.85, 1.00),  # the chapter says that this interval contains 1
    "codes/64/over_pca/high": (1.00, 1.15),
}


def cells(settings: Settings) -> list[Row]:
    return [
        {"code": code, "seed": seed} for seed in range(settings.seeds) for code in settings.codes
    ]


def run(settings: Settings, *, code: int, seed: int) -> Row:
    device = pick_device()
    train_set, test = fashion_mnist("train", device=device), fashion_mnist("test", device=device)
    seed_everything(seed)
    model = DenseAutoencoder(code=code).to(device)
    player = autoencoder_player(model, steps=settings.steps, learning_rate=settings.learning_rate)
    stream = BatchStream(train_set, settings.batch_size, seed=seed)
    train([player], stream, steps=settings.steps, seed=seed, progress=False)
    return {"mse": mse(model, test), "pca_mse": mse(pca(train_set, code), test)}


def summarise(settings: Settings, rows: list[Row]) -> Row:
    codes: Row = {}
    for code in settings.codes:
        mine = [row for row in rows if row["code"] == code]
        codes[str(code)] = {
            "mse": interval([row["mse"] for row in mine]).to_dict(),
            "pca_mse": mine[0]["pca_mse"],
            "over_pca": interval([row["mse"] / row["pca_mse"] for row in mine]).to_dict(),
        }
    return {"codes": codes}


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "autoencoder_code_size")
