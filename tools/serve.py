"""Serve a built site on this machine as GitHub Pages would: compressed, cached, with its 404 page.

`with served(book.html, "/name/") as address:` opens it on a free port, under the site's own path.
"""

from __future__ import annotations

import gzip
import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

# What GitHub Pages compresses; pictures and fonts are compressed already.
COMPRESSED = ("text/", "application/javascript", "application/json", "application/xml", "image/svg")
# Python's own table differs from machine to machine.
TYPES = {
    ".js": "text/javascript", ".webp": "image/webp", ".woff": "font/woff", ".woff2": "font/woff2",
    ".ipynb": "application/json", ".xml": "application/xml",
}  # fmt: skip


def find(site: Path, prefix: str, address: str) -> Path | None:
    """The file of the site that a request asks for; None where there is none.

    Args:
        prefix: the path under which the site stands, with a slash at both ends.
        address: the path of the request, with or without a query.
    """
    path = unquote(urlsplit(address).path)
    if not path.startswith(prefix):
        return None
    asked = (site / path[len(prefix) :]).resolve()
    if not asked.is_relative_to(site.resolve()):
        return None
    if asked.is_dir() and path.endswith("/"):
        asked = asked / "index.html"
    return asked if asked.is_file() else None


def media_type(path: Path) -> str:
    known = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    known = known or "application/octet-stream"
    return f"{known}; charset=utf-8" if known.startswith("text/") else known


@lru_cache(maxsize=256)
def _packed(path: Path, modified: int) -> bytes:
    return gzip.compress(path.read_bytes(), compresslevel=6)


def _handler(site: Path, prefix: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps the connection open
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def _answer(self, *, body: bool) -> None:
            path, status = find(site, prefix, self.path), 200
            if path is None:
                path, status = site / "404.html", 404
            if not path.is_file():
                self.send_error(404)
                return
            kind, content = media_type(path), path.read_bytes()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Cache-Control", "max-age=600")
            self.send_header("Vary", "Accept-Encoding")
            if kind.startswith(COMPRESSED) and "gzip" in self.headers.get("Accept-Encoding", ""):
                content = _packed(path, path.stat().st_mtime_ns)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the caller prints what matters."""

    return Handler


@contextmanager
def served(site: Path, prefix: str = "/") -> Iterator[str]:
    """The address of `site`, served in the background for as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(site, prefix))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{prefix}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
