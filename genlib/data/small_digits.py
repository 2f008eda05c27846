"""scikit-learn's handwritten digits: real, small, and there without any network."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from genlib.data.errors import record
from genlib.data.images import ImageSet

MARGIN = 1 / 14  # of the width, on each side: 2 pixels of 28; strokes do not touch the border


def digits(split: str = "train", *, size: int = 28, device: torch.device | str = "cpu") -> ImageSet:
    """The 1,797 digits of scikit-learn, [1, size, size], 10 classes.

    The originals are 8x8 with 17 grey levels. They are enlarged smoothly (bicubic) into the middle
    of the image; `size=8` gives the originals as they are. Every sixth image (5, 11, 17, ...) is
    the test set: 1,498 for training, 299 for testing, the same on every machine.

    Args:
        split: `"train"`, `"test"` or `"all"`.
        size: height and width in pixels, at least 8.
        device: where the images shall lie.
    """
    if split not in ("train", "test", "all"):
        raise ValueError(f"digits has the splits 'train', 'test' and 'all', not {split!r}.")
    if size < 8:
        raise ValueError(f"size is {size}; the digits are 8x8, ask for at least 8.")
    from sklearn.datasets import load_digits  # slow to import, so only when used

    bunch = load_digits()
    small = torch.from_numpy(bunch.images).to(torch.float32)[:, None] / 16  # [1797, 1, 8, 8]
    margin = 0 if size == 8 else round(MARGIN * size)
    inner = size - 2 * margin
    grown = small
    if size != 8:
        grown = F.interpolate(small, size=(inner, inner), mode="bicubic", antialias=True)
    images = F.pad(grown, [margin] * 4).clamp(0, 1).mul(255).round().to(torch.uint8)

    number = torch.arange(len(images))
    chosen = {"train": number % 6 != 5, "test": number % 6 == 5, "all": number >= 0}[split]
    record("scikit-learn digits")
    return ImageSet(
        name="digits",
        title="scikit-learn digits",
        split=split,
        images=images[chosen],
        labels=torch.from_numpy(bunch.target).to(torch.int64)[chosen],
        classes=tuple("0123456789"),
        source="Handwritten digits (Alpaydin and Kaynak, 1998), the test part of UCI's optical "
        "recognition set, CC BY 4.0, bundled with scikit-learn.",
    ).to(device)
