"""Fashion-MNIST and MNIST: looked up, else downloaded, always checked; else digits, said aloud."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import torch

from genlib.data.download import Unreachable, cache_folder, download, write_atomically
from genlib.data.errors import DataError, record
from genlib.data.idx import parse_idx
from genlib.data.images import ImageSet
from genlib.data.small_digits import digits

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@dataclass(frozen=True)
class _Known:
    """What is known about a set before a byte of it is read."""

    name: str
    title: str
    folder: str  # torchvision's name for the class and for the folder
    classes: tuple[str, ...]
    source: str
    sha256: tuple[str, str, str, str]  # of the decompressed FILES


_FASHION_MNIST = _Known(
    name="fashion_mnist",
    title="Fashion-MNIST",
    folder="FashionMNIST",
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    source="Fashion-MNIST: photographs of Zalando's articles (Xiao, Rasul and Vollgraf, 2017), "
    "MIT licence, github.com/zalandoresearch/fashion-mnist.",
    sha256=(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
)
_MNIST = _Known(
    name="mnist",
    title="MNIST",
    folder="MNIST",
    classes=tuple("0123456789"),
    source="MNIST: handwritten digits (LeCun, Cortes and Burges, 1998), made from NIST's special "
    "databases 1 and 3, yann.lecun.com/exdb/mnist.",
    sha256=(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)
_given_up: dict[str, str] = {}  # sets whose download failed in this process, and why


def fashion_mnist(
    split: str = "train", *, device: torch.device | str = "cpu", root: str | Path | None = None
) -> ImageSet:
    """Fashion-MNIST: 60,000 training and 10,000 test images of clothes, [1, 28, 28], 10 classes.

    Looked up in `root` (torchvision's layout: `root/FashionMNIST/raw/*-ubyte`, or the same with
    `.gz`) where given; else in `GENLIB_DATA`, then in the user's cache, else downloaded there
    from torchvision's mirrors. Every file's checksum is verified on every load. If there is no
    way to get it, scikit-learn's digits stand in, and a printed line says so.

    Args:
        split: `"train"` or `"test"`.
        device: where the images shall lie.
        root: a folder in torchvision's layout; nothing else is tried.

    Raises:
        DataError: a file is damaged; the message names it and the remedy.
    """
    return _load(_FASHION_MNIST, split, device, root)


def mnist(
    split: str = "train", *, device: torch.device | str = "cpu", root: str | Path | None = None
) -> ImageSet:
    """MNIST: 60,000 training and 10,000 test handwritten digits, [1, 28, 28], 10 classes.

    Found, checked and replaced where it cannot be had exactly like `fashion_mnist`.
    """
    return _load(_MNIST, split, device, root)


def _load(
    known: _Known, split: str, device: torch.device | str, root: str | Path | None
) -> ImageSet:
    if split not in ("train", "test"):
        raise ValueError(f"{known.title} has the splits 'train' and 'test', not {split!r}.")
    files = FILES[:2] if split == "train" else FILES[2:]
    folder = _find(known, root, files)
    if folder is None:
        try:
            folder = _download(known)
        except Unreachable as reason:
            print(
                f"genlib: {known.title} is not at hand ({reason}). Using scikit-learn's digits "
                "instead. For the real set, restart with a network and without GENLIB_OFFLINE, or "
                f"set GENLIB_DATA to a folder with {known.folder}/raw."
            )
            return digits(split, device=device)
    sums = dict(zip(FILES, known.sha256, strict=True))
    images, labels = (parse_idx(_read(folder / f, sums[f]), f) for f in files)
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


def _find(known: _Known, root: str | Path | None, files: tuple[str, ...]) -> Path | None:
    """The first folder that has all `files`, plain or as `.gz`."""
    places = [cache_folder()]
    chosen = root if root is not None else os.environ.get("GENLIB_DATA") or None
    if chosen is not None:
        place = Path(chosen).expanduser()
        if not place.is_dir():
            setting = "GENLIB_DATA" if root is None else "root"
            raise DataError(f"{setting} is {str(place)!r}, which is no folder: correct or omit it.")
        places = [place, *places] if root is None else [place]
    for place in places:
        folder = place / known.folder / "raw"
        if all((folder / f).is_file() or (folder / f"{f}.gz").is_file() for f in files):
            return folder
    if root is not None:
        raise DataError(
            f"{places[0]} has no {known.folder}/raw with {' and '.join(files)} (or these with "
            ".gz). Give the root that torchvision's data sets take, or omit root."
        )
    return None


def _read(path: Path, sha256: str) -> bytes:
    """The file's content, decompressed where only the `.gz` is there, if its checksum is right."""
    if path.is_file():
        content = path.read_bytes()
    else:
        path = path.with_name(f"{path.name}.gz")
        try:
            content = gzip.decompress(path.read_bytes())
        except (EOFError, OSError, zlib.error) as error:
            raise DataError(
                f"{path} cannot be decompressed ({error}). It is truncated or damaged: delete it "
                "and run this again."
            ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(
            f"{path} is damaged: its content ({len(content):,} bytes) has sha256 {found}, "
            f"expected {sha256}. Delete it and run this again; if that gives the same, get it "
            "from another mirror."
        )
    return content


def _download(known: _Known) -> Path:
    """Bring what is missing of the set into the cache; both splits, so that they belong together.

    Raises:
        Unreachable: the network is switched off, or no mirror gave the file.
    """
    if os.environ.get("GENLIB_OFFLINE", "0") not in ("", "0"):
        raise Unreachable("GENLIB_OFFLINE is set")
    if known.name in _given_up:  # do not wait again, and do not mix digits with the real set
        raise Unreachable(_given_up[known.name])
    from genlib.torchvision_compat import import_torchvision  # slow to import, so only here

    published = getattr(import_torchvision("datasets"), known.folder)  # class: mirrors, md5 sums
    folder = cache_folder() / known.folder / "raw"
    print(f"genlib: downloading {known.title} to {folder}")
    for archive, md5 in published.resources:
        target = folder / archive.removesuffix(".gz")
        if target.is_file():
            continue
        try:
            content = gzip.decompress(download(archive, published.mirrors, md5))
        except Unreachable as reason:
            _given_up[known.name] = f"download failed: {reason}"
            raise Unreachable(_given_up[known.name]) from reason
        write_atomically(target, content)
    return folder
