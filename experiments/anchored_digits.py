"""Chapter 6: how large γ must be to keep all digits where the discriminator wins easily (MNIST).

    python -m experiments.anchored_digits

`vanishing_digits` finds that kinds of digit go missing among crude samples where the discriminator
has no batch normalisation, with its repaired weights too. There γ = 1e-2 is small: the GAN loss has
most of the decoder's gradient. Here the same runs (same networks, steps, rate and seeds) have a
larger γ:

- "gamma_0.1", "gamma_1": β = 1, as "repaired" there;
- "gamma_1_mean_kl": γ = 1 and β = 1/K, the KL term's mistake left in.

Figures are those of `vanishing_digits`, and "lowest": the least entropy at any look in the second
half of a run. Both γ, steps of ten from 1e-2, were tried with β = 1 in one run each before these;
no other was.

Pictures: one for each γ with β = 1, as there.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from experiments import vanishing_digits
from experiments.common import Row, run_experiment
from experiments.vanishing_digits import Settings, summed_up
from genlib.metrics import interval

SETTINGS = vanishing_digits.SETTINGS
BANDS: dict[str, tuple[float, float]] = {
    "variants/gamma_1/lowest/mean": (2.0, 2.31),  # no digit goes
    "variants/gamma_1/smallest_class/mean": (0.03, 0.1),
    "variants/gamma_1/gradient_share/mean": (0.4, 0.95),
    "variants/gamma_1_mean_kl/lowest/mean": (1.7, 2.31),
    "variants/gamma_1_mean_kl/kl/mean": (85.0, 125.0),
    "variants/gamma_0.1/lowest/mean": (0.0, 2.05),  # not enough in every run
    "variants/gamma_1/kl/mean": (12.0, 40.0),
    "variants/gamma_1/frechet/mean": (500.0, 1_100.0),  # rough digits
}
VARIANTS = {  # γ, and the variant of `vanishing_digits` that has this β
    "gamma_0.1": (0.1, "repaired"),
    "gamma_1": (1.0, "repaired"),
    "gamma_1_mean_kl": (1.0, "gamma_only_repaired"),
}


def cells(settings: Settings) -> list[Row]:
    return [{"variant": name, "seed": seed} for seed in range(settings.seeds) for name in VARIANTS]


def run(settings: Settings, *, variant: str, seed: int) -> Row:
    gamma, like = VARIANTS[variant]
    there = replace(settings, gamma=gamma)
    found = vanishing_digits.run(there, variant=like, norm="none", seed=seed)
    if "pictures" in found:
        (sheet,) = found["pictures"].values()
        found["pictures"] = {variant: sheet}
    return found


def lowest(rows: list[Row]) -> Row:
    """The least entropy in the second half of each run."""
    curves = [row["curve"] for row in rows]
    return interval(
        [min(look["entropy"] for look in curve[len(curve) // 2 :]) for curve in curves]
    ).to_dict()


def summarise(settings: Settings, rows: list[Row]) -> Row:
    found = summed_up(rows, tuple(VARIANTS))
    for name, figures in found["variants"].items():
        figures["lowest"] = lowest([row for row in rows if row["variant"] == name])
    return found


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "anchored_digits")
