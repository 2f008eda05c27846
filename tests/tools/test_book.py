"""The site is built from cached outputs, says what is wrong, and executes only what has changed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tools.book import build
from tools.chapters import chapters, notebook_path
from tools.config import load_book
from tools.errors import BookError

pytestmark = pytest.mark.slow


def built(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.book", "--quiet", "--root", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(executed_minibook: Path, tmp_path: Path) -> Path:
    shutil.copytree(executed_minibook, tmp_path / "book", symlinks=True)
    return tmp_path / "book"


def test_the_page_shows_the_notebooks_outputs(folder: Path) -> None:
    """A mark put into the notebook's output appears on the page: nothing was executed."""
    path = notebook_path(load_book(folder), chapters(load_book(folder))[0])
    path.write_text(path.read_text().replace("tensor([4., 4.])", "tensor([4., 4.]) (cached)"))
    done = built(folder, "--no-execute")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Open {(folder / '_build/html/index.html').as_uri()}" in done.stdout
    page = folder / "_build" / "html" / "chapters" / "01-small.html"
    soup = BeautifulSoup(page.read_text(), "html.parser")
    text = soup.get_text()
    assert "(cached)" in text
    assert "step 2" not in text  # stderr is for the notebook only
    assert "profile smoke" in soup.select_one("p.provenance").get_text()  # type: ignore[union-attr]
    assert soup.select_one("a.colab-button")["href"].endswith("/notebooks/01-small.ipynb")  # type: ignore[index,union-attr]
    image = soup.select_one(".cell_output img")
    assert image is not None
    assert image["alt"] == "Two lines that cross."
    assert not soup.find("script", src=lambda src: src and "fontawesome" in src)


def test_warnings_are_errors(folder: Path) -> None:
    page = folder / "book" / "index.md"
    page.write_text(page.read_text() + "\n{ref}`no-such-label`\n")
    done = built(folder)
    assert done.returncode == 1
    assert "no-such-label" in done.stdout + done.stderr


def test_stale_outputs_are_refused_without_leave_to_execute(folder: Path) -> None:
    path = folder / "book" / "chapters" / "01-small.md"
    path.write_text(path.read_text().replace("range(3)", "range(4)"))
    with pytest.raises(BookError, match="other code"):
        build(load_book(folder), run=False)


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    done = built(tmp_path)
    assert done.returncode == 1
    assert "_config.yml" in done.stderr
