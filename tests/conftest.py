"""Fixtures for every test: the repository's root, and a small book to try the tools on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools.chapters import chapters
from tools.config import load_book
from tools.notebooks import write_chapter

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


def copy_minibook(folder: Path) -> Path:
    """The small book of `tests/tools/minibook` with the real settings, extension and genlib."""
    shutil.copytree(ROOT / "tests" / "tools" / "minibook", folder, dirs_exist_ok=True)
    shutil.copyfile(ROOT / "_config.yml", folder / "_config.yml")
    shutil.copytree(ROOT / "book" / "_ext", folder / "book" / "_ext")
    shutil.copytree(ROOT / "book" / "_static" / "vendor", folder / "book" / "_static" / "vendor")
    (folder / "genlib").symlink_to(ROOT / "genlib", target_is_directory=True)
    return folder


@pytest.fixture
def minibook(tmp_path: Path) -> Path:
    return copy_minibook(tmp_path / "minibook")


@pytest.fixture(scope="session")
def executed_minibook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small book with its notebook executed, once per process. Copy it to change it."""
    folder = copy_minibook(tmp_path_factory.mktemp("executed") / "minibook")
    book = load_book(folder)
    for chapter in chapters(book):
        write_chapter(book, chapter, run=True, profile="smoke")
    return folder
