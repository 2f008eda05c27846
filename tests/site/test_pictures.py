"""Pictures leave the page's text, have a size, and are loaded when they are near."""

from __future__ import annotations

import base64
import importlib
import io
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from tests.site.html import read

EXTENSIONS = Path(__file__).parents[2] / "book" / "_ext"


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    return importlib.import_module("pictures")


def noise(width: int, height: int) -> bytes:
    target = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(target, "PNG")
    return target.getvalue()


def test_an_embedded_picture_becomes_a_file(pictures: ModuleType, tmp_path: Path) -> None:
    content = noise(40, 30)
    page = tmp_path / "chapters" / "a.html"
    embedded = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    text = f'<source srcset="{embedded}"><img src="{embedded}"><img src="data:image/png;base64,aa">'
    unpacked = pictures.unpack(text, page, tmp_path / "_images")
    (file,) = (tmp_path / "_images").iterdir()
    assert file.read_bytes() == content
    name = f"../_images/{file.name}"
    assert unpacked == (
        f'<source srcset="{name}"><img src="{name}"><img src="data:image/png;base64,aa">'
    )


def test_pictures_get_their_size(pictures: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(noise(40, 30))
    (tmp_path / "b.svg").write_text('<?xml version="1.0"?><svg viewBox="0 0 700 350.4"><g/></svg>')
    text = '<img src="a.png"><img src="b.svg"><img width="3" src="a.png"><img src="gone.png">'
    assert pictures.measured(text, tmp_path / "p.html") == (
        '<img width="40" height="30" src="a.png">'
        '<img loading="lazy" width="700" height="350" src="b.svg">'
        '<img loading="lazy" width="3" src="a.png"><img src="gone.png">'
    )


@pytest.mark.slow
def test_no_page_carries_a_large_picture_and_all_have_a_size(pages: list[Path]) -> None:
    wrong = []
    for page in pages:
        for tag in read(page).find_all("img"):
            inside = str(tag.get("src", "")).startswith("data:")
            sized = (tag.get("width") and tag.get("height")) or "width" in str(tag.get("style"))
            if len(str(tag.get("src", ""))) > 3000 or not (sized or inside):
                wrong.append(f"{page.name}: {str(tag)[:120]}")
    assert not wrong, "\n".join(wrong)
