"""The link check finds what is broken and nothing else, and is polite to other people's servers."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nbformat
import pytest

from tests.tools.small_site import write_small_site
from tools.config import Book
from tools.errors import BookError
from tools.links.__main__ import external_links, listing
from tools.links.external import Answer, Manners, check_external
from tools.links.internal import ADDRESS, all_links, broken

QUICK = Manners(timeout=60.0, pause=0.01, patience=0.01)
HURRIED = Manners(timeout=0.3, pause=0.01, patience=0.01)  # where nothing ever answers


@pytest.fixture
def book(tmp_path: Path) -> Book:
    made = write_small_site(tmp_path)
    write_notebook(made, "The words: <https://someone.github.io/small/words.html#term-code>.")
    return made


def write_notebook(book: Book, text: str) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    book.notebooks.mkdir(exist_ok=True)
    nbformat.write(notebook, book.notebooks / "01-first.ipynb")


def found(book: Book) -> list[str]:
    return [str(one) for one in broken(book, book.html, all_links(book, book.html))]


def add(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_a_whole_site_has_no_broken_link(book: Book) -> None:
    assert found(book) == []
    assert len(all_links(book, book.html)) > 15


@pytest.mark.parametrize(
    ("link", "missing"),
    [
        ("chapters/02-gone.html", "no file"),
        ("chapters/01-first.html#gone", "no anchor"),
        ("#gone", "no anchor"),
        ("../../secret.html", "no file"),
        ("https://someone.github.io/small/gone.html", "no file"),
        ("https://github.com/someone/small/blob/main/a.py", "no file 'a.py' of the repository"),
    ],
)  # fmt: skip
def test_a_broken_link_is_named_with_its_page(book: Book, link: str, missing: str) -> None:
    add(book.html / "words.html", f'<a href="{link}">x</a>')
    assert found(book) == [f"words.html: {link} leads to {missing}"]


@pytest.mark.parametrize(
    "link",
    ["mailto:someone@example.org", "chapters/", "https://github.com/someone/small",
     "index.html#how", "https://github.com/someone/small/blob/main/_toc.yml#L1", "https://example.org/gone"],
)  # fmt: skip
def test_a_good_link_is_not_complained_about(book: Book, link: str) -> None:
    (book.html / "chapters" / "index.html").write_text("<!DOCTYPE html><title>Chapters</title>")
    add(book.html / "words.html", f'<a href="{link}">x</a>')
    assert found(book) == []


def test_a_file_outside_the_site_is_not_part_of_it(book: Book) -> None:
    (book.build / "secret.html").write_text("")
    add(book.html / "words.html", '<a href="../secret.html">x</a>')
    assert found(book) == ["words.html: ../secret.html leads to a file outside the site"]


def test_missing_pictures_and_styles_are_found(book: Book) -> None:
    (book.html / "_images" / "moving.svg").unlink()
    add(book.html / "_static" / "style.css", "\np { background: url('gone.woff2') }")
    drawing = book.html / "_images" / "still.svg"
    drawing.write_text(
        drawing.read_text().replace("<rect", '<use href="#gone"/><use href="#box"/><rect')
    )
    assert found(book) == [
        "chapters/01-first.html: ../_images/moving.svg leads to no file",
        "_static/style.css: gone.woff2 leads to no file",
        "_images/still.svg: #gone leads to no anchor",
    ]


def test_links_of_notebooks_are_held_against_the_site(book: Book) -> None:
    write_notebook(
        book,
        "[A](https://someone.github.io/small/words.html#gone), **https://someone.github.io/small/no**"
        " and [B](https://en.wikipedia.org/wiki/Norm_(mathematics)).",
    )
    start = "notebooks/01-first.ipynb: https://someone.github.io/small/"
    assert found(book) == [
        f"{start}words.html#gone leads to no anchor",
        f"{start}no leads to no file",
    ]
    outside = external_links(book, all_links(book, book.html))
    assert "https://en.wikipedia.org/wiki/Norm_(mathematics)" in outside


def test_addresses_end_where_they_end() -> None:
    text = (
        "(see https://example.org/a_(b)), <https://example.org/c> or [d](https://example.org/d#e)"
    )
    assert ADDRESS.findall(text) == [
        "https://example.org/a_(b)", "https://example.org/c", "https://example.org/d#e",
    ]  # fmt: skip


def test_links_that_leave_the_site_are_listed_once(book: Book) -> None:
    add(book.html / "words.html", '<a href="https://example.org/">x</a>')
    text = listing(external_links(book, all_links(book, book.html)))
    assert text == "https://example.org/\n    index.html\n    words.html\n"


def test_a_site_that_is_not_built_is_an_error(book: Book, tmp_path: Path) -> None:
    with pytest.raises(BookError, match="make book"):
        all_links(book, tmp_path / "nowhere")


def run(book: Book, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.links", "--root", str(book.root), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_reports_and_fails(book: Book) -> None:
    good = run(book)
    assert good.returncode == 0, good.stdout + good.stderr
    assert ": 0 broken" in good.stdout
    assert (book.build / "external-links.txt").read_text().startswith("https://example.org/\n")
    add(book.html / "words.html", '<a href="#gone">x</a>')
    bad = run(book)
    assert bad.returncode == 1
    assert "words.html: #gone leads to no anchor" in bad.stdout


# ------------------------------------------------------------------ over the network


class Server(ThreadingHTTPServer):
    """Answers as its path says; notes what was asked, and how much at the same time."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[str] = Counter()
        self.now = self.most = 0
        self.lock = threading.Lock()
        self.stopped = threading.Event()

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        with self.server.lock:
            self.server.asked[f"{self.command} {self.path}"] += 1
            times = self.server.asked[f"{self.command} {self.path}"]
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
        if self.path == "/slow":
            self.server.stopped.wait(60)
        time.sleep(0.02)
        status = {
            "/gone": 404, "/busy": 429, "/forbidden": 403, "/down": 503, "/moved": 301,
            "/get-only": 405 if self.command == "HEAD" else 200,
            "/robots": 403 if self.command == "HEAD" else 200,
            "/flaky": 503 if times == 1 else 200, "/round": 302, "/to-a-file": 302, "/%C3%A9": 200,
            "/é": 404,
        }.get(self.path, 200)  # fmt: skip
        with self.server.lock:
            self.server.now -= 1
        self.send_response(status)
        target = {"/moved": "/ok", "/round": "/round", "/to-a-file": "file:///etc/passwd"}
        if self.path in target:
            self.send_header("Location", target[self.path])
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET = answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.stopped.set()
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ("/ok", "ok"), ("/moved", "ok"), ("/get-only", "ok"), ("/robots", "ok"), ("/flaky", "ok"),
        ("/gone", "broken"), ("/busy", "could not be checked"), ("/down", "could not be checked"),
        ("/forbidden", "could not be checked"), ("/slow", "could not be checked"),
        ("/round", "broken"), ("/to-a-file", "broken"), ("/é", "ok"),
    ],
)  # fmt: skip
def test_what_servers_answer(server: Server, path: str, state: str) -> None:
    manners = HURRIED if path == "/slow" else QUICK
    (answer,) = check_external([server.address(path)], manners)
    assert (answer.address, answer.state) == (server.address(path), state), answer.reason


def test_a_busy_server_is_tried_again_and_a_missing_page_is_not(server: Server) -> None:
    check_external([server.address("/busy"), server.address("/gone")], QUICK)
    assert server.asked["HEAD /busy"] == QUICK.tries
    assert server.asked["HEAD /gone"] == 1
    assert server.asked["GET /gone"] == 1


def test_one_request_at_a_time_per_host_and_one_per_page(server: Server) -> None:
    addresses = [server.address(f"/{page}#part-{part}") for page in range(6) for part in range(3)]
    answers = check_external(addresses, QUICK)
    assert [answer.state for answer in answers] == ["ok"] * 6
    assert sum(server.asked.values()) == 6
    assert server.most == 1


def test_a_server_that_is_not_there_is_broken(server: Server) -> None:
    server.server_close()
    (answer,) = check_external([server.address("/ok")], QUICK)
    assert answer.state == "broken"
    assert "refused" in answer.reason


def test_an_address_that_is_none_is_broken() -> None:
    (answer,) = check_external(["http://[broken/"], QUICK)
    assert answer == Answer("http://[broken/", "broken", answer.reason)
    assert answer.reason


def test_the_command_tries_links_on_request_only(book: Book, server: Server) -> None:
    index = book.html / "index.html"
    index.write_text(index.read_text().replace("https://example.org/", server.address("/gone")))
    assert run(book).returncode == 0
    assert not server.asked
    done = run(book, "--external")
    assert done.returncode == 1
    assert f"broken: {server.address('/gone')} (status 404)\n    index.html" in done.stdout
