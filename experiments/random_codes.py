"""Chapter 1: how often does a decoded code show a piece of clothing? (Fashion-MNIST)

    python -m experiments.random_codes

Codes come from real test images, from lines between two of them, and from three guesses at where
codes might lie. Two referees judge each decoded picture against reconstructions of test images:
a classifier (is it as sure of the class?) and the training set (is the nearest training image as
near?). Each referee's threshold lets 95 % of the reconstructions pass.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import torch
from torch import Tensor

from experiments.common import Row, run_experiment
from genlib import budget, make_generator, pick_device, seed_everything, zoo
from genlib.data import BatchStream, ImageSet, fashion_mnist
from genlib.metrics import appoint, interval, per_image
from genlib.models.autoencoder import DenseAutoencoder
from genlib.training import autoencoder_player, train


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=5, gpu=5)
    steps: int = budget(smoke=10, cpu=9_400, gpu=23_400)
    samples: int = budget(smoke=100, cpu=2_000, gpu=2_000)
    batch_size: int = 128
    code: int = 20


SETTINGS = Settings()
BANDS = {
    "held_out/both/mean": (0.85, 0.95),
    "other_class_midpoint/both/mean": (0.40, 0.65),
    "fitted_normal/both/mean": (0.10, 0.35),
    "standard_normal/both/mean": (0.0, 0.25),
    "uniform_box/both/mean": (0.0, 0.05),
    "uniform_box/classifier/mean": (0.75, 0.98),  # a sure classifier proves nothing
}


def cells(settings: Settings) -> list[Row]:
    return [{"seed": seed} for seed in range(settings.seeds)]


def run(settings: Settings, *, seed: int) -> Row:
    device = pick_device()
    train_set, test = fashion_mnist("train", device=device), fashion_mnist("test", device=device)
    seed_everything(seed)
    model = DenseAutoencoder(code=settings.code).to(device)
    player = autoencoder_player(model, steps=settings.steps)
    stream = BatchStream(train_set, settings.batch_size, seed=seed)
    train([player], stream, steps=settings.steps, seed=seed, progress=False)
    return judge(model, train_set, test, settings.samples, make_generator(seed, "codes"))


def judge(
    model: DenseAutoencoder,
    train_set: ImageSet,
    test: ImageSet,
    samples: int,
    generator: torch.Generator,
) -> Row:
    """Share of decoded pictures that pass each referee, by where their codes come from."""
    codes = per_image(test, model.encode)  # [N, K]
    half = len(codes) // 2
    known, held_out = codes[:half], codes[half : half + samples]
    assert test.labels is not None
    classifier = zoo.load("classifier-fashion-mnist").to(codes.device)

    @torch.no_grad()
    def pictures(y: Tensor) -> Tensor:
        return model.decode(y).clamp(0, 1)

    referees = appoint(classifier, train_set, pictures(known[:samples]))
    sources = guesses(known, test.labels[:half], held_out, samples, generator)
    return {name: referees.judge(pictures(y)) for name, y in sources.items()}


def guesses(
    codes: Tensor, labels: Tensor, held_out: Tensor, n: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """Where a code might come from; each `[n, K]` (the held-out ones as given)."""
    k = codes.shape[1]
    normal = torch.randn(n, k, generator=generator).to(codes)
    uniform = torch.rand(n, k, generator=generator).to(codes)
    low, high = codes.amin(dim=0), codes.amax(dim=0)
    factor = torch.linalg.cholesky(codes.T.cov())  # Σ = L Lᵀ
    # One pair in ten is of one class, so 16 n pairs give n of each kind.
    first, second = torch.randint(len(codes), (2, 16 * n), generator=generator).to(codes.device)
    first, second = first[first != second], second[first != second]
    differ = labels[first] != labels[second]
    between = (codes[first] + codes[second]) / 2
    return {
        "held_out": held_out,
        "same_class_midpoint": between[~differ][:n],
        "other_class_midpoint": between[differ][:n],
        "fitted_normal": codes.mean(dim=0) + normal @ factor.T,
        "standard_normal": normal,
        "uniform_box": low + (high - low) * uniform,
    }


def summarise(settings: Settings, rows: list[Row]) -> Row:
    sources = [key for key, value in rows[0].items() if isinstance(value, dict)]
    return {
        source: {
            judge: interval([row[source][judge] for row in rows]).to_dict()
            for judge in rows[0][source]
        }
        for source in sources
    }


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "random_codes")
