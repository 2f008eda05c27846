"""What a model with latent variables thinks of images, and how much of its code it uses."""

from __future__ import annotations

import torch
from torch import Tensor

from genlib.losses.bounds import LatentModel, log_weights
from genlib.models.vae import VAE, ConditionalVAE


@torch.no_grad()
def log_likelihood(
    model: VAE | ConditionalVAE,
    images: Tensor,
    samples: int,
    generator: torch.Generator,
    *,
    labels: Tensor | None = None,
    batch_size: int = 100,
    chunk: int = 50,
) -> Tensor:
    """log p(x) of each image by importance sampling, in nats: log mean w over k samples of q(z|x).

    A lower bound in expectation, for k = 1 the ELBO; k = 5,000 is usual for reporting (Burda et
    al. 2016). Say beside each figure how the images were binarised: grey, sampled and thresholded
    pixels of the same digits give very different ones.

    Args:
        model: a `VAE`, or a `ConditionalVAE`, which gives log p(x|y) and needs `labels`.
        images: `[N, C, H, W]`, binary for a Bernoulli likelihood to be one.
        samples: how many, k.
        generator: of the noise, on the device of the images.
        labels: int64 `[N]`, for a `ConditionalVAE`.
        batch_size: images at a time.
        chunk: samples of each at a time; memory grows with `batch_size · chunk`.

    Returns:
        `[N]`.

    Raises:
        ValueError: `samples`, `batch_size` or `chunk` is below 1; there are no images; labels are
            missing or of another number.
    """
    if min(samples, batch_size, chunk) < 1:
        raise ValueError(
            f"samples, batch_size and chunk must be at least 1, got {samples}, {batch_size}, "
            f"{chunk}"
        )
    if len(images) == 0 or (labels is not None and len(labels) != len(images)):
        count = "" if labels is None else f" and {len(labels)} labels"
        raise ValueError(f"got {len(images)} images{count}; expected images, each with its label")
    parts = []
    for start in range(0, len(images), batch_size):
        x = images[start : start + batch_size]
        at = _given(model, labels, slice(start, start + batch_size))
        total = torch.full((len(x),), -torch.inf, device=x.device)  # log of a sum of weights
        for done in range(0, samples, chunk):
            shape = (min(chunk, samples - done), len(x), model.latent)
            eps = torch.randn(shape, generator=generator, device=x.device)
            total = torch.logaddexp(total, log_weights(at, x, eps).logsumexp(dim=0))
        parts.append(total - torch.tensor(float(samples)).log())
    return torch.cat(parts)


def _given(model: VAE | ConditionalVAE, labels: Tensor | None, rows: slice) -> LatentModel:
    if not isinstance(model, ConditionalVAE):
        return model
    if labels is None:
        raise ValueError("a ConditionalVAE gives log p(x|y): it needs `labels`, one per image")
    return model.given(labels[rows])


def active_units(mu: Tensor, threshold: float = 0.01) -> Tensor:
    """Which latent dimensions say something about the image (Burda et al. 2016, section 5.2).

    A dimension is active if the mean of q(z|x) differs between images: its variance over them is
    above `threshold`.

    Args:
        mu: means of q(z|x) of N images, `[N, K]`.
        threshold: the least variance.

    Returns:
        bool `[K]`; its sum is the number of active units.

    Raises:
        ValueError: `mu` is not `[N, K]` with at least two images.
    """
    if mu.dim() != 2 or len(mu) < 2:
        raise ValueError(f"mu must be [N, K] with N of at least 2, got {list(mu.shape)}")
    return mu.var(dim=0) > threshold
