"""Chapter 5: a penalised and a clipped critic learn Fashion-MNIST, and what their losses say.

    python -m experiments.wgan_images

"wgan_gp" and "clipped" are "right" and "clipped" of `wgan_details` with more steps, and so with
five instead of ten times the published learning rates. Both make the same number of steps. The
average of the generator is over about 100 steps: one over 1,000 would lag far behind in a run so
short.

- "models": of 10,000 pictures from the averaged generator, scored as in `gan_images`; "seconds" is
  what training took without the looks; "wasserstein" and "slope" are as in `wgan_details`, at the
  end.
- "looks": `[step, wasserstein, critic_loss, g_loss, frechet, held_out]` at equal steps through the
  training of each seed. The first three numbers are means over the steps since the last look, on
  the batches trained with; "frechet" is that of 2,000 pictures of the generator itself from frozen
  noise; "held_out" is the critic's estimate between as many test images and those pictures.
- "correlation": Spearman's, of each with the Fréchet distance over the looks of one run; "late"
  over the second half of the looks.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from torch import Tensor, nn

from experiments import wgan_details
from experiments.common import Row, over_seeds, run_experiment
from experiments.gan_images import Looks, now, paint, rank_correlation, referee
from experiments.wgan_details import fit, pair, players, scores
from genlib import budget, make_generator, pick_device, seed_everything
from genlib.data import fashion_mnist
from genlib.metrics import critic_estimate, interval
from genlib.models.noise import Generator


@dataclass(frozen=True)
class Settings(wgan_details.Settings):
    """What differs from `wgan_details`."""

    conv_steps: int = budget(smoke=8, cpu=2_500, gpu=46_800)
    looks: int = budget(smoke=4, cpu=20, gpu=20)
    look_samples: int = budget(smoke=40, cpu=2_000, gpu=5_000)
    samples: int = budget(smoke=80, cpu=10_000, gpu=10_000)
    learning_rate: float = budget(smoke=5e-4, cpu=5e-4, gpu=1e-4)
    clipped_rate: float = budget(smoke=2.5e-4, cpu=2.5e-4, gpu=5e-5)
    ema_decay: float = budget(smoke=0.5, cpu=0.99, gpu=0.999)  # of a short run: 100 steps


SETTINGS = Settings()
BANDS: dict[str, tuple[float, float]] = {
    "correlation/wgan_gp/wasserstein/mean": (0.95, 1.0),  # a distance that falls: better pictures
    "correlation/wgan_gp/wasserstein_late/mean": (0.85, 1.0),
    "correlation/wgan_gp/critic_loss/mean": (-1.0, -0.95),
    "correlation/wgan_gp/held_out/mean": (0.85, 1.0),
    "correlation/clipped/wasserstein/mean": (0.85, 1.0),
    "models/wgan_gp/frechet/mean": (28.0, 80.0),
    "models/wgan_gp/smallest_class/mean": (0.03, 0.1),  # all ten classes are there
    "models/wgan_gp/slope/mean": (0.95, 1.1),
    "models/clipped/frechet/mean": (95.0, 240.0),
    "models/clipped/slope/mean": (0.002, 0.05),
}
MODELS = {"wgan_gp": "right", "clipped": "clipped"}  # what `wgan_details` calls them
TOLD = {"wasserstein": 1, "critic_loss": 2, "generator_loss": 3, "held_out": 5}  # in a look
FRECHET = 4


@dataclass
class CriticLooks(Looks):
    """Looks that also ask the critic.

    Attributes:
        critic: in `eval` mode while it is asked.
        x: images that it is not trained on.
    """

    critic: nn.Module = field(kw_only=True)
    x: Tensor = field(kw_only=True)

    def look(self, step: int) -> None:
        """Score the generator, and let the critic estimate its distance, if it is time to."""
        looked = len(self.rows)
        super().look(step)
        if len(self.rows) == looked:
            return
        began = now(self.z)
        fake = paint(self.generator, self.z)
        self.rows[-1]["held_out"] = float(critic_estimate(self.critic, self.x, fake).mean)
        self.seconds += now(self.z) - began


def cells(settings: Settings) -> list[Row]:
    return [{"model": model, "seed": seed} for seed in range(settings.seeds) for model in MODELS]


def run(settings: Settings, *, model: str, seed: int) -> Row:
    device = pick_device()
    judge = referee(device)
    seed_everything(seed)
    generator, critic = pair(settings, MODELS[model])
    made = players(settings, MODELS[model], generator.to(device), critic.to(device))
    every = settings.conv_steps // settings.looks
    z = generator.noise(settings.look_samples, make_generator(seed, "looks"))
    x = fashion_mnist("test", device=device).pixels()[: settings.look_samples]
    looks = CriticLooks(judge, generator, z, every, critic=critic, x=x)
    began = now(z)
    history = fit(settings, made, settings.conv_steps, seed, watch=[looks.look], log_every=every)
    seconds = now(z) - began - looks.seconds
    average = made[1].best_model
    assert isinstance(average, Generator)
    drawn = average.noise(settings.samples, make_generator(seed, "samples"))
    told = zip(
        looks.rows, history["wasserstein"], history["critic"], history["generator"], strict=True
    )
    return {
        **scores(settings, made, seed),
        "kernel": judge.kernel(paint(average, drawn)),
        "training_seconds": seconds,
        "looks": [
            [look["step"], distance, critic_loss, g_loss, look["frechet"], look["held_out"]]
            for look, distance, critic_loss, g_loss in told
        ],
    }


def correlations(rows: list[Row]) -> Row:
    """Of each number with the Fréchet distance, over the looks of each run; over the runs."""
    found: Row = {}
    for name, column in TOLD.items():
        for part, start in (("", 0), ("_late", 0.5)):
            values = []
            for row in rows:
                looks = row["looks"][int(start * len(row["looks"])) :]
                values.append(
                    rank_correlation(
                        [look[column] for look in looks], [look[FRECHET] for look in looks]
                    )
                )
            found[f"{name}{part}"] = interval(values).to_dict()
    return found


def summarise(settings: Settings, rows: list[Row]) -> Row:
    runs = {model: [row for row in rows if row["model"] == model] for model in MODELS}
    names = (*wgan_details.SCORES, "kernel")
    models = {
        model: {
            **over_seeds(own, names),
            "seconds": interval([row["training_seconds"] for row in own]).to_dict(),
            "steps": settings.conv_steps,
        }
        for model, own in runs.items()
    }
    return {
        "models": models,
        "looks": {model: [row["looks"] for row in own] for model, own in runs.items()},
        "correlation": {model: correlations(own) for model, own in runs.items()},
    }


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "wgan_images")
