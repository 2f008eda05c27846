"""What both boards of the scoreboard measure: of a set of pictures, and of making them.

One reference for every score that needs one: the *training* images, as the classifier sees them in
its 64 features. Test images are scored like a model's pictures ("data"), so that a row says what
perfect pictures get; they are not the reference.

- "frechet": to the mean and covariance of all training images (not the FID of the literature).
- "kernel", "precision", "recall" (k = 3), "density", "coverage" (k = 5): to a fixed selection of
  the training images, at equal steps through them, as many as there are pictures. The radii of
  precision and recall are those of Kynkäänniemi et al. 2019, of density and coverage those of
  Naeem et al. 2020.
- "entropy": of the classes that the classifier reads, in nats: log 10 for even classes. A
  classifier of attributes reads several; then it is the mean over the attributes of their entropies
  as shares of log K: 1 if all are even.
- "sharpness": mean over the pictures; the target is that of "data".

Time is the processor's (the clock's where a GPU does the work), so that two experiments on one
machine do not slow each other down on paper. With several threads it is the sum over them.

- "training_seconds": what training took, and nothing else. "images_per_second": real images that
  the models saw in it.
- "samples_per_second": median over repeated batches after a warm-up, noise included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import fmean, median

import torch
from torch import Tensor, nn

from experiments.common import Row, over_seeds
from genlib import make_generator
from genlib.data import BatchStream, ImageSet
from genlib.metrics import (
    Moments,
    attribute_report,
    class_histogram,
    density_coverage,
    features,
    frechet_distance,
    histogram_entropy,
    kernel_distance,
    moments,
    precision_recall,
    read_attributes,
    sharpness,
)
from genlib.models.autoencoder import parameter_count
from genlib.models.classifier import AttributeClassifier
from genlib.training import Player, train

SCORES = (
    "frechet",
    "kernel",
    "precision",
    "recall",
    "density",
    "coverage",
    "entropy",
    "sharpness",
)
TIMES = ("training_seconds", "images_per_second", "samples_per_second")
COUNTS = ("parameters", "judge_parameters", "steps", "images")  # whole numbers, equal in all seeds
BOUNDS = ("bound", "bound_50")  # see `board_clothes`
Paint = Callable[[int, torch.Generator], Tensor]  # so many pictures in [0, 1], [N, C, H, W]


@dataclass(frozen=True)
class Reference:
    """The classifier, and what it sees of the training images.

    Attributes:
        train: moments of all training images' features.
        some: features of a fixed selection of them, `[M, D]`.
        names: of each attribute's values, where the classifier reads attributes.
    """

    classifier: nn.Module
    train: Moments
    some: Tensor
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)


def reference(classifier: nn.Module, train_set: ImageSet, n: int) -> Reference:
    """Look at all training images, and keep `n` of them at equal steps through the set."""
    seen = features(classifier, train_set)  # [N, D]
    some = seen[evenly(len(seen), n).to(seen.device)]
    return Reference(classifier, moments(seen), some, dict(train_set.attribute_values))


def evenly(length: int, n: int) -> Tensor:
    """`n` of the numbers below `length` at equal steps, int64: all of them if there are no more."""
    n = min(n, length)
    return torch.arange(n) * length // n


def scores(fake: Tensor | ImageSet, against: Reference) -> Row:
    """All scores of a set of pictures; best with as many as the reference has selected.

    Args:
        fake: N pictures, or `[N, C, H, W]` in [0, 1].
        against: what they are compared with.

    Returns:
        A number for each of `SCORES`.
    """
    seen = features(against.classifier, fake)  # [N, D]
    spread = precision_recall(against.some, seen)
    held = density_coverage(against.some, seen)
    return {
        "frechet": frechet_distance(seen, against.train),
        "kernel": kernel_distance(seen, against.some),
        "precision": float(spread.precision),
        "recall": float(spread.recall),
        "density": float(held.density),
        "coverage": float(held.coverage),
        "entropy": class_entropy(fake, against),
        "sharpness": float(sharpness(fake).mean()),
    }


def class_entropy(fake: Tensor | ImageSet, against: Reference) -> float:
    """In nats; of several attributes the mean of their entropies as shares of log K."""
    if isinstance(against.classifier, AttributeClassifier):
        read = read_attributes(against.classifier, fake)
        return fmean(attribute_report(read, against.names).entropies.values())
    return max(0.0, histogram_entropy(class_histogram(against.classifier, fake)))  # never -0.0


def memorised(train_set: ImageSet, n: int, generator: torch.Generator) -> ImageSet:
    """What a model that keeps its training images gives: `n` different ones at random."""
    return train_set.select(torch.randperm(len(train_set), generator=generator)[:n])


def fit(
    players: list[Player],
    train_set: ImageSet,
    *,
    steps: int,
    batch_size: int,
    seed: int,
    channels_last: bool = False,
) -> Row:
    """Let the players learn, in fp32, and look at nothing meanwhile.

    Returns:
        "training_seconds", "images_per_second", "steps", and "images": how many real ones were
        given in all, every one as often as it was given.
    """
    device = train_set.images.device
    began = clock(device)
    history = train(
        players,
        BatchStream(train_set, batch_size, seed=seed),
        steps=steps,
        seed=seed,
        progress=False,
        channels_last=channels_last,
    )
    seconds = clock(device) - began
    return {
        "training_seconds": seconds,
        "images_per_second": history.images / seconds,
        "steps": steps,
        "images": history.images,
    }


def sampling_speed(
    paint: Paint, device: torch.device, batch_size: int = 500, repeats: int = 10
) -> float:
    """Pictures per second: the median over `repeats` batches after two that are not timed."""
    generator, seconds = make_generator(0, "speed"), []
    for turn in range(2 + repeats):
        began = clock(device)
        paint(batch_size, generator)
        if turn >= 2:
            seconds.append(clock(device) - began)
    return batch_size / median(seconds)


def clock(device: torch.device) -> float:
    """Seconds: of the processor, or of the clock where a GPU does the work."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def sizes(kept: Iterable[nn.Module], judges: Iterable[nn.Module] = ()) -> Row:
    """Numbers that training changed.

    Args:
        kept: what makes pictures, with the encoder if there is one.
        judges: what was needed for training alone, such as a discriminator.
    """
    return {
        "parameters": sum(map(parameter_count, kept)),
        "judge_parameters": sum(map(parameter_count, judges)),
    }


def of_model(rows: list[Row]) -> tuple[Row, Row]:
    """What the board says of a model.

    Args:
        rows: one for each seed, with some of `SCORES`, `BOUNDS`, `TIMES` and `COUNTS`.

    Returns:
        Intervals over the seeds, with whole numbers and texts as they are; and the lists over the
        seeds that the intervals are of. "training_seconds" is called "seconds" in both.
    """
    there = tuple(name for name in (*SCORES, *BOUNDS, *TIMES) if name in rows[0])
    lists = {_short(name): [row[name] for row in rows] for name in there}
    intervals = {_short(name): own for name, own in over_seeds(rows, there).items()}
    same = {name: rows[0][name] for name in (*COUNTS, "bound_kind") if name in rows[0]}
    return intervals | same, lists


def _short(name: str) -> str:
    """In a kept cell, "seconds" are those of the whole cell."""
    return "seconds" if name == "training_seconds" else name
