"""The files in a folder or a zip, in a fixed order, with nothing unpacked to disk."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from genlib.data.errors import DataError

IMAGE_ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
ARCHIVE_ENDINGS = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
MAX_FILE_BYTES = 200_000_000  # of one file, unpacked
MAX_TOTAL_BYTES = 50_000_000_000  # of all files in a zip, unpacked
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile unpacks others without any bound


@dataclass(frozen=True)
class Entry:
    """One file: its name within the folder or zip, and how to get its bytes."""

    name: str
    read: Callable[[], bytes]


@contextmanager
def image_entries(path: Path) -> Iterator[list[Entry]]:
    """The image files under `path` (a folder, recursively, or a zip), sorted by name.

    An image file is one with an ending of `IMAGE_ENDINGS`. Hidden files and folders (`.name`) and
    macOS's `__MACOSX` are passed over; links to folders are not followed.

    Raises:
        DataError: `path` is neither, the zip is damaged or unsafe, or there are no images.
    """
    if path.is_dir():
        entries = list(_folder_entries(path))
        yield _checked(path, entries)
    elif path.is_file():
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise DataError(
                f"{path} is no readable zip ({error}). Give a folder or a zip of images; if it was "
                "a download, get it again."
            ) from error
        with archive:
            _refuse_unsafe(path, archive.infolist())
            entries = [
                Entry(info.filename, partial(_read_member, archive, info))
                for info in archive.infolist()
                if not info.is_dir()
            ]
            yield _checked(path, entries)
    else:
        raise DataError(f"there is no {path}. Give the path of a folder or a zip of images.")


def _folder_entries(folder: Path) -> Iterator[Entry]:
    for root, _, names in os.walk(folder):
        for name in names:
            file = Path(root, name)
            yield Entry(file.relative_to(folder).as_posix(), partial(_read_file, file))


def _read_file(file: Path) -> bytes:
    if file.stat().st_size > MAX_FILE_BYTES:
        raise DataError(f"{file} has more than {MAX_FILE_BYTES:,} bytes. Take it out.")
    return file.read_bytes()


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of a zip's entry, with memory for no more than it declares.

    `archive.read` would unpack all that is there before cutting it. Given a number, zipfile
    unpacks that many bytes and returns no more than declared; what is longer then has the wrong
    checksum.

    Raises:
        BadZipFile: the entry is damaged, or its size or checksum is not the declared one.
    """
    with archive.open(info) as file:
        return file.read(info.file_size + 1)


def _checked(path: Path, entries: list[Entry]) -> list[Entry]:
    images = [entry for entry in entries if _is_image(entry.name)]
    if not images:
        raise DataError(
            f"{path} has no images ({len(entries)} other files). Accepted endings: "
            f"{' '.join(IMAGE_ENDINGS)}."
        )
    return sorted(images, key=lambda entry: entry.name)


def _is_image(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return not hidden and name.lower().endswith(IMAGE_ENDINGS)


def _refuse_unsafe(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    """Refuse a zip that tries tricks, by what it declares: `_read_member` reads no more."""
    for info in infos:
        if reason := _unsafe(info):
            raise DataError(f"{path}: entry {info.filename!r} {reason}. Make a plain zip anew.")
    total = sum(info.file_size for info in infos)
    if total > MAX_TOTAL_BYTES:
        raise DataError(
            f"{path} would unpack to {total:,} bytes; at most {MAX_TOTAL_BYTES:,} are accepted. "
            "Split it, or make the images smaller."
        )


def _unsafe(info: zipfile.ZipInfo) -> str:
    """Why the entry is refused, or an empty string."""
    name = info.orig_filename.replace("\\", "/")  # as written: zipfile tidies `filename`
    if name.startswith("/") or name[1:2] == ":":
        return "has an absolute path"
    if ".." in name.split("/"):
        return "has '..' in its path"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a symbolic link"
    if info.flag_bits & 0x1:
        return "is encrypted"
    if info.compress_type not in METHODS:
        return "is compressed by another method than deflate"
    if name.lower().endswith(ARCHIVE_ENDINGS):
        return "is an archive within the archive"
    if info.file_size > MAX_FILE_BYTES:
        return f"would unpack to {info.file_size:,} bytes (limit {MAX_FILE_BYTES:,})"
    return ""
