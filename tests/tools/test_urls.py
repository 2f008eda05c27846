"""Title, author and repository URL stand in `_config.yml`, and every other file agrees."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.config import ROOT, Book, load_book
from tools.errors import BookError
from tools.urls import check, committed, slugs, write


def test_this_repository_agrees_with_its_configuration() -> None:
    assert check(load_book()) == []


def test_everything_derives_from_the_repository_url() -> None:
    url = "https://github.com/someone/a-course/"
    book = Book(ROOT, {"title": "T", "author": "A", "repository": {"url": url, "branch": "dev"}})
    assert book.repository == "https://github.com/someone/a-course"
    assert book.site == "https://someone.github.io/a-course/"
    assert book.colab("notebooks/x.ipynb") == (
        "https://colab.research.google.com/github/someone/a-course/blob/dev/notebooks/x.ipynb"
    )
    assert book.raw("a.svg") == "https://raw.githubusercontent.com/someone/a-course/dev/a.svg"


def test_every_form_of_the_url_is_recognised() -> None:
    text = """https://github.com/a/b.git, https://www.github.com/a/b/issues and
    git+https://github.com/a/b@main https://a.github.io/b/x.html
    https://colab.research.google.com/github/a/b/blob/main/n.ipynb
    https://raw.githubusercontent.com/a/b/main/x.svg https://example.org/a/c"""
    assert [slug for _, slug in slugs(text)] == ["a/b"] * 6
    assert [line for line, _ in slugs(text)] == [1, 1, 2, 2, 3, 4]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A committed folder with the files that name the book."""
    old = load_book()
    (tmp_path / "_config.yml").write_text((ROOT / "_config.yml").read_text())
    words = f"{old.title}\n{old.author}\n{old.repository}\n{old.site}\n"
    for name in ("README.md", "CITATION.cff", "pyproject.toml"):
        (tmp_path / name).write_text(words)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@y", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "--no-verify", "-m", "x"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    return tmp_path


def test_a_change_is_noticed_and_written_everywhere(copy: Path) -> None:
    assert check(load_book(copy)) == []
    config = copy / "_config.yml"
    text = config.read_text()
    old = load_book(copy)
    for before, now in ((old.slug, "new-owner/new-name"), (old.title, "New"), (old.author, "Us")):
        text = text.replace(before, now)
    config.write_text(text)
    book = load_book(copy)
    assert any("README.md:3" in line for line in check(book))
    assert write(book, committed(copy)) == ["CITATION.cff", "README.md", "pyproject.toml"]
    assert check(book) == []
    assert "https://new-owner.github.io/new-name/" in (copy / "README.md").read_text()


def test_another_repository_is_noticed(copy: Path) -> None:
    (copy / "page.md").write_text("see https://github.com/some/fork/issues\n")
    assert any("page.md:1: some/fork" in line for line in check(load_book(copy)))


def test_a_configuration_without_url_is_refused(tmp_path: Path) -> None:
    (tmp_path / "_config.yml").write_text("title: T\nauthor: A\n")
    with pytest.raises(BookError, match="repository: url"):
        load_book(tmp_path)
