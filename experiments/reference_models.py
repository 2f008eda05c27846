"""The reference models of the course, each remade by one command:

    python -m experiments.reference_models ae-fashion-mnist

Without a name, all that are missing are made. They are written to `genlib/zoo/`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import genlib
from experiments import binarised_mnist
from experiments.autoencoder_models import mse
from experiments.averages import keep_averages
from experiments.common import refuse_fallback
from experiments.latent_scores import elbo_of
from genlib import budget, make_generator, pick_device, seed_everything, zoo
from genlib.data import AttributeStream, BatchStream, ImageSet, drawn_faces, fashion_mnist, mnist
from genlib.data.faces_attributes import ATTRIBUTES
from genlib.metrics import (
    AttributeReport,
    accuracy,
    attribute_accuracy,
    attribute_report,
    features,
    frechet_distance,
    log_likelihood,
    per_image,
    read_attributes,
)
from genlib.models.autoencoder import DenseAutoencoder
from genlib.models.classifier import AttributeClassifier, SmallClassifier
from genlib.models.gan import (
    ConvDiscriminator,
    ConvGenerator,
    DenseDiscriminator,
    DenseGenerator,
    UnpaddedDiscriminator,
    UnpaddedGenerator,
    normal_weights,
)
from genlib.models.noise import Generator
from genlib.models.vae import VAE, ConditionalVAE, ConvVAE, DenseVAE
from genlib.models.vae_gan import VAEGAN, FeatureDiscriminator
from genlib.training import (
    Player,
    Precision,
    attribute_player,
    autoencoder_player,
    classifier_player,
    gan_players,
    train,
    vae_gan_players,
    vae_player,
    wgan_gp_players,
)


@dataclass(frozen=True)
class Recipe:
    """How one reference model is made.

    Attributes:
        model: from `settings` to the network; its class must be in `zoo.MODELS`.
        player: from the network and `steps` to the player, or to all players. What is kept is the
            average of each where there is one.
        training: more about how it learned, for its card.
        stream: makes its batches.
        channels_last: see `train`.
    """

    model: Callable[..., nn.Module]
    settings: dict[str, Any]
    data: Callable[..., ImageSet]
    player: Callable[..., Any]
    scores: tuple[str, ...]
    steps: int
    batch_size: int = 128
    seed: int = 0
    precision: Precision = "fp32"  # in training; scores are computed in fp32
    training: dict[str, Any] = field(default_factory=dict)
    stream: Callable[..., BatchStream] = BatchStream
    channels_last: bool = False


# 9,400 steps of 128 are 20 epochs of 60,000 images.
AUTOENCODER_STEPS = budget(smoke=10, cpu=18_800, gpu=46_800)
CLASSIFIER_STEPS = budget(smoke=10, cpu=7_000, gpu=14_000)
READER_STEPS = budget(smoke=10, cpu=6_000, gpu=12_000)
VAE_STEPS = budget(smoke=10, cpu=12_000, gpu=46_800)
CONV_VAE_STEPS = budget(smoke=2, cpu=6_000, gpu=46_800)
# No likelihood without its binarisation: on grey pixels this is a cross-entropy.
ELBO = "negative ELBO on grey pixels"
OBEYED = "share of samples read as the chosen class"
DENSE_GAN_STEPS = budget(smoke=10, cpu=40_000, gpu=93_600)
CONV_GAN_STEPS = budget(smoke=2, cpu=15_000, gpu=46_800)
FACES_GAN_STEPS = budget(smoke=2, cpu=8_000, gpu=46_800)
CONV_WGAN_STEPS = budget(smoke=2, cpu=6_000, gpu=46_800)
FACES_WGAN_STEPS = budget(smoke=2, cpu=4_000, gpu=46_800)
MNIST_VAE_GAN_STEPS = budget(smoke=2, cpu=6_000, gpu=46_800)
FACES_VAE_GAN_STEPS = budget(smoke=2, cpu=8_000, gpu=46_800)
FRECHET = "Fréchet distance, 10,000 samples, features of the classifier"
REFEREES = {
    "drawn_faces": "classifier-faces",
    "mnist": "classifier-mnist",
    "fashion_mnist": "classifier-fashion-mnist",
    "digits": "classifier-mnist",  # stand in at profile smoke
}
READ = {name: f"accuracy, {name.replace('_', ' ')}" for name in ATTRIBUTES}
READ_ALL = "accuracy, mean over attributes"
THUMBNAILS = "Fréchet distance, 2,000 samples, pixels of 8×8 thumbnails"
MISSED = "values of attributes that are missing, of 36, in 5,000 samples"
KEPT = "share of attributes read the same off test faces and their reconstructions"
REREAD = "share of reconstructions that are read as their label"
COMBINED = "share of combinations of hair, glasses and mouth, in 5,000 samples"


def _vae(
    model: Callable[..., nn.Module],
    *,
    data: Callable[..., ImageSet] = fashion_mnist,
    scores: tuple[str, ...] = (ELBO,),
    steps: int = VAE_STEPS,
    precision: Precision = "bf16",
    beta: float = 1.0,
    **settings: Any,
) -> Recipe:
    return Recipe(
        model, settings, data, partial(vae_player, beta=beta), scores, steps, precision=precision,
        training={} if beta == 1 else {"beta": beta},
    )  # fmt: skip


def _gan(
    model: Callable[..., nn.Module],
    discriminator: Callable[..., nn.Module],
    rival: dict[str, Any],
    *,
    data: Callable[..., ImageSet],
    score: str,
    steps: int,
    start: Callable[[nn.Module], nn.Module] = normal_weights,
    precision: Precision = "bf16",
    **settings: Any,
) -> Recipe:
    """A generator, averaged over its way, that played against `discriminator(**rival)`.

    Both begin as `start` makes them. The discriminator is not kept.
    """
    chosen: dict[str, Any] = {"learning_rate": 2e-4, "betas": (0.5, 0.999), "ema_decay": 0.999}

    def build(**settings: Any) -> nn.Module:
        return start(model(**settings))

    def players(generator: Generator, *, steps: int) -> list[Player]:
        device = generator.uniform_prior.device
        return gan_players(generator, start(discriminator(**rival)).to(device), **chosen)

    told = {"discriminator": {"model": discriminator.__name__, **rival}, **chosen}
    return Recipe(
        build, settings, data, players, (score,), steps, 64, precision=precision, training=told
    )


def _wgan_gp(
    model: Callable[..., nn.Module],
    critic: Callable[..., nn.Module],
    rival: dict[str, Any],
    *,
    data: Callable[..., ImageSet],
    scores: tuple[str, ...],
    steps: int,
    learning_rate: float,
    batch_size: int = 32,
    precision: Precision = "fp32",
    channels_last: bool = False,
    **settings: Any,
) -> Recipe:
    """A generator, averaged over its way, that a critic `critic(**rival)` taught by WGAN-GP.

    The generator starts as in DCGAN, the critic as torch has it, since it does not normalise.
    """
    chosen: dict[str, Any] = {"learning_rate": learning_rate, "ema_decay": 0.998}

    def build(**settings: Any) -> nn.Module:
        return normal_weights(model(**settings))

    def players(generator: Generator, *, steps: int) -> list[Player]:
        judge = critic(**rival).to(generator.uniform_prior.device)
        return wgan_gp_players(generator, judge, **chosen)

    told = {"critic": {"model": critic.__name__, **rival}, **chosen}
    return Recipe(
        build, settings, data, players, scores, steps, batch_size, precision=precision,
        training=told, channels_last=channels_last,
    )  # fmt: skip


def _vae_gan(
    *,
    data: Callable[..., ImageSet],
    scores: tuple[str, ...],
    steps: int,
    batch_size: int,
    learning_rate: float,
    gamma: float,
    rival: dict[str, Any],
    **settings: Any,
) -> Recipe:
    """Encoder and decoder, averaged over their way, with a discriminator that is not kept.

    All three normalise over the batch and start as in DCGAN.
    """
    chosen: dict[str, Any] = {"gamma": gamma, "learning_rate": learning_rate, "ema_decay": 0.998}

    def build(**settings: Any) -> nn.Module:
        return normal_weights(VAEGAN(**settings))

    def players(model: VAEGAN, *, steps: int) -> list[Player]:
        device = model.decoder.uniform_prior.device
        judge = normal_weights(FeatureDiscriminator(**rival)).to(device)
        return vae_gan_players(model.encoder, model.decoder, judge, **chosen)

    told = {"discriminator": {"model": "FeatureDiscriminator", **rival}, **chosen}
    return Recipe(
        build, settings, data, players, scores, steps, batch_size, training=told,
        channels_last=True,
    )  # fmt: skip


def _faces(split: str, *, device: torch.device | str = "cpu") -> ImageSet:
    count = {"train": budget(smoke=256, cpu=20_000, gpu=60_000), "test": 2_000}
    return drawn_faces(count[split], split=split, device=device)


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
    "classifier-faces": Recipe(
        AttributeClassifier,
        {"attributes": {name: len(values) for name, values in ATTRIBUTES.items()}},
        _faces,
        attribute_player,
        (*READ.values(), READ_ALL),
        READER_STEPS,
        batch_size=64,
        stream=AttributeStream,
    ),
    "vae-fashion-mnist": _vae(ConvVAE, steps=CONV_VAE_STEPS, latent=32, width=32),
    "vae2-fashion-mnist": _vae(DenseVAE, precision="fp32", latent=2, hidden=(256, 128)),
    "vae10-fashion-mnist": _vae(DenseVAE, latent=10, hidden=(128,)),
    "vae10-beta025-fashion-mnist": _vae(DenseVAE, beta=0.25, latent=10, hidden=(128,)),
    "vae10-beta4-fashion-mnist": _vae(DenseVAE, beta=4, latent=10, hidden=(128,)),
    "vae10-beta16-fashion-mnist": _vae(DenseVAE, beta=16, latent=10, hidden=(128,)),
    "vae20-fashion-mnist": _vae(DenseVAE, latent=20, hidden=(256, 128)),
    "cvae-mnist": _vae(
        ConditionalVAE,
        data=mnist,
        scores=(ELBO, OBEYED),
        classes=10,
        latent=8,
        hidden=(256, 128),
    ),
    "gan-mnist": _gan(
        DenseGenerator,
        DenseDiscriminator,
        {"hidden": (128,)},
        data=mnist,
        score=FRECHET,
        steps=DENSE_GAN_STEPS,
        start=nn.Identity(),
        precision="fp32",
        latent=100,
        hidden=(128,),
    ),
    "gan-fashion-mnist": _gan(
        ConvGenerator,
        ConvDiscriminator,
        {"width": 32, "norm": "batch"},
        data=fashion_mnist,
        score=FRECHET,
        steps=CONV_GAN_STEPS,
        latent=64,
        width=32,
        prior="uniform",
    ),
    "gan-faces": _gan(
        UnpaddedGenerator,
        UnpaddedDiscriminator,
        {"width": 24},
        data=_faces,
        score=THUMBNAILS,
        steps=FACES_GAN_STEPS,
        latent=64,
        width=32,
    ),
    "wgan-gp-fashion-mnist": _wgan_gp(
        ConvGenerator,
        ConvDiscriminator,
        {"width": 32},
        data=fashion_mnist,
        scores=(FRECHET,),
        steps=CONV_WGAN_STEPS,
        learning_rate=5e-4,
        precision="bf16",
        latent=64,
        width=32,
    ),
    "wgan-gp-faces": _wgan_gp(
        ConvGenerator,
        ConvDiscriminator,
        {"width": 8, "image_shape": [3, 64, 64]},
        data=_faces,
        scores=(FRECHET, THUMBNAILS, MISSED, COMBINED),
        steps=FACES_WGAN_STEPS,
        learning_rate=5e-4,
        channels_last=True,
        latent=48,
        width=16,
        image_shape=(3, 64, 64),
    ),
    "vae-gan-mnist": _vae_gan(
        data=mnist,
        scores=(FRECHET, "mse", REREAD),
        steps=MNIST_VAE_GAN_STEPS,
        batch_size=64,
        learning_rate=1e-3,
        gamma=1e-2,
        rival={"width": 16, "norm": "batch"},
        latent=32,
        width=16,
    ),
    "vae-gan-faces": _vae_gan(
        data=_faces,
        scores=(FRECHET, MISSED, COMBINED, "mse", KEPT),
        steps=FACES_VAE_GAN_STEPS,
        batch_size=32,
        learning_rate=5e-4,
        gamma=5e-2,
        rival={"width": 16, "image_shape": [3, 64, 64], "norm": "batch", "layer": 3},
        latent=48,
        width=16,
        image_shape=(3, 64, 64),
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


@torch.no_grad()
def samples(model: nn.Module, n: int) -> Tensor:
    """`n` pictures of a generator or a VAE-GAN's decoder, z from its own prior."""
    generator = model.decoder if isinstance(model, VAEGAN) else model
    assert isinstance(generator, Generator)
    z = generator.noise(n, make_generator(0, "samples"))
    return torch.cat([generator(part) for part in z.split(500)])


def feature_distance(model: nn.Module, test: ImageSet) -> float:
    """Fréchet distance of 10,000 samples to the test set, to the classifier of that set."""
    judge = zoo.load(REFEREES[test.name]).to(test.images.device)
    made = features(judge, samples(model, 10_000))
    return frechet_distance(made, features(judge, test))


def thumbnail_distance(model: nn.Module, test: ImageSet) -> float:
    """Fréchet distance of 2,000 samples to the test set; each image is the mean colours of 8×8.

    It knows nothing of what a face is: where there is which colour, and what goes with what.
    """
    vectors = [
        F.adaptive_avg_pool2d(images, 8).flatten(1)  # [N, 3, 64, 64] -> [N, 192]
        for images in (samples(model, 2_000), test.pixels())
    ]
    return frechet_distance(*vectors)


def reported(model: nn.Module, test: ImageSet) -> AttributeReport:
    """What the course's classifier of faces reads off 5,000 samples."""
    judge = zoo.load("classifier-faces").to(test.images.device)
    assert isinstance(judge, AttributeClassifier)
    return attribute_report(read_attributes(judge, samples(model, 5_000)), ATTRIBUTES)


def missed(model: nn.Module, test: ImageSet) -> float:
    """How many values have less than a fifth of their share."""
    return float(len(reported(model, test).missing))


def combined(model: nn.Module, test: ImageSet) -> float:
    """Share of the 360 combinations that occur; equally many real faces have all of them."""
    report = reported(model, test)
    return report.combinations / report.possible


@torch.no_grad()
def reread(model: nn.Module, test: ImageSet) -> float:
    """How often the course's classifier reads a reconstruction as the label of its image."""
    judge = zoo.load(REFEREES[test.name]).to(test.images.device)
    read = per_image(test, lambda x: judge(model(x)).argmax(dim=1))  # [N]
    assert test.labels is not None
    return float((read == test.labels).float().mean())


@torch.no_grad()
def attributes_kept(model: nn.Module, test: ImageSet) -> float:
    """Mean over the attributes of how often a reconstruction is read as its face is."""
    judge = zoo.load("classifier-faces").to(test.images.device)
    assert isinstance(judge, AttributeClassifier)
    first, second = (read_attributes(judge, x) for x in (test, per_image(test, model)))
    return float(torch.stack([first[name] == second[name] for name in first]).double().mean())


def read_right(model: nn.Module, test: ImageSet, attribute: str | None = None) -> float:
    """Share of the test faces whose attribute is read right; by default the mean over all."""
    assert isinstance(model, AttributeClassifier)
    found = attribute_accuracy(model, test)
    return sum(found.values()) / len(found) if attribute is None else found[attribute]


SCORES: dict[str, Callable[[Any, ImageSet], float]] = {
    "mse": mse,
    "accuracy": accuracy,
    ELBO: negative_elbo,
    OBEYED: obeyed,
    FRECHET: feature_distance,
    THUMBNAILS: thumbnail_distance,
    **{score: partial(read_right, attribute=name) for name, score in READ.items()},
    READ_ALL: read_right,
    MISSED: missed,
    KEPT: attributes_kept,
    REREAD: reread,
    COMBINED: combined,
}


# From the experiment `binarised_mnist`: (objective, steps).
BINARISED = {
    "vae-binarised-mnist": ("vae", binarised_mnist.SETTINGS.long_steps),
    "iwae-binarised-mnist": ("iwae", binarised_mnist.SETTINGS.steps),
}


NATS = "−log p(x), k = 50, sampled binary pixels"


def binary_nats(model: DenseVAE) -> float:
    """−log p(x) per test image, binarised as in the experiment, with 50 importance samples."""
    x = binarised_mnist.binarised_once(mnist("test").pixels())
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
    made = recipe.player(model, steps=recipe.steps)
    players: list[Player] = made if isinstance(made, list) else [made]
    stream = recipe.stream(train_set, recipe.batch_size, seed=recipe.seed)
    history = train(
        players,
        stream,
        steps=recipe.steps,
        seed=recipe.seed,
        progress=False,
        precision=recipe.precision,
        channels_last=recipe.channels_last,
    )
    kept = keep_averages(model, players)
    half = kept.half().float().requires_grad_(False)  # score what is kept: half precision
    profile = f"GENLIB_PROFILE={genlib.profile()}"
    card = {
        "data": train_set.title,
        "seed": recipe.seed,
        "steps": recipe.steps,
        "batch_size": recipe.batch_size,
        **recipe.training,
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
