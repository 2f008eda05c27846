"""Still pictures as WebP: a figure on its light card, at most 40 kB."""

from __future__ import annotations

import io

from matplotlib.figure import Figure
from PIL import Image

from genlib.explore.frame import png
from tools.errors import BookError

LIMIT = 40_000  # bytes


def webp(figure: Figure) -> bytes:
    """The figure as WebP, in the best quality that fits the limit; the same bytes every time.

    Raises:
        BookError: it does not fit.
    """
    image = Image.open(io.BytesIO(png(figure))).convert("RGB")
    for quality in (90, 80, 70, 60, 50):
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= LIMIT:
            return buffer.getvalue()
    raise BookError(f"a still picture takes more than {LIMIT} bytes; draw less in it")
