"""image_folder: what it accepts, converts, skips and refuses. All files are made here."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genlib.data import DataError, folder, image_folder, used
from tests.data.pictures import BLUE, GREEN, RED, plain, png, zipped


def colours(images: torch.Tensor) -> list[tuple[int, ...]]:
    """The colour of each image's first pixel."""
    return [tuple(image[:, 0, 0].tolist()) for image in images]


def test_a_folder_is_read_in_order_of_names(tmp_path: Path) -> None:
    plain(tmp_path / "set/b.png", GREEN)
    plain(tmp_path / "set/sub/c.PNG", BLUE)
    plain(tmp_path / "set/a.png", RED)
    (tmp_path / "set/notes.txt").write_text("not an image")
    for name in (".hidden.png", "__MACOSX/._a.png", ".cache/x.png"):
        plain(tmp_path / "set" / name)
    data = image_folder(tmp_path / "set")
    assert data.shape == (3, 6, 8)
    assert colours(data.images) == [RED, GREEN, BLUE]
    assert (data.name, data.split, used()) == ("set", "all", ("set",))


def test_a_zip_gives_the_same_as_its_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    entries = {}
    (tmp_path / "set").mkdir()
    for i in range(5):
        out = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)).save(out, "jpeg")
        (tmp_path / f"set/{i}.jpg").write_bytes(out.getvalue())
        entries[f"{i}.jpg"] = out.getvalue()
    backwards = dict(reversed(entries.items())) | {"__MACOSX/._0.jpg": b"resource fork"}
    before = sorted(tmp_path.rglob("*"))
    from_zip = image_folder(zipped(tmp_path / "set.zip", backwards)).images
    assert torch.equal(from_zip, image_folder(tmp_path / "set").images)
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "set.zip"])  # none unpacked


def test_a_relative_path_is_looked_up_in_genlib_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain(tmp_path / "home/cats/a.png")
    monkeypatch.setenv("GENLIB_DATA", str(tmp_path / "home"))
    assert len(image_folder("cats")) == 1


def test_size_takes_the_middle_square_without_aliasing(tmp_path: Path) -> None:
    stripes = np.zeros((64, 128, 3), np.uint8)
    stripes[:, 32:96] = np.where(np.arange(64)[None, :, None] % 2, 255, 0)
    (tmp_path / "set").mkdir()
    Image.fromarray(stripes).save(tmp_path / "set/stripes.png")
    plain(tmp_path / "set/tall.png", GREEN, (10, 50))
    data = image_folder(tmp_path / "set", size=16)
    assert data.shape == (3, 16, 16)
    middle = data.images[0, :, 2:-2, 2:-2].float()
    assert (middle - 127.5).abs().max() < 12  # one-pixel stripes become grey, not noise
    assert colours(data.images)[1] == GREEN


def test_mixed_sizes_are_named_with_the_remedy(tmp_path: Path) -> None:
    plain(tmp_path / "set/a.png")
    plain(tmp_path / "set/b.png", size=(5, 4))
    with pytest.raises(DataError, match=r"a\.png is 8x6, b\.png is 5x4.*size=64"):
        image_folder(tmp_path / "set")


def test_other_kinds_of_pixels_are_converted(tmp_path: Path) -> None:
    home = tmp_path / "set"
    home.mkdir()
    Image.new("CMYK", (8, 6), (0, 255, 255, 0)).save(home / "a.jpg", quality=100)
    Image.new("RGB", (8, 6), GREEN).quantize(4).save(home / "b.png")
    Image.new("RGBA", (8, 6), (0, 0, 0, 0)).save(home / "c.png")
    Image.new("LA", (8, 6), (0, 255)).save(home / "d.png")
    Image.fromarray(np.full((6, 8), 65535, np.uint16)).save(home / "e.png")
    Image.fromarray(np.full((6, 8), 257 * 100, np.uint16)).save(home / "f.tif")
    Image.new("1", (8, 6), 1).save(home / "g.png")
    see_through = Image.new("P", (8, 6), 0)
    see_through.putpalette([0, 0, 255])
    see_through.save(home / "h.png", transparency=0)
    white = (255, 255, 255)
    expected = [RED, GREEN, white, (0, 0, 0), white, (100, 100, 100), white, white]
    found = torch.tensor(colours(image_folder(home).images))
    assert (found - torch.tensor(expected)).abs().max() <= 3  # JPEG's rounding
    grey = image_folder(home, channels=1)
    assert grey.shape == (1, 6, 8)
    assert abs(int(grey.images[1, 0, 0, 0]) - 150) <= 1  # 0.587 * 255


def test_exif_orientation_is_followed(tmp_path: Path) -> None:
    image = Image.new("RGB", (8, 6), RED)
    image.paste(BLUE, (4, 0, 8, 6))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it rotated by 90 degrees clockwise
    (tmp_path / "set").mkdir()
    image.save(tmp_path / "set/a.jpg", exif=exif, quality=100)
    data = image_folder(tmp_path / "set")
    assert data.shape == (3, 8, 6)
    assert data.images[0, 0, 0, 0] > 200  # red above
    assert data.images[0, 2, -1, 0] > 200  # blue below


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        (
            "moving.gif",
            lambda p: Image.new("L", (8, 6)).save(
                p, save_all=True, append_images=[Image.new("L", (8, 6), 255)]
            ),
            "moving.gif has 2 frames: animations",
        ),
        (
            "float.tif",
            lambda p: Image.fromarray(np.zeros((6, 8), np.float32)).save(p),
            r"float.tif has 32 bits per pixel \(mode F\)",
        ),
    ],
)
def test_what_has_no_rule_is_refused_by_name(
    name: str, make: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    plain(tmp_path / "set/a.png")
    make(tmp_path / "set" / name)
    with pytest.raises(DataError, match=message):
        image_folder(tmp_path / "set")


def test_too_many_pixels_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_PIXELS", 100)
    plain(tmp_path / "set/big.png", size=(11, 10))
    with pytest.raises(DataError, match=r"big\.png \(declares 11x10 pixels, over 100\)"):
        image_folder(tmp_path / "set")
    monkeypatch.setattr(folder, "MAX_PIXELS", 1000)
    monkeypatch.setattr(folder, "MAX_MEMORY", 100)
    with pytest.raises(DataError, match=r"images of 11x10 take more than.*size=64"):
        image_folder(tmp_path / "set")


def saved(ending: str) -> bytearray:
    out = io.BytesIO()
    Image.new("RGB", (8, 6), GREEN).save(out, ending)
    return bytearray(out.getvalue())


def tiff_with_a_second_page_beyond_its_end() -> bytes:
    content = saved("tiff")
    tags = content[8]  # of the first page, 12 bytes each; then where the next page lies
    content[10 + 12 * tags : 14 + 12 * tags] = (0xF3000000).to_bytes(4, "little")
    return bytes(content)


def bmp_of_a_billion_pixels() -> bytes:
    content = saved("bmp")
    content[18:22] = (200_000_000).to_bytes(4, "little")  # the width
    return bytes(content)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # Pillow's, about x.tif
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.tif", tiff_with_a_second_page_beyond_its_end(), "Missing dimensions"),  # a TypeError
        ("x.bmp", bmp_of_a_billion_pixels(), "Image size .1200000000 pixels. exceeds"),
        ("x.png", png()[:-30], "truncated"),
        ("x.jpg", b"text", "begins like no image format"),
        ("x.gif", b"", "begins like no image format"),
    ],
)
def test_one_damaged_file_is_skipped_with_its_reason(
    name: str, content: bytes, reason: str, tmp_path: Path
) -> None:
    path = zipped(tmp_path / "a.zip", {**{f"{i:03}.png": png() for i in range(99)}, name: content})
    with pytest.warns(UserWarning, match=rf"1 of 100 files.*: {name} \(.*{reason}.*They are skip"):
        assert len(image_folder(path)) == 99
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"none of the 1 files.*{name} \(.*{reason}"):
        image_folder(tmp_path / "set")


def test_no_damage_to_a_byte_gives_another_error(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    rng = np.random.default_rng(0)
    for ending in ("tiff", "gif", "bmp", "webp"):
        for _ in range(100):
            content = saved(ending)
            content[rng.integers(len(content))] = rng.integers(256)
            (tmp_path / f"set/x.{ending}").write_bytes(content)
            with warnings.catch_warnings(), contextlib.suppress(DataError):
                warnings.simplefilter("ignore")
                image_folder(tmp_path / "set", size=8)
        (tmp_path / f"set/x.{ending}").unlink()


def test_one_in_a_hundred_may_be_unreadable(tmp_path: Path) -> None:
    good = png()
    entries = {f"{i:03}.png": good for i in range(199)}
    zipped(tmp_path / "a.zip", {**entries, "100.png": good[: len(good) // 2]})
    with pytest.warns(
        UserWarning, match=r"1 of 199 files.*100\.png \(.*\)\. They are skipped"
    ) as caught:
        assert len(image_folder(tmp_path / "a.zip")) == 198
    assert len(caught) == 1
    zipped(tmp_path / "b.zip", {**entries, "007.png": b"", "008.png": b"text"})
    with pytest.raises(DataError, match=r"2 of 199.*007\.png \(.*; 008\.png \(.*\)\. That is over"):
        image_folder(tmp_path / "b.zip")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(image_folder(zipped(tmp_path / "c.zip", entries))) == 199


def test_a_zip_entry_with_a_wrong_checksum_is_unreadable(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.png": png()})
    content = path.read_bytes()
    path.write_bytes(content.replace(b"IDAT", b"IDAX"))
    with pytest.raises(DataError, match=r"none of the 1 files.*a\.png"):
        image_folder(path)


def test_nothing_to_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/read.me").write_text("")
    with pytest.raises(DataError, match=r"empty has no images \(1 other files\).*\.png"):
        image_folder(tmp_path / "empty")
    with pytest.raises(DataError, match=r"there is no .*nowhere"):
        image_folder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="channels is 4"):
        image_folder(tmp_path, channels=4)
    with pytest.raises(ValueError, match="size is 0"):
        image_folder(tmp_path, size=0)


REAL = Path(os.environ.get("GENLIB_DATA", "."), "faces/anime_faces_64.zip")


@pytest.mark.skipif(not REAL.is_file(), reason="GENLIB_DATA has no faces")
def test_a_large_zip() -> None:
    data = image_folder(REAL)
    assert (len(data), data.shape) == (14_709, (3, 64, 64))
