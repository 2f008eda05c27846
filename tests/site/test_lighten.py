"""Pages get lighter and lose nothing."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

EXTENSIONS = Path(__file__).parents[2] / "book" / "_ext"


@pytest.fixture
def lighten(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    return importlib.import_module("lighten")


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


def test_scripts_wait_for_the_page_and_keep_their_order(
    lighten: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "documentation_options.js").write_text("const A = 1;")
    page = (
        '<link rel="preload" as="script" href="b.js"><script src="documentation_options.js?v=1">'
        '</script><script>A + 1</script><script src="b.js"></script><script async src="c.js">'
    )
    assert lighten.patient(page, tmp_path / "a.html") == (
        "<script>const A = 1;</script><script>A + 1</script>"
        '<script defer="defer" src="b.js"></script><script async src="c.js">'
    )


def test_another_theme_is_noticed(lighten: ModuleType) -> None:
    with pytest.raises(ValueError, match="the script that MEASURES was written for"):
        lighten.without_measuring("function T(){}")


def test_the_font_has_every_icon_that_a_style_sheet_names(site: Path) -> None:
    from fontTools.ttLib import TTFont

    (font,) = site.rglob("fa-solid-900.woff")
    kept = set(TTFont(font).getBestCmap())
    sheets = " ".join(p.read_text(encoding="utf8") for p in (site / "_static/styles").glob("*.css"))
    named = {ord(character) for character in sheets if 0xE000 <= ord(character) <= 0xF8FF}
    with TTFont(font.with_suffix(".ttf")) as whole:
        assert named & set(whole.getBestCmap()) <= kept
    assert len(named) > 5
