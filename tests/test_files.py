"""Atomic writing: the old file or the new one, never half."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from genlib.files import remove_partials, write_atomic


def test_it_writes_makes_folders_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.bin"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "b.bin"
    write_atomic(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_flushed_is_no_failure(tmp_path: Path, monkeypatch) -> None:
    """Network drives refuse it (EINVAL); the file is whole and in its place by then."""
    real = os.fsync

    def only_files(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    write_atomic(tmp_path / "b.bin", b"new")
    assert (tmp_path / "b.bin").read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [tmp_path / "b.bin"]


def test_everything_is_on_the_disk_before_the_old_file_goes(tmp_path: Path, monkeypatch) -> None:
    """First the new bytes are flushed, then the name changes hands, then that is flushed."""
    events: list[str] = []
    path = tmp_path / "b.bin"
    path.write_bytes(b"old")
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        if events == ["file"]:
            assert os.fstat(descriptor).st_size == len(b"a new one")
        real_fsync(descriptor)

    def replace(old: Path, new: Path) -> Path:
        events.append("rename")
        assert path.read_bytes() == b"old"
        return real_replace(old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_atomic(path, b"a new one")
    assert events == ["file", "rename", "folder"]
    assert path.read_bytes() == b"a new one"


def test_only_leftovers_are_removed(tmp_path: Path) -> None:
    for name in (".b.bin.1-2.partial", "b.bin", "b.partial", ".hidden"):
        (tmp_path / name).touch()
    remove_partials(tmp_path)
    remove_partials(tmp_path / "nowhere")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "b.bin", "b.partial"]
