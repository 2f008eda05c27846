"""Pictures of a run as one small WebP image: rows of samples, one row for each look."""

from __future__ import annotations

import io

import torch
from PIL import Image
from torch import Tensor


def webp_sheet(rows: Tensor, quality: int = 80) -> bytes:
    """`[R, N, C, H, W]` in [0, 1] -> a WebP image of R · H by N · W pixels, without gaps.

    `genlib.plots.unpack_sheet` takes it apart again.
    """
    r, n, c, h, w = rows.shape
    flat = rows.permute(0, 3, 1, 4, 2).reshape(r * h, n * w, c)  # -> [R·H, N·W, C]
    pixels = (flat.clamp(0, 1) * 255).round().to(torch.uint8).expand(-1, -1, 3)
    kept = io.BytesIO()
    Image.fromarray(pixels.contiguous().cpu().numpy()).save(kept, "WEBP", quality=quality, method=6)
    return kept.getvalue()
