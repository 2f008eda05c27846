"""Chapter 6: a VAE-GAN and a VAE with its encoder and decoder learn MNIST.

    python -m experiments.vae_gan_mnist

Both have the same encoder and the same decoder (convolutions, batch normalisation before the
activation) and see the same images for the same number of steps; the VAE-GAN has a discriminator
besides, and so takes longer: "seconds" is what training alone took. The VAE has Bernoulli pixels, a
learning rate that falls to 0 and torch's own start; the VAE-GAN starts from N(0, 0.02²) weights and
has the settings of `vanishing_digits`' "repaired" with networks twice as wide. Both are averaged
over the steps.

- "models": scores of 10,000 pictures from the prior, and of all reconstructed test images; what
  they are stands in `vae_gan_fit`. "data": the test images' own Fréchet distance, classes and
  sharpness, the classifier's share of them read right, and what 10,000 training images get for the
  scores that compare with test images. An image is its own reconstruction there.
- "looks": `[step, kl, likeness, encoder, decoder, discriminator, frechet, entropy, mse]` at equal
  steps through the training of each seed. Losses are means since the last look, and the VAE has
  none of the four in the middle; scores are of the networks themselves, not of their averages, with
  fewer pictures and images.
- "gammas", "layers": VAE-GANs of fewer steps ("sweep_steps") with another γ, or with features of
  another of the discriminator's two convolutions (2 is the last, and the one taken elsewhere).

The weight γ was chosen from five values, 1e-8 to 1e-1, by pictures and scores of one run of 600 to
3,000 steps each; layer 1 and a discriminator without batch normalisation were tried too, with one
run and two. The learning rate, five times as high as usual, is that of `vanishing_digits`.

Pictures, seed 0: "vae_gan" and "vae", rows of samples of the averaged models from the same z at the
steps that lie where epochs 5, 20, …, 95 lie among 95; "reconstructions": test images, and what the
VAE and the VAE-GAN make of them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import torch
from torch import Tensor

from experiments import vae_gan_fit
from experiments.common import Row, over_seeds, run_experiment
from experiments.gan_images import now
from experiments.sheets import webp_sheet
from experiments.vae_gan_fit import (
    Looks,
    Pair,
    encoded,
    fit,
    in_parts,
    mean_squared_error,
    networks,
    reconstruction_scores,
    sample_scores,
    scaled_epochs,
)
from genlib import budget, make_generator, pick_device, seed_everything
from genlib.data import mnist
from genlib.metrics import features, kernel_distance, precision_recall, sharpness
from genlib.models.vae import ConvVAE
from genlib.models.vae_gan import Encoder
from genlib.training import History, vae_gan_players, vae_player


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    sweep_seeds: int = 2  # of "gammas" and "layers"
    steps: int = budget(smoke=8, cpu=4_000, gpu=89_000)
    sweep_steps: int = budget(smoke=4, cpu=1_000, gpu=20_000)
    looks: int = budget(smoke=4, cpu=20, gpu=20)
    look_samples: int = budget(smoke=40, cpu=2_000, gpu=5_000)
    look_images: int = budget(smoke=40, cpu=1_000, gpu=5_000)
    samples: int = budget(smoke=80, cpu=10_000, gpu=10_000)
    batch_size: int = budget(smoke=10, cpu=64, gpu=64)
    latent: int = 32
    width: int = budget(smoke=4, cpu=16, gpu=64)
    learning_rate: float = budget(smoke=1e-3, cpu=1e-3, gpu=2e-4)
    vae_rate: float = 1e-3
    ema_decay: float = budget(smoke=0.5, cpu=0.995, gpu=0.999)
    gamma: float = 1e-2
    gammas: tuple[float, ...] = (1e-8, 1e-3, 1e-2, 1e-1, 1.0)
    layers: tuple[int, ...] = (1, 2)
    epochs: tuple[int, ...] = (5, 20, 35, 50, 65, 80, 95)
    of_epochs: int = 95
    columns: int = 14


SETTINGS = Settings()
BANDS: dict[str, tuple[float, float]] = {
    "models/data/frechet/mean": (1.5, 3.5),
    "models/data/precision/mean": (0.82, 0.92),
    "models/data/recall/mean": (0.82, 0.92),
    "models/data/read_right/mean": (0.985, 0.995),
    "models/vae/frechet/mean": (280.0, 520.0),
    "models/vae_gan/frechet/mean": (80.0, 220.0),  # pictures: less than half as far as the VAE's
    "models/vae/recall/mean": (0.3, 0.62),
    "models/vae_gan/recall/mean": (0.62, 0.87),  # more kinds of digits
    "models/vae/sharpness/mean": (0.045, 0.085),
    "models/vae_gan/sharpness/mean": (0.13, 0.21),  # as sharp as digits are, 0.18
    "models/vae/mse/mean": (0.006, 0.0095),
    "models/vae_gan/mse/mean": (0.0105, 0.018),  # reconstructions: a larger error
    "models/vae_gan/smallest_class/mean": (0.02, 0.1),  # all ten classes are there
    "models/vae_gan/read_right/mean": (0.94, 0.985),
    "gammas/1e-08/mse/mean": (0.015, 0.032),
    "gammas/0.1/mse/mean": (0.006, 0.014),  # more weight of likeness: better reconstructions
    "gammas/1e-08/frechet/mean": (110.0, 270.0),
    "gammas/1/frechet/mean": (330.0, 800.0),  # and worse samples
    "layers/1/kl/mean": (0.0, 1.0),  # features of layer 1 are small: the KL term wins
    "layers/1/read_right/mean": (0.08, 0.2),
}
SAMPLES = ("frechet", "kernel", "precision", "recall", "sharpness", "entropy", "smallest_class")
REBUILT = ("mse", "feature_error", "read_right")
SWEPT = (*SAMPLES, *REBUILT, "kl")
HISTORY = ("kl", "likeness", "encoder", "decoder", "discriminator")


def scores(settings: Settings, model: Pair, seed: int) -> Row:
    """All that is said of a model after training."""
    device = pick_device()
    judge = vae_gan_fit.referee(device)
    noise = make_generator(seed, "samples")
    z = torch.randn(settings.samples, settings.latent, generator=noise).to(device)
    x, labels = vae_gan_fit.test_images(len(mnist("test", device=device)), device)
    return {
        **sample_scores(judge, in_parts(model.sample, z)),
        **reconstruction_scores(judge, model, x, labels),
    }


def data_scores(settings: Settings, seed: int) -> Row:
    """What real images get."""
    device = pick_device()
    judge = vae_gan_fit.referee(device)
    x, labels = vae_gan_fit.test_images(len(mnist("test", device=device)), device)
    train_set = mnist("train", device=device)
    order = torch.randperm(len(train_set), generator=make_generator(seed, "real images"))
    some = train_set.select(order[: settings.samples].to(device))
    seen = features(judge.classifier, some)
    found = precision_recall(judge.test, seen)
    read = in_parts(judge.classifier, x).argmax(dim=1)
    return {
        **judge.scores(x),
        "kernel": kernel_distance(seen, judge.test),
        "precision": found.precision,
        "recall": found.recall,
        "sharpness": float(sharpness(x).mean()),
        "mse": 0.0,
        "feature_error": 0.0,
        "read_right": float((read == labels).double().mean()),
    }


def look_of(settings: Settings, now_is: Pair, averaged: Pair, steps: int, seed: int) -> Looks:
    """Looks at a model in training; pictures are of its average."""
    device = pick_device()
    judge = vae_gan_fit.referee(device)
    noise = make_generator(seed, "looks")
    z = torch.randn(settings.look_samples, settings.latent, generator=noise).to(device)
    x, _ = vae_gan_fit.test_images(settings.look_images, device)

    def measure() -> Row:
        found = judge.scores(in_parts(now_is.sample, z))
        rebuilt = in_parts(now_is.sample, encoded(now_is, x)[0])
        return {**found, "mse": mean_squared_error(rebuilt, x)}

    shown = scaled_epochs(steps, settings.epochs, settings.of_epochs)
    return Looks(measure, steps // settings.looks, averaged.sample, z[: settings.columns], shown)


def told(looks: Looks, history: History, names: tuple[str | None, ...]) -> list[list[float | None]]:
    """The looks as rows; a name of the history that is None was not there."""
    columns = [history[name].tolist() if name else [None] * len(looks.rows) for name in names]
    return [
        [look["step"], *losses, look["frechet"], look["entropy"], look["mse"]]
        for look, *losses in zip(looks.rows, *columns, strict=True)
    ]


def train_vae(settings: Settings, seed: int) -> tuple[Pair, Row, Tensor]:
    """The averaged VAE, its looks and seconds, and its pictures `[R, N, 1, 28, 28]`."""
    seed_everything(seed)
    model = ConvVAE(settings.latent, settings.width, norm="batch").to(pick_device())
    player = vae_player(
        model,
        steps=settings.steps,
        learning_rate=settings.vae_rate,
        ema_decay=settings.ema_decay,
    )
    best = player.best_model
    assert isinstance(best, ConvVAE)
    averaged = Pair(best.encode, best.sample)
    looks = look_of(settings, Pair(model.encode, model.sample), averaged, settings.steps, seed)
    began = now(looks.z)
    history = fit(
        settings, [player], settings.steps, seed, watch=[looks.look], log_every=looks.every
    )
    found = {
        "training_seconds": now(looks.z) - began - looks.seconds,
        "looks": told(looks, history, ("kl", None, None, None, None)),
    }
    return averaged, found, torch.stack(looks.kept)


def train_vae_gan(
    settings: Settings,
    seed: int,
    steps: int,
    gamma: float,
    layer: int | None = None,
    pictures: bool = False,
) -> tuple[Pair, Row, Tensor | None]:
    """The averaged VAE-GAN, its looks and seconds, and, if wanted, its pictures."""
    seed_everything(seed)
    made = networks(settings, layer=layer)
    players = vae_gan_players(
        *made,
        gamma=gamma,
        learning_rate=settings.learning_rate,
        ema_decay=settings.ema_decay,
    )
    encoder = players[0].best_model
    assert isinstance(encoder, Encoder)
    averaged = Pair(encoder, players[1].best_model)
    looks = look_of(settings, Pair(made.encoder, made.decoder), averaged, steps, seed)
    began = now(looks.z)
    watch = [looks.look] if pictures else []
    history = fit(settings, players, steps, seed, watch=watch, log_every=steps // settings.looks)
    found: Row = {
        "training_seconds": now(looks.z) - began - looks.seconds,
        "kl": float(history["kl"][-1]),
    }
    if not pictures:
        return averaged, found, None
    found["looks"] = told(looks, history, HISTORY)
    return averaged, found, torch.stack(looks.kept)


def cells(settings: Settings) -> list[Row]:
    sweep = [("gamma", gamma) for gamma in settings.gammas]
    sweep += [("layer", layer) for layer in settings.layers if layer != max(settings.layers)]
    return [
        *({"part": "models", "value": 0, "seed": seed} for seed in range(settings.seeds)),
        *(
            {"part": part, "value": value, "seed": seed}
            for seed in range(settings.sweep_seeds)
            for part, value in sweep
        ),
    ]


def run(settings: Settings, *, part: str, value: float, seed: int) -> Row:
    if part != "models":
        gamma = value if part == "gamma" else settings.gamma
        layer = int(value) if part == "layer" else None
        model, swept, _ = train_vae_gan(settings, seed, settings.sweep_steps, gamma, layer)
        return {**scores(settings, model, seed), **swept}
    vae, vae_found, vae_pictures = train_vae(settings, seed)
    made, made_found, made_pictures = train_vae_gan(
        settings, seed, settings.steps, settings.gamma, pictures=True
    )
    found: Row = {
        "vae": {**scores(settings, vae, seed), **vae_found},
        "vae_gan": {**scores(settings, made, seed), **made_found},
        "data": data_scores(settings, seed),
    }
    if seed == 0:
        assert made_pictures is not None
        x, _ = vae_gan_fit.test_images(settings.columns, pick_device())
        x = x[: settings.columns]
        rebuilt = [in_parts(model.sample, encoded(model, x)[0]) for model in (vae, made)]
        found["pictures"] = {
            "vae": webp_sheet(vae_pictures, quality=60),
            "vae_gan": webp_sheet(made_pictures, quality=60),
            "reconstructions": webp_sheet(torch.stack([x, *rebuilt]), quality=70),
        }
    return found


def summarise(settings: Settings, rows: list[Row]) -> Row:
    main = [row for row in rows if row["part"] == "models"]
    models: Row = {"data": over_seeds([row["data"] for row in main], (*SAMPLES, *REBUILT))}
    for model in ("vae", "vae_gan"):
        own = [row[model] for row in main]
        models[model] = {
            **over_seeds(own, (*SAMPLES, *REBUILT)),
            "seconds": over_seeds(own, ("training_seconds",))["training_seconds"],
            "steps": settings.steps,
        }
    gammas, layers = {}, {}
    for gamma in settings.gammas:
        own = [row for row in rows if row["part"] == "gamma" and row["value"] == gamma]
        gammas[f"{gamma:g}"] = over_seeds(own, SWEPT)
    for layer in settings.layers:
        own = [row for row in rows if row["part"] == "layer" and row["value"] == layer]
        # The last layer is the one that all other runs take: γ's own row says what it gives.
        layers[str(layer)] = over_seeds(own, SWEPT) if own else gammas[f"{settings.gamma:g}"]
    return {
        "models": models,
        "looks": {model: [row[model]["looks"] for row in main] for model in ("vae", "vae_gan")},
        "gammas": gammas,
        "layers": layers,
        "sweep_steps": settings.sweep_steps,
    }


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "vae_gan_mnist")
