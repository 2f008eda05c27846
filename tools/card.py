"""The picture that a link to the course shows elsewhere: `python -m tools.card`.

Faces and garments drawn by reference models from seeded noise, beside the title of `_config.yml`.
Writes `book/_static/img/card.jpg`; run it again when the title or one of the two models changed.
"""

from __future__ import annotations

import io
import textwrap
from typing import Any

from tools.config import Book, load_book

SIZE = (1200, 630)  # what previews are made for
TILE = 128
FACES, GARMENTS = "wgan-gp-faces", "wgan-gp-fashion-mnist"
PAPER, INK, MUTED, ACCENT = "#fdfdfb", "#14202b", "#505d69", "#0b5e8a"
LARGEST = 150_000  # bytes


def tiles() -> list[Any]:
    """Twenty pictures by turns, uint8 [H, W, 3]."""
    import numpy as np
    import torch

    from genlib import make_generator, zoo

    drawn = []
    for name, seed in ((FACES, 3), (GARMENTS, 3)):
        model: Any = zoo.load(name)
        with torch.no_grad():
            images = model(model.noise(10, make_generator(seed, "card")))  # [10, C, H, W], -1 to 1
        low = float(images.min())
        images = (images + 1) / 2 if low < 0 else images
        pixels = (images.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
        drawn.append(np.broadcast_to(pixels, (*pixels.shape[:3], 3)))
    faces, garments = drawn
    return [
        (faces if (row + column) % 2 == 0 else garments)[(4 * row + column) // 2]
        for row in range(5)
        for column in range(4)
    ]


def card(book: Book) -> bytes:
    """The picture as JPEG.

    Raises:
        ValueError: it has become too large for a preview.
    """
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", SIZE, PAPER)
    left = SIZE[0] - 4 * TILE
    for number, tile in enumerate(tiles()):
        row, column = divmod(number, 4)
        small = Image.fromarray(tile).resize((TILE, TILE), Image.Resampling.NEAREST)
        picture.paste(small, (left + column * TILE, row * TILE - 5))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 11, SIZE[1]), fill=ACCENT)

    def font(size: int, bold: bool = False) -> Any:
        from matplotlib.font_manager import FontProperties, findfont

        name = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
        return ImageFont.truetype(findfont(name), size)

    heading, _, rest = book.title.partition(", ")
    y = 120
    for line in textwrap.wrap(heading, 14):
        pen.text((64, y), line, fill=INK, font=font(60, bold=True))
        y += 76
    pen.text((64, y + 14), rest, fill=ACCENT, font=font(38))
    for offset, line in enumerate(("Autoencoders · VAEs · GANs", "A course that you can run")):
        pen.text((64, 470 + 44 * offset), line, fill=MUTED, font=font(28))
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=88, optimize=True, progressive=True)
    content = target.getvalue()
    if len(content) > LARGEST:
        raise ValueError(f"the card has {len(content):,} bytes, wanted at most {LARGEST:,}")
    return content


def main() -> None:
    book = load_book()
    path = book.source / "_static" / "img" / "card.jpg"
    path.write_bytes(card(book))
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
