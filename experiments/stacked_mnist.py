"""Chapter 4: how many of 1,000 modes a GAN finds on stacked MNIST, alone and with packing.

    python -m experiments.stacked_mnist

Three digits drawn at random from MNIST are the three channels of one image: 1,000 combinations, all
about equally likely (Srivastava et al. 2017). Two trainings, equal updates:

- `plain`: a convolutional GAN with the non-saturating loss;
- `packing`: the same, but the discriminator judges two images at a time (Lin et al. 2018). Batches
  are twice as large, so that it sees as many packs as the other sees images.

The reference classifier reads each channel of 26,000 generated images. A mode is found if one
image is read so; `reverse_kl` is KL(q ‖ p) over the 1,000, in nats. The classifier gives every
picture some digit, also one that shows none: a generator of blots can find many modes. So there is
its mean `confidence`, and `sure`: the share of images whose three channels are each read with at
least the confidence of the weakest 5 % of real digits; `sure_modes` is what those find.
`data` is what 26,000 images stacked from MNIST's test digits get.

Profile `cpu` is a small budget: narrow networks, few steps, and so a learning rate five times as
high as usual that falls evenly to 0. With width, batches, rate and the 100,000 updates of Lin et
al. 2018 and ten seeds, though with two convolutions less in each network and one move of the
generator in a step, not two:

    GENLIB_PROFILE=gpu python -m experiments.stacked_mnist
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from experiments.common import Row, over_seeds, run_experiment
from genlib import budget, make_generator, pick_device, seed_everything, zoo
from genlib.data import Batch, ImageSet, mnist
from genlib.metrics import confidence, reverse_kl
from genlib.models.convolutions import Norm
from genlib.models.diversity import Packed
from genlib.models.gan import ConvDiscriminator, ConvGenerator, normal_weights
from genlib.models.noise import Prior
from genlib.training import Precision, gan_players, train


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=3, gpu=10)
    steps: int = budget(smoke=2, cpu=6_000, gpu=100_000)
    packs: int = budget(smoke=4, cpu=64, gpu=64)  # in a batch; images where there is no packing
    packing: int = 2
    learning_rate: float = budget(smoke=1e-3, cpu=1e-3, gpu=2e-4)
    falling_rate: bool = budget(smoke=True, cpu=True, gpu=False)  # evenly, to 0
    latent: int = 100
    prior: Prior = "uniform"
    width: int = budget(smoke=4, cpu=16, gpu=64)
    discriminator_norm: Norm = "batch"
    precision: Precision = "fp32"
    images: int = budget(smoke=100, cpu=26_000, gpu=26_000)


SETTINGS = Settings()
VARIANTS = ("plain", "packing")
PUBLISHED = {"DCGAN": 99, "VEEGAN": 150, "WGAN-GP": 959, "PacDCGAN2": 1000}  # modes found
BANDS = {
    "variants/plain/modes/mean": (950.0, 1000.0),
    "variants/packing/modes/mean": (900.0, 1000.0),
    "variants/plain/reverse_kl/mean": (0.1, 0.6),
    "variants/packing/reverse_kl/mean": (0.2, 0.9),
    "variants/plain/sure/mean": (0.02, 0.08),  # few are digits as clear as real ones
    "variants/packing/sure/mean": (0.02, 0.08),
    "data/modes/mean": (999.0, 1000.0),
    "data/sure/mean": (0.84, 0.88),  # three channels above the weakest 5 %: about 0.95³
}


def cells(settings: Settings) -> list[Row]:
    return [
        {"variant": variant, "seed": seed} for seed in range(settings.seeds) for variant in VARIANTS
    ]


def run(settings: Settings, *, variant: str, seed: int) -> Row:
    device = pick_device()
    train_set, test = mnist("train", device=device), mnist("test", device=device)
    packing = settings.packing if variant == "packing" else 1
    seed_everything(seed)  # both variants of a seed start from the same generator
    generator = ConvGenerator(settings.latent, settings.width, (3, 28, 28), prior=settings.prior)
    discriminator = ConvDiscriminator(
        settings.width, (3 * packing, 28, 28), norm=settings.discriminator_norm
    )
    judge: nn.Module = Packed(discriminator, packing) if packing > 1 else discriminator
    players = gan_players(
        normal_weights(generator).to(device),
        normal_weights(judge).to(device),
        learning_rate=settings.learning_rate,
    )
    if settings.falling_rate:
        for player in players:
            player.schedule = LambdaLR(player.optimizer, lambda n: max(0.0, 1 - n / settings.steps))
    train(
        players,
        stacked(train_set, packing * settings.packs, seed),
        steps=settings.steps,
        seed=seed,
        progress=False,
        precision=settings.precision,
    )
    noise = generator.noise(settings.images, make_generator(seed, "look"))
    real = next(stacked(test, settings.images, seed)).x
    weakest = float(confidence(referee(device), test.pixels()).quantile(0.05))
    return {**read(painted(generator, noise), weakest), "data": read(real, weakest)}


def stacked(data: ImageSet, batch_size: int, seed: int) -> Iterator[Batch]:
    """Endless batches `[B, 3, 28, 28]` of fresh stacks; batch i comes from `(seed, i)` alone."""
    assert data.labels is not None
    device = data.images.device
    places = torch.tensor([100, 10, 1], device=device)
    for number in count():
        generator = make_generator(seed, "stacks", number)
        chosen = torch.randint(len(data), (3 * batch_size,), generator=generator)  # [3 · B]
        digits = data.select(chosen)
        assert digits.labels is not None
        yield Batch(
            x=digits.pixels().unflatten(0, (batch_size, 3)).squeeze(2),  # -> [B, 3, 28, 28]
            y=(digits.labels.unflatten(0, (batch_size, 3)) * places).sum(dim=1),  # -> [B]
            index=torch.arange(batch_size, device=device) + number * batch_size,
        )


@torch.no_grad()
def painted(generator: ConvGenerator, z: Tensor) -> Tensor:
    """`[n, latent] -> [n, 3, 28, 28]`."""
    return torch.cat([generator(part) for part in z.split(500)])


def referee(device: torch.device) -> nn.Module:
    """The reference classifier of digits."""
    return zoo.load("classifier-mnist").to(device)


@torch.no_grad()
def read(x: Tensor, weakest: float) -> Row:
    """What the classifier sees in images `[n, 3, 28, 28]`."""
    classifier = referee(x.device)
    channels = x.flatten(0, 1)[:, None]  # -> [3 · n, 1, 28, 28]
    beliefs = torch.cat([classifier(part).softmax(dim=1) for part in channels.split(500)])
    sure, digit = (value.unflatten(0, (-1, 3)) for value in beliefs.max(dim=1))  # -> [n, 3]
    mode = (digit * torch.tensor([100, 10, 1], device=x.device)).sum(dim=1)  # -> [n]
    counts = torch.bincount(mode, minlength=1000)
    good = (sure >= weakest).all(dim=1)  # -> [n]
    return {
        "modes": int((counts > 0).sum()),
        "reverse_kl": reverse_kl(counts),
        "confidence": float(sure.mean()),
        "sure": float(good.float().mean()),
        "sure_modes": len(mode[good].unique()),
    }


def summarise(settings: Settings, rows: list[Row]) -> Row:
    names = ("modes", "reverse_kl", "confidence", "sure", "sure_modes")
    figures: Row = {"variants": {}, "published": PUBLISHED}
    for variant in VARIANTS:
        own = [row for row in rows if row["variant"] == variant]
        figures["variants"][variant] = {
            **over_seeds(own, names),
            "steps": settings.steps,
            "seeds": len(own),
        }
    figures["data"] = over_seeds([row["data"] for row in own], names)
    return figures


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "stacked_mnist")
