"""Fashion-MNIST and MNIST: looked up, else downloaded, always checked; else digits, said aloud."""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
import zlib
from pathlib import Path

import torch
from torch import Tensor

from genlib.data.download import Unreachable, cache_folder, download, keep
from genlib.data.errors import DataError, record
from genlib.data.images import ImageSet
from genlib.data.mnist_facts import FASHION_MNIST, FILES, MNIST, Known
from genlib.data.small_digits import digits

_given_up: dict[str, str] = {}  # sets that digits stand in for in this process, and why


def fashion_mnist(
    split: str = "train", *, device: torch.device | str = "cpu", root: str | Path | None = None
) -> ImageSet:
    """Fashion-MNIST: 60,000 training and 10,000 test images of clothes, [1, 28, 28], 10 classes.

    Looked up in `root` (torchvision's layout: `root/FashionMNIST/raw/*-ubyte`, or the same with
    `.gz`) where given; else in `GENLIB_DATA`, then in the user's cache, else downloaded there
    from torchvision's mirrors. Every file's checksum is verified on every load. If there is no
    way to get it, scikit-learn's digits stand in, for both splits and until Python is restarted,
    and a printed line says so.

    Args:
        split: `"train"` or `"test"`.
        device: where the images shall lie.
        root: a folder in torchvision's layout; nothing else is tried.

    Raises:
        DataError: a file is damaged, or some of the set's four files are there and the others
            cannot be had; the message names them and the remedy.
    """
    return _load(FASHION_MNIST, split, device, root)


def mnist(
    split: str = "train", *, device: torch.device | str = "cpu", root: str | Path | None = None
) -> ImageSet:
    """MNIST: 60,000 training and 10,000 test handwritten digits, [1, 28, 28], 10 classes.

    Found, checked and replaced where it cannot be had exactly like `fashion_mnist`.
    """
    return _load(MNIST, split, device, root)


def _load(
    known: Known, split: str, device: torch.device | str, root: str | Path | None
) -> ImageSet:
    if split not in ("train", "test"):
        raise ValueError(f"{known.title} has the splits 'train' and 'test', not {split!r}.")
    folder = _folder(known, root)
    if folder is None:
        print(
            f"genlib: {known.title} is not at hand ({_given_up[known.name]}). Using scikit-learn's "
            "digits instead. For the real set, restart with a network and without GENLIB_OFFLINE, "
            f"or with GENLIB_DATA set to a folder that has {known.folder}/raw."
        )
        return digits(split, device=device)
    sums = dict(zip(FILES, known.sha256, strict=True))
    files = FILES[:2] if split == "train" else FILES[2:]
    images, labels = (_parse(_read(folder / file, sums[file])) for file in files)
    record(known.title)
    return ImageSet(
        name=known.name,
        title=known.title,
        split=split,
        images=images[:, None],  # [N, 28, 28] -> [N, 1, 28, 28]
        labels=labels.to(torch.int64),
        classes=known.classes,
        source=known.source,
    ).to(device)


def _folder(known: Known, root: str | Path | None) -> Path | None:
    """Where all of `FILES` are, if need be after a download; None where digits must stand in.

    Once they do, they do for the rest of the process: training on digits and testing on the real
    set, because its files arrived in between, would be wrong and hard to notice.
    """
    if root is None and known.name in _given_up:
        return None
    places = _places(known, root)
    for folder in places:
        if not _missing(folder):
            return folder
    reason = "root is given, so nothing else is tried"
    if root is None:
        try:
            return _download(known)
        except Unreachable as error:
            reason = str(error)
    part = next((folder for folder in places if len(_missing(folder)) < len(FILES)), None)
    if part is None and root is None:
        _given_up[known.name] = reason
        return None
    folder = part or places[0]
    raise DataError(
        f"{folder} lacks {', '.join(_missing(folder))} (plain or with .gz), and {known.title} "
        f"needs all four files ({reason}). Run this again with a network and without "
        "GENLIB_OFFLINE, copy the files there, or take that folder away to do without it."
    )


def _places(known: Known, root: str | Path | None) -> list[Path]:
    """The folders where the set may lie, the preferred one first."""
    places = [cache_folder()]
    chosen = root if root is not None else os.environ.get("GENLIB_DATA") or None
    if chosen is not None:
        place = Path(chosen).expanduser()
        if not place.is_dir():
            setting = "GENLIB_DATA" if root is None else "root"
            raise DataError(f"{setting} is {str(place)!r}, which is no folder: correct or omit it.")
        places = [place, *places] if root is None else [place]
    return [place / known.folder / "raw" for place in places]


def _missing(folder: Path) -> list[str]:
    """Those of `FILES` that `folder` has neither plain nor as `.gz`."""
    return [f for f in FILES if not ((folder / f).is_file() or (folder / f"{f}.gz").is_file())]


def _read(path: Path, sha256: str) -> bytes:
    """The file's content, decompressed where only the `.gz` is there, if its checksum is right."""
    packed = not path.is_file()
    if packed:
        path = path.with_name(f"{path.name}.gz")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror or error}). Give yourself read access, or "
            "delete it and run this again."
        ) from error
    try:
        content = gzip.decompress(content) if packed else content
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be decompressed ({error}). It is truncated or damaged: delete it and "
            "run this again."
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(
            f"{path} is damaged: its content ({len(content):,} bytes) has sha256 {found}, "
            f"expected {sha256}. Delete it and run this again; if that gives the same, get it "
            "from another mirror."
        )
    return content


def _parse(content: bytes) -> Tensor:
    """The uint8 tensor in an idx file whose checksum is right, so that nothing needs checking.

    Two zero bytes, the element type, the number of dimensions, each dimension as a big-endian
    32-bit integer, then the elements. Source: yann.lecun.com/exdb/mnist.
    """
    dimensions = content[3]
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    elements = bytearray(content)  # a copy that may be written to, as torch wants it
    return torch.frombuffer(elements, dtype=torch.uint8, offset=4 + 4 * dimensions).reshape(shape)


def _download(known: Known) -> Path:
    """Bring what is missing of the set into the cache; both splits, so that they belong together.

    Raises:
        Unreachable: the network is switched off, or no mirror gave the file.
    """
    if os.environ.get("GENLIB_OFFLINE", "0") not in ("", "0"):
        raise Unreachable("GENLIB_OFFLINE is set")
    from genlib.torchvision_compat import import_torchvision  # slow to import, so only here

    published = getattr(import_torchvision("datasets"), known.folder)  # class: mirrors, md5 sums
    folder = cache_folder() / known.folder / "raw"
    print(f"genlib: downloading {known.title} to {folder}")
    missing = _missing(folder)
    for archive, md5 in published.resources:
        file = archive.removesuffix(".gz")
        if file in missing:
            try:
                content = gzip.decompress(download(archive, published.mirrors, md5))
            except Unreachable as reason:
                raise Unreachable(f"download failed: {reason}") from reason
            keep(folder / file, content)
    return folder
