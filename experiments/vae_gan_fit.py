"""VAE-GANs on MNIST as several experiments of chapter 6 need them: networks, training, looks.

All scores use the course's classifier of MNIST, as `gan_images` does its classifier of clothes.

- Of pictures from the prior: "frechet", the distance to the training images in its 64 features (not
  the FID of the literature); "kernel", to the test images; "entropy" (nats) and "smallest_class" of
  the classes that it sorts them into; "precision" and "recall" (k = 3) between them and the test
  images; "sharpness", whose target is that of the test images.
- Of all test images, reconstructed through the mean of q(z|x): "mse" per pixel; "feature_error",
  the mean squared distance between the features of image and reconstruction; "read_right", the
  share of reconstructions that the classifier reads as the image's label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from experiments.common import Row
from experiments.gan_images import Referee, now
from genlib import pick_device, zoo
from genlib.data import BatchStream, mnist
from genlib.metrics import features, moments, precision_recall, sharpness
from genlib.models.convolutions import Norm, Place
from genlib.models.gan import ConvGenerator, normal_weights
from genlib.models.vae_gan import Encoder, FeatureDiscriminator
from genlib.training import History, Player, train
from genlib.training.run import Watcher


class Pair(NamedTuple):
    """What is left of a model after training, as two functions of `[B, ...]`."""

    encode: Callable[[Tensor], tuple[Tensor, Tensor]]  # images -> mu, log_var
    sample: Callable[[Tensor], Tensor]  # z -> images in [0, 1]


class Budget(Protocol):
    """The settings that are read here."""

    @property
    def batch_size(self) -> int: ...
    @property
    def latent(self) -> int: ...
    @property
    def width(self) -> int: ...


class Networks(NamedTuple):
    """The three of a VAE-GAN."""

    encoder: Encoder
    decoder: ConvGenerator
    discriminator: FeatureDiscriminator


def networks(
    settings: Budget,
    *,
    norms: tuple[Norm, Norm, Norm] = ("batch", "batch", "batch"),
    places: tuple[Place, Place, Place] = ("before", "before", "before"),
    layer: int | None = None,
) -> Networks:
    """Encoder, decoder and discriminator, in this order, with N(0, 0.02²) weights."""
    latent, width, device = settings.latent, settings.width, pick_device()
    encoder = Encoder(latent, width, norm=norms[0], place=places[0])
    decoder = ConvGenerator(latent, width, norm=norms[1], place=places[1])
    discriminator = FeatureDiscriminator(width, norm=norms[2], layer=layer, place=places[2])
    return Networks(
        normal_weights(encoder).to(device),
        normal_weights(decoder).to(device),
        normal_weights(discriminator).to(device),
    )


@cache
def referee(device: torch.device) -> Referee:
    """The referee of MNIST; made once, since it looks at 70,000 images."""
    classifier = zoo.load("classifier-mnist").to(device)
    train_set, test = mnist("train", device=device), mnist("test", device=device)
    return Referee(classifier, moments(features(classifier, train_set)), features(classifier, test))


def test_images(n: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """About `n` test images at equal steps through the set, and their labels.

    MNIST's first 5,000 test images are cleaner than the others.
    """
    data = mnist("test", device=device)
    assert data.labels is not None
    every = max(1, len(data) // n)
    return data.pixels()[::every], data.labels[::every]


@torch.no_grad()
def in_parts(network: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """`network(inputs)`, 500 rows at a time."""
    return torch.cat([network(part) for part in inputs.split(500)])


@torch.no_grad()
def encoded(model: Pair, x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-variance of q(z|x), `[N, K]` each."""
    parts = [model.encode(part) for part in x.split(500)]
    return torch.cat([mu for mu, _ in parts]), torch.cat([log_var for _, log_var in parts])


def sample_scores(judge: Referee, pictures: Tensor) -> Row:
    """All that is said of pictures from the prior."""
    seen = features(judge.classifier, pictures)
    found = precision_recall(judge.test, seen)
    return {
        **judge.scores(pictures),
        "kernel": judge.kernel(pictures),
        "precision": found.precision,
        "recall": found.recall,
        "sharpness": float(sharpness(pictures).mean()),
    }


def reconstruction_scores(judge: Referee, model: Pair, x: Tensor, labels: Tensor) -> Row:
    """All that is said of the reconstructions of `x` `[N, 1, 28, 28]`."""
    rebuilt = in_parts(model.sample, encoded(model, x)[0])
    seen, target = (features(judge.classifier, images) for images in (rebuilt, x))
    read = in_parts(judge.classifier, rebuilt).argmax(dim=1)
    return {
        "mse": mean_squared_error(rebuilt, x),
        "feature_error": float((seen - target).square().sum(dim=1).mean()),
        "read_right": float((read == labels).double().mean()),
    }


def mean_squared_error(a: Tensor, b: Tensor) -> float:
    """Per pixel."""
    return float((a - b).square().mean())


@dataclass
class Looks:
    """Calls `look` at equal steps, and keeps pictures from frozen z at some steps.

    Attributes:
        measure: what a look finds, of the networks as they are then.
        every: steps between two looks.
        painter: makes the pictures that are kept.
        z: what they are made from, `[N, K]`.
        shown: steps at which they are kept.
        rows: what was found so far, with "step".
        kept: `[N, C, H, W]` for each step shown.
        seconds: what looking took.
    """

    measure: Callable[[], Row]
    every: int
    painter: Callable[[Tensor], Tensor]
    z: Tensor
    shown: Sequence[int] = ()
    rows: list[Row] = field(default_factory=list)
    kept: list[Tensor] = field(default_factory=list)
    seconds: float = 0.0

    def look(self, step: int) -> None:
        """Look if it is time to."""
        began = now(self.z)
        if step in self.shown:
            self.kept.append(in_parts(self.painter, self.z))
        if step > 0 and step % self.every == 0:
            self.rows.append({"step": step, **self.measure()})
        self.seconds += now(self.z) - began


def fit(
    settings: Budget,
    players: list[Player],
    steps: int,
    seed: int,
    *,
    watch: Sequence[Watcher] = (),
    log_every: int | None = None,
) -> History:
    """Train on MNIST; data, noise and their order follow from `seed` alone."""
    stream = BatchStream(mnist("train", device=pick_device()), settings.batch_size, seed=seed)
    return train(
        players,
        stream,
        steps=steps,
        seed=seed,
        watch=watch,
        log_every=log_every,
        progress=False,
    )


def scaled_epochs(steps: int, epochs: Sequence[int], of: int) -> tuple[int, ...]:
    """The steps of a short run that lie where `epochs` lie in a run of so many epochs.

    >>> scaled_epochs(4_000, (5, 50, 95), of=95)
    (211, 2105, 4000)
    """
    return tuple(round(steps * epoch / of) for epoch in epochs)
