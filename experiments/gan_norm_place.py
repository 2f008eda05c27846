"""Chapter 4: batch normalisation before the activation, after it, or not at all (Fashion-MNIST).

    python -m experiments.gan_norm_place

The convolutional pair of `gan_images` with the same loss, optimiser, noise and number of steps.
Generator and discriminator both have batch normalisation in the same place ("before", as Ioffe &
Szegedy 2015 have it, or "after") or both have none. All start from N(0, 0.02²) weights, which suit
networks that normalise. The discriminator judges real and generated images in two batches, each
with its own statistics. Scores are of 10,000 pictures from the averaged generator, as in
`gan_images`; losses are means over the last fifth of the training.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from experiments import gan_images
from experiments.common import Row, over_seeds, run_experiment
from experiments.gan_images import fit, paint, referee
from genlib import budget, make_generator, pick_device, seed_everything
from genlib.metrics import interval
from genlib.models.convolutions import Norm, Place
from genlib.models.gan import ConvDiscriminator, ConvGenerator, normal_weights


@dataclass(frozen=True)
class Settings(gan_images.Settings):
    """What differs from `gan_images`; what is said of the dense pair is not used."""

    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    conv_steps: int = budget(smoke=8, cpu=3_000, gpu=23_400)
    looks: int = budget(smoke=4, cpu=5, gpu=5)
    ema_decay: float = budget(smoke=0.5, cpu=0.995, gpu=0.999)  # the run is short


SETTINGS = Settings()
BANDS: dict[str, tuple[float, float]] = {
    "places/before/frechet/mean": (55.0, 100.0),
    "places/after/frechet/mean": (55.0, 100.0),  # the place makes no difference
    "places/none/frechet/mean": (110.0, 320.0),  # the norm does
    "places/before/entropy/mean": (2.1, 2.303),
    "places/after/entropy/mean": (2.1, 2.303),
    "places/none/entropy/mean": (1.6, 2.1),
}
PLACES: dict[str, tuple[Norm, Place]] = {
    "before": ("batch", "before"),
    "after": ("batch", "after"),
    "none": ("none", "before"),
}


def cells(settings: Settings) -> list[Row]:
    return [{"place": place, "seed": seed} for seed in range(settings.seeds) for place in PLACES]


def run(settings: Settings, *, place: str, seed: int) -> Row:
    norm, where = PLACES[place]
    seed_everything(seed)
    generator = ConvGenerator(
        settings.conv_latent,
        settings.conv_width,
        norm=norm,
        place=where,
        prior=settings.prior,
    )
    discriminator = ConvDiscriminator(settings.conv_width, norm=norm, place=where)
    pair = normal_weights(generator), normal_weights(discriminator)
    averaged, history, looks, seconds = fit(settings, *pair, settings.conv_steps, seed)
    z = averaged.noise(settings.samples, make_generator(seed, "samples"))
    found = referee(pick_device()).scores(paint(averaged, z))
    return {
        **found,
        "discriminator_loss": float(history["discriminator"][-1]),
        "generator_loss": float(history["generator"][-1]),
        "training_seconds": seconds,
        "looks": [[look["step"], look["frechet"]] for look in looks.rows],
    }


def summarise(settings: Settings, rows: list[Row]) -> Row:
    names = ("frechet", "entropy", "smallest_class", "discriminator_loss", "generator_loss")
    places = {}
    for place in PLACES:
        own = [row for row in rows if row["place"] == place]
        places[place] = {
            **over_seeds(own, names),
            "seconds": interval([row["training_seconds"] for row in own]).to_dict(),
            "steps": settings.conv_steps,
            "looks": [row["looks"] for row in own],
        }
    return {"places": places}


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "gan_norm_place")
