"""The clothes of the scoreboard: every model of the course on Fashion-MNIST.

A part of `scoreboard`, which calls `run` for every model and seed. `board_scores` says what the
scores are; here they are taken in the 64 features of the classifier of Fashion-MNIST.

All models see as many real images in all, each in fp32 and with the settings of its own chapter;
nothing was tuned for the board. So equal numbers of images are neither equal time nor equal care.

- Chapter 1: "autoencoder", 784-256-128-20 and back; samples decode a normal distribution fitted to
  the codes of the training images (the fit is not in the seconds).
- Chapter 3: "vae" and "iwae" (k = 5) have the autoencoder's layers, "conditional_vae" gets the
  label beside them and samples of each label alike; "conv_vae" does not normalise. Adam at 1e-3,
  falling along a cosine. All learn grey pixels.
- Chapter 4: "gan_dense" and "gan", z from U[−1, 1), as in `gan_images`.
- Chapter 5: "wgan_clipped" and "wgan_gp", five moves of the critic, batches of 32, as in
  `wgan_images`, with its learning rates, which are five times the published ones.
- Chapter 6: "vae_gan", networks and γ as in `vae_gan_mnist`, that is, chosen on digits.

The samples of chapters 4 to 6 come from averaged weights. The averages are over about 200 steps,
and 100 of a WGAN, since the runs are short; `gan_images`, which runs longer, has 1,000.

References: "data" are the test images; "memoriser" gives training images; "gaussian" is a normal
distribution fitted to the training images' pixels, its samples clipped to [0, 1].

"bound" is a bound from above on −log p(b) in nats, mean over test images and over b: b is the image
with sampled pixels, 1 with the grey value as probability. The encoder is shown the grey image,
so that q(z|x) does not know b; any q gives a bound. "bound_kind" says which:

- the ELBO is linear in the pixels of log p(b|z), so its mean over b is what the grey image gives:
  nothing is drawn but z;
- the importance-weighted bound is not (it is convex), so b is drawn, once for each test image. The
  grey image would give a looser one, which is what "iwae" learns from;
- "conditional_vae" is told the label y: its bound is on −log p(b|y). Add log 10 for −log p(b).

"bound_50" is the importance-weighted bound with k = 50 for all of them, on fewer test images at
equal steps through the set: two models are to be compared by the same bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

from experiments.averages import keep_averages
from experiments.board_scores import (
    Paint,
    Reference,
    evenly,
    memorised,
    reference,
    sampling_speed,
    sizes,
)
from experiments.board_scores import fit as fit_players
from experiments.board_scores import scores as scores_of
from experiments.common import Row
from experiments.gan_images import paint
from experiments.latent_scores import elbo_of
from experiments.sheets import webp_sheet
from genlib import budget, make_generator, pick_device, seed_everything, zoo
from genlib.data import ImageSet, binarised, fashion_mnist
from genlib.losses.bounds import LatentModel, importance_weighted_bound
from genlib.metrics import moments, per_image
from genlib.models.autoencoder import DenseAutoencoder
from genlib.models.gan import (
    ConvDiscriminator,
    ConvGenerator,
    DenseDiscriminator,
    DenseGenerator,
    normal_weights,
)
from genlib.models.noise import Generator, Prior
from genlib.models.vae import VAE, ConditionalVAE, ConvVAE, DenseVAE
from genlib.models.vae_gan import VAEGAN, FeatureDiscriminator
from genlib.training import (
    Player,
    autoencoder_player,
    gan_players,
    iwae_player,
    vae_gan_players,
    vae_player,
    wgan_clip_players,
    wgan_gp_players,
)

MODELS = (
    "autoencoder",
    "vae",
    "conv_vae",
    "iwae",
    "conditional_vae",
    "gan_dense",
    "gan",
    "wgan_clipped",
    "wgan_gp",
    "vae_gan",
)
REFERENCES = ("data", "memoriser", "gaussian")
BOUND_KINDS = {  # of the models that have one
    "vae": "ELBO",
    "conv_vae": "ELBO",
    "iwae": "importance-weighted, k = 5",
    "conditional_vae": "ELBO, given the label",
}


@dataclass(frozen=True)
class ClothesSettings:
    """Everything that was chosen."""

    samples: int = budget(smoke=80, cpu=10_000, gpu=10_000)
    steps: int = budget(smoke=60, cpu=4_000, gpu=46_800)
    batch_size: int = budget(smoke=10, cpu=64, gpu=64)
    wgan_steps: int = budget(smoke=30, cpu=1_600, gpu=18_720)  # of the generator
    wgan_batch_size: int = budget(smoke=4, cpu=32, gpu=32)
    critic_moves: int = 5
    code: int = 20  # of the dense models with an encoder
    hidden: tuple[int, ...] = (256, 128)
    rate: float = 1e-3
    iwae_samples: int = 5
    conv_vae_latent: int = 32
    width: int = 16  # of all convolutional networks
    gan_dense_latent: int = 100
    gan_dense_hidden: tuple[int, ...] = (128,)
    gan_latent: int = 64
    gan_prior: Prior = "uniform"
    gan_rate: float = 2e-4
    gan_betas: tuple[float, float] = (0.5, 0.999)
    gan_decay: float = budget(smoke=0.5, cpu=0.995, gpu=0.999)  # of the averages
    wgan_gp_rate: float = budget(smoke=5e-4, cpu=5e-4, gpu=1e-4)  # Gulrajani et al.: 1e-4
    wgan_gp_betas: tuple[float, float] = (0.0, 0.9)
    wgan_clipped_rate: float = budget(smoke=2.5e-4, cpu=2.5e-4, gpu=5e-5)  # Arjovsky et al.: 5e-5
    wgan_decay: float = budget(smoke=0.5, cpu=0.99, gpu=0.999)
    vae_gan_latent: int = 32
    gamma: float = 1e-2  # as in `vae_gan_mnist`
    bound_images: int = budget(smoke=20, cpu=2_000, gpu=10_000)  # of "bound_50"
    columns: int = 10


@dataclass(frozen=True)
class Entry:
    """A model on its way to the board.

    Attributes:
        model: what makes pictures, with the encoder if it has one.
        players: all of them.
        judges: networks that only training needs.
        steps: how many it trains.
        batch_size: of real images.
    """

    model: nn.Module
    players: list[Player]
    judges: tuple[nn.Module, ...]
    steps: int
    batch_size: int


@cache
def judge(samples: int, device: torch.device) -> Reference:
    """Made once, since it looks at 60,000 images."""
    classifier = zoo.load("classifier-fashion-mnist").to(device)
    return reference(classifier, fashion_mnist("train", device=device), samples)


def entry(settings: ClothesSettings, model: str, device: torch.device) -> Entry:
    """Networks and players."""
    build = with_encoder if model in (*BOUND_KINDS, "autoencoder") else with_judge
    return build(settings, model, device)


def with_encoder(settings: ClothesSettings, model: str, device: torch.device) -> Entry:
    """The models of chapters 1 and 3."""
    steps, rate, layers = settings.steps, settings.rate, (settings.code, settings.hidden)
    made: nn.Module
    if model == "autoencoder":
        made = DenseAutoencoder(*layers).to(device)
        player = autoencoder_player(made, steps=steps, learning_rate=rate)
    elif model == "iwae":
        made = DenseVAE(*layers).to(device)
        k = settings.iwae_samples
        player = iwae_player(made, steps=steps, samples=k, learning_rate=rate)
    else:
        builders: dict[str, Callable[[], VAE | ConditionalVAE]] = {
            "vae": lambda: DenseVAE(*layers),
            "conv_vae": lambda: ConvVAE(settings.conv_vae_latent, settings.width),
            "conditional_vae": lambda: ConditionalVAE(10, *layers),
        }
        vae = builders[model]().to(device)
        made, player = vae, vae_player(vae, steps=steps, learning_rate=rate)
    return Entry(made, [player], (), steps, settings.batch_size)


def with_judge(settings: ClothesSettings, model: str, device: torch.device) -> Entry:
    """The models of chapters 4 to 6. Torch's own start suits networks that do not normalise."""
    steps, width, latent = settings.steps, settings.width, settings.gan_latent
    generator: Generator
    if model == "gan_dense":
        generator = DenseGenerator(
            settings.gan_dense_latent, settings.gan_dense_hidden, prior=settings.gan_prior
        ).to(device)
        dense = DenseDiscriminator(settings.gan_dense_hidden).to(device)
        players = gan_players(generator, dense, **as_in_dcgan(settings))
        return Entry(generator, players, (dense,), steps, settings.batch_size)
    if model == "gan":
        generator = ConvGenerator(latent, width, prior=settings.gan_prior)
        generator = normal_weights(generator).to(device)
        discriminator = normal_weights(ConvDiscriminator(width, norm="batch")).to(device)
        players = gan_players(generator, discriminator, **as_in_dcgan(settings))
        return Entry(generator, players, (discriminator,), steps, settings.batch_size)
    if model == "vae_gan":
        pair = normal_weights(VAEGAN(settings.vae_gan_latent, width)).to(device)
        rival = normal_weights(FeatureDiscriminator(width, norm="batch")).to(device)
        players = vae_gan_players(
            pair.encoder, pair.decoder, rival, gamma=settings.gamma, **as_in_dcgan(settings)
        )
        return Entry(pair, players, (rival,), steps, settings.batch_size)
    generator = normal_weights(ConvGenerator(latent, width)).to(device)
    critic = ConvDiscriminator(width).to(device)
    moves, decay = settings.critic_moves, settings.wgan_decay
    if model == "wgan_gp":
        players = wgan_gp_players(
            generator,
            critic,
            learning_rate=settings.wgan_gp_rate,
            betas=settings.wgan_gp_betas,
            critic_moves=moves,
            ema_decay=decay,
        )
    else:
        players = wgan_clip_players(
            generator,
            critic,
            learning_rate=settings.wgan_clipped_rate,
            critic_moves=moves,
            ema_decay=decay,
        )
    return Entry(generator, players, (critic,), settings.wgan_steps, settings.wgan_batch_size)


def as_in_dcgan(settings: ClothesSettings) -> Row:
    """Adam as Radford et al. 2016 have it, and an average."""
    return {
        "learning_rate": settings.gan_rate,
        "betas": settings.gan_betas,
        "ema_decay": settings.gan_decay,
    }


def painter(model: nn.Module, train_set: ImageSet) -> Paint:
    """What draws samples of a trained model."""
    device = train_set.images.device

    def normal(n: int, k: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, k, generator=generator).to(device)

    if isinstance(model, Generator):
        return lambda n, generator: paint(model, model.noise(n, generator))
    if isinstance(model, DenseAutoencoder):
        codes = moments(per_image(train_set, model.encode))
        mu, root = codes.mu.float(), torch.linalg.cholesky(codes.cov).float()  # Σ = L Lᵀ

        def decode(y: Tensor) -> Tensor:
            return in_parts(lambda part: model.decode(part).clamp(0, 1), y)

        return lambda n, generator: decode(mu + normal(n, len(mu), generator) @ root.T)
    if isinstance(model, ConditionalVAE):

        def of_all_classes(n: int, generator: torch.Generator) -> Tensor:
            y = (torch.arange(n) % model.classes).to(device)  # [n], each as often
            return in_parts(model.sample, normal(n, model.latent, generator), y)

        return of_all_classes
    assert isinstance(model, VAE | VAEGAN)
    return lambda n, generator: in_parts(model.sample, normal(n, model.latent, generator))


@torch.no_grad()
def in_parts(decode: Callable[..., Tensor], *values: Tensor) -> Tensor:
    """`decode` of rows of `values`, 500 at a time, put together."""
    return torch.cat([decode(*part) for part in zip(*(v.split(500) for v in values), strict=True)])


class Fed:
    """A VAE whose encoder is shown `seen`, whatever image the likelihood is of.

    Args:
        model: the VAE.
        seen: `[B, C, H, W]`.
    """

    def __init__(self, model: LatentModel, seen: Tensor) -> None:
        self.model, self.seen, self.latent = model, seen, model.latent

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|seen), `[B, K]` each."""
        return self.model.encode(self.seen)

    def nll(self, x: Tensor, z: Tensor) -> Tensor:
        """−log p(x|z), `[B]`."""
        return self.model.nll(x, z)


@torch.no_grad()
def sampled_bound(model: VAE | ConditionalVAE, test: ImageSet, k: int) -> float:
    """Mean over images x and sampled pixels b of −log (1/k Σ w), z from q(z|x), w of b, in nats.

    The same b and the same noise for every model with the same K; b is drawn once for each image.

    Args:
        model: a `ConditionalVAE` is told the label.
        test: N images.
        k: samples of z for each.
    """
    generator, total = make_generator(k, "sampled bound"), 0.0
    for rows in torch.arange(len(test)).split(200):
        part = test.select(rows)
        x = part.pixels()  # [B, C, H, W]
        b = binarised(x, generator)
        eps = torch.randn(k, len(rows), model.latent, generator=generator).to(x)
        at: LatentModel = model if isinstance(model, VAE) else model.given(labels_of(part))
        total -= float(importance_weighted_bound(Fed(at, x), b, eps).double().sum())
    return total / len(test)


def labels_of(data: ImageSet) -> Tensor:
    """int64 `[N]`."""
    assert data.labels is not None
    return data.labels


def bounds(settings: ClothesSettings, name: str, model: nn.Module, test: ImageSet) -> Row:
    """ "bound" and "bound_50" of a model of chapter 3."""
    assert isinstance(model, VAE | ConditionalVAE)
    if name == "iwae":
        own = sampled_bound(model, test, settings.iwae_samples)
    else:
        own = elbo_of(model, test.pixels(), labels_of(test))["elbo"]
    some = test.select(evenly(len(test), settings.bound_images))
    return {
        "bound": own,
        "bound_50": sampled_bound(model, some, 50),
    }


def gaussian(train_set: ImageSet, n: int, generator: torch.Generator) -> Tensor:
    """Samples of a normal distribution with the training pixels' mean and covariance, clipped."""
    device = train_set.images.device
    pixels = moments(part.flatten(1) for part in train_set.pixels().split(10_000))
    values, vectors = torch.linalg.eigh(pixels.cov)  # of any rank: some pixels are always black
    noise = torch.randn(n, len(values), generator=generator, dtype=torch.float64).to(device)
    drawn = pixels.mu + (noise * values.clamp(min=0).sqrt()) @ vectors.T  # [n, C·H·W]
    return drawn.clamp(0, 1).float().unflatten(1, train_set.shape)


def standing_in(
    model: str, train_set: ImageSet, test: ImageSet, n: int, seed: int
) -> Tensor | ImageSet:
    """Pictures of one of `REFERENCES`."""
    if model == "data":
        return test.select(evenly(len(test), n))
    generator = make_generator(seed, model)
    if model == "memoriser":
        return memorised(train_set, n, generator)
    return gaussian(train_set, n, generator)


def run(settings: ClothesSettings, *, model: str, seed: int) -> Row:
    """One model with one seed, or one of `REFERENCES`, which have scores and nothing else."""
    device = pick_device()
    against = judge(settings.samples, device)
    train_set, test = fashion_mnist("train", device=device), fashion_mnist("test", device=device)
    if model in REFERENCES:
        fake = standing_in(model, train_set, test, settings.samples, seed)
        return scores_of(fake, against) | shown(settings, model, fake, seed)
    seed_everything(seed)
    made = entry(settings, model, device)
    fitted = fit_players(
        made.players, train_set, steps=made.steps, batch_size=made.batch_size, seed=seed
    )
    draw = painter(keep_averages(made.model, made.players), train_set)
    pictures = draw(settings.samples, make_generator(seed, "samples"))
    found = {
        **scores_of(pictures, against),
        **fitted,
        **sizes([made.model], made.judges),
        "samples_per_second": sampling_speed(draw, device),
        **shown(settings, model, pictures, seed),
    }
    if model in BOUND_KINDS:
        found |= bounds(settings, model, made.model, test) | {"bound_kind": BOUND_KINDS[model]}
    return found


def shown(settings: ClothesSettings, model: str, fake: Tensor | ImageSet, seed: int) -> Row:
    """A row of pictures of seed 0: "clothes_MODEL"."""
    if seed != 0:
        return {}
    few = fake.take(settings.columns).pixels() if isinstance(fake, ImageSet) else fake
    row = few[: settings.columns].unsqueeze(0)  # [1, N, 1, 28, 28]
    return {"pictures": {f"clothes_{model}": webp_sheet(row)}}
