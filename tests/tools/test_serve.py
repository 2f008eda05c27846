"""The local server answers as GitHub Pages would."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tools.serve import served


@pytest.fixture
def home(tmp_path: Path) -> Iterator[str]:
    site = tmp_path / "site"
    (site / "deep").mkdir(parents=True)
    (site / "index.html").write_text("first page")
    (site / "404.html").write_text("nothing here")
    (site / "deep" / "a.js").write_text("let a;" * 500)
    (site / "b.webp").write_bytes(b"RIFF")
    (tmp_path / "secret.txt").write_text("not part of the site")
    with served(site, "/course/") as address:
        yield address


def ask(address: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    try:
        with urlopen(Request(address, headers=headers), timeout=100) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except HTTPError as error:
        return error.code, dict(error.headers), error.read()


def test_text_is_compressed_where_the_browser_asks_for_it(home: str) -> None:
    status, headers, body = ask(home + "deep/a.js?v=1", **{"Accept-Encoding": "gzip, br"})
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Cache-Control"] == "max-age=600"
    assert gzip.decompress(body) == b"let a;" * 500
    assert "Content-Encoding" not in ask(home + "deep/a.js")[1]
    plain = ask(home + "b.webp", **{"Accept-Encoding": "gzip"})
    assert plain[1]["Content-Type"] == "image/webp"
    assert plain[2] == b"RIFF"


def test_a_folder_is_its_first_page(home: str) -> None:
    assert ask(home)[2] == b"first page"


@pytest.mark.parametrize("path", ["gone", "deep", "deep/../../secret.txt", "../other/index.html"])
def test_a_wrong_address_gets_the_page_for_it(home: str, path: str) -> None:
    status, _, body = ask(home + path)
    assert (status, body) == (404, b"nothing here")
