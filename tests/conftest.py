"""Fixtures for every test: the repository's root, and a small book to try the tools on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tools.chapters import chapters
from tools.config import load_book
from tools.notebooks import write_chapter

ROOT = Path(__file__).resolve().parent.parent

# Hypothesis's own settings for automatic runs, here for every run: the same examples each time, and
# no limit to the milliseconds that one may take, which a busy machine would not keep.
settings.load_profile("ci")


@pytest.fixture(scope="session", autouse=True)
def progress_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Checks note what passes: not in the account of whoever runs the tests."""
    before = os.environ.get("GENLIB_PROGRESS")
    os.environ["GENLIB_PROGRESS"] = str(tmp_path_factory.mktemp("progress"))
    yield
    if before is None:
        del os.environ["GENLIB_PROGRESS"]
    else:
        os.environ["GENLIB_PROGRESS"] = before


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


def copy_minibook(folder: Path) -> Path:
    """The small book of `tests/tools/minibook` with the real settings, extension and genlib."""
    shutil.copytree(ROOT / "tests" / "tools" / "minibook", folder, dirs_exist_ok=True)
    shutil.copyfile(ROOT / "_config.yml", folder / "_config.yml")
    shutil.copytree(ROOT / "book" / "_ext", folder / "book" / "_ext")
    for name in ("vendor", "img"):
        target = folder / "book" / "_static" / name
        shutil.copytree(ROOT / "book" / "_static" / name, target, dirs_exist_ok=True)
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
