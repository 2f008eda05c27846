"""Chapter 3: chapter 1's question again: what lies between the codes? (Fashion-MNIST)

    python -m experiments.vae_against_autoencoder

Chapter 1's autoencoder and a VAE with the same layers, trained with equal numbers of updates on the
same batches; each seed is a pair. They differ in the noise on the code, the KL term, and the loss
of the pixels (squared error, Bernoulli on grey pixels).

- "smoothness": lines between the codes of test images of different classes, by
  `genlib.metrics.smoothness` and `departure`, in pixels and in a classifier's features. Lower is
  smoother; "difference" is VAE − autoencoder, over seeds.
- "referees": shares of decoded pictures that pass chapter 1's two referees. One pair of referees
  for both models; their thresholds let 95 % of the autoencoder's reconstructions pass.
- "frechet": Fréchet distance, in the classifier's 64 features, between 5,000 pictures and the
  training images. Not the FID of the literature. "data" is what 5,000 real test images get.
- "sharpness": variance of the Laplacian. "mse": of reconstructions, per pixel.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from experiments.autoencoder_models import mse
from experiments.common import Row, over_seeds, run_experiment
from experiments.fitting import fit
from experiments.random_codes import guesses
from genlib import budget, make_generator, pick_device, seed_everything, zoo
from genlib.data import ImageSet, fashion_mnist
from genlib.metrics import (
    Moments,
    Referees,
    appoint,
    departure,
    features,
    frechet_distance,
    interval,
    moments,
    per_image,
    sharpness,
    smoothness,
)
from genlib.models.autoencoder import DenseAutoencoder
from genlib.models.classifier import SmallClassifier
from genlib.models.vae import DenseVAE
from genlib.training import Precision, autoencoder_player, vae_player


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=5, gpu=5)
    steps: int = budget(smoke=4, cpu=4_000, gpu=23_400)
    samples: int = budget(smoke=40, cpu=1_000, gpu=2_000)  # judged by the referees
    frechet_samples: int = budget(smoke=80, cpu=5_000, gpu=5_000)
    lines: int = budget(smoke=10, cpu=300, gpu=1_000)
    departure_steps: int = 4
    batch_size: int = budget(smoke=20, cpu=128, gpu=128)
    code: int = 20
    hidden: tuple[int, ...] = (256, 128)
    precision: Precision = "bf16"  # in training; everything is measured in fp32


SETTINGS = Settings()
BANDS = {
    "referees/held_out/both/mean": (0.83, 0.95),
    "referees/vae_prior/both/mean": (0.65, 0.82),
    "referees/ae_standard_normal/both/mean": (0.0, 0.28),
    "referees/ae_fitted_normal/both/mean": (0.18, 0.42),
    "referees/vae_other_class_midpoint/both/mean": (0.65, 0.83),
    "referees/ae_other_class_midpoint/both/mean": (0.42, 0.66),
    "referees/vae_same_class_midpoint/both/mean": (0.85, 0.98),
    "smoothness/departure_pixels/difference/mean": (
        -0.25,
        -0.06,
    ),  # the VAE stays nearer to real images
    "smoothness/departure_features/difference/mean": (-0.32, -0.08),
    "smoothness/length_pixels/difference/mean": (
        0.03,
        0.25,
    ),  # but it does not take the shorter way
    "smoothness/largest_pixels/difference/mean": (0.10, 0.50),  # nor the more even one
    "frechet/vae_prior/mean": (115.0, 190.0),
    "frechet/ae_fitted_normal/mean": (105.0, 185.0),
    "frechet/ae_standard_normal/mean": (180.0, 320.0),
    "sharpness/vae_reconstruction/mean": (0.026, 0.045),
    "sharpness/vae_sample/mean": (0.012, 0.031),
    "mse/vae/mean": (0.014, 0.021),
}


@dataclass(frozen=True)
class Trained:
    """One of the two models, as what it does to a test set.

    Attributes:
        codes: of all test images, `[N, K]`; the VAE's are the means of q(z|x).
        decode: `[B, K]` to pictures in [0, 1].
        mse: of reconstructions, per pixel.
    """

    codes: Tensor
    decode: Callable[[Tensor], Tensor]
    mse: float


Looks = dict[str, tuple[Callable[[Tensor], Tensor], Tensor]]  # what is seen; so of real images


def cells(settings: Settings) -> list[Row]:
    return [{"seed": seed} for seed in range(settings.seeds)]


def run(settings: Settings, *, seed: int) -> Row:
    device = pick_device()
    train_set, test = fashion_mnist("train", device=device), fashion_mnist("test", device=device)
    classifier = zoo.load("classifier-fashion-mnist").to(device)
    assert isinstance(classifier, SmallClassifier)
    pair = {
        "autoencoder": autoencoder(settings, train_set, test, seed),
        "vae": vae(settings, train_set, test, seed),
    }
    seen = features(classifier, train_set)  # [N, 64]
    looks: Looks = {
        "pixels": (partial(torch.flatten, start_dim=1), train_set.pixels().flatten(1)),
        "features": (classifier.features, seen.float()),
    }
    ae = pair["autoencoder"]
    # Known to be good: what the autoencoder makes of test images that are not among the held-out.
    referees = appoint(classifier, train_set, ae.decode(ae.codes[: settings.samples]))
    return {
        "smoothness": {
            name: measure_lines(settings, model, looks, test, seed) for name, model in pair.items()
        },
        **judge(settings, ae, pair["vae"], referees, moments(seen), test, seed),
        "mse": {name: model.mse for name, model in pair.items()},
    }


def autoencoder(settings: Settings, train_set: ImageSet, test: ImageSet, seed: int) -> Trained:
    seed_everything(seed)
    model = DenseAutoencoder(settings.code, settings.hidden).to(train_set.images.device)
    fit(settings, autoencoder_player(model, steps=settings.steps), train_set, seed)

    @torch.no_grad()
    def decode(y: Tensor) -> Tensor:
        return model.decode(y).clamp(0, 1)

    return Trained(per_image(test, model.encode), decode, mse(model, test))


def vae(settings: Settings, train_set: ImageSet, test: ImageSet, seed: int) -> Trained:
    seed_everything(seed)
    model = DenseVAE(settings.code, settings.hidden).to(train_set.images.device)
    fit(settings, vae_player(model, steps=settings.steps), train_set, seed)
    codes = per_image(test, lambda x: model.encode(x)[0])
    return Trained(codes, torch.no_grad()(model.sample), mse(model, test))


def measure_lines(
    settings: Settings, model: Trained, looks: Looks, test: ImageSet, seed: int
) -> Row:
    """Means over lines between test images of two classes; the same pairs for both models."""
    assert test.labels is not None
    drawn = make_generator(seed, "lines")
    first, second = torch.randint(len(test), (2, 3 * settings.lines), generator=drawn)
    differ = test.labels.cpu()[first] != test.labels.cpu()[second]
    start, end = (model.codes[side[differ][: settings.lines]] for side in (first, second))
    found: Row = {}
    for space, (look, real) in looks.items():
        smooth = smoothness(model.decode, start, end, look)
        away = departure(model.decode, start, end, real, look, steps=settings.departure_steps)
        found[f"length_{space}"] = float(smooth.length.nanmean())
        found[f"largest_{space}"] = float(smooth.largest.nanmean())
        found[f"departure_{space}"] = float(away.nanmean())
    return found


def judge(
    settings: Settings,
    ae: Trained,
    vae: Trained,
    referees: Referees,
    real: Moments,
    test: ImageSet,
    seed: int,
) -> Row:
    """What the referees and the Fréchet distance say of pictures by source, and sharpness."""
    n, many = settings.samples, settings.frechet_samples
    half = len(test) // 2
    rest = test.select(torch.arange(half, min(half + many, len(test))))
    pictures = sources(ae, vae, test, many, seed)

    def distance(images: Tensor | ImageSet) -> float:
        return frechet_distance(moments(features(referees.classifier, images)), real)

    sharp: dict[str, Tensor | ImageSet] = {
        "data": rest,
        "vae_reconstruction": pictures["vae_held_out"],
        "vae_sample": pictures["vae_prior"],
        "ae_reconstruction": pictures["held_out"],
    }
    return {
        "referees": {name: referees.judge(images[:n]) for name, images in pictures.items()},
        "frechet": {
            **{name: distance(images) for name, images in pictures.items()},
            "data": distance(rest),
        },
        "sharpness": {name: float(sharpness(images).mean()) for name, images in sharp.items()},
    }


def sources(ae: Trained, vae: Trained, test: ImageSet, n: int, seed: int) -> dict[str, Tensor]:
    """Decoded pictures by where their codes come from, n each; both models with the same draws."""
    assert test.labels is not None
    half = len(test) // 2
    found: dict[str, dict[str, Tensor]] = {}
    for name, model in {"ae": ae, "vae": vae}.items():
        known, held_out = model.codes[:half], model.codes[half : half + n]
        drawn = make_generator(seed, "codes")
        codes = guesses(known, test.labels[:half], held_out, n, drawn)
        found[name] = {source: model.decode(y) for source, y in codes.items()}
    return {
        "vae_prior": found["vae"]["standard_normal"],
        "ae_standard_normal": found["ae"]["standard_normal"],
        "ae_fitted_normal": found["ae"]["fitted_normal"],
        "vae_same_class_midpoint": found["vae"]["same_class_midpoint"],
        "vae_other_class_midpoint": found["vae"]["other_class_midpoint"],
        "ae_same_class_midpoint": found["ae"]["same_class_midpoint"],
        "ae_other_class_midpoint": found["ae"]["other_class_midpoint"],
        "held_out": found["ae"]["held_out"],
        "vae_held_out": found["vae"]["held_out"],
    }


def summarise(settings: Settings, rows: list[Row]) -> Row:
    figures = over_seeds(rows, ("referees", "frechet", "sharpness", "mse"))
    lines = {name: [row["smoothness"][name] for row in rows] for name in ("autoencoder", "vae")}
    figures["smoothness"] = {}
    for measure in lines["vae"][0]:
        ours = [line[measure] for line in lines["vae"]]
        theirs = [line[measure] for line in lines["autoencoder"]]
        pairs = [a - b for a, b in zip(ours, theirs, strict=True)]
        figures["smoothness"][measure] = {
            "autoencoder": interval(theirs).to_dict(),
            "vae": interval(ours).to_dict(),
            "difference": interval(pairs).to_dict(),
        }
    return figures


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "vae_against_autoencoder")
