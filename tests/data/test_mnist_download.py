"""Downloads from good, bad, slow and dead mirrors, and what a kill leaves of them."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from genlib.data import DataError, download, fashion_mnist, mnist, mnist_sets, used
from tests.data.small_mnist import is_the_small_mnist

if TYPE_CHECKING:
    from tests.data.conftest import Mirror

Lay = Callable[..., Path]


def test_one_split_alone_is_completed_by_a_download(
    mirror: Mirror, lay: Lay, files: dict[str, bytes], tmp_path: Path
) -> None:
    lay(tmp_path / "cache", {n: files[n] for n in files if n.startswith("train")}, gz=True)
    is_the_small_mnist(files)
    assert mirror.asked == ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]


def test_downloaded_files_can_be_read_by_others(
    mirror: Mirror, files: dict[str, bytes], tmp_path: Path
) -> None:
    is_the_small_mnist(files)
    (tmp_path / "plain").write_bytes(b"")
    usual = (tmp_path / "plain").stat().st_mode
    assert {p.stat().st_mode for p in (tmp_path / "cache/MNIST/raw").iterdir()} == {usual}


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
    ("behaviour", "limit", "reason"),
    [
        ("truncated", None, "broke off after"),
        ("missing", None, "404"),
        ("stalls", "SILENCE_SECONDS", "timed out"),
        ("drips", "SLOW_AFTER", "only .* bytes in"),
    ],
)
def test_a_bad_mirror_gives_digits_and_says_so_soon(
    behaviour: str,
    limit: str | None,
    reason: str,
    mirror: Mirror,
    files: dict[str, bytes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mirror.behaviour = behaviour
    start = time.monotonic()
    with monkeypatch.context() as quick:
        if limit is not None:
            quick.setattr(download, limit, 0.3)
        data = mnist()
    # Such a mirror goes on for five minutes and more.
    assert time.monotonic() - start < 60
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
    mirror.behaviour = "good"
    assert mnist("test").name == "digits"
    monkeypatch.setattr(mnist_sets, "_given_up", {})  # as after a restart
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
    with socket.socket() as silent:  # has its port and does not listen
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        dead = f"http://127.0.0.1:{port}/"
        assert download.download("t10k-labels-idx1-ubyte.gz", [dead, mirror.url], md5) == archive
        with pytest.raises(download.Unreachable, match=f"127.0.0.1:{port}: Connection refused"):
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
import sys, time
from pathlib import Path
from genlib.data import download
if sys.argv[3] == "receiving":
    content = download.download("train-images-idx3-ubyte.gz", [sys.argv[1]], "")
def never(*_):
    print("before the rename", flush=True)
    time.sleep(60)
Path.replace = never
download.keep(Path(sys.argv[2]) / "train-images-idx3-ubyte", bytes(100_000))
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
        until = time.monotonic() + 300  # the child imports torch first
        while not mirror.asked and child.poll() is None and time.monotonic() < until:
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
