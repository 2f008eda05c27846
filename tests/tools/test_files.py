"""A file is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.files import write_atomically


def test_writes_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file.ipynb"
    write_atomically(target, "one\n")
    write_atomically(target, "two\n")
    assert target.read_bytes() == b"two\n"
    assert os.listdir(target.parent) == ["file.ipynb"]


@pytest.mark.parametrize("interruption", [OSError, KeyboardInterrupt])
def test_an_interruption_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    target = tmp_path / "file.ipynb"
    target.write_text("old")

    def fail(*_: object) -> None:
        raise interruption

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(interruption):
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.ipynb"]
