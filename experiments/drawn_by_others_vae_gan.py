"""Chapter 6: a VAE-GAN on faces that people drew, from a zip of pictures.

    python -m experiments.drawn_by_others_vae_gan

The data, and what may be kept of them, are those of `drawn_by_others`: they are no part of this
course, and no original is in the results, neither a grid nor a nearest neighbour. A reconstruction
is a copy as good as the model can make it, so there are none of these either: what is kept are
samples from the prior, and numbers.

One run, so there are no intervals. Networks and settings are those of the reference model
`vae-gan-faces`, which learned the course's own drawn faces, with more latent dimensions; there was
no trial on these drawings.

- "nearest": as in `drawn_by_others`: median distance to the nearest training image, of samples
  ("made") and of drawings held out ("held_out"), and how often the nearest of the samples that lie
  nearest to any drawing is a training image, beside what is expected without copies.
- "frechet": distance between thumbnails of 8×8 mean colours to the held-out drawings, of 1,000
  samples of the averaged decoder; "data" is what equally many training images get. "rebuilt" is
  what reconstructions of the held-out drawings get.
- "mse": per colour value, of reconstructions of "train" and of "held_out" drawings, as many each.
- "looks": at equal steps: [step, "kl", "likeness", "encoder", "decoder", "discriminator",
  "frechet"]. The last is that of samples of the decoder itself from frozen noise; the losses are
  means since the last look.
- "correlation": Spearman's, of each loss with that distance over the looks.

Pictures, all of the averaged decoder: "samples" at the end, and "strip", rows from frozen noise
over the training.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import torch
from torch import Tensor

from experiments import drawn_by_others
from experiments.averages import keep_averages
from experiments.common import Row, run_experiment
from experiments.drawn_by_others import drawings, neighbours, split, thumbnails
from experiments.gan_images import paint, rank_correlation
from experiments.sheets import webp_sheet
from genlib import budget, make_generator, pick_device, seed_everything
from genlib.data import BatchStream
from genlib.metrics import frechet_distance
from genlib.models.gan import normal_weights
from genlib.models.noise import Generator
from genlib.models.vae_gan import VAEGAN, FeatureDiscriminator
from genlib.training import Player, train, vae_gan_players


@dataclass(frozen=True)
class Settings(drawn_by_others.Settings):
    """What differs from `drawn_by_others`, and what it does not have."""

    steps: int = budget(smoke=4, cpu=4_000, gpu=40_000)
    critic_width: int = budget(smoke=4, cpu=16, gpu=64)  # of the discriminator
    learning_rate: float = budget(smoke=5e-4, cpu=5e-4, gpu=2e-4)
    ema_decay: float = budget(smoke=0.5, cpu=0.995, gpu=0.999)
    gamma: float = 0.05
    layer: int = 3  # of the discriminator's four


SETTINGS = Settings()
BANDS: dict[str, tuple[float, float]] = {
    "data": (0.05, 0.3),
    "nearest/held_out": (22.0, 26.0),
    "nearest/train_z": (-6.0, 3.0),  # no sign of copies
}
LOSSES = ("kl", "likeness", "encoder", "decoder", "discriminator")


@dataclass
class Looks:
    """Calls `look` at equal steps: samples from frozen noise, measured and some of them kept.

    Attributes:
        distances: between thumbnails, so far.
        kept: samples of the averaged decoder, `[N, C, H, W]` each.
    """

    decoder: Player
    held_out: Tensor
    z: Tensor
    every: int
    shown: tuple[int, ...]
    columns: int
    distances: list[float] = field(default_factory=list)
    kept: list[Tensor] = field(default_factory=list)

    def look(self, step: int) -> None:
        """Look if it is time to."""
        if step == 0 or step % self.every:
            return
        seen = thumbnails(paint(self.decoder.model, self.z))
        self.distances.append(frechet_distance(seen, thumbnails(self.held_out)))
        if len(self.distances) in self.shown:
            self.kept.append(paint(self.decoder.best_model, self.z[: self.columns]))


def cells(settings: Settings) -> list[Row]:
    return [{"seed": settings.seed}]


def run(settings: Settings, *, seed: int) -> Row:
    device = pick_device()
    data, held_out = split(drawings(settings, device), settings.held_out)
    seed_everything(seed)
    shape = (3, 64, 64)
    model = normal_weights(VAEGAN(settings.latent, settings.width, shape)).to(device)
    judge = FeatureDiscriminator(settings.critic_width, shape, norm="batch", layer=settings.layer)
    players = vae_gan_players(
        model.encoder,
        model.decoder,
        normal_weights(judge).to(device),
        gamma=settings.gamma,
        learning_rate=settings.learning_rate,
        ema_decay=settings.ema_decay,
    )
    z = model.decoder.noise(settings.samples, make_generator(seed, "looks"))
    every = settings.steps // settings.looks
    looks = Looks(players[1], held_out, z, every, settings.shown, settings.columns)
    history = train(
        players,
        BatchStream(data, settings.batch_size, seed=seed),
        steps=settings.steps,
        seed=seed,
        watch=[looks.look],
        log_every=every,
        progress=False,
        channels_last=settings.channels_last,
    )
    keep_averages(model, players)
    made = samples(model.decoder, settings.samples, seed)
    some = data.take(settings.samples).pixels()
    train_again, again = rebuilt(model, some), rebuilt(model, held_out)
    sheet = made[: settings.rows * settings.columns].unflatten(0, (-1, settings.columns))
    return {
        "nearest": neighbours(made, data, held_out),
        "frechet": frechet_distance(thumbnails(made), thumbnails(held_out)),
        "rebuilt": frechet_distance(thumbnails(again), thumbnails(held_out)),
        "data": frechet_distance(thumbnails(some), thumbnails(held_out)),
        "mse": {
            "train": float((train_again - some).square().mean()),
            "held_out": float((again - held_out).square().mean()),
        },
        "looks": [
            [every * (look + 1), *(float(history[name][look]) for name in LOSSES), distance]
            for look, distance in enumerate(looks.distances)
        ],
        "pictures": {
            "samples": webp_sheet(sheet, quality=75),
            "strip": webp_sheet(torch.stack(looks.kept), quality=75),
        },
    }


def samples(decoder: Generator, n: int, seed: int) -> Tensor:
    """From the prior, `[n, 3, 64, 64]`."""
    return paint(decoder, decoder.noise(n, make_generator(seed, "samples")))


@torch.no_grad()
def rebuilt(model: VAEGAN, x: Tensor) -> Tensor:
    """Reconstructions, which are measured and never kept; `[N, 3, 64, 64]`."""
    return torch.cat([model(part) for part in x.split(500)])


def summarise(settings: Settings, rows: list[Row]) -> Row:
    (row,) = rows
    distances = [look[-1] for look in row["looks"]]
    correlation = {
        name: rank_correlation([look[1 + place] for look in row["looks"]], distances)
        for place, name in enumerate(LOSSES)
    }
    kept = ("nearest", "frechet", "rebuilt", "data", "mse", "looks")
    return {
        "steps": settings.steps,
        **{name: row[name] for name in kept},
        "correlation": correlation,
    }


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "drawn_by_others_vae_gan")
