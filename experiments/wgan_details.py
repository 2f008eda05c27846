"""Chapter 5: WGAN-GP with one detail changed at a time, and its relatives (Fashion-MNIST).

    python -m experiments.wgan_details

One generator and one critic learn with the same data, noise and number of the generator's steps; a
variant differs from "right" in what its name says. "right" is Gulrajani et al. 2017, algorithm 1
(λ = 10, five moves of the critic, Adam with β = (0, 0.9)), but with batches of 32 and ten times
its learning rate, as the runs are short. The rate was chosen by "right" alone.

- Details: one ε for the batch, one norm for the batch, batch normalisation in the critic, one move
  of the critic, λ of 0.1 and of 100, β₁ of 0.5.
- Mistakes: five more penalties as published code has them; see `penalties`. That with batch
  normalisation is a detail already.
- Relatives: "one_sided" punishes slopes above 1 only; "spectral" has no penalty, but a critic by
  `spectral_normalised`; "clipped" is Arjovsky et al. 2017 (c = 0.01, RMSProp), here too with ten
  times the published rate; "r1" is a GAN with the logistic loss, one move of the discriminator and
  a penalty of γ = 2.5, which for images in [−1, 1] is the γ = 10 of Mescheder et al. 2018.

Scores of a variant:

- "frechet", "entropy", "smallest_class": of 5,000 pictures from the averaged generator, as in
  `gan_images`.
- "wasserstein": the critic's estimate between the test images and as many fresh pictures of the
  generator itself, which is the one that the critic knows. For "r1" it is a difference of logits,
  for "clipped" an unknown multiple of a distance.
- "slope", "slope_spread": mean and standard deviation of ‖∇ critic(x̂)‖ on lines between test images
  and such pictures, ε from U[0, 1), the critic in `eval` mode.
- "stopped": runs that ended early because a number was not finite. They have no scores; intervals
  are over the others, and without two of them there are no limits.
- "reached": the steps that each run made.

"zero_head": the share of seeds that got through a few steps from a critic whose last layer starts
at 0, so that its slope is 0 everywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from experiments import gan_images, penalties
from experiments.common import Row, over_seeds, run_experiment
from experiments.gan_images import paint, referee
from genlib import budget, make_generator, pick_device, seed_everything
from genlib.data import BatchStream, fashion_mnist
from genlib.losses import gradient_norm
from genlib.losses.adversarial import Critic
from genlib.metrics import critic_estimate
from genlib.models.constraints import spectral_normalised
from genlib.models.convolutions import Norm
from genlib.models.gan import ConvDiscriminator, ConvGenerator, normal_weights
from genlib.models.noise import Generator, Prior
from genlib.training import (
    History,
    NonFiniteLossError,
    Player,
    gan_players,
    train,
    wgan_clip_players,
    wgan_gp_players,
)
from genlib.training.run import Watcher


@dataclass(frozen=True)
class Settings(gan_images.Settings):
    """What differs from `gan_images`; what is said of the dense pair and of looks is not used."""

    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    conv_steps: int = budget(smoke=3, cpu=1_000, gpu=10_000)  # of the generator
    zero_head_steps: int = budget(smoke=2, cpu=20, gpu=20)
    samples: int = budget(smoke=40, cpu=5_000, gpu=10_000)
    slopes: int = budget(smoke=20, cpu=1_000, gpu=5_000)  # points x̂
    batch_size: int = budget(smoke=8, cpu=32, gpu=64)
    learning_rate: float = budget(smoke=1e-3, cpu=1e-3, gpu=1e-4)  # Gulrajani et al.: 1e-4
    clipped_rate: float = budget(smoke=5e-4, cpu=5e-4, gpu=5e-5)  # Arjovsky et al.: 5e-5
    betas: tuple[float, float] = (0.0, 0.9)
    r1: float = 2.5
    ema_decay: float = budget(smoke=0.5, cpu=0.99, gpu=0.999)
    prior: Prior = "normal"


SETTINGS = Settings()
BANDS: dict[str, tuple[float, float]] = {
    # Of −s w + λ (s − 1)² the best slope is s = 1 + w / 2λ, w the distance by a critic of slope 1.
    "variants/right/slope/mean": (0.97, 1.1),
    "variants/weight_100/slope/mean": (0.93, 1.03),
    "variants/weight_0.1/slope/mean": (2.5, 6.0),
    "variants/one_sided/slope/mean": (0.93, 1.1),
    "variants/eps_per_pixel/slope/mean": (0.93, 1.1),  # it is caught by its test, not here
    "variants/norm_of_batch/slope/mean": (0.14, 0.22),  # wanted: 1/√32
    "variants/norm_per_pixel/slope/mean": (22.0, 45.0),  # wanted: 28
    "variants/batch_norm/slope/mean": (1.4, 3.5),  # in `eval` mode nothing holds it to 1
    "variants/spectral/slope/mean": (0.3, 0.9),
    "variants/clipped/slope/mean": (0.003, 0.05),
    "variants/right/frechet/mean": (55.0, 110.0),
    "variants/batch_norm/frechet/mean": (35.0, 70.0),
    "variants/one_move/frechet/mean": (85.0, 150.0),
    "variants/weight_0.1/frechet/mean": (80.0, 150.0),
    "variants/norm_per_pixel/frechet/mean": (110.0, 240.0),
    "variants/clipped/frechet/mean": (120.0, 250.0),
    "variants/right/smallest_class/mean": (0.03, 0.09),  # all ten classes are there
    "variants/root_without_floor/stopped": (0.0, 0.0),
    "zero_head/right": (1.0, 1.0),
    "zero_head/root_without_floor": (0.0, 0.0),
}


def free(critic: Critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """No penalty."""
    return torch.zeros_like(eps)


# By variant: what differs in `wgan_gp_players`. Three more are told apart in `pair` and `players`.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "right": {},
    "shared_eps": {"penalise": penalties.shared_eps},
    "norm_of_batch": {"penalise": penalties.norm_of_batch},
    "batch_norm": {"penalise": penalties.by_autograd},  # the critic has it
    "one_move": {"critic_moves": 1},
    "weight_0.1": {"penalty_weight": 0.1},
    "weight_100": {"penalty_weight": 100.0},
    "beta_0.5": {"betas": (0.5, 0.9)},
    "norm_per_pixel": {"penalise": penalties.norm_per_pixel},
    "normal_eps": {"penalise": penalties.normal_eps},
    "eps_per_pixel": {"penalise": penalties.eps_per_pixel},
    "eps_one": {"penalise": penalties.eps_one},
    "root_without_floor": {"penalise": penalties.root_without_floor},
    "spectral": {"penalise": free},  # the critic bounds its own slope
    "one_sided": {"one_sided": True},
}
VARIANTS = (*ARGUMENTS, "clipped", "r1")
ZERO_HEAD = ("right", "root_without_floor")
SCORES = ("frechet", "entropy", "smallest_class", "wasserstein", "slope", "slope_spread")


def pair(settings: Settings, variant: str) -> tuple[Generator, ConvDiscriminator]:
    """Generator and critic; torch's own start suits a critic that does not normalise."""
    generator = ConvGenerator(settings.conv_latent, settings.conv_width, prior=settings.prior)
    norm: Norm = "batch" if variant == "batch_norm" else "none"
    critic = ConvDiscriminator(settings.conv_width, norm=norm)
    if variant == "spectral":
        spectral_normalised(critic)
    return normal_weights(generator), critic


def players(
    settings: Settings, variant: str, generator: Generator, critic: nn.Module
) -> list[Player]:
    """The critic and the generator, the latter averaged."""
    decay = settings.ema_decay
    if variant == "clipped":
        rate = settings.clipped_rate
        return wgan_clip_players(generator, critic, learning_rate=rate, ema_decay=decay)
    chosen: dict[str, Any] = {
        "learning_rate": settings.learning_rate,
        "betas": settings.betas,
        "ema_decay": decay,
    }
    if variant == "r1":
        return gan_players(generator, critic, r1=settings.r1, **chosen)
    return wgan_gp_players(generator, critic, **{**chosen, **ARGUMENTS[variant]})


def fit(
    settings: Settings, made: list[Player], steps: int, seed: int, *, watch: Sequence[Watcher],
    log_every: int | None = None,
) -> History:  # fmt: skip
    """Let the players learn Fashion-MNIST.

    Raises:
        NonFiniteLossError: a loss or a gradient is infinite or NaN.
    """
    data = fashion_mnist("train", device=pick_device())
    return train(
        made,
        BatchStream(data, settings.batch_size, seed=seed),
        steps=steps,
        seed=seed,
        watch=watch,
        log_every=log_every,
        progress=False,
        precision=settings.precision,
    )


def slopes(critic: nn.Module, x: Tensor, fake: Tensor, seed: int) -> Tensor:
    """‖∇ critic(x̂)‖ at one point of the line between each two images, `[N]`."""
    eps = torch.rand(len(x), generator=make_generator(seed, "slopes")).to(x)
    x_hat = torch.lerp(fake, x, eps.reshape(-1, 1, 1, 1))
    return torch.cat([gradient_norm(critic, part).detach() for part in x_hat.split(500)])


def cells(settings: Settings) -> list[Row]:
    starts = [("usual", variant) for variant in VARIANTS]
    starts += [("zero_head", variant) for variant in ZERO_HEAD]
    return [
        {"start": start, "variant": variant, "seed": seed}
        for seed in range(settings.seeds)
        for start, variant in starts
    ]


def run(settings: Settings, *, start: str, variant: str, seed: int) -> Row:
    device = pick_device()
    seed_everything(seed)
    generator, critic = pair(settings, variant)
    steps = settings.conv_steps
    if start == "zero_head":
        steps = settings.zero_head_steps
        nn.init.zeros_(critic.head.weight)
    made = players(settings, variant, generator.to(device), critic.to(device))
    reached: list[int] = []
    try:
        fit(settings, made, steps, seed, watch=[reached.append])
    except NonFiniteLossError:
        return {"stopped": True, "reached": reached[-1]}
    found = {"stopped": False, "reached": reached[-1]}
    return found if start == "zero_head" else found | scores(settings, made, seed)


def scores(settings: Settings, made: list[Player], seed: int) -> Row:
    """What the runs are compared by."""
    critic, generator = (player.model for player in made)
    average = made[1].best_model
    assert isinstance(average, Generator)
    z = average.noise(settings.samples, make_generator(seed, "samples"))
    judge = referee(z.device)
    x = fashion_mnist("test", device=z.device).pixels()
    fake = paint(generator, z)
    found = judge.scores(paint(average, z))
    steep = slopes(critic, x[: settings.slopes], fake[: settings.slopes], seed)
    return {
        **{name: found[name] for name in ("frechet", "entropy", "smallest_class")},
        "wasserstein": float(critic_estimate(critic, x[: settings.samples], fake).mean),
        "slope": float(steep.mean()),
        "slope_spread": float(steep.std()),
    }


def over_finished(rows: list[Row], names: tuple[str, ...]) -> Row:
    """Intervals over the runs that were not stopped; without limits if they are not two."""
    kept = [row for row in rows if not row["stopped"]]
    if len(kept) > 1:
        return over_seeds(kept, names)
    return {
        name: {"mean": kept[0][name] if kept else None, "low": None, "high": None, "n": len(kept)}
        for name in names
    }


def summarise(settings: Settings, rows: list[Row]) -> Row:
    variants = {}
    for variant in VARIANTS:
        own = [row for row in rows if (row["start"], row["variant"]) == ("usual", variant)]
        variants[variant] = {
            **over_finished(own, SCORES),
            "stopped": sum(row["stopped"] for row in own),
            "reached": [row["reached"] for row in own],
            "steps": settings.conv_steps,
            "seeds": settings.seeds,
        }
    zero = [row for row in rows if row["start"] == "zero_head"]
    went_on = {
        variant: sum(not row["stopped"] for row in zero if row["variant"] == variant)
        / settings.seeds
        for variant in ZERO_HEAD
    }
    return {"variants": variants, "zero_head": went_on}


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "wgan_details")
