"""The reference models of the course, each remade by one command:

    python -m experiments.reference_models ae-fashion-mnist

Without a name, all that are missing are made. They are written to `genlib/zoo/`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

import genlib
from experiments import binarised_mnist
from experiments.autoencoder_models import mse
from experiments.common import refuse_fallback
from experiments.latent_scores import elbo_of
from genlib import budget, make_generator, pick_device, seed_everything, zoo
from genlib.data import BatchStream, ImageSet, fashion_mnist, mnist
from genlib.metrics import accuracy, log_likelihood
from genlib.models.autoencoder import DenseAutoencoder
from genlib.models.classifier import SmallClassifier
from genlib.models.vae import VAE, ConditionalVAE, ConvVAE, DenseVAE
from genlib.training import Precision, autoencoder_player, classifier_player, train, vae_player


@dataclass(frozen=True)
class Recipe:
    """How one reference model is made."""

    model: Callable[..., nn.Module]
    settings: dict[str, Any]
    data: Callable[..., ImageSet]
    player: Callable[..., Any]
    scores: tuple[str, ...]
    steps: int
    batch_size: int = 128
    seed: int = 0
    precision: Precision = "fp32"  # in training; scores are computed in fp32


# 9,400 steps of 128 are 20 epochs of 60,000 images.
AUTOENCODER_STEPS = budget(smoke=10, cpu=18_800, gpu=46_800)
CLASSIFIER_STEPS = budget(smoke=10, cpu=7_000, gpu=14_000)
VAE_STEPS = budget(smoke=10, cpu=12_000, gpu=46_800)
CONV_VAE_STEPS = budget(smoke=2, cpu=6_000, gpu=46_800)
# No likelihood without its binarisation: on grey pixels this is a cross-entropy.
ELBO = "negative ELBO on grey pixels"
OBEYED = "share of samples read as the chosen class"


def _vae(
    model: Callable[..., nn.Module],
    *,
    data: Callable[..., ImageSet] = fashion_mnist,
    scores: tuple[str, ...] = (ELBO,),
    steps: int = VAE_STEPS,
    precision: Precision = "bf16",
    **settings: Any,
) -> Recipe:
    return Recipe(model, settings, data, vae_player, scores, steps, precision=precision)


RECIPES = {
    "ae-fashion-mnist": Recipe(
        DenseAutoencoder,
        {"code": 20},
        fashion_mnist,
        autoencoder_player,
        ("mse",),
        AUTOENCODER_STEPS,
    ),
    "ae2-fashion-mnist": Recipe(
        DenseAutoencoder,
        {"code": 2},
        fashion_mnist,
        autoencoder_player,
        ("mse",),
        AUTOENCODER_STEPS,
    ),
    "classifier-fashion-mnist": Recipe(
        SmallClassifier, {}, fashion_mnist, classifier_player, ("accuracy",), CLASSIFIER_STEPS
    ),
    "classifier-mnist": Recipe(
        SmallClassifier, {}, mnist, classifier_player, ("accuracy",), CLASSIFIER_STEPS
    ),
    "vae-fashion-mnist": _vae(ConvVAE, steps=CONV_VAE_STEPS, latent=32, width=32),
    "vae2-fashion-mnist": _vae(DenseVAE, precision="fp32", latent=2, hidden=(256, 128)),
    "vae10-fashion-mnist": _vae(DenseVAE, latent=10, hidden=(128,)),
    "vae20-fashion-mnist": _vae(DenseVAE, latent=20, hidden=(256, 128)),
    "cvae-mnist": _vae(
        ConditionalVAE,
        data=mnist,
        scores=(ELBO, OBEYED),
        classes=10,
        latent=8,
        hidden=(256, 128),
    ),
}


def negative_elbo(model: nn.Module, test: ImageSet) -> float:
    """Nats per test image, with grey pixels as targets; given the labels if the model takes them.

    The model is a `VAE` or a `ConditionalVAE`.
    """
    assert isinstance(model, VAE | ConditionalVAE)
    return float(elbo_of(model, test.pixels(), test.labels)["elbo"])


@torch.no_grad()
def obeyed(model: nn.Module, test: ImageSet, per_class: int = 1_000) -> float:
    """How often the course's classifier reads a sample of a chosen digit as that digit.

    The same number of samples of every class, z from N(0, I).
    """
    assert isinstance(model, ConditionalVAE)
    device = test.images.device
    y = torch.arange(model.classes, device=device).repeat_interleave(per_class)
    z = torch.randn(len(y), model.latent, generator=make_generator(0, "chosen classes"))
    pictures = model.sample(z.to(device), y)  # [N, 1, 28, 28]
    read = zoo.load("classifier-mnist").to(device)(pictures).argmax(dim=1)
    return float((read == y).float().mean())


SCORES: dict[str, Callable[[Any, ImageSet], float]] = {
    "mse": mse,
    "accuracy": accuracy,
    ELBO: negative_elbo,
    OBEYED: obeyed,
}


# From the experiment `binarised_mnist`: (objective, steps).
BINARISED = {
    "vae-binarised-mnist": ("vae", binarised_mnist.SETTINGS.long_steps),
    "iwae-binarised-mnist": ("iwae", binarised_mnist.SETTINGS.steps),
}


NATS = "−log p(x), k = 50, sampled binary pixels"


def binary_nats(model: DenseVAE) -> float:
    """−log p(x) per test image, binarised as in the experiment, with 50 importance samples."""
    x = binarised_mnist.binarised(mnist("test").pixels())
    return float(-log_likelihood(model, x, 50, make_generator(50, "likelihood")).mean())


def make_binarised(name: str, folder: Path = zoo.FOLDER) -> Path:
    """Keep a model of the experiment `binarised_mnist`, trained first where it is not yet."""
    settings = binarised_mnist.SETTINGS
    objective, steps = BINARISED[name]
    x = binarised_mnist.test_set(settings)
    refuse_fallback()
    curve = binarised_mnist.Curve(x[:1000], every=max(1, steps // settings.looks))
    model, history = binarised_mnist.fit(settings, objective, steps, curve)
    half = model.half().float()
    card = {
        "data": f"{mnist('train').title}, each batch binarised anew",
        "objective": objective,
        "seed": settings.seed,
        "steps": steps,
        "batch_size": settings.batch_size,
        "scores": {f"test {NATS}": round(binary_nats(half), 3)},
        "seconds": round(history.seconds),
        "command": f"GENLIB_PROFILE={genlib.profile()} python -m experiments.reference_models "
        f"{name}",
    }
    shape = {
        "latent": settings.latent,
        "hidden": list(settings.hidden),
        "activation": "tanh",
    }
    path = zoo.save(half, name, settings=shape, card=card, folder=folder)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} KB, {card['scores']}", flush=True)
    return path


def make(name: str, folder: Path = zoo.FOLDER) -> Path:
    """Train the model `name` and write it with its card."""
    recipe = RECIPES[name]
    device = pick_device()
    train_set, test = recipe.data("train", device=device), recipe.data("test", device=device)
    refuse_fallback()
    seed_everything(recipe.seed)
    model = recipe.model(**recipe.settings).to(device)
    player = recipe.player(model, steps=recipe.steps)
    stream = BatchStream(train_set, recipe.batch_size, seed=recipe.seed)
    history = train(
        [player],
        stream,
        steps=recipe.steps,
        seed=recipe.seed,
        progress=False,
        precision=recipe.precision,
    )
    half = model.half().float()  # score what is kept: weights in half precision
    profile = f"GENLIB_PROFILE={genlib.profile()}"
    card = {
        "data": train_set.title,
        "seed": recipe.seed,
        "steps": recipe.steps,
        "batch_size": recipe.batch_size,
        "scores": {f"test {name}": round(SCORES[name](half, test), 5) for name in recipe.scores},
        "seconds": round(history.seconds),
        "command": f"{profile} python -m experiments.reference_models {name}",
    }
    path = zoo.save(half, name, settings=recipe.settings, card=card, folder=folder)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} KB, {card['scores']}", flush=True)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    makers = {**dict.fromkeys(RECIPES, make), **dict.fromkeys(BINARISED, make_binarised)}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(makers)}")
    parser.add_argument("--folder", type=Path, default=zoo.FOLDER)
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.names) - set(makers)
    if unknown:
        parser.error(f"no such model: {', '.join(sorted(unknown))}; there is {', '.join(makers)}")
    for name in chosen.names or [n for n in makers if n not in zoo.available(chosen.folder)]:
        makers[name](name, chosen.folder)


if __name__ == "__main__":
    main()
