"""The table and the thresholds of `make lighthouse`, and what it says without its programs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools import lighthouse
from tools.chapters import chapters
from tools.config import load_book
from tools.errors import BookError
from tools.lighthouse import THRESHOLDS, install, pages, score, table


def report(**values: float | None) -> dict[str, object]:
    scores: dict[str, Any] = {name: 1.0 for name in THRESHOLDS} | {
        name.replace("_", "-"): value for name, value in values.items()
    }
    return {
        "categories": {name: {"score": value} for name, value in scores.items()},
        "environment": {"benchmarkIndex": 1234.5},
    }


def test_the_median_counts() -> None:
    found = score("a.html", [report(performance=p) for p in (0.95, 0.7, 0.91)])
    assert found.medians == {
        "performance": 91, "accessibility": 100, "best-practices": 100, "seo": 100
    }  # fmt: skip
    assert found.spread["performance"] == (70, 95)
    assert found.below == []
    assert "performance 70 to 95, machine 1234 to 1234" in table([found])


@pytest.mark.parametrize(("name", "least"), THRESHOLDS.items())
def test_a_score_below_its_threshold_is_told(name: str, least: int) -> None:
    assert score("a.html", [report(**{name: least / 100})]).below == []
    below = score("a.html", [report(**{name: least / 100 - 0.01})])
    assert below.below == [name]
    assert f"{least - 1}!" in table([below])
    assert "!" not in table([score("a.html", [report()])])


def test_the_table_has_a_row_for_each_page_and_the_thresholds() -> None:
    rows = table([score("a.html", [report()]), score("chapters/b.html", [report()])]).splitlines()
    assert [row.split()[0] for row in rows] == ["page", "a.html", "chapters/b.html", "at"]
    assert rows[1].split()[1] == "(mobile)"
    assert rows[-1].split()[2:] == [str(least) for least in THRESHOLDS.values()]
    ends = [row.index("100") for row in rows[1:3]]
    assert ends[0] == ends[1], "the columns are not below each other"


def test_a_page_that_could_not_be_judged_is_an_error() -> None:
    failed = report(performance=None) | {"runtimeError": {"message": "the page did not paint"}}
    with pytest.raises(BookError, match="no score for performance: the page did not paint"):
        score("a.html", [report(), failed])


def test_every_chapter_is_judged() -> None:
    book = load_book()
    assert pages(book, []) == ["index.html", *(c.page for c in chapters(book))]
    assert pages(book, ["2"]) == [chapters(book)[1].page]


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(BookError, match="`node` was not found; install Node"):
        install(load_book())
    with pytest.raises(BookError, match="no Chromium was found"):
        lighthouse.browser()
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v16.3.0\n")
    old.chmod(0o755)
    with pytest.raises(BookError, match=r"node is v16\.3\.0; install Node\.js 18"):
        install(load_book())
    old.write_text("#!/bin/sh\necho v20.1.0\n")
    with pytest.raises(BookError, match="`npm` was not found"):
        install(load_book())


def test_the_command_ends_with_one_where_a_page_is_below(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for value, status in ((0.9, 0), (0.89, 1)):
        found = score("a.html", [report(performance=value)])
        monkeypatch.setattr(lighthouse, "judge", lambda *_, found=found: iter([found]))
        monkeypatch.setattr(sys, "argv", ["lighthouse"])
        assert lighthouse.main() == status
    assert "below the threshold: a.html (mobile): performance" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "wanted"),
    [([], ["mobile"]), (["--preset", "desktop"], ["desktop"]),
     (["--preset", "both"], ["mobile", "desktop"])],
)  # fmt: skip
def test_each_preset_is_held_to_the_same_thresholds(
    options: list[str],
    wanted: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """The last preset is too slow: the command says on which, and ends with 1."""
    asked: list[tuple[str, int]] = []

    def examine(program: Path, address: str, target: Path, preset: str) -> dict[str, object]:
        asked.append((preset, int(target.stem)))
        assert target.parts[-3] == preset
        return report(performance=0.89 if preset == wanted[-1] else 0.95)

    (tmp_path / "index.html").write_text("")
    book = replace(load_book(), root=tmp_path)
    monkeypatch.setattr(type(book), "html", tmp_path)
    monkeypatch.setattr(lighthouse, "load_book", lambda *_: book)
    monkeypatch.setattr(lighthouse, "browser", lambda: "")
    monkeypatch.setattr(lighthouse, "install", lambda *_: Path())
    monkeypatch.setattr(lighthouse, "pages", lambda *_: ["index.html"])
    monkeypatch.setattr(lighthouse, "examine", examine)
    monkeypatch.setattr(sys, "argv", ["lighthouse", "--runs", "2", *options])
    assert lighthouse.main() == 1
    assert asked == [(preset, n) for preset in wanted for n in (1, 2)]
    said = capsys.readouterr().out
    assert said.count("89!") == 1
    assert f"below the threshold: index.html ({wanted[-1]}): performance\n" in said


def test_the_lock_holds_the_pinned_version() -> None:
    import json

    folder = load_book().root / "tools" / "web"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]["lighthouse"]
    lock = json.loads((folder / "package-lock.json").read_text())
    assert lock["packages"]["node_modules/lighthouse"]["version"] == wanted
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--cached", "--exclude-standard", str(folder)],
        capture_output=True, text=True, check=True, cwd=folder,
    ).stdout  # fmt: skip
    assert "node_modules" not in listed
