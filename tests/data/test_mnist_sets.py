"""Look-up, download, checks and fallback of the 28x28 sets, on a small stand-in for MNIST."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from genlib.data import DataError, download, fashion_mnist, mnist, mnist_sets, used

if TYPE_CHECKING:
    from tests.data.conftest import Mirror

Lay = Callable[..., Path]


def is_the_small_mnist(files: dict[str, bytes]) -> None:
    for split, part, n in (("train", "train", 50), ("test", "t10k", 20)):
        data = mnist(split)
        assert data.name == "mnist"
        assert data.split == split
        assert data.shape == (1, 28, 28)
        assert data.images.numpy().tobytes() == files[f"{part}-images-idx3-ubyte"][16:]
        assert data.labels is not None
        assert data.labels.tolist() == list(files[f"{part}-labels-idx1-ubyte"][8:])
        assert len(data) == n
    assert used() == ("MNIST",)


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
    with pytest.raises(DataError, match="no MNIST/raw with train-images"):
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
    for part in (str(path), found, mnist_sets._MNIST.sha256[0], "Delete it"):
        assert part in str(caught.value)
    assert len(mnist("test")) == 20  # the other split is whole


def test_a_truncated_gz_is_named(lay: Lay, files: dict[str, bytes], tmp_path: Path) -> None:
    path = lay(tmp_path / "cache", files, gz=True) / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"labels-idx1-ubyte.gz cannot be decompressed .*delete"):
        mnist("test")


def test_download_keeps_checked_files_only_and_only_once(
    mirror: Mirror, files: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    is_the_small_mnist(files)
    assert mirror.asked == list(mirror.archives)  # each file once, for both splits
    assert sorted(p.name for p in (tmp_path / "cache/MNIST/raw").iterdir()) == sorted(files)
    assert capsys.readouterr().out.count("downloading MNIST") == 1


def test_download_brings_only_what_is_missing(
    lay: Lay,
    mirror: Mirror,
    files: dict[str, bytes],
    tmp_path: Path,
) -> None:
    lay(tmp_path / "cache", {"train-images-idx3-ubyte": files["train-images-idx3-ubyte"]})
    is_the_small_mnist(files)
    assert "train-images-idx3-ubyte.gz" not in mirror.asked
    assert len(mirror.asked) == 3


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("truncated", "broke off after"),
        ("missing", "404"),
        ("stalls", "timed out"),
        ("drips", "only .* bytes in"),
    ],
)
def test_a_bad_mirror_gives_digits_and_says_so_soon(
    behaviour: str,
    reason: str,
    mirror: Mirror,
    files: dict[str, bytes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(download, "SILENCE_SECONDS", 0.3)
    monkeypatch.setattr(download, "SLOW_AFTER", 0.3)
    mirror.behaviour = behaviour
    start = time.monotonic()
    data = mnist()
    assert time.monotonic() - start < 5
    assert data.name == "digits"
    assert data.shape == (1, 28, 28)
    assert used() == ("scikit-learn digits",)
    line = [li for li in capsys.readouterr().out.splitlines() if "not at hand" in li]
    assert len(line) == 1
    assert re.search(reason, line[0])
    assert "scikit-learn's digits" in line[0]
    assert "GENLIB_DATA" in line[0]
    assert not list((tmp_path / "cache").rglob("*ubyte*"))  # nothing half-finished is left

    asked = len(mirror.asked)
    assert mnist("test").name == "digits"  # both splits of one kind, and no second wait
    assert len(mirror.asked) == asked
    monkeypatch.setattr(mnist_sets, "_given_up", {})  # as after a restart
    mirror.behaviour = "good"
    assert [len(mnist("train")), len(mnist("test"))] == [50, 20]


def test_a_wrong_checksum_is_an_error_that_names_both(mirror: Mirror, tmp_path: Path) -> None:
    mirror.behaviour = "wrong"
    with pytest.raises(DataError) as caught:
        mnist()
    message = str(caught.value)
    assert f"{mirror.url}train-images-idx3-ubyte.gz has md5" in message
    assert "expected" in message
    assert "try again" in message
    assert not list((tmp_path / "cache").rglob("*ubyte*"))


def test_the_next_mirror_is_asked(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = mirror.archives["t10k-labels-idx1-ubyte.gz"]
    md5 = hashlib.md5(archive).hexdigest()
    dead = "http://127.0.0.1:9/"  # the discard port: nobody listens
    assert download.download("t10k-labels-idx1-ubyte.gz", [dead, mirror.url], md5) == archive
    with pytest.raises(download.Unreachable, match=r"127.0.0.1:9: Connection refused"):
        download.download("t10k-labels-idx1-ubyte.gz", [dead], md5)


def test_a_host_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: time.sleep(5))
    with pytest.raises(download.Unreachable, match="no answer within"):
        download.download("file", ["http://somewhere.invalid/"], "")


def test_offline_asks_nobody(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GENLIB_OFFLINE", "1")
    assert mnist().name == "digits"
    assert fashion_mnist().name == "digits"
    out = capsys.readouterr().out
    assert "MNIST is not at hand (GENLIB_OFFLINE is set)" in out
    assert len(out.splitlines()) == 2
    assert mirror.asked == []


def test_a_cache_that_cannot_be_written_is_named(
    mirror: Mirror,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GENLIB_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot write .* set GENLIB_CACHE"):
        mnist()


KILLED = """
import os, sys, time
from pathlib import Path
from genlib.data import download
if sys.argv[3] == "receiving":
    content = download.download("train-images-idx3-ubyte.gz", [sys.argv[1]], "")
def never(*_):
    print("before the rename", flush=True)
    time.sleep(60)
os.replace = never
download.write_atomically(Path(sys.argv[2]) / "train-images-idx3-ubyte", bytes(100_000))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("moment", ["receiving", "writing"])
def test_kill_9_leaves_nothing_that_passes_for_data(
    moment: str,
    mirror: Mirror,
    files: dict[str, bytes],
    tmp_path: Path,
) -> None:
    mirror.behaviour = "stalls"
    folder = tmp_path / "cache/MNIST/raw"
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, mirror.url, str(folder), moment], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    if moment == "writing":
        child.stdout.readline()
    else:
        for _ in range(400):
            if mirror.asked:
                break
            time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert mirror.asked or moment == "writing"
    assert not (folder / "train-images-idx3-ubyte").exists()
    partial = list(folder.glob("*.partial"))
    assert len(partial) == (1 if moment == "writing" else 0)
    for leftover in partial:  # is cleared away once it is old
        os.utime(leftover, (0, 0))
    mirror.behaviour = "good"
    is_the_small_mnist(files)
    assert not list(folder.glob("*.partial"))


def test_cache_folder_follows_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    assert download.cache_folder() == Path(os.environ["GENLIB_CACHE"])
    monkeypatch.delenv("GENLIB_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    monkeypatch.setenv("LOCALAPPDATA", "/w")
    for platform, folder in {
        "linux": Path("/x/genlib"),
        "darwin": Path.home() / "Library/Caches/genlib",
        "win32": Path("/w/genlib"),
    }.items():
        monkeypatch.setattr(sys, "platform", platform)
        assert download.cache_folder() == folder


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
