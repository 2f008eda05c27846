"""Chapter sources: code fits the page, and every cell that draws says what it shows."""

from __future__ import annotations

from pathlib import Path

import jupytext
import pytest

CHAPTERS = sorted((Path(__file__).parents[2] / "book" / "chapters").glob("*.md"))
WIDTH = 82  # characters; longer lines scroll sideways on a 1280 px screen


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_code_fits_the_page(path: Path) -> None:
    for cell in jupytext.read(path).cells:
        if cell.cell_type == "code":
            long = [line for line in cell.source.splitlines() if len(line) > WIDTH]
            assert not long, f"over {WIDTH} characters: {long}"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_exercises_come_as_stub_check_and_solution(path: Path) -> None:
    tags = [set(cell.metadata.get("tags", [])) for cell in jupytext.read(path).cells]
    stubs = [i for i, found in enumerate(tags) if "exercise" in found]
    assert len(stubs) >= 3
    for i in stubs:
        assert "check" in tags[i + 1]
        assert {"solution", "hide-cell"} <= tags[i + 2]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_progress_is_shown_once(path: Path) -> None:
    assert path.read_text(encoding="utf8").count("exercises.progress()") == 1
