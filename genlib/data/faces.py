"""`drawn_faces`: as many cartoon faces as you like, with attributes that are known exactly."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from genlib.data.errors import record
from genlib.data.faces_attributes import ATTRIBUTES, draw_parameters
from genlib.data.faces_canvas import PIXEL, SIZE, Canvas
from genlib.data.faces_paint import paint_face
from genlib.data.images import ImageSet

BLOCK = 128  # faces painted at once; another number gives other faces


def drawn_faces(
    n: int = 20_000, *, seed: int = 0, split: str = "train", device: torch.device | str = "cpu"
) -> ImageSet:
    """`n` drawn colour faces, [3, 64, 64], with nine known attributes each.

    The attributes and their values are in `attribute_values`: background, skin, hair colour, hair
    style, eye colour, gaze, mouth, glasses, accessory. All are independent of each other, and all
    values of one are equally likely, so every frequency in the set is known: 207,360 combinations.
    Position, size, tilt, proportions, tones and clothes vary too, so no two faces are alike.

    Face `i` of a seed and split is the same for every `n`. The splits share no random numbers.
    On another processor or torch version single pixels may differ by one level of 255.

    Args:
        n: number of faces.
        seed: gives the faces.
        split: `"train"` or `"test"`.
        device: where the images shall lie (they are painted on the CPU).
    """
    if split not in ("train", "test"):
        raise ValueError(f"drawn_faces has the splits 'train' and 'test', not {split!r}.")
    if n < 1:
        raise ValueError(f"n is {n}; ask for at least one face.")
    images = torch.empty(n, 3, SIZE, SIZE, dtype=torch.uint8)
    attributes = {name: torch.empty(n, dtype=torch.int64) for name in ATTRIBUTES}

    def paint(block: int) -> None:
        here = slice(block * BLOCK, min(n, (block + 1) * BLOCK))
        pixels, known = _paint_block(seed, split, block)
        images[here] = pixels[: here.stop - here.start]
        for name, values in known.items():
            attributes[name][here] = values[: here.stop - here.start]

    # One thread per block beats torch's own threads many times over where a core is busy: small
    # operations would wait for each other after every step.
    threads, workers = torch.get_num_threads(), min(4, os.cpu_count() or 1)
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            list(pool.map(paint, range(-(-n // BLOCK))))  # list: hand on a worker's error
    finally:
        torch.set_num_threads(threads)
    record("Drawn faces")
    return ImageSet(
        name="drawn_faces",
        title="Drawn faces",
        split=split,
        images=images,
        attributes=attributes,
        attribute_values=ATTRIBUTES,
        source="Faces drawn by genlib's own code (drawn_faces); no rights of others are in them.",
    ).to(device)


@torch.no_grad()
def _paint_block(seed: int, split: str, block: int) -> tuple[Tensor, dict[str, Tensor]]:
    """uint8 [BLOCK, 3, 64, 64] and the attributes of faces `block * BLOCK ...`."""
    attributes, vary, colours = draw_parameters(seed, split, block, BLOCK)
    line = (torch.arange(SIZE) + 0.5) * PIXEL - 1  # pixel centres, from -1 to 1
    y, x = torch.meshgrid(line, line, indexing="ij")  # [64, 64] each
    x, y = x.expand(BLOCK, SIZE, SIZE), y.expand(BLOCK, SIZE, SIZE)
    right, down = x - 0.05 * vary["x"], y - 0.07 - 0.04 * vary["y"]
    scale, tilt = 1.05 + 0.05 * vary["scale"], 0.10 * vary["tilt"]  # tilt in radians
    u = (right * tilt.cos() + down * tilt.sin()) / scale
    v = (down * tilt.cos() - right * tilt.sin()) / scale
    pixels = torch.empty(BLOCK, 3, SIZE, SIZE)
    paint_face(Canvas(pixels, x, y, u, v, attributes, vary, colours))
    return pixels.clamp_(0, 1).mul_(255).round_().to(torch.uint8), attributes
