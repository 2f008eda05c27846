"""Chapter 4: modes that a GAN finds on a ring and on a grid, plain and with eight changes.

    python -m experiments.gan_modes

Two targets of which everything is known: a ring of 8 Gaussians and a grid of 25. Nine GANs are
trained on each, all from the same start for a seed, with equal updates and equal optimisers:

- `minimax`: the generator lowers log(1 − D), which saturates;
- `non_saturating`: it lowers −log D. All that follow are this one with a single change:
- `least_squares`: squared distances to 0 and 1 instead of cross-entropies;
- `label_smoothing`: the target for real points is 0.9;
- `label_noise`: 5 % of the discriminator's labels are wrong;
- `instance_noise`: both kinds of points are blurred, at first by a quarter of the distance between
  neighbouring modes, then less and less;
- `two_rates`: the discriminator at twice the learning rate, the generator at half of it;
- `minibatch_discrimination`: its last layer sees how near the other points of the batch are;
- `packing`: it judges two points (ring) or four (grid) at a time. Batches are two or four times as
  large, so that it sees as many packs as the others see points.

Counted as by Srivastava et al. 2017 (VEEGAN) and Lin et al. 2018 (PacGAN): of 2,500 points, those
within 3σ of a centre are of high quality, and a mode is found that has one of them. `reverse_kl` is
KL(q ‖ p) over the modes, in nats. It has no value where no point is of high quality; such a run
enters with log M, the value for a single mode of M, and `lost` says how many of them there are.

Profile `cpu` has small networks (two hidden layers of 128 ReLU units), a learning rate of 1e-3 that
falls evenly to 0, and few steps: enough for modes and reverse KL, not for the share of high quality
that a long run reaches. A learning rate that stays at its height lets some runs circle around the
modes to the end. The full protocol of Lin et al. 2018, with its networks (4×400 with batch
normalisation against 3×200 maxout units), Adam at 1e-4 with β₁ = 0.8, batches of 100, 400,000 steps
and 10 seeds, takes days:

    GENLIB_PROFILE=gpu python -m experiments.gan_modes

It has other nets, not only more steps. `published` has the figures of their tables, where "packing"
is PacGAN2 on the ring and PacGAN4 on the grid.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from experiments.common import Row, over_seeds, run_experiment
from genlib import budget, make_generator, pick_device, seed_everything
from genlib.data import PointStream, grid, ring
from genlib.metrics import mode_report
from genlib.models.diversity import MinibatchDiscrimination, Packed
from genlib.models.gan import normal_weights
from genlib.models.points import PointDiscriminator, PointGenerator
from genlib.training import gan_players, train


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=5, gpu=10)
    steps: int = budget(smoke=3, cpu=8_000, gpu=400_000)
    looks: int = budget(smoke=3, cpu=10, gpu=40)
    batch_size: int = budget(smoke=10, cpu=100, gpu=100)
    learning_rate: float = budget(smoke=1e-3, cpu=1e-3, gpu=1e-4)
    falling_rate: bool = budget(smoke=True, cpu=True, gpu=False)  # evenly, to 0
    betas: tuple[float, float] = budget(smoke=(0.5, 0.999), cpu=(0.5, 0.999), gpu=(0.8, 0.999))
    generator_hidden: tuple[int, ...] = budget(smoke=(8,), cpu=(128,) * 2, gpu=(400,) * 4)
    generator_norm: str = budget(smoke="none", cpu="none", gpu="batch")
    discriminator_hidden: tuple[int, ...] = budget(smoke=(8,), cpu=(128,) * 2, gpu=(200,) * 3)
    pieces: int = budget(smoke=1, cpu=1, gpu=5)
    start_std: float | None = budget(smoke=None, cpu=None, gpu=0.02)  # None: PyTorch's own start
    label_smoothing: float = 0.1
    label_noise: float = 0.05
    instance_noise: float = 0.25  # times the distance between neighbouring modes
    two_rates: tuple[float, float] = (2.0, 0.5)  # times the learning rate
    kernels: int = budget(smoke=2, cpu=4, gpu=50)
    packing: tuple[int, int] = (2, 4)  # on the ring, on the grid
    points: int = budget(smoke=100, cpu=2_500, gpu=2_500)
    kept: int = budget(smoke=5, cpu=150, gpu=150)  # points of seed 0 in the result


SETTINGS = Settings()
TARGETS = {"ring": ring(), "grid": grid()}
VARIANTS = (
    "minimax", "non_saturating", "least_squares", "label_smoothing", "label_noise",
    "instance_noise", "two_rates", "minibatch_discrimination", "packing",
)  # fmt: skip
PUBLISHED = {
    "ring": {
        "gan": {"modes": 6.3, "high_quality": 0.982, "reverse_kl": 0.45},
        "packing": {"modes": 7.9, "high_quality": 0.956, "reverse_kl": 0.07},
    },
    "grid": {
        "gan": {"modes": 17.3, "high_quality": 0.948, "reverse_kl": 0.70},
        "packing": {"modes": 24.8, "high_quality": 0.936, "reverse_kl": 0.04},
    },
}
BANDS = {
    # Some runs end on all 8 modes, some circle on one point to the end: the mean lies in between.
    "targets/ring/non_saturating/modes/mean": (2.0, 7.6),
    "targets/ring/non_saturating/reverse_kl/mean": (0.3, 1.8),
    "targets/ring/least_squares/modes/mean": (7.5, 8.0),
    "targets/ring/packing/modes/mean": (7.8, 8.0),
    "targets/ring/packing/reverse_kl/mean": (0.0, 0.05),
    "targets/ring/packing/high_quality/mean": (0.8, 0.99),  # the data's own points have 0.989
    "targets/grid/non_saturating/modes/mean": (14.0, 23.0),
    "targets/grid/non_saturating/reverse_kl/mean": (0.8, 1.6),
    "targets/grid/non_saturating/high_quality/mean": (0.2, 0.6),
    "targets/grid/packing/reverse_kl/mean": (0.2, 0.6),
    "targets/grid/packing/high_quality/mean": (0.03, 0.2),  # even, but a smear
}


def cells(settings: Settings) -> list[Row]:
    return [
        {"target": target, "variant": variant, "seed": seed}
        for seed in range(settings.seeds)
        for target in TARGETS
        for variant in VARIANTS
    ]


def run(settings: Settings, *, target: str, variant: str, seed: int) -> Row:
    device = pick_device()
    seed_everything(seed)  # every variant of a seed starts from the same generator
    generator = PointGenerator(
        hidden=settings.generator_hidden,
        norm="batch" if settings.generator_norm == "batch" else "none",
    )
    packing = settings.packing[list(TARGETS).index(target)] if variant == "packing" else 1
    discriminator = discriminator_of(settings, variant, packing)
    if settings.start_std is not None:
        normal_weights(generator, settings.start_std)
        normal_weights(discriminator, settings.start_std)
    players = gan_players(
        generator.to(device),
        discriminator.to(device),
        betas=settings.betas,
        **{"learning_rate": settings.learning_rate, **change(settings, target, variant)},
    )
    if settings.falling_rate:
        for player in players:
            player.schedule = LambdaLR(player.optimizer, lambda n: max(0.0, 1 - n / settings.steps))
    stream = PointStream(TARGETS[target], packing * settings.batch_size, seed=seed, device=device)
    curve: list[list[float]] = []

    def look(step: int, _: dict[str, float]) -> None:
        curve.append(
            [step, mode_report(points(settings, generator, seed), stream.target).modes_found]
        )

    train(
        players,
        stream,
        steps=settings.steps,
        seed=seed,
        on_log=[look],
        log_every=settings.steps // settings.looks,
        progress=False,
    )
    x = points(settings, generator, seed)
    found = mode_report(x, stream.target)
    lost = math.isnan(found.reverse_kl)
    return {
        "modes": found.modes_found,
        "high_quality": found.high_quality_share,
        "reverse_kl": math.log(found.modes) if lost else found.reverse_kl,
        "lost": int(lost),
        "curve": curve,
        "points": [[round(float(u), 3) for u in row] for row in x[: settings.kept]],
    }


def discriminator_of(settings: Settings, variant: str, packing: int) -> nn.Module:
    """The variant's discriminator, for points in the plane."""
    plain = PointDiscriminator(settings.discriminator_hidden, 2 * packing, settings.pieces)
    if packing > 1:
        return Packed(plain, packing)
    if variant == "minibatch_discrimination":
        width = settings.discriminator_hidden[-1]
        compare = MinibatchDiscrimination(width, settings.kernels)
        last = nn.Linear(width + settings.kernels, 1)
        return nn.Sequential(*list(plain.body)[:-1], compare, last, nn.Flatten(0))  # -> [B]
    return plain


def change(settings: Settings, target: str, variant: str) -> dict[str, Any]:
    """What the variant changes in the training."""
    centres = TARGETS[target].centres
    apart = float((centres[1:] - centres[0]).norm(dim=1).min())  # between neighbouring modes
    fast, slow = (factor * settings.learning_rate for factor in settings.two_rates)
    changes: dict[str, dict[str, Any]] = {
        "minimax": {"loss": "minimax"},
        "least_squares": {"loss": "least-squares"},
        "label_smoothing": {"label_smoothing": settings.label_smoothing},
        "label_noise": {"label_noise": settings.label_noise},
        "instance_noise": {
            "instance_noise": settings.instance_noise * apart,
            "steps": settings.steps,
        },
        "two_rates": {"discriminator_learning_rate": fast, "learning_rate": slow},
    }
    return changes.get(variant, {})


@torch.no_grad()
def points(settings: Settings, generator: PointGenerator, seed: int) -> Tensor:
    """The same noise at every look, `[n, 2]`; batch normalisation by its running moments."""
    training = generator.training
    generator.eval()
    x: Tensor = generator(generator.noise(settings.points, make_generator(seed, "look"))).cpu()
    generator.train(training)
    return x


def summarise(settings: Settings, rows: list[Row]) -> Row:
    figures: Row = {"targets": {}, "points": {}, "curves": {}, "published": PUBLISHED}
    for target in TARGETS:
        of = {
            variant: [r for r in rows if (r["target"], r["variant"]) == (target, variant)]
            for variant in VARIANTS
        }
        figures["targets"][target] = {
            variant: {
                **over_seeds(own, ("modes", "high_quality", "reverse_kl")),
                "lost": sum(row["lost"] for row in own),
                "steps": settings.steps,
                "seeds": len(own),
            }
            for variant, own in of.items()
        }
        figures["points"][target] = {variant: own[0]["points"] for variant, own in of.items()}
        figures["curves"][target] = {
            variant: [
                [looks[0][0], sum(modes for _, modes in looks) / len(looks)]
                for looks in zip(*(row["curve"] for row in own), strict=True)
            ]
            for variant, own in of.items()
        }
    return figures


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "gan_modes")
