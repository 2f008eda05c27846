"""`image_folder`: any folder or zip of pictures as an `ImageSet`."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from genlib.data.archive import Entry, image_entries
from genlib.data.errors import DataError, record
from genlib.data.images import ImageSet

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 80_000_000  # of one image; below the size at which Pillow begins to warn
MAX_MEMORY = 16_000_000_000  # bytes of all images together
MAX_UNREADABLE = 0.01  # share of the files that may be skipped
Pixels = npt.NDArray[np.uint8]


def image_folder(
    path: str | Path,
    *,
    size: int | None = None,
    channels: int = 3,
    device: torch.device | str = "cpu",
) -> ImageSet:
    """All images in a folder (with its subfolders) or a zip, sorted by name, [channels, H, W].

    A relative path that does not exist is also looked up in `GENLIB_DATA`. Images are turned as
    their EXIF orientation says. Transparency is laid on white; palette and CMYK images become RGB;
    16-bit grey is divided by 257; grey (`channels=1`) is ITU-R 601 luma. Refused: animations and
    32-bit images. A file that cannot be read, or that declares over 80 million pixels, is skipped
    and counted in a warning; more than 1 % of them are an error.

    Args:
        path: the folder or zip.
        size: the middle square of each image, resized to this many pixels (antialiased). None
            keeps the images as they are, which must then all have one size.
        channels: 3 (colour) or 1 (grey).
        device: where the images shall lie.

    Raises:
        DataError: nothing usable; the message names file, cause and remedy.
    """
    if channels not in (1, 3):
        raise ValueError(f"channels is {channels}; use 3 (colour) or 1 (grey).")
    if size is not None and size < 1:
        raise ValueError(f"size is {size}; give a number of pixels such as 64, or None.")
    path = Path(path).expanduser()
    home = os.environ.get("GENLIB_DATA")
    if not path.exists() and home and (Path(home).expanduser() / path).exists():
        path = Path(home).expanduser() / path
    with image_entries(path) as entries:
        images, skipped = _read_all(path, entries, size, channels)
    if skipped:
        message = (
            f"{path}: {len(skipped)} of {len(entries)} files are no readable images: "
            f"{'; '.join(skipped[:3])}{'; ...' if len(skipped) > 3 else ''}."
        )
        if len(skipped) > MAX_UNREADABLE * len(entries):
            raise DataError(f"{message} That is over 1 %: remove or replace them.")
        warnings.warn(f"{message} They are skipped.", stacklevel=2)
    record(path.name)
    return ImageSet(
        name=path.stem,
        title=path.name,
        split="all",
        images=torch.from_numpy(images),
        source=f"{len(images):,} images from {path.name}.",
    ).to(device)


def _read_all(
    path: Path, entries: list[Entry], size: int | None, channels: int
) -> tuple[Pixels, list[str]]:
    """uint8 [N, C, H, W] of the readable images, and the others with the reason."""
    images: Pixels | None = None
    first, kept, skipped = "", 0, []
    for entry in entries:
        try:
            pixels = _decode(entry, size, channels)  # [C, H, W]
        except (DataError, ImportError):  # refused, or there is no Pillow
            raise
        except Exception as error:  # damaged files make Pillow raise errors of many kinds
            skipped.append(f"{entry.name} ({_reason(error)})")
            continue
        if images is None:  # one array, filled in place: no second copy of the set in memory
            if len(entries) * pixels.size > MAX_MEMORY:
                raise DataError(
                    f"{path}: {len(entries):,} images of {_size(pixels)} take more than "
                    f"{MAX_MEMORY // 10**9} GB. Give a smaller size, for instance size=64."
                )
            images = np.empty((len(entries), *pixels.shape), np.uint8)
            first = entry.name
        if pixels.shape != images.shape[1:]:
            raise DataError(
                f"{path}: the images differ in size: {first} is {_size(images[0])}, {entry.name} "
                f"is {_size(pixels)}. Give one size for all, for instance size=64."
            )
        images[kept] = pixels
        kept += 1
    if images is None:
        raise DataError(
            f"{path}: none of the {len(entries)} files can be read as an image, for instance "
            f"{skipped[0]}. Replace them."
        )
    return images[:kept], skipped


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):  # its own words name an object in memory
        return "it begins like no image format that Pillow knows"
    return str(error) or type(error).__name__


def _size(pixels: Pixels) -> str:
    return f"{pixels.shape[-1]}x{pixels.shape[-2]}"  # width x height, as image viewers say it


def _decode(entry: Entry, size: int | None, channels: int) -> Pixels:
    from PIL import Image, ImageOps  # only when used

    image: Image.Image = Image.open(io.BytesIO(entry.read()))
    if image.width * image.height > MAX_PIXELS:  # before decoding: only the header has been read
        raise ValueError(f"declares {image.width}x{image.height} pixels, over {MAX_PIXELS:,}")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # MPO: a telephone's photo with previews behind it
        raise DataError(
            f"{entry.name} has {frames} frames: animations and multi-page files are refused. "
            "Save one frame as PNG or take it out."
        )
    if size is not None:
        image.draft(None, (2 * size, 2 * size))  # lets JPEG skip detail that would be thrown away
    if image.mode == "I" and image.format == "PNG":  # how old Pillows open 16-bit grey
        image = image.convert("I;16")
    image = _plain(ImageOps.exif_transpose(image), entry.name, "RGB" if channels == 3 else "L")
    if size is not None:
        image = ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)  # centre, antialias
    pixels = np.asarray(image)  # [H, W] or [H, W, 3]
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _plain(image: Image.Image, name: str, mode: str) -> Image.Image:
    """The image in 8-bit `mode`, "RGB" or "L", by the rules that `image_folder` states."""
    from PIL import Image

    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.float32) / 257  # 65535 = 257 * 255
        image = Image.fromarray(values.round().astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise DataError(
            f"{name} has 32 bits per pixel (mode {image.mode}), and nothing says what is white. "
            "Save it with 8 or 16 bits or take it out."
        )
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)
