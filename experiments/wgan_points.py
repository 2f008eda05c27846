"""Chapter 5: four games on points: GAN, clipped WGAN, WGAN-GP and spectral normalisation.

    python -m experiments.wgan_points

Three targets: the ring of 8 Gaussians, the grid of 25 and the Swiss roll. On each are trained

- `gan`: the non-saturating GAN of chapter 4's experiment `gan_modes`, to the bit the same run;
- `clipped`: WGAN with weight clipping (Arjovsky et al. 2017), RMSProp;
- `wgan_gp`: WGAN-GP (Gulrajani et al. 2017), Adam with β = (0, 0.9), and λ = 0.1, which that
  paper's published code has for points; images have 10;
- `spectral`: the WGAN loss with a critic of spectral normalisation in place of clipping, RMSProp.

Networks (two hidden layers of 128 ReLU units), batches of 100, and for a seed the generator's first
weights and the points are those of `gan_modes`, so its rows stand beside chapter 4's. All learning
rates fall evenly to 0. The three WGANs make 3,000 generator steps where the GAN makes 8,000, each
after five moves of the critic: 15,000 moves of the critic beside 8,000. All take more time than the
GAN, WGAN-GP most; `seconds` is the processor time of a training on one core, without what is
measured on the way. Bound and learning rates were chosen in runs of 1,000 steps on the grid with
another seed, one run for each value tried, and are the same for all targets.

`modes`, `high_quality`, `reverse_kl` and `lost` are counted on 2,500 points as in `gan_modes`. The
roll has no modes: there `modes` are the parts, of 20 that are equally likely, that have a point of
high quality, one within 3σ of the spiral. `distance` is the exact W₁ between the first 1,000 of the
generated points and 1,000 fresh ones of the data, in units of their coordinates. Two samples of one
distribution are not at distance 0: `floor` is W₁ between 1,000 points of the data and those.

Profile `gpu` has the networks (three hidden layers of 512), batches and steps of the published code
(`gan_toy.py` of Gulrajani et al. 2017), with learning rates that stay, and 10 seeds.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from experiments.common import Row, over_seeds, run_experiment
from genlib import budget, make_generator, pick_device, seed_everything
from genlib.data import PointStream, PointTarget, grid, ring, swiss_roll
from genlib.divergences import wasserstein_points
from genlib.metrics import mode_report
from genlib.models.constraints import spectral_normalised
from genlib.models.points import PointDiscriminator, PointGenerator
from genlib.training import Player, gan_players, train, wgan_clip_players, wgan_gp_players


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=5, gpu=10)
    gan_steps: int = budget(smoke=2, cpu=8_000, gpu=100_000)
    steps: int = budget(smoke=2, cpu=3_000, gpu=100_000)  # of the generator, for the other three
    critic_moves: int = budget(smoke=2, cpu=5, gpu=5)
    looks: int = budget(smoke=2, cpu=10, gpu=40)
    batch_size: int = budget(smoke=10, cpu=100, gpu=256)
    hidden: tuple[int, ...] = budget(smoke=(8,), cpu=(128,) * 2, gpu=(512,) * 3)
    falling_rate: bool = budget(smoke=True, cpu=True, gpu=False)  # evenly, to 0
    gan_rate: float = budget(smoke=1e-3, cpu=1e-3, gpu=1e-4)
    clipped_rate: float = budget(smoke=1e-3, cpu=1e-3, gpu=5e-5)
    wgan_gp_rate: float = budget(smoke=2e-3, cpu=2e-3, gpu=1e-4)
    spectral_rate: float = budget(smoke=1e-3, cpu=1e-3, gpu=5e-5)
    bound: float = budget(smoke=0.03, cpu=0.03, gpu=0.01)  # c
    penalty_weight: float = 0.1  # λ
    points: int = budget(smoke=100, cpu=2_500, gpu=2_500)
    transported: int = budget(smoke=30, cpu=1_000, gpu=1_000)  # of these, for W₁
    parts: int = 20  # of the roll
    kept: int = budget(smoke=5, cpu=150, gpu=150)  # points of seed 0 in the result


SETTINGS = Settings()
TARGETS = {"ring": ring(), "grid": grid(), "roll": swiss_roll()}
VARIANTS = ("gan", "clipped", "wgan_gp", "spectral")
BANDS = {
    # The GAN is that of `gan_modes`, and so are its bands.
    "targets/ring/gan/modes/mean": (2.0, 7.6),
    "targets/grid/gan/modes/mean": (14.0, 23.0),
    "targets/grid/gan/reverse_kl/mean": (0.8, 1.6),
    # It reads distances, so hardly a mode is left out, and points stay on the way between modes.
    "targets/ring/wgan_gp/modes/mean": (7.5, 8.0),
    "targets/ring/wgan_gp/reverse_kl/mean": (0.0, 0.1),
    "targets/ring/wgan_gp/high_quality/mean": (0.7, 0.97),
    "targets/ring/wgan_gp/distance/mean": (0.02, 0.12),  # about the floor
    "targets/ring/clipped/modes/mean": (6.5, 8.0),
    "targets/grid/wgan_gp/modes/mean": (20.0, 25.0),
    "targets/grid/wgan_gp/reverse_kl/mean": (0.2, 0.9),
    "targets/grid/wgan_gp/high_quality/mean": (0.05, 0.4),
    "targets/grid/wgan_gp/distance/mean": (0.4, 0.8),
    "targets/grid/clipped/distance/mean": (0.5, 1.1),
    "targets/grid/gan/distance/mean": (0.9, 1.7),
    "targets/roll/gan/modes/mean": (18.0, 20.0),  # one piece: nothing to leave out
    "targets/roll/wgan_gp/modes/mean": (18.0, 20.0),
    "targets/roll/wgan_gp/distance/mean": (0.05, 0.16),
    # Shares of 1,000 points among M modes differ by chance, and points must cross for it.
    "floor/ring/mean": (0.02, 0.1),
    "floor/grid/mean": (0.1, 0.35),
    "floor/roll/mean": (0.03, 0.15),
}


def cells(settings: Settings) -> list[Row]:
    return [
        {"target": target, "variant": variant, "seed": seed}
        for seed in range(settings.seeds)
        for target in TARGETS
        for variant in VARIANTS
    ]


def run(settings: Settings, *, target: str, variant: str, seed: int) -> Row:
    device, truth = pick_device(), TARGETS[target]
    seed_everything(seed)  # every variant of a seed starts from the same generator
    generator = PointGenerator(hidden=settings.hidden, norm="none").to(device)
    players = players_of(settings, variant, generator)
    steps = settings.gan_steps if variant == "gan" else settings.steps
    if settings.falling_rate:
        for player in players:
            player.schedule = falling(player, steps)
    fresh = truth.sample(settings.transported, make_generator(seed, "fresh"))
    curve: list[list[float]] = []
    looking = 0.0

    def look(step: int, _: dict[str, float]) -> None:
        nonlocal looking
        began = time.process_time()
        curve.append([step, distance(settings, points(settings, generator, seed), fresh)])
        looking += time.process_time() - began

    began = time.process_time()
    train(
        players,
        PointStream(truth, settings.batch_size, seed=seed, device=device),
        steps=steps,
        seed=seed,
        on_log=[look],
        log_every=steps // settings.looks,
        progress=False,
    )
    spent = time.process_time() - began - looking
    x = points(settings, generator, seed)
    other = truth.sample(settings.transported, make_generator(seed, "floor"))
    return {
        **counted(settings, x, target),
        "distance": distance(settings, x, fresh),
        "floor": distance(settings, other, fresh),
        "processor_seconds": spent,
        "curve": curve,
        "points": [[round(float(u), 3) for u in row] for row in x[: settings.kept]],
    }


def players_of(settings: Settings, variant: str, generator: PointGenerator) -> list[Player]:
    """The variant's game; the judge is made here, where the generator lives."""
    judge = PointDiscriminator(settings.hidden, pieces=1).to(next(generator.parameters()).device)
    if variant == "gan":
        return gan_players(generator, judge, learning_rate=settings.gan_rate)
    if variant == "wgan_gp":
        return wgan_gp_players(
            generator,
            judge,
            learning_rate=settings.wgan_gp_rate,
            penalty_weight=settings.penalty_weight,
            critic_moves=settings.critic_moves,
        )
    spectral = variant == "spectral"
    return wgan_clip_players(
        generator,
        spectral_normalised(judge) if spectral else judge,
        learning_rate=settings.spectral_rate if spectral else settings.clipped_rate,
        bound=None if spectral else settings.bound,
        critic_moves=settings.critic_moves,
    )


def falling(player: Player, steps: int) -> LambdaLR:
    """Its learning rate, from its height evenly to 0 at the end of its moves."""
    moves = steps * player.moves
    return LambdaLR(player.optimizer, lambda n: max(0.0, 1 - n / moves))


@torch.no_grad()
def points(settings: Settings, generator: PointGenerator, seed: int) -> Tensor:
    """The same noise at every look, `[n, 2]`, as in `gan_modes`."""
    x: Tensor = generator(generator.noise(settings.points, make_generator(seed, "look"))).cpu()
    return x


def distance(settings: Settings, x: Tensor, fresh: Tensor) -> float:
    """Exact W₁ between the first of the points and fresh ones of the data."""
    return float(wasserstein_points(x[: settings.transported], fresh))


def counted(settings: Settings, x: Tensor, target: str) -> Row:
    """Modes, share of high quality and reverse KL; on the roll its parts, without reverse KL."""
    if target == "roll":
        found, share = parts_found(x, TARGETS[target], settings.parts)
        return {"modes": found, "high_quality": share, "lost": int(share == 0)}
    report = mode_report(x, TARGETS[target])
    lost = math.isnan(report.reverse_kl)
    return {
        "modes": report.modes_found,
        "high_quality": report.high_quality_share,
        "reverse_kl": math.log(report.modes) if lost else report.reverse_kl,
        "lost": int(lost),
    }


def parts_found(x: Tensor, roll: PointTarget, parts: int) -> tuple[int, float]:
    """How many equally likely parts of the roll have a point, and how many points lie on it.

    A point `[2]` of `x [n, 2]` counts for the nearest place of the spiral if it lies within 3σ of
    it. Places are drawn and put in order: the further along, the further from the origin.
    """
    places = roll.places(250 * parts, make_generator(0, "places"))
    places = places[places.norm(dim=1).argsort()]  # [250 · parts, 2]
    far, nearest = torch.cdist(x, places, compute_mode="donot_use_mm_for_euclid_dist").min(dim=1)
    good = nearest[far < 3 * roll.sigma] // 250
    return len(good.unique()), len(good) / len(x)


def summarise(settings: Settings, rows: list[Row]) -> Row:
    figures: Row = {"targets": {}, "floor": {}, "points": {}, "curves": {}}
    for target in TARGETS:
        of = {
            variant: [r for r in rows if (r["target"], r["variant"]) == (target, variant)]
            for variant in VARIANTS
        }
        figures["targets"][target] = {variant: told(settings, own) for variant, own in of.items()}
        figures["floor"][target] = over_seeds(of["gan"], ("floor",))["floor"]
        figures["points"][target] = {variant: own[0]["points"] for variant, own in of.items()}
        figures["curves"][target] = {
            variant: [
                [looks[0][0], sum(far for _, far in looks) / len(looks)]
                for looks in zip(*(row["curve"] for row in own), strict=True)
            ]
            for variant, own in of.items()
        }
    return figures


def told(settings: Settings, rows: list[Row]) -> dict[str, Any]:
    """What the seeds of one variant on one target come to."""
    rows = [{**row, "seconds": row["processor_seconds"]} for row in rows]
    keys = ("modes", "high_quality", "reverse_kl", "distance", "seconds")
    return {
        **over_seeds(rows, tuple(key for key in keys if key in rows[0])),
        "lost": sum(row["lost"] for row in rows),
        "steps": settings.gan_steps if rows[0]["variant"] == "gan" else settings.steps,
        "seeds": len(rows),
    }


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "wgan_points")
