"""Chapter 5: WGAN-GP on faces that people drew, from a zip of pictures.

    python -m experiments.drawn_by_others

The data are 64×64 drawings of faces from the "Anime Face Dataset" (14,709 of them). They belong to
their artists and are not free: they are no part of this course, and no original is in its results,
neither a grid nor a nearest neighbour. What is kept are samples of the generator, and numbers.
With the zip at hand (`archive`, below the folder that `GENLIB_DATA` names),
`genlib.data.image_folder` reads it; any folder or zip of square pictures would do. Profile `smoke`
writes a few of the course's own drawn faces into a zip and learns those.

One run, so there are no intervals. The networks are those of `wgan_faces`, with more noise and at
half its learning rate, as the run is longer.

- "nearest": median Euclidean distance between pixels in [0, 1] to the nearest training image, of
  generated pictures ("made") and of drawings held out ("held_out"). Blur makes it small, so also
  `genlib.metrics.memorisation`: of the tenth of generated pictures that lie nearest to any drawing,
  the share whose nearest is a training image, beside what is expected without copies.
- "frechet": distance between thumbnails of 8×8 mean colours to the held-out drawings, of 1,000
  pictures from the averaged generator; "data" is what equally many training images get.
- "looks": the generator itself at equal steps: [step, "wasserstein", critic's loss, generator's
  loss, distance between thumbnails, "held_out"], as in `wgan_faces`.
- "correlation": Spearman's, of each with that distance over the looks.

Pictures, all from the averaged generator: "samples" at the end, and "strip", rows from frozen noise
over the training.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from experiments.common import Row, run_experiment
from experiments.gan_images import paint, rank_correlation
from experiments.sheets import webp_sheet
from genlib import budget, make_generator, pick_device, seed_everything
from genlib.data import BatchStream, DataError, ImageSet, drawn_faces, image_folder
from genlib.metrics import critic_estimate, frechet_distance, memorisation, nearest
from genlib.models.gan import ConvDiscriminator, ConvGenerator, normal_weights
from genlib.models.noise import Generator
from genlib.training import Player, train, wgan_gp_players


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    archive: str = budget(smoke="", cpu="faces/anime_faces_64.zip", gpu="faces/anime_faces_64.zip")
    seed: int = 0
    held_out: int = budget(smoke=40, cpu=1_000, gpu=1_000)
    steps: int = budget(smoke=4, cpu=3_000, gpu=40_000)  # of the generator
    looks: int = budget(smoke=4, cpu=20, gpu=20)
    samples: int = budget(smoke=80, cpu=1_000, gpu=1_000)
    batch_size: int = budget(smoke=8, cpu=32, gpu=64)
    latent: int = 64
    width: int = budget(smoke=4, cpu=16, gpu=64)  # of the generator
    critic_width: int = budget(smoke=4, cpu=8, gpu=64)
    learning_rate: float = budget(smoke=5e-4, cpu=5e-4, gpu=1e-4)
    ema_decay: float = budget(smoke=0.5, cpu=0.998, gpu=0.999)
    shown: tuple[int, ...] = (1, 3, 8, 20)  # looks that are kept as rows of the strip
    rows: int = 6  # of samples
    columns: int = 12
    channels_last: bool = True  # a tenth faster on processors


SETTINGS = Settings()
BANDS: dict[str, tuple[float, float]] = {
    "data": (0.05, 0.3),
    "nearest/held_out": (22.0, 26.0),
    "nearest/made": (12.0, 24.0),  # smoother than drawings, so a little nearer
    "nearest/train_z": (-6.0, 3.0),  # no sign of copies
    "correlation/wasserstein": (0.4, 1.0),
}
COLUMNS = ("step", "wasserstein", "critic_loss", "generator_loss", "frechet", "held_out")


@dataclass
class Looks:
    """Calls `look` at equal steps: pictures from frozen noise, measured and some of them kept.

    Attributes:
        rows: step, distance between thumbnails, the critic's estimate with held-out drawings.
        kept: pictures of the averaged generator, `[N, C, H, W]` each.
    """

    players: list[Player]
    held_out: Tensor
    z: Tensor
    every: int
    shown: tuple[int, ...]
    columns: int
    rows: list[tuple[int, float, float]] = field(default_factory=list)
    kept: list[Tensor] = field(default_factory=list)

    def look(self, step: int) -> None:
        """Look if it is time to."""
        if step == 0 or step % self.every:
            return
        critic, generator = self.players
        pictures = paint(generator.model, self.z)
        estimate = critic_estimate(critic.model, self.held_out, pictures)
        distance = frechet_distance(thumbnails(pictures), thumbnails(self.held_out))
        self.rows.append((step, distance, float(estimate.mean)))
        if len(self.rows) in self.shown:
            self.kept.append(paint(generator.best_model, self.z[: self.columns]))


def thumbnails(images: Tensor) -> Tensor:
    """Mean colours of 8×8 parts, `[N, 3, 64, 64] -> [N, 192]`."""
    return F.adaptive_avg_pool2d(images, 8).flatten(1)


def drawings(settings: Settings, device: torch.device) -> ImageSet:
    """All of them, from the zip.

    Raises:
        DataError: it is not there; the message says what to do.
    """
    if settings.archive:
        if not Path(os.environ.get("GENLIB_DATA", ""), settings.archive).expanduser().exists():
            raise DataError(
                f"{settings.archive} is not at hand, and the course may not hand it out: set "
                "GENLIB_DATA to a folder that has it, or give Settings.archive a folder or zip of "
                "64×64 pictures of your own."
            )
        return image_folder(settings.archive, size=64, device=device)
    with tempfile.TemporaryDirectory() as folder:
        return image_folder(zip_of(drawn_faces(120), Path(folder) / "faces.zip"), device=device)


def zip_of(data: ImageSet, path: Path) -> Path:
    """Write images as PNG files into a zip."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, image in enumerate(data.images):  # [3, H, W]
            kept = io.BytesIO()
            Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()).save(kept, "PNG")
            archive.writestr(f"faces/{number:06}.png", kept.getvalue())
    return path


def split(data: ImageSet, held_out: int) -> tuple[ImageSet, Tensor]:
    """Training images, and the pixels of `held_out` others; dealt once and for all."""
    order = torch.randperm(len(data), generator=make_generator(0, "held out"))
    return data.select(order[held_out:]), data.pixels(order[:held_out])


def cells(settings: Settings) -> list[Row]:
    return [{"seed": settings.seed}]


def run(settings: Settings, *, seed: int) -> Row:
    device = pick_device()
    data, held_out = split(drawings(settings, device), settings.held_out)
    seed_everything(seed)
    shape = (3, 64, 64)
    generator = normal_weights(ConvGenerator(settings.latent, settings.width, shape)).to(device)
    critic = ConvDiscriminator(settings.critic_width, shape).to(device)
    players = wgan_gp_players(
        generator, critic, learning_rate=settings.learning_rate, ema_decay=settings.ema_decay
    )
    average = players[1].best_model
    assert isinstance(average, Generator)
    z = average.noise(settings.samples, make_generator(seed, "looks"))
    every = settings.steps // settings.looks
    looks = Looks(players, held_out, z, every, settings.shown, settings.columns)
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
    made = paint(average, average.noise(settings.samples, make_generator(seed, "samples")))
    estimates, *losses = (history[name] for name in ("wasserstein", "critic", "generator"))
    sheet = made[: settings.rows * settings.columns].unflatten(0, (-1, settings.columns))
    return {
        "nearest": neighbours(made, data, held_out),
        "frechet": frechet_distance(thumbnails(made), thumbnails(held_out)),
        "data": frechet_distance(
            thumbnails(data.take(settings.samples).pixels()), thumbnails(held_out)
        ),
        "looks": [
            [step, float(estimate), float(critic_loss), float(generator_loss), distance, apart]
            for (step, distance, apart), estimate, critic_loss, generator_loss in zip(
                looks.rows, estimates, *losses, strict=True
            )
        ],
        "pictures": {
            "samples": webp_sheet(sheet, quality=75),
            "strip": webp_sheet(torch.stack(looks.kept), quality=75),
        },
    }


def neighbours(made: Tensor, train_set: ImageSet, held_out: Tensor) -> Row:
    """How near generated pictures lie to training images, beside drawings nobody trained on."""
    told = memorisation(made, train_set, held_out)
    return {
        "made": float(nearest(made, train_set)[0].median()),
        "held_out": float(nearest(held_out, train_set)[0].median()),
        "share_near": told.share_near,
        "train_share": told.train_share,
        "expected": told.expected,
        "train_z": told.train_z,
    }


def summarise(settings: Settings, rows: list[Row]) -> Row:
    (row,) = rows
    distances = [look[COLUMNS.index("frechet")] for look in row["looks"]]
    correlation = {
        name: rank_correlation([look[COLUMNS.index(name)] for look in row["looks"]], distances)
        for name in ("wasserstein", "critic_loss", "generator_loss", "held_out")
    }
    return {
        "steps": settings.steps,
        **{name: row[name] for name in ("nearest", "frechet", "data", "looks")},
        "correlation": correlation,
    }


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "drawn_by_others")
