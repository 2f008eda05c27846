"""Chapter 6: digits that vanish from the samples of a VAE-GAN as training goes on (MNIST).

    python -m experiments.vanishing_digits

A published project saw some digits get rarer among its samples and disappear. Its decoder weighed
the feature likelihood by γ = 1e-8, and its KL term was the mean over the K latent dimensions, not
their sum: β = 1/K here. The four variants have both mistakes, one, or none:

- "published": γ = 1e-8, β = 1/K; "gamma_only_repaired": γ = 1e-2, β = 1/K;
- "kl_only_repaired": γ = 1e-8, β = 1; "repaired": γ = 1e-2, β = 1.

Networks are narrow and runs short: 6 epochs at five times the usual learning rate, where the
project had 95. "without_norm" has the first and the last variant once more, in half the steps and
at the usual rate, with a discriminator without batch normalisation, which wins more easily.

Of each variant, at the end of the run, of the networks themselves, not of an average:

- "entropy", "smallest_class", "frechet": of 2,000 pictures from the prior, as in `vae_gan_fit`.
  "entropy_start" is the entropy at the look at "peak_step", where its mean over the seeds is
  highest, and "entropy_drop" what of it is lost at the end. The peak is picked after the fact, so
  noise alone makes a small drop.
- "mse": of 2,000 test images, reconstructed through μ.
- "kl": mean over these images in nats, summed over dimensions; "mu_squared", "sigma_squared": means
  over images and dimensions; "code_variance": of drawn codes, mean over dimensions, 1 under the
  prior. "frechet_encoded", "entropy_encoded": of as many pictures from drawn codes of test images
  in place of prior noise.
- "gradient_share": of the decoder's gradient, the norm that γ · likeness has as a share of that
  norm plus the norm of its GAN loss, on 256 test images and as much prior noise.

"looks": [step, entropy, smallest_class, frechet, mse, kl, likeness] at equal steps of each seed;
likeness is a mean since the last look. "shares": the classes at the end, of each seed.

Before this, "published" was tried in four settings, one run of 4,000 to 8,000 steps each: without
batch normalisation in the discriminator; with it; with it and K = 128; with it and Adam's own
β₁ = 0.9. "repaired" was tried in all but the third. Only without batch normalisation did the
entropy fall far, repaired or not, and before there was a digit worth the name. The second setting
was kept, being the one that trained best, and the first beside it. The project trained 15 times as
long, and these runs say nothing of what comes so late.

Pictures, seed 0: a row of samples from frozen z for each eighth of the run, for "published",
"repaired", and both with "_without_norm".
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from experiments import vae_gan_fit
from experiments.common import Row, over_seeds, run_experiment
from experiments.gan_images import Referee
from experiments.sheets import webp_sheet
from experiments.vae_gan_fit import (
    Looks,
    Networks,
    Pair,
    encoded,
    fit,
    in_parts,
    mean_squared_error,
    networks,
)
from genlib import budget, make_generator, pick_device, seed_everything
from genlib.divergences import kl_to_standard_normal
from genlib.losses import generator_loss, squared_error
from genlib.metrics import class_histogram, features, frechet_distance, histogram_entropy, interval
from genlib.models.convolutions import Norm
from genlib.training import vae_gan_players


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    steps: int = budget(smoke=8, cpu=6_000, gpu=89_000)
    steps_without_norm: int = budget(smoke=4, cpu=3_000, gpu=45_000)
    looks: int = budget(smoke=4, cpu=15, gpu=20)
    samples: int = budget(smoke=40, cpu=2_000, gpu=5_000)  # at a look
    test_images: int = budget(smoke=40, cpu=2_000, gpu=5_000)
    gradient_images: int = budget(smoke=16, cpu=256, gpu=256)
    batch_size: int = budget(smoke=10, cpu=64, gpu=64)
    latent: int = 32
    width: int = budget(smoke=4, cpu=8, gpu=32)
    learning_rate: float = budget(smoke=1e-3, cpu=1e-3, gpu=2e-4)
    rate_without_norm: float = 2e-4
    gamma: float = 1e-2
    published_gamma: float = 1e-8
    shown: int = 8  # rows of pictures
    columns: int = 16


SETTINGS = Settings()
BANDS: dict[str, tuple[float, float]] = {
    # With batch normalisation no digit vanishes, repaired or not: log 10 is 2.303.
    "variants/published/entropy/mean": (2.15, 2.303),
    "variants/gamma_only_repaired/entropy/mean": (2.05, 2.303),
    "variants/kl_only_repaired/entropy/mean": (2.15, 2.303),
    "variants/repaired/entropy/mean": (2.15, 2.303),
    "variants/published/entropy_drop/mean": (0.0, 0.12),
    "variants/repaired/entropy_drop/mean": (0.0, 0.12),
    "variants/published/smallest_class/mean": (0.02, 0.1),
    "variants/repaired/smallest_class/mean": (0.02, 0.1),
    "variants/published/frechet/mean": (70.0, 200.0),
    "variants/gamma_only_repaired/frechet/mean": (85.0, 270.0),
    "variants/kl_only_repaired/frechet/mean": (60.0, 190.0),
    "variants/repaired/frechet/mean": (55.0, 180.0),
    # The codes of images give better pictures than the prior, in all variants.
    "variants/published/frechet_encoded/mean": (8.0, 45.0),
    "variants/repaired/frechet_encoded/mean": (8.0, 45.0),
    "variants/published/mse/mean": (0.022, 0.038),
    "variants/gamma_only_repaired/mse/mean": (0.014, 0.026),
    "variants/repaired/mse/mean": (0.014, 0.028),
    # An average over the dimensions leaves the codes about 100 nats from the prior, not 30.
    "variants/published/kl/mean": (75.0, 140.0),
    "variants/gamma_only_repaired/kl/mean": (85.0, 155.0),
    "variants/kl_only_repaired/kl/mean": (15.0, 42.0),
    "variants/repaired/kl/mean": (15.0, 48.0),
    # With γ = 1e-8 the decoder hears the discriminator alone.
    "variants/published/gradient_share/mean": (0.0, 1e-5),
    "variants/kl_only_repaired/gradient_share/mean": (0.0, 1e-5),
    "variants/gamma_only_repaired/gradient_share/mean": (0.05, 0.6),
    "variants/repaired/gradient_share/mean": (0.04, 0.5),
    # Without it no variant makes digits, and whole classes are missing.
    "without_norm/variants/published/frechet/mean": (650.0, 1_700.0),
    "without_norm/variants/repaired/frechet/mean": (550.0, 1_500.0),
    "without_norm/variants/published/smallest_class/mean": (0.0, 0.02),
    "without_norm/variants/repaired/smallest_class/mean": (0.0, 0.03),
}
VARIANTS = {  # whether γ and the KL term are repaired
    "published": (False, False),
    "gamma_only_repaired": (True, False),
    "kl_only_repaired": (False, True),
    "repaired": (True, True),
}
WITHOUT_NORM = ("published", "repaired")  # variants run with the other discriminator too
SCORES = (
    "entropy",
    "smallest_class",
    "frechet",
    "mse",
    "kl",
    "mu_squared",
    "sigma_squared",
    "code_variance",
    "frechet_encoded",
    "entropy_encoded",
    "gradient_share",
)
LOOK = ("step", "entropy", "smallest_class", "frechet", "mse", "kl", "likeness")


@dataclass(frozen=True)
class Measure:
    """What is looked at of three networks, in evaluation mode, each time with the same noise.

    Attributes:
        z: prior noise, `[N, K]`.
        x: test images, `[M, 1, 28, 28]`.
        eps: noise of their codes, `[M, K]`.
        gamma: γ, as trained with.
        gradient_images: how many of each are used for the gradients.
    """

    referee: Referee
    networks: Networks
    z: Tensor
    x: Tensor
    eps: Tensor
    gamma: float
    gradient_images: int

    def __call__(self) -> Row:
        encoder, decoder, _ = self.networks
        mu, log_var = encoded(Pair(encoder, decoder), self.x)
        z = mu + torch.exp(0.5 * log_var) * self.eps  # [M, K], of the aggregate posterior
        drawn = in_parts(decoder, z)
        shares = class_histogram(self.referee.classifier, drawn)
        return {
            **self.referee.scores(in_parts(decoder, self.z)),
            "mse": mean_squared_error(in_parts(decoder, mu), self.x),
            "kl": float(kl_to_standard_normal(mu, log_var).mean()),
            "mu_squared": float(mu.square().mean()),
            "sigma_squared": float(log_var.exp().mean()),
            "code_variance": float(z.var(dim=0).mean()),
            "frechet_encoded": frechet_distance(
                features(self.referee.classifier, drawn), self.referee.train
            ),
            "entropy_encoded": histogram_entropy(shares),
            "gradient_share": self.gradient_share(),
        }

    def gradient_share(self) -> float:
        """Of ‖∇ γ · likeness‖ in ‖∇ γ · likeness‖ + ‖∇ GAN loss‖, over the decoder's weights."""
        n = self.gradient_images
        x, eps, z_prior = self.x[:n], self.eps[:n], self.z[:n]
        encoder, decoder, discriminator = self.networks
        with torch.no_grad():
            mu, log_var = encoder(x)
            seen, _ = discriminator(x)
        rebuilt, rebuilt_logits = discriminator(decoder(mu + torch.exp(0.5 * log_var) * eps))
        _, sampled_logits = discriminator(decoder(z_prior))
        likeness = 0.5 * squared_error(rebuilt, seen).mean()
        fooling = (generator_loss(rebuilt_logits) + generator_loss(sampled_logits)).mean()
        learned = gradient_length(self.gamma * likeness, decoder)
        return learned / (learned + gradient_length(fooling, decoder))


def gradient_length(loss: Tensor, model: nn.Module) -> float:
    """Euclidean norm of the gradient of `loss` in all weights of `model`."""
    gradients = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)
    return float(torch.stack([g.square().sum() for g in gradients]).sum().sqrt())


def cells(settings: Settings) -> list[Row]:
    plain = [{"variant": variant, "norm": "none"} for variant in WITHOUT_NORM]
    both = [*({"variant": variant, "norm": "batch"} for variant in VARIANTS), *plain]
    return [{**cell, "seed": seed} for seed in range(settings.seeds) for cell in both]


def run(settings: Settings, *, variant: str, norm: Norm, seed: int) -> Row:
    device = pick_device()
    right_gamma, right_kl = VARIANTS[variant]
    gamma = settings.gamma if right_gamma else settings.published_gamma
    plain = norm == "none"
    steps = settings.steps_without_norm if plain else settings.steps
    seed_everything(seed)
    made = networks(settings, norms=("batch", "batch", norm))
    players = vae_gan_players(
        *made,
        gamma=gamma,
        beta=1.0 if right_kl else 1 / settings.latent,
        learning_rate=settings.rate_without_norm if plain else settings.learning_rate,
    )
    x, _ = vae_gan_fit.test_images(settings.test_images, device)
    measure = Measure(
        vae_gan_fit.referee(device),
        made,
        made.decoder.noise(settings.samples, make_generator(seed, "looks")),
        x,
        torch.randn(len(x), settings.latent, generator=make_generator(seed, "codes")).to(device),
        gamma,
        settings.gradient_images,
    )
    every = steps // settings.looks
    shown = [steps * (i + 1) // settings.shown for i in range(settings.shown)]
    looks = Looks(measure, every, made.decoder, measure.z[: settings.columns], shown)
    history = fit(settings, players, steps, seed, watch=[looks.look], log_every=every)
    rows = [
        {**row, "likeness": float(likeness)}
        for row, likeness in zip(looks.rows, history["likeness"], strict=True)
    ]
    found: Row = {"curve": rows}
    if seed == 0 and variant in WITHOUT_NORM:
        name = f"{variant}_without_norm" if plain else variant
        found["pictures"] = {name: webp_sheet(torch.stack(looks.kept), quality=60)}
    return found


def peak(curves: list[list[Row]]) -> int:
    """The look at which the entropy is highest in the mean over seeds."""
    entropies = torch.tensor([[look["entropy"] for look in curve] for curve in curves])
    return int(entropies.mean(dim=0).argmax())  # [seeds, looks] -> [looks]


def summed_up(rows: list[Row], names: tuple[str, ...]) -> Row:
    """Scores over the seeds, looks and classes, of the variants `names`."""
    variants, looks, shares = {}, {}, {}
    for variant in names:
        curves = [row["curve"] for row in rows if row["variant"] == variant]
        best = peak(curves)
        starts = [curve[best]["entropy"] for curve in curves]
        drops = [start - curve[-1]["entropy"] for start, curve in zip(starts, curves, strict=True)]
        variants[variant] = {
            **over_seeds([curve[-1] for curve in curves], SCORES),
            "entropy_start": interval(starts).to_dict(),
            "entropy_drop": interval(drops).to_dict(),
            "peak_step": curves[0][best]["step"],
            "steps": curves[0][-1]["step"],
        }
        looks[variant] = [[[look[name] for name in LOOK] for look in curve] for curve in curves]
        shares[variant] = [curve[-1]["shares"] for curve in curves]
    return {"variants": variants, "looks": looks, "shares": shares}


def summarise(settings: Settings, rows: list[Row]) -> Row:
    normal, plain = ([row for row in rows if row["norm"] == norm] for norm in ("batch", "none"))
    return {
        **summed_up(normal, tuple(VARIANTS)),
        "without_norm": summed_up(plain, WITHOUT_NORM),
    }


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "vanishing_digits")
