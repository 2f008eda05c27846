"""Pictures that an experiment left behind, ready for `image_rows`."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def unpack_sheet(webp: bytes, side: int) -> Tensor:
    """Take a sheet of square tiles apart, as the results of experiments have them.

    Args:
        webp: a picture of R · side by N · side pixels.
        side: of a tile, in pixels.

    Returns:
        uint8 `[R, N, 3, side, side]`, top row first.

    Raises:
        ValueError: the picture does not divide into such tiles.
    """
    pixels = torch.from_numpy(np.array(Image.open(io.BytesIO(webp)).convert("RGB")))
    height, width, _ = pixels.shape  # [R · side, N · side, 3]
    if side < 1 or height % side or width % side:
        raise ValueError(
            f"a picture of {height} by {width} pixels does not divide into tiles of {side}; give "
            "the side of the images that it was made of."
        )
    tiles = pixels.unflatten(1, (-1, side)).unflatten(0, (-1, side))  # [R, side, N, side, 3]
    return tiles.permute(0, 2, 4, 1, 3).contiguous()
