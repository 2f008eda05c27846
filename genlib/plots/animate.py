"""Small animations that respect a reader who wants no motion."""

from __future__ import annotations

import base64
import html
import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageSequence

from genlib.files import write_atomic
from genlib.plots.images import CARD_RGB, GAP, Pictures, mosaic, to_pictures

WIDTH = 480  # pixels that an animation is enlarged to at most
EDGE = 8  # pixels around the images
BAR = 6  # pixels: the bar at the foot that shows how far training has come
BAR_RGB = (0, 114, 178)
HOLD = 5  # the last frame stays this many times longer


@dataclass(frozen=True)
class AnimatedImage:
    """An animated WebP and a still one; a notebook shows it as a cell's last value.

    Attributes:
        webp: the animation.
        still: its last frame, shown to readers whose system asks for reduced motion.
        alt: what it shows, in words.
        size: width and height, pixels.
        frames: how many frames were kept.
    """

    webp: bytes = field(repr=False)
    still: bytes = field(repr=False)
    alt: str
    size: tuple[int, int]
    frames: int

    @property
    def nbytes(self) -> int:
        """Size of the animation, bytes."""
        return len(self.webp)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a `.webp` or a `.gif`; the file appears whole or not at all.

        Raises:
            ValueError: another ending.
        """
        target = Path(path)
        if target.suffix.lower() == ".webp":
            data = self.webp
        elif target.suffix.lower() == ".gif":
            data = self._as_gif()
        else:
            raise ValueError(f"animations are saved as .webp or .gif, not {target.name!r}")
        write_atomic(target, data)
        return target

    def _as_gif(self) -> bytes:
        with Image.open(io.BytesIO(self.webp)) as moving:
            pages, times = [], []
            for page in ImageSequence.Iterator(moving):
                pages.append(page.convert("RGB"))
                times.append(int(page.info["duration"]))
        buffer = io.BytesIO()
        pages[0].save(buffer, "GIF", save_all=True, append_images=pages[1:], duration=times, loop=0)
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        width, height = self.size
        moving, still = (
            "data:image/webp;base64," + base64.b64encode(data).decode()
            for data in (self.webp, self.still)
        )
        # Closing the details is the way to stop it: no script, and it works with the keyboard.
        return (
            '<details open class="genlib-animation"><summary>Animation (close to stop it)</summary>'
            f'<picture><source media="(prefers-reduced-motion: reduce)" srcset="{still}">'
            f'<img src="{moving}" alt="{html.escape(self.alt)}" width="{width}" height="{height}" '
            'style="max-width: 100%; height: auto"></picture></details>'
        )


def animation(
    frames: Any,
    *,
    alt: str,
    columns: int | None = None,
    ms: int = 160,
    max_kb: int = 500,
) -> AnimatedImage:
    """An animation of image grids, at most `max_kb` kilobytes.

    Where it would be larger, its quality is lowered first, then frames are left out (the first
    and the last stay, and the rest are shown longer).

    Args:
        frames: `[T, N, C, H, W]`, or a sequence of T times `[N, C, H, W]`.
        alt: what it shows, for those who cannot see it.
        columns: images per row; by default a square, 8 at most.
        ms: milliseconds per frame.
        max_kb: limit of the file's size, in 1,000 bytes.

    Raises:
        ValueError: no alt text, no frames, frames of different shapes, or no way to be so small.
    """
    if not alt.strip():
        raise ValueError("an animation needs an alt text: say in a sentence what it shows")
    if ms < 20:
        raise ValueError(f"browsers show no frame for less than 20 ms, got {ms}")
    pictures = [to_pictures(frame) for frame in frames]
    if not pictures or len({p.shape for p in pictures}) > 1:
        raise ValueError("frames must be at least one, all of one shape [N, C, H, W]")
    count, _, width, _ = pictures[0].shape
    columns = min(columns or min(8, math.ceil(math.sqrt(count))), count)
    scale = max(1, ((WIDTH + GAP) // columns - GAP) // width)
    pages = [
        Image.fromarray(_with_bar(mosaic(p, columns, scale), (i + 1) / len(pictures)))
        for i, p in enumerate(pictures)
    ]
    webp, kept = _smallest_loss(pages, ms, max_kb * 1000)
    return AnimatedImage(webp, _encode(pages[-1:], [ms], 80), alt.strip(), pages[0].size, kept)


def figure_frame(figure: Figure, width: int = 640) -> Pictures:
    """A figure as one picture `[1, 3, H, W]`, a frame for `animation`.

    Args:
        width: pixels; the figure's own resolution is lowered to it.
    """
    figure.set_dpi(width / figure.get_size_inches()[0])
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    rgb = np.asarray(canvas.buffer_rgba())[..., :3]  # [H, W, 3]
    return np.ascontiguousarray(rgb.transpose(2, 0, 1)[None])


def _smallest_loss(pages: list[Image.Image], ms: int, limit: int) -> tuple[bytes, int]:
    """The best encoding of at most `limit` bytes, and how many frames it keeps."""
    count = len(pages)
    while True:
        chosen = np.linspace(0, len(pages) - 1, count).round().astype(int)
        times = [round(ms * len(pages) / count)] * (count - 1) + [ms * HOLD]
        for quality in (80, 50):
            data = _encode([pages[i] for i in chosen], times, quality)
            if len(data) <= limit:
                return data, count
        if count <= 2:
            raise ValueError(
                f"{len(data) / 1000:.0f} kB with {count} frames is the smallest possible, over the "
                f"limit of {limit / 1000:.0f} kB: show fewer or smaller images, or raise max_kb"
            )
        count = max(2, min(count - 1, int(0.95 * count * limit / len(data))))


def _encode(pages: Sequence[Image.Image], times: list[int], quality: int) -> bytes:
    buffer = io.BytesIO()
    options: dict[str, Any] = {"quality": quality, "method": 4}
    if len(pages) > 1:
        options |= {"save_all": True, "append_images": pages[1:], "duration": times, "loop": 0}
    pages[0].save(buffer, "WEBP", **options)
    return buffer.getvalue()


def _with_bar(sheet: Pictures, share: float) -> Pictures:
    """`sheet` with a margin, and at its foot a bar filled up to `share`."""
    height, width, _ = sheet.shape
    page = np.empty((height + 3 * EDGE + BAR, width + 2 * EDGE, 3), np.uint8)
    page[:] = CARD_RGB
    page[EDGE : EDGE + height, EDGE : EDGE + width] = sheet
    foot = page[2 * EDGE + height : 2 * EDGE + height + BAR, EDGE : EDGE + width]
    foot[:] = (226, 226, 220)
    foot[:, : round(width * share)] = BAR_RGB
    return page
