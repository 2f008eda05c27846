"""Pages get lighter and lose nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

SOURCE = Path(__file__).parents[2] / "book" / "_ext" / "lighten.py"


@pytest.fixture(scope="module")
def lighten() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lighten", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_only_idle_marks_go(lighten: ModuleType) -> None:
    code = '<span class="k">def</span> <span class="n">f</span><span class="p">():</span>'
    assert lighten.without_idle_marks(code) == '<span class="k">def</span> f():'


def test_pictures_shrink_and_look_the_same(lighten: ModuleType, tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    pixels = np.kron(grey, np.ones((20, 20), dtype=np.uint8))  # crisp squares
    Image.fromarray(pixels).save(tmp_path / "a.png", compress_level=0)
    assert lighten.small_pictures(tmp_path) == {"a.png": "a.webp"}
    assert not (tmp_path / "a.png").exists()
    shown = np.asarray(Image.open(tmp_path / "a.webp").convert("L")).astype(int)
    assert np.abs(shown - pixels).mean() < 2
    assert lighten.small_pictures(tmp_path) == {}


def test_the_font_has_every_icon_that_a_style_sheet_names(site: Path) -> None:
    from fontTools.ttLib import TTFont

    (font,) = site.rglob("fa-solid-900.woff")
    kept = set(TTFont(font).getBestCmap())
    sheets = " ".join(p.read_text(encoding="utf8") for p in (site / "_static/styles").glob("*.css"))
    named = {ord(character) for character in sheets if 0xE000 <= ord(character) <= 0xF8FF}
    with TTFont(font.with_suffix(".ttf")) as whole:
        assert named & set(whole.getBestCmap()) <= kept
    assert len(named) > 5
