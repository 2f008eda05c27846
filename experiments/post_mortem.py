"""Chapter 5: a published "WGAN" that failed, rebuilt, taken apart, and repaired (drawn faces).

    python -m experiments.post_mortem

A teaching repository trains a colour generator for 64×64 faces and calls it a WGAN. Its author
reports that from about step 19,800 on the generator's loss rises from 1 to 4 and stays there while
the faces blur, and leaves that unsolved. Nine things differ from WGAN-GP. Six of them change the
training; they are `DEPARTURES`:

- `loss`: cross-entropies of a discriminator, and −log D(G(z)) for the generator;
- `batch_norm`: batch normalisation in the discriminator;
- `inference_mode`: the penalty sees the discriminator in inference mode, the loss in training mode.
  Only with batch normalisation are these two functions;
- `weight`: λ = 1 instead of 10;
- `moves`: one move of the discriminator for one of the generator instead of five;
- `adam`: a learning rate of 2e-3 and β = (0.5, 0.999) instead of 1e-4 and (0, 0.9).

The three others do not: z from U[−1, 1) in training and from U[0, 1) for the pictures ("orthant"),
a file with WGAN networks that nothing imports, and fresh noise for every grid
of samples ("grids").

Runs, each with `seeds` seeds: "published" with all six; "repaired/NAME", published with this one
put right; "left/NAME", WGAN-GP with this one left wrong (inference mode with batch normalisation,
since alone it changes nothing); "right", WGAN-GP with none. They have `steps`, or `short_steps`
with five moves of the critic in a step, which takes about as long. "published/long" goes on to
`long_steps` and "right/long" to `steps`; without "/long" they are the first part of these runs.

Scaled to the machine: the published widths, 64-128-256 in the discriminator and 512-256-128 in the
generator, to those that `width` and `generator_width` give; batches from 512 to `batch_size`;
19,800 steps and more to `steps`. The generator is made narrower than the discriminator, so that
what a long run brings about comes early. "right" learns at `right_rate`: Gulrajani's 1e-4 is made
for runs that are far longer.

Figures:

- `runs[name]`: intervals over the seeds of
  `distance`, Fréchet distance of samples to equally many held-out faces between thumbnails of 8×8
  mean colours (not the FID; "data" has what equally many training faces get), at the end; `best`,
  the smallest one on the way; `fall` = distance / best; `sharpness` and `diversity` at the end, as
  shares of the faces' own; `generator_loss`, mean over the last stretch; `slope`, `played_slope`,
  as in the looks; and how many runs
  `collapsed` (fall above `collapse`) or `stopped` at numbers that are not finite;
- `looks[name]`: per seed [[step, judge's loss, generator's loss, penalty, distance, sharpness,
  diversity, real, held_out, made, slope, played_slope], …]. Losses are means since the last look;
  `real`, `held_out` and `made` are the judge's mean score of training faces, held-out faces and
  samples, in training mode, as it plays; the slopes are mean norms of its gradient between held-out
  faces and samples: in inference mode, which the published penalty holds near 1, and as it plays;
- `orthant`: `distance` and `diversity` of samples of "right" at its end, z from where it learned
  ("trained") and from U[0, 1) ("published");
- `grids`: how far two grids of one look differ with fresh noise, as a share of how far two looks
  differ with frozen noise (mean absolute difference between pixels).

Pictures: "published", "right": rows of samples from frozen noise over the training, seed 0.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from experiments.common import Row, over_seeds, run_experiment
from experiments.penalties import by_autograd, in_inference_mode
from experiments.sheets import webp_sheet
from genlib import budget, make_generator, pick_device, seed_everything
from genlib.data import BatchStream, ImageSet, drawn_faces
from genlib.losses import discriminator_loss, generator_loss, gradient_penalty
from genlib.losses.adversarial import Penalty
from genlib.metrics import frechet_distance, interval, sharpness
from genlib.models.gan import UnpaddedDiscriminator, UnpaddedGenerator
from genlib.training import Move, NonFiniteLossError, Player, train


@dataclass(frozen=True)
class Recipe:
    """How one run trains; by default as WGAN-GP does."""

    loss: bool = False  # each True is one departure
    batch_norm: bool = False
    inference_mode: bool = False
    weight: bool = False
    moves: bool = False
    adam: bool = False


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    steps: int = budget(smoke=4, cpu=1_200, gpu=20_000)
    short_steps: int = budget(smoke=2, cpu=600, gpu=10_000)
    long_steps: int = budget(smoke=6, cpu=4_800, gpu=60_000)
    every: int = budget(smoke=1, cpu=100, gpu=1_000)  # steps between looks
    batch_size: int = budget(smoke=4, cpu=16, gpu=512)
    faces: int = budget(smoke=32, cpu=10_000, gpu=20_000)
    held_out: int = budget(smoke=40, cpu=500, gpu=5_000)
    lines: int = budget(smoke=8, cpu=96, gpu=256)  # on which slopes are measured
    latent: int = budget(smoke=8, cpu=100, gpu=100)
    width: int = budget(smoke=2, cpu=32, gpu=64)
    generator_width: int = budget(smoke=2, cpu=16, gpu=128)
    right_rate: float = budget(smoke=5e-4, cpu=5e-4, gpu=1e-4)
    right_betas: tuple[float, float] = (0.0, 0.9)
    published_rate: float = 2e-3
    published_betas: tuple[float, float] = (0.5, 0.999)
    right_weight: float = 10.0
    published_weight: float = 1.0
    right_moves: int = 5
    collapse: float = 1.5
    thumbnail: int = 8
    shown: int = budget(smoke=2, cpu=8, gpu=8)  # samples in a row of the pictures
    rows: int = budget(smoke=2, cpu=6, gpu=6)


SETTINGS = Settings()
DEPARTURES = ("loss", "batch_norm", "inference_mode", "weight", "moves", "adam")
PUBLISHED = Recipe(**dict.fromkeys(DEPARTURES, True))
RECIPES: dict[str, Recipe] = {
    "published": PUBLISHED,
    "right": Recipe(),
    **{f"repaired/{name}": replace(PUBLISHED, **{name: False}) for name in DEPARTURES},
    **{f"left/{name}": replace(Recipe(), **{name: True}) for name in DEPARTURES},
    "left/inference_mode": Recipe(batch_norm=True, inference_mode=True),
}
BANDS: dict[str, tuple[float, float]] = {
    "runs/published/generator_loss/mean": (1.2, 2.0),  # it climbs
    "runs/published/slope/mean": (0.8, 1.35),  # what the penalty sees, and
    "runs/published/played_slope/mean": (1.2, 2.4),  # what plays
    "runs/published/distance/low": (1.7, 3.5),
    "runs/repaired/batch_norm/distance/high": (1.2, 2.1),  # clear of the line above
    "runs/repaired/batch_norm/distance/mean": (1.2, 2.0),
    "runs/right/distance/high": (2.0, 5.0),
    "runs/left/batch_norm/distance/low": (5.0, 14.0),  # clear of the line above
    "runs/right/long/distance/mean": (1.6, 2.9),
    "runs/right/long/fall/mean": (1.0, 1.1),  # it does not fall back
    "runs/published/long/fall/mean": (1.0, 1.6),
    "orthant/trained/diversity/mean": (0.8, 1.0),
    "orthant/published/diversity/mean": (0.4, 0.6),
    "grids/mean": (2.5, 5.5),  # noise changes a grid far more than learning does
}


def players(
    settings: Settings, recipe: Recipe, generator: UnpaddedGenerator, judge: nn.Module
) -> list[Player]:
    """Judge and generator; one loss of each kind, and what the recipe says of the rest."""
    weight = settings.published_weight if recipe.weight else settings.right_weight
    moves = 1 if recipe.moves else settings.right_moves
    rate = settings.published_rate if recipe.adam else settings.right_rate
    betas = settings.published_betas if recipe.adam else settings.right_betas
    price: Penalty = gradient_penalty
    if recipe.batch_norm:
        price = in_inference_mode if recipe.inference_mode else by_autograd

    def fake(move: Move) -> Tensor:
        with torch.set_grad_enabled(move.last):
            return move.share("fake", lambda: generator(generator.draw(move)))

    def judge_move(move: Move) -> Tensor:
        made = fake(move).detach()
        real_scores, made_scores = judge(move.x), judge(made)  # [B]
        penalty = price(judge, move.x, made, move.uniform()).mean()
        move.log("penalty", penalty)
        if recipe.loss:
            return discriminator_loss(real_scores, made_scores).mean() + weight * penalty
        return (made_scores - real_scores).mean() + weight * penalty

    def generator_move(move: Move) -> Tensor:
        scores = judge(fake(move))
        return (generator_loss(scores) if recipe.loss else -scores).mean()

    def adam(model: nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(model.parameters(), lr=rate, betas=betas, fused=True)

    return [
        Player("judge", judge, judge_move, adam(judge), moves=moves),
        Player("generator", generator, generator_move, adam(generator)),
    ]


@dataclass
class Faces:
    """Training faces, held-out faces, and what is compared of them."""

    train: ImageSet
    held_out: Tensor  # [N, 3, 64, 64]
    side: int
    vectors: Tensor = field(init=False)  # [N, 3 · side²]
    sharp: float = field(init=False)
    spread: float = field(init=False)

    def __post_init__(self) -> None:
        self.vectors = thumbnails(self.held_out, self.side)
        self.sharp = float(sharpness(self.held_out).mean())
        self.spread = pair_distance(self.vectors)

    def scores(self, pictures: Tensor) -> tuple[float, float, float]:
        """Distance, sharpness, diversity of samples `[N, 3, 64, 64]`."""
        own = thumbnails(pictures, self.side)
        return (
            frechet_distance(own, self.vectors),
            float(sharpness(pictures).mean()) / self.sharp,
            pair_distance(own) / self.spread,
        )


def thumbnails(images: Tensor, side: int) -> Tensor:
    """Mean colours of side × side tiles, `[N, 3, 64, 64] -> [N, 3 · side²]`."""
    return F.adaptive_avg_pool2d(images, side).flatten(1)


def pair_distance(vectors: Tensor) -> float:
    """Mean distance between the first half of `[N, D]` and the second."""
    half = len(vectors) // 2
    return float((vectors[:half] - vectors[half : 2 * half]).norm(dim=1).mean())


@cache
def faces(count: int, held_out: int, side: int, device: torch.device) -> Faces:
    """Made once for each number of training faces."""
    test = drawn_faces(held_out, split="test", device=device)
    return Faces(drawn_faces(count, device=device), test.pixels(), side)


@torch.no_grad()
def paint(generator: UnpaddedGenerator, z: Tensor) -> Tensor:
    """`[N, K] -> [N, 3, 64, 64]` in inference mode, in parts."""
    training = generator.training
    generator.eval()
    pictures = torch.cat([generator(part) for part in z.split(500)])
    generator.train(training)
    return pictures


@contextmanager
def in_mode(judge: nn.Module, training: bool) -> Iterator[None]:
    """In training or inference mode; its running moments stay as they are."""
    kept = {name: value.clone() for name, value in judge.state_dict().items()}
    before = judge.training
    judge.train(training)
    yield
    judge.load_state_dict(kept)
    judge.train(before)


@torch.no_grad()
def mean_score(judge: nn.Module, images: Tensor, batch_size: int) -> float:
    """In batches and in training mode, as the judge plays."""
    with in_mode(judge, training=True):
        return float(torch.cat([judge(part) for part in images.split(batch_size)]).mean())


def mean_slope(judge: nn.Module, x_hat: Tensor, batch_size: int, training: bool) -> float:
    """Mean norm of the gradient of the scores' sum, in batches, at `[N, 3, 64, 64]`."""
    norms = []
    with in_mode(judge, training):
        for part in x_hat.split(batch_size):
            part = part.detach().requires_grad_()
            (slope,) = torch.autograd.grad(judge(part).sum(), part)
            norms.append(slope.flatten(1).norm(dim=1))
    return float(torch.cat(norms).mean())


def steps_of(settings: Settings, run: str) -> int:
    """How long a run is; the two that others are compared with go on for longer."""
    if run == "published":
        return settings.long_steps
    return settings.steps if run == "right" or RECIPES[run].moves else settings.short_steps


def cells(settings: Settings) -> list[Row]:
    return [{"run": name, "seed": seed} for seed in range(settings.seeds) for name in RECIPES]


def run(settings: Settings, *, run: str, seed: int) -> Row:
    recipe, device = RECIPES[run], pick_device()
    judged = faces(settings.faces, settings.held_out, settings.thumbnail, device)
    seed_everything(seed)
    generator = UnpaddedGenerator(settings.latent, settings.generator_width, prior="uniform")
    judge = UnpaddedDiscriminator(settings.width, norm="batch" if recipe.batch_norm else "none")
    both = players(settings, recipe, generator.to(device), judge.to(device))

    z = generator.noise(settings.held_out, make_generator(seed, "looks"))
    fresh = generator.noise(settings.held_out, make_generator(seed, "fresh"))
    sample = judged.train.pixels()[: settings.held_out]
    eps = torch.linspace(0.05, 0.95, settings.lines, device=device).reshape(-1, 1, 1, 1)
    looks: list[list[float]] = []
    strip, frozen = [], []  # of a few pictures
    steps, every = steps_of(settings, run), settings.every
    shown_at = {every * round(n * steps / every / settings.rows) for n in range(settings.rows + 1)}

    def look(step: int, losses: dict[str, float]) -> None:
        pictures = paint(generator, z)
        found = judged.scores(pictures)
        beliefs = [
            mean_score(judge, images, settings.batch_size)
            for images in (sample, judged.held_out, pictures)
        ]
        x_hat = torch.lerp(pictures[: len(eps)], judged.held_out[: len(eps)], eps)
        slopes = [mean_slope(judge, x_hat, settings.batch_size, mode) for mode in (False, True)]
        means = [losses[name] for name in ("judge", "generator", "penalty")]
        looks.append([step, *means, *found, *beliefs, *slopes])
        few = pictures[: settings.shown]
        frozen.append((few, paint(generator, fresh[: settings.shown])))
        if step in shown_at:
            strip.append(few)

    stopped = False
    try:
        train(
            both,
            BatchStream(judged.train, settings.batch_size, seed=seed),
            steps=steps,
            seed=seed,
            on_log=[look],
            log_every=settings.every,
            progress=False,
        )
    except NonFiniteLossError:
        stopped = True
    kept = seed == 0 and run in ("published", "right")
    return {
        "looks": looks,
        "stopped": stopped,
        "orthant": orthant(generator, z, judged),
        "grids": grids(frozen),
        "data": frechet_distance(thumbnails(sample, settings.thumbnail), judged.vectors),
        **({"pictures": {run: webp_sheet(torch.stack(strip))}} if kept and strip else {}),
    }


def orthant(generator: UnpaddedGenerator, z: Tensor, judged: Faces) -> Row:
    """Scores of samples from U[−1, 1) and, as published, from U[0, 1), the distribution of |z|."""
    found = {"trained": z, "published": z.abs()}
    scores = {name: judged.scores(paint(generator, noise)) for name, noise in found.items()}
    return {name: {"distance": row[0], "diversity": row[2]} for name, row in scores.items()}


def grids(frozen: list[tuple[Tensor, Tensor]]) -> float:
    """Mean absolute difference of two grids of one look, over that of two looks from one noise."""
    noise = [float((one - other).abs().mean()) for one, other in frozen]
    pairs = itertools.pairwise(frozen)
    learning = [float((later[0] - now[0]).abs().mean()) for now, later in pairs]
    if not learning or not sum(learning):
        return math.nan
    return (sum(noise) / len(noise)) / (sum(learning) / len(learning))


def summarise(settings: Settings, rows: list[Row]) -> Row:
    def of(name: str) -> list[Row]:
        return [row for row in rows if row["run"] == name]

    return {
        "runs": {
            **{name: over_runs(settings, of(name), steps_of(settings, name)) for name in RECIPES},
            "published": over_runs(settings, of("published"), settings.steps),
            "published/long": over_runs(settings, of("published"), settings.long_steps),
            "right": over_runs(settings, of("right"), settings.short_steps),
            "right/long": over_runs(settings, of("right"), settings.steps),
        },
        "looks": {name: [row["looks"] for row in of(name)] for name in RECIPES},
        "orthant": over_seeds([row["orthant"] for row in of("right")], ("trained", "published")),
        "grids": interval([row["grids"] for row in of("right")]).to_dict(),
        "data": {"distance": of("right")[0]["data"]},
    }


def over_runs(settings: Settings, rows: list[Row], steps: int) -> Row:
    """Intervals over the runs that came to the end, as they stood at `steps`."""
    whole = [[k for k in row["looks"] if k[0] <= steps] for row in rows if not row["stopped"]]
    ends = [
        {
            "distance": looks[-1][4],
            "best": min(look[4] for look in looks),
            "fall": looks[-1][4] / min(look[4] for look in looks),
            "sharpness": looks[-1][5],
            "diversity": looks[-1][6],
            "generator_loss": looks[-1][2],
            "slope": looks[-1][10],
            "played_slope": looks[-1][11],
        }
        for looks in whole
    ]
    found = over_seeds(ends, tuple(ends[0])) if len(ends) > 1 else {}
    return {
        **found,
        "collapsed": sum(end["fall"] > settings.collapse for end in ends),
        "stopped": len(rows) - len(whole),
        "seeds": len(rows),
        "steps": steps,
    }


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "post_mortem")
