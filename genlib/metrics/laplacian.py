"""How sharp a picture is: how much it has of the finest detail."""

from __future__ import annotations

import torch
from torch import Tensor

from genlib.data.images import ImageSet, to_unit
from genlib.metrics.feature_vectors import in_unit_range


@torch.no_grad()
def sharpness(images: Tensor | ImageSet, batch_size: int = 1_000) -> Tensor:
    """Variance of the Laplacian within each image (Pech-Pacheco et al. 2000).

    The Laplacian is the sum of the four neighbours minus four times the pixel itself, taken
    where all four exist. 0 for a constant image or an even ramp. Adding brightness changes nothing,
    multiplying the contrast by c multiplies it by c². In colour, the mean over the channels.

    Blur lowers it. Noise raises it, and so do hard black edges, so a high value alone is no
    praise: the target is the value of real images.

    Args:
        images: N images, or `[N, C, H, W]` in [0, 1], at least 3×3.
        batch_size: images at a time; memory grows with it.

    Returns:
        `[N]`, squared pixel values, in double precision.

    Raises:
        ValueError: the images are smaller than 3×3 or not in [0, 1].
    """
    everything = images.images if isinstance(images, ImageSet) else images
    if everything.dim() != 4 or min(everything.shape[2:]) < 3:
        raise ValueError(
            f"sharpness needs [N, C, H, W] with sides of at least 3, got {list(everything.shape)}."
        )
    parts = [
        _laplacian(to_unit(part) if isinstance(images, ImageSet) else in_unit_range(part))
        .var(dim=(2, 3), correction=0)
        .mean(dim=1)  # [B, C, H−2, W−2] -> [B]
        for part in everything.split(batch_size)
    ]
    return torch.cat(parts)


def _laplacian(x: Tensor) -> Tensor:
    x = x.double()  # [B, C, H, W]
    across = x[..., 1:-1, :-2] + x[..., 1:-1, 2:]
    along = x[..., :-2, 1:-1] + x[..., 2:, 1:-1]
    return across + along - 4 * x[..., 1:-1, 1:-1]  # [B, C, H−2, W−2]
