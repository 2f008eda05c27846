"""Chapter 1: what a denoising autoencoder gains, in decibels, by noise level (Fashion-MNIST).

    python -m experiments.denoising

For each level three reconstructions of the same noisy test images: the image clipped to [0, 1], a
plain autoencoder (trained without noise), and a denoising one (trained at that level), both with a
code of 64 numbers.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from experiments.common import Row, run_experiment
from genlib import budget, make_generator, pick_device, seed_everything
from genlib.data import BatchStream, fashion_mnist
from genlib.losses import psnr
from genlib.metrics import interval, per_image
from genlib.models.autoencoder import DenseAutoencoder
from genlib.training import add_noise, autoencoder_player, train


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    noise: tuple[float, ...] = (0.1, 0.2, 0.4, 0.8)
    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    steps: int = budget(smoke=10, cpu=7_000, gpu=23_400)
    batch_size: int = 128
    learning_rate: float = 1e-3
    code: int = 64


SETTINGS = Settings()
BANDS = {
    "levels/0.1/denoising_gain_db/mean": (-1.0, 1.5),  # the chapter: nothing gained here
    "levels/0.4/denoising_gain_db/mean": (9.0, 13.0),
    "levels/0.4/plain_gain_db/mean": (7.0, 10.0),
    "levels/0.8/denoising_gain_db/mean": (14.0, 18.0),
}


def cells(settings: Settings) -> list[Row]:
    return [
        {"trained_at": level, "seed": seed}
        for seed in range(settings.seeds)
        for level in (0.0, *settings.noise)
    ]


def run(settings: Settings, *, trained_at: float, seed: int) -> Row:
    device = pick_device()
    train_set, test = fashion_mnist("train", device=device), fashion_mnist("test", device=device)
    seed_everything(seed)
    model = DenseAutoencoder(code=settings.code).to(device)
    player = autoencoder_player(
        model,
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        noise_std=trained_at,
    )
    stream = BatchStream(train_set, settings.batch_size, seed=seed)
    train([player], stream, steps=settings.steps, seed=seed, progress=False)
    # A plain autoencoder meets every level, a denoising one its own.
    levels = settings.noise if trained_at == 0 else (trained_at,)
    numbers: Row = {}
    for level in levels:
        # The same noise for every model: pairs are compared, not averages of different pictures.
        noise = make_generator(0, "test noise", str(level), device=device)
        both = per_image(test, partial(_psnr, model, level=level, noise=noise))
        numbers[f"noisy_db_{level}"], numbers[f"restored_db_{level}"] = both.mean(dim=0).tolist()
    return numbers


def _psnr(model: nn.Module, x: Tensor, level: float, noise: torch.Generator) -> Tensor:
    """PSNR of the noisy and of the restored image, `[B, 2]`."""
    noisy = add_noise(x, level, noise)
    return torch.stack([psnr(noisy, x), psnr(model(noisy), x)], dim=1)


def summarise(settings: Settings, rows: list[Row]) -> Row:
    levels: Row = {}
    for level in settings.noise:
        gains = {}
        for name, trained_at in {"plain": 0.0, "denoising": level}.items():
            gains[name] = [
                row[f"restored_db_{level}"] - row[f"noisy_db_{level}"]
                for row in rows
                if row["trained_at"] == trained_at
            ]
        levels[str(level)] = {
            "noisy_db": next(r[f"noisy_db_{level}"] for r in rows if r["trained_at"] == level),
            **{f"{name}_gain_db": interval(values).to_dict() for name, values in gains.items()},
            "clipping_gain_db": clipping_gain(level),
        }
    return {"levels": levels}


def clipping_gain(level: float) -> float:
    """What clipping the noisy test images to [0, 1] gains, in dB, without any model."""
    test = fashion_mnist("test", device=pick_device())
    noise = make_generator(0, "test noise", str(level), device=test.images.device)

    def gain(x: Tensor) -> Tensor:
        noisy = add_noise(x, level, noise)
        return psnr(noisy.clamp(0, 1), x) - psnr(noisy, x)

    return float(per_image(test, gain).mean())


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "denoising")
