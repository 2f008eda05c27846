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

from torch import nn

import genlib
from experiments.autoencoder_models import mse
from experiments.common import refuse_fallback
from genlib import budget, pick_device, seed_everything, zoo
from genlib.data import BatchStream, ImageSet, fashion_mnist, mnist
from genlib.metrics import accuracy
from genlib.models.autoencoder import DenseAutoencoder
from genlib.models.classifier import SmallClassifier
from genlib.training import autoencoder_player, classifier_player, train


@dataclass(frozen=True)
class Recipe:
    """How one reference model is made."""

    model: Callable[..., nn.Module]
    settings: dict[str, Any]
    data: Callable[..., ImageSet]
    player: Callable[..., Any]
    score: str
    steps: int
    batch_size: int = 128
    seed: int = 0


# 9,400 steps of 128 are 20 epochs of 60,000 images.
AUTOENCODER_STEPS = budget(smoke=10, cpu=18_800, gpu=46_800)
CLASSIFIER_STEPS = budget(smoke=10, cpu=7_000, gpu=14_000)
RECIPES = {
    "ae-fashion-mnist": Recipe(
        DenseAutoencoder, {"code": 20}, fashion_mnist, autoencoder_player, "mse", AUTOENCODER_STEPS
    ),
    "ae2-fashion-mnist": Recipe(
        DenseAutoencoder, {"code": 2}, fashion_mnist, autoencoder_player, "mse", AUTOENCODER_STEPS
    ),
    "classifier-fashion-mnist": Recipe(
        SmallClassifier, {}, fashion_mnist, classifier_player, "accuracy", CLASSIFIER_STEPS
    ),
    "classifier-mnist": Recipe(
        SmallClassifier, {}, mnist, classifier_player, "accuracy", CLASSIFIER_STEPS
    ),
}
SCORES: dict[str, Callable[[Any, ImageSet], float]] = {"mse": mse, "accuracy": accuracy}


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
    history = train([player], stream, steps=recipe.steps, seed=recipe.seed, progress=False)
    half = model.half().float()  # score what is kept: weights in half precision
    score = SCORES[recipe.score](half, test)
    profile = f"GENLIB_PROFILE={genlib.profile()}"
    card = {
        "data": train_set.title,
        "seed": recipe.seed,
        "steps": recipe.steps,
        "batch_size": recipe.batch_size,
        "scores": {f"test {recipe.score}": round(score, 5)},
        "seconds": round(history.seconds),
        "command": f"{profile} python -m experiments.reference_models {name}",
    }
    path = zoo.save(half, name, settings=recipe.settings, card=card, folder=folder)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} KB, {card['scores']}", flush=True)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(RECIPES)}")
    parser.add_argument("--folder", type=Path, default=zoo.FOLDER)
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.names) - set(RECIPES)
    if unknown:
        parser.error(f"no such model: {', '.join(sorted(unknown))}; there is {', '.join(RECIPES)}")
    for name in chosen.names or [n for n in RECIPES if n not in zoo.available(chosen.folder)]:
        make(name, chosen.folder)


if __name__ == "__main__":
    main()
