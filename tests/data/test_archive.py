"""image_folder on zips that are damaged, play tricks or lie. All are made here."""

from __future__ import annotations

import stat
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from genlib.data import DataError, archive, image_folder
from tests.data.pictures import plain, png, zipped


def test_a_truncated_zip_is_named(tmp_path: Path) -> None:
    path = zipped(tmp_path / "half.zip", {f"{i}.png": png() for i in range(9)})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"half\.zip is no readable zip.*get it again"):
        image_folder(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../a.png", r"has '\.\.' in its path"),
        ("x/../../a.png", r"has '\.\.' in its path"),
        ("..\\a.png", r"has '\.\.' in its path"),
        ("/etc/a.png", "has an absolute path"),
        ("C:\\a.png", "has an absolute path"),
        ("more.zip", "is an archive within the archive"),
        ("more.tar.gz", "is an archive within the archive"),
    ],
)
def test_path_tricks_and_nesting_are_refused(name: str, reason: str, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("x")
    info.filename = name  # past the constructor, which would tidy it
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("good.png", png())
        out.writestr(info, png())
    with pytest.raises(DataError, match=f"entry .* {reason}"):
        image_folder(tmp_path / "a.zip")


def test_links_and_encryption_in_a_zip_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match=r"'link\.png' is a symbolic link"):
        image_folder(tmp_path / "a.zip")
    content = bytearray(zipped(tmp_path / "b.zip", {"a.png": png()}).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the central directory's flag
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"'a\.png' is encrypted"):
        image_folder(tmp_path / "b.zip")


def test_absurd_sizes_are_refused_before_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "a.zip", {"a.png": png(), "b.png": png()})
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 100)
    with pytest.raises(DataError, match=r"would unpack to .* bytes; at most 100"):
        image_folder(path)
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 50)
    with pytest.raises(DataError, match=r"'a\.png' would unpack to"):
        image_folder(path)
    plain(tmp_path / "set/a.png")
    with pytest.raises(DataError, match=r"a\.png has more than 50 bytes"):
        image_folder(tmp_path / "set")


def test_a_zip_that_lies_about_its_size_is_not_believed(tmp_path: Path) -> None:
    """An entry of 300 MB that declares 1,000 bytes is read no further, and so is unreadable."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out, out.open("a.png", "w") as member:
        for _ in range(300):
            member.write(bytes(1_000_000))
    declared = (300_000_000).to_bytes(4, "little")
    content = path.read_bytes()
    assert content.count(declared) == 2  # before the entry and in the directory
    path.write_bytes(content.replace(declared, (1_000).to_bytes(4, "little")))
    del content
    plain(tmp_path / "set/a.png")
    image_folder(tmp_path / "set")  # what is imported on first use is not counted below
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"none of the 1 files.*a\.png \(Bad CRC-32"):
            image_folder(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(method: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as out:
        out.writestr("a.png", png())
    with pytest.raises(DataError, match=r"'a\.png' is compressed by another method than deflate"):
        image_folder(tmp_path / "a.zip")
