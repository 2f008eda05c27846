"""Look-up, checks and fallback of the 28x28 sets, on a small stand-in for MNIST."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from genlib.data import DataError, fashion_mnist, mnist, used
from tests.data.small_mnist import is_the_small_mnist

Lay = Callable[..., Path]


@pytest.mark.parametrize("gz", [False, True])
def test_found_in_genlib_data(
    lay: Lay,
    gz: bool,
    files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lay(tmp_path / "mine", files, gz=gz)
    monkeypatch.setenv("GENLIB_DATA", str(tmp_path / "mine"))
    is_the_small_mnist(files)


def test_found_in_the_cache_and_in_a_root(
    lay: Lay,
    files: dict[str, bytes],
    tmp_path: Path,
) -> None:
    lay(tmp_path / "cache", files)
    is_the_small_mnist(files)
    lay(tmp_path / "torchvision", files)
    assert len(mnist("test", root=tmp_path / "torchvision")) == 20


def test_genlib_data_comes_before_the_cache(
    lay: Lay,
    files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lay(tmp_path / "mine", files)
    lay(tmp_path / "cache", {name: b"damaged" for name in files})
    monkeypatch.setenv("GENLIB_DATA", str(tmp_path / "mine"))
    is_the_small_mnist(files)


def test_folders_that_are_not_there_are_named(
    files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(
        DataError, match=r"MNIST.raw lacks train-images.* all four files \(root is given"
    ):
        mnist(root=tmp_path)
    monkeypatch.setenv("GENLIB_DATA", str(tmp_path / "typo"))
    with pytest.raises(DataError, match=r"GENLIB_DATA is '.*typo', which is no folder"):
        mnist()
    with pytest.raises(ValueError, match="'train' and 'test', not 'valid'"):
        mnist("valid")


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_file_is_named_with_both_sums(
    lay: Lay,
    damage: str,
    files: dict[str, bytes],
    tmp_path: Path,
) -> None:
    path = lay(tmp_path / "cache", files) / "train-images-idx3-ubyte"
    good = path.read_bytes()
    path.write_bytes(good[:-1] if damage == "truncated" else good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(DataError) as caught:
        mnist()
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    for part in (str(path), found, hashlib.sha256(good).hexdigest(), "Delete it"):
        assert part in str(caught.value)
    assert len(mnist("test")) == 20  # the other split is whole


def test_a_truncated_gz_is_named(lay: Lay, files: dict[str, bytes], tmp_path: Path) -> None:
    path = lay(tmp_path / "cache", files, gz=True) / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"labels-idx1-ubyte.gz cannot be decompressed .*delete"):
        mnist("test")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_named(
    lay: Lay, files: dict[str, bytes], tmp_path: Path
) -> None:
    path = lay(tmp_path / "cache", files) / "train-labels-idx1-ubyte"
    path.chmod(0)
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte cannot be read .*read access"):
        mnist()


def test_a_read_that_fails_is_named(
    lay: Lay, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path / "cache", files)

    def fail(_: Path) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte cannot be read \(Input/output"):
        mnist()


@pytest.mark.parametrize("place", ["mine", "cache"])
def test_one_split_alone_is_an_error_not_half_digits(
    place: str, lay: Lay, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = lay(tmp_path / place, {n: c for n, c in files.items() if n.startswith("train")})
    if place == "mine":
        monkeypatch.setenv("GENLIB_DATA", str(tmp_path / "mine"))
    monkeypatch.setenv("GENLIB_OFFLINE", "1")
    for split in ("train", "test", "train"):
        with pytest.raises(DataError) as caught:
            mnist(split)
        missing = "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte"
        for part in (f"{raw} lacks {missing} ", "GENLIB_OFFLINE is set", "copy the files there"):
            assert part in str(caught.value)
    with pytest.raises(DataError, match="lacks t10k-images"):
        mnist("train", root=tmp_path / place)
    assert used() == ()


def test_digits_stay_digits_when_the_files_arrive_in_between(
    lay: Lay, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENLIB_OFFLINE", "1")
    assert mnist("train").name == "digits"
    lay(tmp_path / "cache", files)  # as another process's download would
    assert mnist("test").name == "digits"
    assert mnist("test", root=tmp_path / "cache").name == "mnist"  # asked for by name


REAL = os.environ.get("GENLIB_DATA")


@pytest.mark.skipif(not REAL, reason="GENLIB_DATA is not set")
def test_the_real_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLIB_DATA", str(REAL))
    monkeypatch.setenv("GENLIB_OFFLINE", "1")
    for load, mean in ((fashion_mnist, 0.2860), (mnist, 0.1307)):
        train, test = load("train"), load("test")
        assert (len(train), len(test)) == (60_000, 10_000)
        assert abs(float(train.images.double().mean()) / 255 - mean) < 5e-5
        assert test.labels is not None
        assert bool((test.labels.bincount(minlength=10) > 800).all())
