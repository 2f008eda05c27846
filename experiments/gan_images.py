"""Chapter 4: a dense and a convolutional GAN for equal time, and what their losses say.

    python -m experiments.gan_images

Two pairs of generator and discriminator learn Fashion-MNIST with the same loss, optimiser and batch
size, z uniform in [−1, 1]. The dense pair makes more updates, so that it has at least as much
processor time; "seconds" is what training alone took, without the looks.

- "models": of 10,000 pictures from the *averaged* generator: Fréchet distance to the training
  images and kernel distance to the test images, both in the classifier's 64 features (not the
  FID and KID of the literature); the classes the classifier sorts them into. "data" is what the
  10,000 test images get.
- "looks": the generator itself, the one the losses belong to, at equal steps through the training,
  with 2,000 pictures each from frozen noise. A loss is the mean over the steps since the last look.
- "correlation": Spearman's, of a loss with the Fréchet distance over the looks of one run; "late"
  over the second half of the looks, where the first fall of everything is past.
- "prior": the convolutional generator's pictures from the z it learned with, and from U[0, 1).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import torch
from torch import Tensor, nn

from experiments.common import Row, over_seeds, run_experiment
from genlib import budget, make_generator, pick_device, seed_everything, zoo
from genlib.data import BatchStream, ImageSet, fashion_mnist
from genlib.metrics import (
    Moments,
    class_histogram,
    features,
    frechet_distance,
    histogram_entropy,
    interval,
    kernel_distance,
    moments,
)
from genlib.models.gan import (
    ConvDiscriminator,
    ConvGenerator,
    DenseDiscriminator,
    DenseGenerator,
    normal_weights,
)
from genlib.models.noise import Generator, Prior
from genlib.training import History, Precision, gan_players, train


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    conv_steps: int = budget(smoke=8, cpu=8_000, gpu=46_800)
    dense_steps: int = budget(smoke=12, cpu=48_000, gpu=117_000)
    looks: int = budget(smoke=4, cpu=20, gpu=20)
    look_samples: int = budget(smoke=40, cpu=2_000, gpu=5_000)
    samples: int = budget(smoke=80, cpu=10_000, gpu=10_000)
    batch_size: int = budget(smoke=10, cpu=64, gpu=64)
    learning_rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    ema_decay: float = budget(smoke=0.5, cpu=0.999, gpu=0.999)
    prior: Prior = "uniform"
    conv_latent: int = 64
    conv_width: int = 16  # batch normalisation before the activation in both
    dense_latent: int = 100
    dense_hidden: tuple[int, ...] = (128,)
    precision: Precision = "fp32"


SETTINGS = Settings()
BANDS = {
    "ratio/low": (2.0, 14.0),  # the convolutional pair is at least twice as good
    "ratio/mean": (6.0, 17.0),
    "models/dense/frechet/mean": (350.0, 580.0),
    "models/dense/smallest_class/mean": (0.0, 0.005),
    "models/conv/frechet/mean": (33.0, 60.0),
    "models/conv/kernel/mean": (140.0, 330.0),
    "models/conv/smallest_class/low": (0.03, 0.1),  # all ten classes are there
    "correlation/dense/discriminator/mean": (-0.4, 0.4),
    "correlation/dense/generator/mean": (-0.4, 0.4),
    "correlation/conv/discriminator/mean": (-1.0, -0.9),  # a loss that rises: better pictures
    "correlation/conv/generator/mean": (0.9, 1.0),
    "prior/wrong/frechet/mean": (300.0, 950.0),
    "prior/wrong/diversity/mean": (0.3, 0.62),
}


@dataclass(frozen=True)
class Referee:
    """The course's classifier, and what it sees of real images.

    Attributes:
        train: moments of the training images' features.
        test: features of the test images, `[N, 64]`.
    """

    classifier: nn.Module
    train: Moments
    test: Tensor

    def scores(self, images: Tensor | ImageSet) -> Row:
        """Fréchet distance to the training images, and the classes."""
        shares = class_histogram(self.classifier, images)
        return {
            "frechet": frechet_distance(features(self.classifier, images), self.train),
            "entropy": histogram_entropy(shares),
            "smallest_class": float(shares.min()),
            "shares": shares.tolist(),
        }

    def kernel(self, images: Tensor) -> float:
        """Kernel distance to the test images."""
        return kernel_distance(features(self.classifier, images), self.test)

    def diversity(self, images: Tensor) -> float:
        """Mean distance between the features of two pictures, as a share of the test images'."""
        return pair_distance(features(self.classifier, images)) / pair_distance(self.test)


@dataclass
class Looks:
    """Calls `look` at equal steps; the scores of a few pictures from frozen noise.

    Attributes:
        rows: the scores so far.
        seconds: what looking took.
    """

    referee: Referee
    generator: Generator
    z: Tensor
    every: int
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0

    def look(self, step: int) -> None:
        """Score the generator if it is time to."""
        if step == 0 or step % self.every:
            return
        began = now(self.z)
        self.rows.append({"step": step, **self.referee.scores(paint(self.generator, self.z))})
        self.seconds += now(self.z) - began


@cache
def referee(device: torch.device) -> Referee:
    """The referee of Fashion-MNIST; made once, since it looks at 70,000 images."""
    classifier = zoo.load("classifier-fashion-mnist").to(device)
    train_set, test = fashion_mnist("train", device=device), fashion_mnist("test", device=device)
    return Referee(classifier, moments(features(classifier, train_set)), features(classifier, test))


def now(at: Tensor) -> float:
    """Seconds: of the processor, or of the clock where a GPU does the work."""
    return time.perf_counter() if at.is_cuda else time.process_time()


@torch.no_grad()
def paint(generator: nn.Module, z: Tensor) -> Tensor:
    """`[N, K] -> [N, 1, 28, 28]`, in parts."""
    return torch.cat([generator(part) for part in z.split(500)])


def pair_distance(vectors: Tensor) -> float:
    """Mean distance between two of `[N, D]`, over N / 2 pairs without a common member."""
    order = torch.randperm(len(vectors), generator=make_generator(0, "pairs"))
    first, second = vectors[order.to(vectors.device)].split(len(vectors) // 2)[:2]
    return float((first - second).norm(dim=1).mean())


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's correlation of values without ties."""
    ranks = [torch.tensor(values).argsort().argsort().double() for values in (a, b)]
    return float(torch.corrcoef(torch.stack(ranks))[0, 1])


def pair(settings: Settings, model: str) -> tuple[Generator, nn.Module, int]:
    """Generator, discriminator and number of steps."""
    if model == "dense":
        made = DenseGenerator(settings.dense_latent, settings.dense_hidden, prior=settings.prior)
        return made, DenseDiscriminator(settings.dense_hidden), settings.dense_steps
    conv = ConvGenerator(settings.conv_latent, settings.conv_width, prior=settings.prior)
    judge = ConvDiscriminator(settings.conv_width, norm="batch")
    return normal_weights(conv), normal_weights(judge), settings.conv_steps


def fit(
    settings: Settings, generator: Generator, discriminator: nn.Module, steps: int, seed: int
) -> tuple[Generator, History, Looks, float]:
    """Train a pair on Fashion-MNIST.

    Returns:
        The averaged generator, the history with one entry per look, the looks, and the seconds that
        training took without them.
    """
    device = pick_device()
    players = gan_players(
        generator.to(device),
        discriminator.to(device),
        learning_rate=settings.learning_rate,
        betas=settings.betas,
        ema_decay=settings.ema_decay,
    )
    every = steps // settings.looks
    z = generator.noise(settings.look_samples, make_generator(seed, "looks"))
    looks = Looks(referee(device), generator, z, every)
    stream = BatchStream(fashion_mnist("train", device=device), settings.batch_size, seed=seed)
    began = now(z)
    history = train(
        players,
        stream,
        steps=steps,
        seed=seed,
        watch=[looks.look],
        log_every=every,
        progress=False,
        precision=settings.precision,
    )
    seconds = now(z) - began - looks.seconds
    average = players[1].average
    assert average is not None  # ema_decay is set
    assert isinstance(average.module, Generator)
    return average.module.eval(), history, looks, seconds


def cells(settings: Settings) -> list[Row]:
    return [
        {"model": model, "seed": seed}
        for seed in range(settings.seeds)
        for model in ("dense", "conv")
    ]


def run(settings: Settings, *, model: str, seed: int) -> Row:
    judge = referee(pick_device())
    seed_everything(seed)
    generator, discriminator, steps = pair(settings, model)
    averaged, history, looks, seconds = fit(settings, generator, discriminator, steps, seed)
    z = averaged.noise(settings.samples, make_generator(seed, "samples"))
    pictures = paint(averaged, z)
    found = {
        **judge.scores(pictures),
        "kernel": judge.kernel(pictures),
        "diversity": judge.diversity(pictures),
        "training_seconds": seconds,
        "steps": steps,
        "looks": [
            [look["step"], d_loss, g_loss, look["frechet"], look["entropy"], look["shares"]]
            for look, d_loss, g_loss in zip(
                looks.rows, history["discriminator"], history["generator"], strict=True
            )
        ],
        "data": float(frechet_distance(judge.test, judge.train)),
    }
    if model == "conv":  # the mistake is made by hand: the library draws from the right prior
        drawn = torch.rand(z.shape, generator=make_generator(seed, "samples")).to(z)  # U[0, 1)
        wrong = paint(averaged, drawn)
        found["wrong"] = {**judge.scores(wrong), "diversity": judge.diversity(wrong)}
    return found


def correlations(rows: list[Row]) -> Row:
    """Of each loss with the Fréchet distance, over the looks of each run; intervals over runs."""
    found: Row = {}
    for name, column in (("discriminator", 1), ("generator", 2)):
        for part, start in (("", 0), ("_late", 0.5)):
            values = []
            for row in rows:
                looks = row["looks"][int(start * len(row["looks"])) :]
                losses, distances = [look[column] for look in looks], [look[3] for look in looks]
                values.append(rank_correlation(losses, distances))
            found[f"{name}{part}"] = interval(values).to_dict()
    return found


def summarise(settings: Settings, rows: list[Row]) -> Row:
    runs = {kind: [row for row in rows if row["model"] == kind] for kind in ("dense", "conv")}
    names: tuple[str, ...] = ("frechet", "kernel", "smallest_class", "entropy", "diversity")
    models = {}
    for kind, own in runs.items():
        shares = torch.tensor([row["shares"] for row in own]).mean(dim=0)
        models[kind] = {
            **over_seeds(own, names),
            "seconds": interval([row["training_seconds"] for row in own]).to_dict(),
            "steps": own[0]["steps"],
            "shares": shares.tolist(),
        }
    both = zip(runs["dense"], runs["conv"], strict=True)
    names = ("frechet", "entropy", "diversity", "smallest_class")
    return {
        "models": models,
        "ratio": interval([dense["frechet"] / conv["frechet"] for dense, conv in both]).to_dict(),
        "data": {"frechet": rows[0]["data"]},
        "looks": {kind: [row["looks"] for row in own] for kind, own in runs.items()},
        "correlation": {kind: correlations(own) for kind, own in runs.items()},
        "prior": {
            "right": over_seeds(runs["conv"], names),
            "wrong": over_seeds([row["wrong"] for row in runs["conv"]], names),
        },
    }


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "gan_images")
