"""Chapter 5: drawn faces in colour, 64×64, by WGAN-GP and by a GAN, and what of them is missing.

    python -m experiments.wgan_faces

The same generator learns the same faces twice, for about equal processor time: against a critic
(WGAN-GP: five moves, λ = 10, Adam with β = (0, 0.9), no batch normalisation) and against a
discriminator of the same convolutions as chapter 4 has it (non-saturating loss, β = (0.5, 0.999),
with batch normalisation). WGAN-GP's learning rate is ten times that of Gulrajani et al. 2017, since
the runs are short. "seconds" is what training alone took, without the looks.

All nine attributes of the faces are known, independent and even. The classifier of the zoo reads
them off pictures, and off real faces almost without error.

- "models": of 5,000 pictures from the *averaged* generator: "coverage", the mean share of each
  attribute's values over the seeds; "entropies" of these shares as a share of log K; "missing", how
  many of all 36 values have less than a fifth of their share; "pairs", the share of the
  combinations of hair style, hair colour, glasses and mouth that occur; "frechet", the distance to
  the training faces in the classifier's 64 features (not the FID of the literature). "data" is what
  as many fresh faces get.
- "looks": the generator itself at equal steps through the training, with fewer pictures from
  frozen noise: [step, "wasserstein" (the critic's estimate on its batches; none for the GAN), loss
  of critic or discriminator, the generator's loss, Fréchet distance, "held_out" (mean score of
  held-out faces less that of the pictures)]. Estimate and losses are means since the last look.
- "correlation": Spearman's, of each with the Fréchet distance over the looks of one run; "late"
  over the second half of the looks.

Pictures: "wgan_gp" and "gan", rows of samples of the averaged generator from frozen noise over the
training, seed 0.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor

from experiments.common import Row, over_seeds, run_experiment
from experiments.gan_images import now, paint, rank_correlation
from experiments.sheets import webp_sheet
from genlib import budget, make_generator, pick_device, seed_everything, zoo
from genlib.data import BatchStream, ImageSet, drawn_faces
from genlib.metrics import (
    Moments,
    attribute_report,
    critic_estimate,
    features,
    frechet_distance,
    interval,
    moments,
    read_attributes,
)
from genlib.models.classifier import AttributeClassifier
from genlib.models.gan import ConvDiscriminator, ConvGenerator, normal_weights
from genlib.models.noise import Generator
from genlib.training import Player, gan_players, train, wgan_gp_players


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    faces: int = budget(smoke=128, cpu=20_000, gpu=60_000)
    held_out: int = budget(smoke=60, cpu=1_000, gpu=2_000)
    wgan_gp_steps: int = budget(smoke=4, cpu=1_120, gpu=20_000)  # of the generator
    gan_steps: int = budget(smoke=4, cpu=5_600, gpu=60_000)
    looks: int = budget(smoke=4, cpu=16, gpu=20)
    look_samples: int = budget(smoke=80, cpu=1_000, gpu=2_000)
    samples: int = budget(smoke=100, cpu=5_000, gpu=10_000)
    batch_size: int = budget(smoke=8, cpu=32, gpu=64)
    latent: int = 48
    width: int = budget(smoke=4, cpu=16, gpu=64)  # of the generator
    judge_width: int = budget(smoke=4, cpu=8, gpu=64)  # of critic and discriminator
    wgan_gp_rate: float = budget(smoke=1e-3, cpu=1e-3, gpu=1e-4)  # Gulrajani et al.: 1e-4
    wgan_gp_betas: tuple[float, float] = (0.0, 0.9)
    gan_rate: float = 2e-4
    gan_betas: tuple[float, float] = (0.5, 0.999)
    wgan_gp_decay: float = budget(smoke=0.5, cpu=0.99, gpu=0.999)  # of the averages
    gan_decay: float = budget(smoke=0.5, cpu=0.998, gpu=0.999)
    shown: tuple[int, ...] = (1, 2, 4, 8, 16)  # looks that are kept as pictures
    columns: int = 10
    channels_last: bool = True  # a tenth faster here


SETTINGS = Settings()
BANDS: dict[str, tuple[float, float]] = {
    "models/data/missing/mean": (0.0, 0.0),
    "models/data/pairs/mean": (0.995, 1.0),  # 5,000 faces find all 360
    "models/data/frechet/mean": (3.0, 12.0),
    "models/wgan_gp/frechet/mean": (400.0, 1_100.0),
    "models/wgan_gp/missing/mean": (0.0, 2.0),
    "models/wgan_gp/pairs/mean": (0.9, 1.0),
    "models/wgan_gp/entropies/background/mean": (0.9, 1.0),
    "models/gan/frechet/mean": (600.0, 1_300.0),
    "models/gan/missing/mean": (0.0, 3.0),
    "correlation/gan/judge_loss/mean": (-0.5, 0.5),  # the loss says nothing
    "correlation/wgan_gp/wasserstein/mean": (0.7, 1.0),  # the estimate falls with the distance
}
MODELS = ("wgan_gp", "gan")
SCORES = ("entropies", "missing", "pairs", "frechet")
COLUMNS = ("step", "wasserstein", "judge_loss", "generator_loss", "frechet", "held_out")


@dataclass(frozen=True)
class Referee:
    """The classifier of faces, and what it sees of the training faces.

    Attributes:
        names: of each attribute's values.
    """

    classifier: AttributeClassifier
    train: Moments
    names: dict[str, tuple[str, ...]]

    def frechet(self, images: Tensor | ImageSet) -> float:
        """Distance to the training faces."""
        return frechet_distance(features(self.classifier, images), self.train)

    def scores(self, images: Tensor | ImageSet) -> Row:
        """What of the attributes is there, and the distance."""
        report = attribute_report(read_attributes(self.classifier, images), self.names)
        return {
            "coverage": report.shares,
            "entropies": report.entropies,
            "missing": len(report.missing),
            "pairs": report.combinations / report.possible,
            "frechet": self.frechet(images),
        }


@dataclass
class Looks:
    """Calls `look` at equal steps: pictures from frozen noise, scored and some of them kept.

    Attributes:
        rows: step, Fréchet distance, and the judge's estimate with held-out faces.
        kept: pictures of the averaged generator at the looks that are shown, `[N, C, H, W]` each.
        seconds: what looking took.
    """

    referee: Referee
    players: list[Player]
    held_out: Tensor
    z: Tensor
    every: int
    shown: tuple[int, ...]
    columns: int
    rows: list[tuple[int, float, float]] = field(default_factory=list)
    kept: list[Tensor] = field(default_factory=list)
    seconds: float = 0.0

    def look(self, step: int) -> None:
        """Look if it is time to."""
        if step == 0 or step % self.every:
            return
        began = now(self.z)
        judge, generator = self.players
        pictures = paint(generator.model, self.z)
        estimate = critic_estimate(judge.model, self.held_out, pictures[: len(self.held_out)])
        self.rows.append((step, self.referee.frechet(pictures), float(estimate.mean)))
        if len(self.rows) in self.shown:
            self.kept.append(paint(generator.best_model, self.z[: self.columns]))
        self.seconds += now(self.z) - began


@cache
def faces(n: int, split: str, seed: int, device: torch.device) -> ImageSet:
    """Drawn once: painting takes seconds."""
    return drawn_faces(n, seed=seed, split=split, device=device)


@cache
def referee(n: int, device: torch.device) -> Referee:
    """Made once, since it looks at all training faces."""
    classifier = zoo.load("classifier-faces").to(device)
    assert isinstance(classifier, AttributeClassifier)
    data = faces(n, "train", 0, device)
    seen = moments(features(classifier, data))
    return Referee(classifier, seen, dict(data.attribute_values))


def players(settings: Settings, model: str, device: torch.device) -> tuple[list[Player], int]:
    """Critic or discriminator, the averaged generator, and the number of steps.

    Networks that normalise start as in chapter 4; torch's own start suits a critic that does not.
    """
    shape = (3, 64, 64)
    generator = normal_weights(ConvGenerator(settings.latent, settings.width, shape)).to(device)
    width = settings.judge_width
    chosen: dict[str, Any]
    if model == "wgan_gp":
        critic = ConvDiscriminator(width, shape).to(device)
        chosen = {"learning_rate": settings.wgan_gp_rate, "betas": settings.wgan_gp_betas}
        decay = settings.wgan_gp_decay
        made = wgan_gp_players(generator, critic, ema_decay=decay, **chosen)
        return made, settings.wgan_gp_steps
    discriminator = normal_weights(ConvDiscriminator(width, shape, norm="batch")).to(device)
    chosen = {"learning_rate": settings.gan_rate, "betas": settings.gan_betas}
    decay = settings.gan_decay
    return gan_players(generator, discriminator, ema_decay=decay, **chosen), settings.gan_steps


def cells(settings: Settings) -> list[Row]:
    return [
        {"model": model, "seed": seed}
        for seed in range(settings.seeds)
        for model in ("data", *MODELS)
    ]


def run(settings: Settings, *, model: str, seed: int) -> Row:
    device = pick_device()
    judge = referee(settings.faces, device)
    if model == "data":  # the seeds of faces begin at 1: none of these is a training face
        return judge.scores(faces(settings.samples, "test", 1 + seed, device))
    seed_everything(seed)
    both, steps = players(settings, model, device)
    average = both[1].best_model
    assert isinstance(average, Generator)
    every = steps // settings.looks
    looks = Looks(
        judge,
        both,
        faces(settings.held_out, "test", 0, device).pixels(),
        average.noise(settings.look_samples, make_generator(seed, "looks")),
        every,
        settings.shown,
        settings.columns,
    )
    data = faces(settings.faces, "train", 0, device)
    began = now(looks.z)
    history = train(
        both,
        BatchStream(data, settings.batch_size, seed=seed),
        steps=steps,
        seed=seed,
        watch=[looks.look],
        log_every=every,
        progress=False,
        channels_last=settings.channels_last,
    )
    seconds = now(looks.z) - began - looks.seconds
    losses = [history[player.name].tolist() for player in both]
    estimates = history["wasserstein"].tolist() if model == "wgan_gp" else [None] * len(looks.rows)
    pictures = paint(average, average.noise(settings.samples, make_generator(seed, "samples")))
    found = {
        **judge.scores(pictures),
        "training_seconds": seconds,
        "steps": steps,
        "looks": [
            [step, estimate, judge_loss, generator_loss, frechet, held_out]
            for (step, frechet, held_out), estimate, judge_loss, generator_loss in zip(
                looks.rows, estimates, *losses, strict=True
            )
        ],
    }
    if seed == 0:
        found["pictures"] = {model: webp_sheet(torch.stack(looks.kept), quality=70)}
    return found


def correlations(rows: list[Row]) -> Row:
    """Of what is seen while training with the Fréchet distance; intervals over runs."""
    found: Row = {}
    for name in ("wasserstein", "judge_loss", "generator_loss", "held_out"):
        column = COLUMNS.index(name)
        if rows[0]["looks"][0][column] is None:
            continue
        for part, start in (("", 0), ("_late", 0.5)):
            values = []
            for row in rows:
                looks = row["looks"][int(start * len(row["looks"])) :]
                distances = [look[COLUMNS.index("frechet")] for look in looks]
                values.append(rank_correlation([look[column] for look in looks], distances))
            found[f"{name}{part}"] = interval(values).to_dict()
    return found


def coverage(rows: list[Row]) -> Row:
    """Mean shares over the seeds."""
    first = rows[0]["coverage"]
    return {
        name: {
            value: sum(row["coverage"][name][value] for row in rows) / len(rows) for value in values
        }
        for name, values in first.items()
    }


def summarise(settings: Settings, rows: list[Row]) -> Row:
    runs = {kind: [row for row in rows if row["model"] == kind] for kind in ("data", *MODELS)}
    models = {
        kind: {"coverage": coverage(own), **over_seeds(own, SCORES)} for kind, own in runs.items()
    }
    for kind in MODELS:
        models[kind]["seconds"] = interval(
            [row["training_seconds"] for row in runs[kind]]
        ).to_dict()
        models[kind]["steps"] = runs[kind][0]["steps"]
    return {
        "models": models,
        "looks": {kind: [row["looks"] for row in runs[kind]] for kind in MODELS},
        "correlation": {kind: correlations(runs[kind]) for kind in MODELS},
    }


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "wgan_faces")
