"""What explorers load is made once, made anew when its sources change, and appears whole."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from tools import explorers
from tools.errors import BookError


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two small explorers in place of the real ones; the list says which were asked for files."""
    asked: list[str] = []

    def add(name: str, files: dict[str, bytes]) -> None:
        module = ModuleType(f"tools.explorers.{name}")

        def made() -> dict[str, bytes]:
            asked.append(name)
            return files

        module.files = made  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)

    add("first", {"data/a.js": b"a", "still/first.webp": b"picture"})
    add("second", {"data/a.js": b"a", "data/b.js": b"b"})
    add("third", {"data/a.js": b"another"})
    monkeypatch.setattr(explorers, "parts", lambda: ["first", "second"])
    return asked


def test_files_are_made_once(part: list[str], tmp_path: Path) -> None:
    folder = explorers.make(tmp_path)
    assert (folder / "data" / "b.js").read_bytes() == b"b"
    assert (folder / "still" / "first.webp").read_bytes() == b"picture"
    assert explorers.make(tmp_path) == folder
    assert part == ["first", "second"]


def test_another_source_makes_them_anew(
    part: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = explorers.make(tmp_path)
    (folder / "data" / "old.js").write_bytes(b"left over")
    source = tmp_path / "source.py"
    source.write_text("changed")
    sources = [*explorers._sources()]
    monkeypatch.setattr(explorers, "ROOT", Path("/"))
    monkeypatch.setattr(explorers, "_sources", lambda: [*sources, source])
    explorers.make(tmp_path)
    assert part == ["first", "second"] * 2
    assert not (folder / "data" / "old.js").exists()


def test_two_explorers_may_not_make_the_same_file(
    part: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = explorers.make(tmp_path)
    monkeypatch.setattr(explorers, "parts", lambda: ["first", "third"])
    monkeypatch.setattr(explorers, "_fingerprint", lambda: "another")
    with pytest.raises(BookError, match=r"two explorers make data/a\.js"):
        explorers.make(tmp_path)
    assert (folder / "data" / "b.js").is_file(), "what was there stays"


def test_every_real_part_has_files() -> None:
    names = explorers.parts()
    assert "latent_map" in names
    assert not [name for name in names if name.startswith("_")]
