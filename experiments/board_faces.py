"""The faces of the scoreboard: VAE, WGAN-GP and VAE-GAN on drawn faces in colour, 64×64.

A part of `scoreboard`, which calls `run` for every model and seed and `summarise_extras` at the
end. `board_scores` says what the scores are that all models of the course get; here they are taken
in the 64 features of the classifier of faces.

All models see as many images, in batches of one size, with narrow networks: 48 latent dimensions,
width 16 in encoders and decoders, 8 in discriminator and critic. Everything normalises over the
batch but the critic. The settings of WGAN-GP are those of `wgan_faces`. The VAE takes colour values
for Bernoulli variables, which they are not, so no "bound" stands on this board.

Of the VAE-GAN, five settings were tried for up to 2,500 steps on one seed: γ of 1e-2 with features
of the last of the discriminator's four convolutions; 3e-2 and 1e-1 with those of the third, all at
a learning rate of 5e-4; 1e-1 at 1e-3 and at 2e-4. With 1e-1 at 5e-4 its samples had the smallest
Fréchet distance after 2,000 steps; 3e-2 gave the better reconstructions. The two other models were
not tuned for this board.

What there is beyond the scores ("faces"):

- "missing": how many of the 36 values of the nine attributes have less than a fifth of their share
  among the pictures; "pairs": the share of the 360 combinations of hair style, hair colour, glasses
  and mouth that occur.
- Of models with an encoder, over test faces and their reconstructions through the mean of q(z|x):
  "mse" per colour value; "feature_error", the mean squared distance between their features;
  "kept", the share of faces whose attribute is read the same off both, and "attributes_kept", its
  mean.

Latent arithmetic ("arithmetic", of the same models): v is the mean code of *training* faces that
have an attribute less that of those that lack it, by their known labels (Larsen et al. 2016,
section 4.2). It is added once to the codes of *test* faces that lack it, and what they then show is
read by the classifier off the decoded pictures:

- "baseline": share that is read to have the attribute after plain encoding and decoding;
- "added": the same after adding v; "twice": after adding 2v; "random": after adding a direction of
  v's length that was drawn at random (mean over a few);
- "kept", "twice_kept", "random_kept": share of the eight other attributes that are read as they
  were off the plain reconstruction;
- "lost": of the test faces that have the attribute, the share that is read to lack it after plain
  encoding and decoding; "removed": the same after taking v away;
- "length": of v, as a share of the mean length of a test face's code.

Pictures, seed 0: "faces_MODEL", samples; "faces_reconstructions_MODEL", a row of test faces and a
row of their reconstructions; "faces_arithmetic_MODEL", test faces that lack all the attributes,
their reconstructions, and one row for each attribute that was added, in the order of `CHANGES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from statistics import fmean

import torch
from torch import Tensor, nn

from experiments.averages import keep_averages
from experiments.board_scores import Reference, memorised, reference, sampling_speed, sizes
from experiments.board_scores import fit as fit_players
from experiments.board_scores import scores as scores_of
from experiments.common import Row, over_seeds
from experiments.gan_images import paint
from experiments.sheets import webp_sheet
from experiments.wgan_faces import faces
from genlib import budget, make_generator, pick_device, seed_everything, zoo
from genlib.data import ImageSet
from genlib.data.faces_attributes import ATTRIBUTES
from genlib.latent import (
    AttributeChange,
    attribute_change,
    class_direction,
    random_direction,
    shifted,
)
from genlib.losses import squared_error
from genlib.metrics import attribute_report, features, per_image, read_attributes
from genlib.models.classifier import AttributeClassifier
from genlib.models.gan import ConvDiscriminator, ConvGenerator, normal_weights
from genlib.models.vae import ConvVAE
from genlib.models.vae_gan import VAEGAN, FeatureDiscriminator
from genlib.training import Player, vae_gan_players, vae_player, wgan_gp_players

SHAPE = (3, 64, 64)
ENCODING = ("vae", "vae_gan")
MODELS = ("vae", "wgan_gp", "vae_gan")
REFERENCES = ("data", "memoriser")
# What is added: an attribute, and which of its values count as having it.
CHANGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "glasses": ("glasses", ("round", "square")),
    "smile": ("mouth", ("smile",)),
    "blond": ("hair_colour", ("blond",)),
    "curly": ("hair_style", ("curly",)),
    "beanie": ("accessory", ("beanie",)),
    "mint": ("background", ("mint",)),
}


@dataclass(frozen=True)
class FacesSettings:
    """Everything that was chosen."""

    faces: int = budget(smoke=128, cpu=20_000, gpu=60_000)
    tested: int = budget(smoke=120, cpu=2_000, gpu=5_000)  # reconstructions and arithmetic
    samples: int = budget(smoke=100, cpu=5_000, gpu=10_000)
    steps: int = budget(smoke=5, cpu=4_000, gpu=50_000)
    wgan_gp_steps: int = budget(smoke=1, cpu=800, gpu=10_000)  # of the generator
    critic_moves: int = 5
    batch_size: int = budget(smoke=8, cpu=32, gpu=64)
    latent: int = 48
    width: int = budget(smoke=4, cpu=16, gpu=64)  # of encoders and decoders
    judge_width: int = budget(smoke=4, cpu=8, gpu=64)  # of critic and discriminator
    vae_rate: float = 1e-3
    wgan_gp_rate: float = budget(smoke=1e-3, cpu=1e-3, gpu=1e-4)
    wgan_gp_betas: tuple[float, float] = (0.0, 0.9)
    wgan_gp_decay: float = budget(smoke=0.5, cpu=0.99, gpu=0.999)  # of the average
    gamma: float = 1e-1
    layer: int = 3  # of the discriminator's four, whose features are compared
    vae_gan_rate: float = budget(smoke=5e-4, cpu=5e-4, gpu=2e-4)
    vae_gan_decay: float = budget(smoke=0.5, cpu=0.995, gpu=0.999)  # of encoder and decoder
    random_directions: int = 3
    columns: int = 10
    channels_last: bool = True  # a tenth faster here


@cache
def judge(n: int, samples: int, device: torch.device) -> Reference:
    """Made once, since it looks at all training faces."""
    classifier = zoo.load("classifier-faces").to(device)
    return reference(classifier, faces(n, "train", 0, device), samples)


@dataclass(frozen=True)
class Entry:
    """A model on its way to the board.

    Attributes:
        model: what makes pictures; with `encode(x) -> (mu, log_var)` if it is one of `ENCODING`.
        players: all of them.
        judges: networks that only training needs.
        steps: how many it trains.
    """

    model: ConvVAE | VAEGAN | ConvGenerator
    players: list[Player]
    judges: tuple[nn.Module, ...]
    steps: int

    def paint(self, n: int, generator: torch.Generator) -> Tensor:
        """Samples, `[n, 3, 64, 64]`."""
        if isinstance(self.model, ConvGenerator):
            return paint(self.model, self.model.noise(n, generator))
        z = torch.randn(n, self.model.latent, generator=generator, device=generator.device)
        return decoded(self.model, z.to(next(self.model.parameters()).device))


def entry(settings: FacesSettings, model: str, device: torch.device) -> Entry:
    """Networks and players.

    What normalises over the batch starts as in chapter 4, but for the VAE; torch's own start suits
    that and the critic.
    """
    latent, width = settings.latent, settings.width
    if model == "vae":
        vae = ConvVAE(latent, width, SHAPE, norm="batch").to(device)
        player = vae_player(vae, steps=settings.steps, learning_rate=settings.vae_rate)
        return Entry(vae, [player], (), settings.steps)
    if model == "wgan_gp":
        generator = normal_weights(ConvGenerator(latent, width, SHAPE)).to(device)
        critic = ConvDiscriminator(settings.judge_width, SHAPE).to(device)
        both = wgan_gp_players(
            generator,
            critic,
            critic_moves=settings.critic_moves,
            learning_rate=settings.wgan_gp_rate,
            betas=settings.wgan_gp_betas,
            ema_decay=settings.wgan_gp_decay,
        )
        return Entry(generator, both, (critic,), settings.wgan_gp_steps)
    pair = normal_weights(VAEGAN(latent, width, SHAPE)).to(device)
    discriminator = FeatureDiscriminator(
        settings.judge_width, SHAPE, norm="batch", layer=settings.layer
    )
    three = vae_gan_players(
        pair.encoder,
        pair.decoder,
        normal_weights(discriminator).to(device),
        gamma=settings.gamma,
        learning_rate=settings.vae_gan_rate,
        ema_decay=settings.vae_gan_decay,
    )
    return Entry(pair, three, (discriminator,), settings.steps)


def run(settings: FacesSettings, *, model: str, seed: int) -> Row:
    """One model with one seed, or one of `REFERENCES`, which have scores and nothing else."""
    device = pick_device()
    against = judge(settings.faces, settings.samples, device)
    train_set = faces(settings.faces, "train", 0, device)
    if model in REFERENCES:
        # The seeds of faces begin at 1: none of the data is a training face or a tested one.
        fake = (
            faces(settings.samples, "test", 1 + seed, device)
            if model == "data"
            else memorised(train_set, settings.samples, make_generator(seed, "memoriser"))
        )
        return {**scores_of(fake, against), **values_of(fake, against)}
    seed_everything(seed)
    made = entry(settings, model, device)
    fitted = fit_players(
        made.players,
        train_set,
        steps=made.steps,
        batch_size=settings.batch_size,
        seed=seed,
        channels_last=settings.channels_last,
    )
    keep_averages(made.model, made.players)
    pictures = made.paint(settings.samples, make_generator(seed, "samples"))
    found = {
        **scores_of(pictures, against),
        **values_of(pictures, against),
        **fitted,
        **sizes([made.model], made.judges),
        "samples_per_second": sampling_speed(made.paint, device),
    }
    shown = {f"faces_{model}": pictures[: 2 * settings.columns].unflatten(0, (2, -1))}
    if not isinstance(made.model, ConvGenerator):
        test = faces(settings.tested, "test", 0, device)
        found |= rebuilt(made.model, test, against)
        found["arithmetic"] = arithmetic(settings, made.model, train_set, test, against, seed)
        shown |= strips(settings, made.model, train_set, test)
    if seed == 0:
        found["pictures"] = {name: webp_sheet(rows, quality=70) for name, rows in shown.items()}
    return found


def values_of(fake: Tensor | ImageSet, against: Reference) -> Row:
    """What of the attributes is there."""
    report = attribute_report(read_attributes(reader(against), fake), against.names)
    return {"missing": len(report.missing), "pairs": report.combinations / report.possible}


def reader(against: Reference) -> AttributeClassifier:
    """The classifier of faces."""
    assert isinstance(against.classifier, AttributeClassifier)
    return against.classifier


@torch.no_grad()
def coded(model: ConvVAE | VAEGAN, data: ImageSet) -> Tensor:
    """Means of q(z|x), `[N, K]`."""
    return per_image(data, lambda x: model.encode(x)[0])


@torch.no_grad()
def decoded(model: ConvVAE | VAEGAN, z: Tensor) -> Tensor:
    """`[N, K] -> [N, 3, 64, 64]`, in parts."""
    return torch.cat([model.sample(part) for part in z.split(500)])


def rebuilt(model: ConvVAE | VAEGAN, test: ImageSet, against: Reference) -> Row:
    """What is left of test faces in their reconstructions."""
    classifier = reader(against)
    again = decoded(model, coded(model, test))  # [N, 3, 64, 64]
    x = test.pixels()
    errors = squared_error(features(classifier, again), features(classifier, x))  # [N]
    first, second = read_attributes(classifier, x), read_attributes(classifier, again)
    kept = {name: float((first[name] == second[name]).double().mean()) for name in first}
    return {
        "mse": float((again - x).square().mean()),
        "feature_error": float(errors.mean()),
        "attributes_kept": fmean(kept.values()),
        "kept": kept,
    }


def has(data: ImageSet, change: str) -> Tensor:
    """Which faces have what is to be added, by their labels; bool `[N]`."""
    return torch.isin(data.attributes[CHANGES[change][0]], numbers(change).to(data.images.device))


def numbers(change: str) -> Tensor:
    """The values that count as having it, int64."""
    name, values = CHANGES[change]
    return torch.tensor([ATTRIBUTES[name].index(value) for value in values])


def arithmetic(
    settings: FacesSettings,
    model: ConvVAE | VAEGAN,
    train_set: ImageSet,
    test: ImageSet,
    against: Reference,
    seed: int,
) -> Row:
    """What adding each attribute does to test faces that lack it, and taking it away to the others.

    Returns:
        The numbers that stand above, for each of `CHANGES`.
    """
    train_codes, codes = coded(model, train_set), coded(model, test)  # [N, K] each
    generator = make_generator(seed, "random directions")

    def read(z: Tensor) -> dict[str, Tensor]:
        return read_attributes(reader(against), decoded(model, z))

    found = {}
    for change in CHANGES:
        v = class_direction(train_codes, has(train_set, change))  # [K]
        others = [random_direction(v, generator) for _ in range(settings.random_directions)]
        holders = has(test, change)
        found[change] = {
            **effects(read, codes[~holders], codes[holders], v, others, change),
            "length": float(v.norm() / codes.norm(dim=1).mean()),
        }
    return found


def effects(
    read: Callable[[Tensor], dict[str, Tensor]],
    lacking: Tensor,
    having: Tensor,
    v: Tensor,
    others: list[Tensor],
    change: str,
) -> Row:
    """Of one attribute: codes `[N, K]` of faces that lack it and that have it, directions `[K]`."""
    name, values = CHANGES[change][0], numbers(change).tolist()
    plain = {"lacking": read(lacking), "having": read(having)}

    def moved(which: str, z: Tensor, direction: Tensor, t: float) -> AttributeChange:
        return attribute_change(plain[which], read(shifted(z, direction, [t])[0]), name, values)

    once, twice = (moved("lacking", lacking, v, t) for t in (1.0, 2.0))
    aimless = [moved("lacking", lacking, other, 1.0) for other in others]
    away = moved("having", having, v, -1.0)
    return {
        "baseline": once.before,
        "added": once.after,
        "kept": once.kept,
        "twice": twice.after,
        "twice_kept": twice.kept,
        "random": fmean(each.after for each in aimless),
        "random_kept": fmean(each.kept for each in aimless),
        "lost": 1 - away.before,
        "removed": 1 - away.after,
    }


def strips(
    settings: FacesSettings, model: ConvVAE | VAEGAN, train_set: ImageSet, test: ImageSet
) -> dict[str, Tensor]:
    """Rows of pictures, `[R, columns, 3, 64, 64]`: reconstructions, and attributes added."""
    name = "vae" if isinstance(model, ConvVAE) else "vae_gan"
    some = test.take(settings.columns)
    rows = [some.pixels(), decoded(model, coded(model, some))]
    lacking = torch.stack([~has(test, change) for change in CHANGES]).all(dim=0)  # [N]
    faces_without = test.select(lacking).take(settings.columns)
    z, train_codes = coded(model, faces_without), coded(model, train_set)
    changed = [faces_without.pixels(), decoded(model, z)]
    for change in CHANGES:
        v = class_direction(train_codes, has(train_set, change))
        changed.append(decoded(model, shifted(z, v, [1.0])[0]))
    return {
        f"faces_reconstructions_{name}": torch.stack(rows),
        f"faces_arithmetic_{name}": torch.stack(changed),
    }


def summarise_extras(settings: FacesSettings, rows: list[Row]) -> Row:
    """Intervals over the seeds of what faces have beyond the scores.

    Args:
        settings: those that the rows were made with.
        rows: what `run` gave, each with its "model" and "seed".

    Returns:
        "faces" by model, and "arithmetic" by model and change.
    """
    runs = {
        model: [row for row in rows if row["model"] == model] for model in (*REFERENCES, *MODELS)
    }
    plain = ("missing", "pairs")
    more = (*plain, "mse", "feature_error", "attributes_kept", "kept")
    return {
        "faces": {
            model: over_seeds(own, more if model in ENCODING else plain)
            for model, own in runs.items()
        },
        "arithmetic": {
            model: over_seeds([row["arithmetic"] for row in runs[model]], tuple(CHANGES))
            for model in ENCODING
        },
    }
