"""A clean machine for each test, and a small MNIST with a mirror on 127.0.0.1."""

from __future__ import annotations

import gzip
import hashlib
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest

from genlib import torchvision_compat
from genlib.data import download, errors, mnist_sets
from genlib.data.mnist_facts import FILES, MNIST


@pytest.fixture(autouse=True)
def clean_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data set at hand, an empty cache, nothing remembered from other tests."""
    for name in ("GENLIB_DATA", "GENLIB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GENLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(mnist_sets, "_given_up", {})
    monkeypatch.setattr(errors, "_loaded", {})


def idx(array: npt.NDArray[np.integer]) -> bytes:
    """The idx file of a uint8 array."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The four files of a small MNIST (50 and 20 images) whose checksums genlib takes as right."""
    rng = np.random.default_rng(0)
    content = {}
    for part, n in (("train", 50), ("t10k", 20)):
        content[f"{part}-images-idx3-ubyte"] = idx(rng.integers(0, 256, (n, 28, 28)))
        content[f"{part}-labels-idx1-ubyte"] = idx(rng.integers(0, 10, (n,)))
    a, b, c, d = (hashlib.sha256(content[name]).hexdigest() for name in FILES)
    known = replace(MNIST, sha256=(a, b, c, d))
    monkeypatch.setattr(mnist_sets, "MNIST", known)
    return content


@pytest.fixture
def lay() -> Callable[..., Path]:
    """A function that writes files in torchvision's layout and returns the folder `raw`."""

    def write(root: Path, files: dict[str, bytes], *, gz: bool = False) -> Path:
        raw = root / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for name, content in files.items():
            path = raw / (f"{name}.gz" if gz else name)
            path.write_bytes(gzip.compress(content) if gz else content)
        return raw

    return write


@dataclass
class Mirror:
    """A local web server and what it does when it is asked for a file."""

    url: str = ""
    archives: dict[str, bytes] = field(default_factory=dict)
    behaviour: str = "good"  # or "truncated", "wrong", "missing", "stalls", "drips"
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def mirror(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A mirror of the small MNIST, named by the stand-in for torchvision's class."""
    for limit in ("CONNECT_SECONDS", "SILENCE_SECONDS", "SLOW_AFTER"):
        monkeypatch.setattr(download, limit, 100.0)  # a busy machine is no bad mirror
    mirror = Mirror(archives={f"{name}.gz": gzip.compress(c) for name, c in files.items()})
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rsplit("/", 1)[-1]
            mirror.asked.append(name)
            body = mirror.archives[name]
            if mirror.behaviour == "missing":
                self.send_error(404)
                return
            if mirror.behaviour == "wrong":
                body = body[:-1] + bytes([body[-1] ^ 1])
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if mirror.behaviour == "truncated":
                body = body[: len(body) // 2]
            if mirror.behaviour == "stalls":
                self.wfile.write(body[:100])
                stop.wait(300)
                return
            if mirror.behaviour == "drips":
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    if stop.wait(0.05):
                        return
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except OSError:  # the client went away, as some tests want it
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    mirror.url = f"http://127.0.0.1:{server.server_port}/mnist/"
    published = SimpleNamespace(
        mirrors=[mirror.url],
        resources=[(n, hashlib.md5(a).hexdigest()) for n, a in mirror.archives.items()],
    )
    datasets = SimpleNamespace(MNIST=published)
    monkeypatch.setattr(torchvision_compat, "import_torchvision", lambda _: datasets)
    yield mirror
    stop.set()
    server.shutdown()
    server.server_close()
