"""What several experiments of chapter 3 measure of a VAE. All values are in nats per image.

Every "elbo" of a result is the negative ELBO, a positive number, as −log p(x) is; lower is better.
"""

from __future__ import annotations

import torch
from torch import Tensor

from experiments.common import Row
from genlib import make_generator
from genlib.data import ImageSet
from genlib.losses import elbo_terms
from genlib.losses.bounds import LatentModel
from genlib.metrics.likelihood import active_units, log_likelihood
from genlib.models.vae import VAE, ConditionalVAE


def spread(data: ImageSet, n: int) -> ImageSet:
    """About `n` images at equal steps through the set, all of it if it has no more.

    MNIST's first 5,000 test images are cleaner than the others, so the first n would flatter.
    """
    return data.select(torch.arange(0, len(data), max(1, len(data) // n)))


@torch.no_grad()
def elbo_of(
    model: VAE | ConditionalVAE, x: Tensor, labels: Tensor | None = None, batch_size: int = 500
) -> Row:
    """Means over images of the negative ELBO and its two terms, and the number of active units.

    The noise is the same for every model and on every device, so two models are compared under
    the same draws.

    Args:
        model: a `VAE`, or a `ConditionalVAE`, which needs `labels`.
        x: `[N, C, H, W]`.
        labels: int64 `[N]`.
        batch_size: images at a time.

    Returns:
        "distortion" = −E log p(x|z), one sample of z for each image; "kl", in closed form; "elbo",
        their sum; "active_units".
    """
    eps = torch.randn(len(x), model.latent, generator=make_generator(0, "elbo")).to(x.device)
    sums, means = torch.zeros(2, dtype=torch.float64), []
    for rows in torch.arange(len(x), device=x.device).split(batch_size):
        at: LatentModel
        if isinstance(model, ConditionalVAE):
            assert labels is not None, "a ConditionalVAE needs labels"
            at = model.given(labels[rows])
        else:
            at = model
        nll, kl = elbo_terms(at, x[rows], eps[rows])  # [B], [B, K]
        sums += torch.stack([nll.double().sum(), kl.double().sum()]).cpu()
        means.append(at.encode(x[rows])[0])
    distortion, kl_sum = (sums / len(x)).tolist()
    return {
        "distortion": distortion,
        "kl": kl_sum,
        "elbo": distortion + kl_sum,
        "active_units": int(active_units(torch.cat(means)).sum()),
    }


def nll_of(model: VAE, x: Tensor, samples: int) -> float:
    """Mean over images of −log p(x), by importance sampling; the same noise for every model."""
    generator = make_generator(0, "importance samples", device=x.device)
    return float(-log_likelihood(model, x, samples, generator).mean())
