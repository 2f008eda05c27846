"""One style sheet in place of many: what a page can use stays, in its order."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from tests.site.html import read

EXTENSIONS = Path(__file__).parents[2] / "book" / "_ext"


@pytest.fixture
def sheets(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    return importlib.import_module("sheets")


def trimmed(sheets: ModuleType, text: str, known: str) -> str:
    import tinycss2

    rules = tinycss2.parse_stylesheet(text, True, True)
    return sheets.used(rules, set(known.split()))


def test_what_nothing_names_goes(sheets: ModuleType) -> None:
    text = "a.used, .idle > b { color: red }  .idle { top: 0 }  #here:hover{left:0}  p{margin:0}"
    assert trimmed(sheets, text, "used here") == (
        "a.used{color: red }\n#here:hover{left:0}\np{margin:0}".replace("red }", "red}")
    )


@pytest.mark.parametrize(
    "rule",
    [
        "@media screen and (min-width: 3px){.a{top:0}}",
        "@media print{.a{top:0}}",
        "@supports (display: grid){.a{top:0}}",
        "@font-face{font-family: x; src: url(y)}",
        "@keyframes turn{0%{top:0}100%{top:1px}}",
        ".a:not(.gone){top:0}",
        ".a:is(.gone, .gone-too) b{top:0}",
        '.a[title="x, .y"]{top:0}',
        r".a\/b{top:0}",
    ],
)
def test_what_may_be_used_stays(sheets: ModuleType, rule: str) -> None:
    assert trimmed(sheets, rule, "a") == rule


def test_an_idle_block_goes_whole(sheets: ModuleType) -> None:
    assert trimmed(sheets, "@media print { .gone { top: 0 } }", "a") == ""


def test_sheets_become_one(sheets: ModuleType, tmp_path: Path) -> None:
    static, page = tmp_path / "_static", tmp_path / "chapters" / "a.html"
    (static / "deep").mkdir(parents=True)
    (static / "base.css").write_text("@charset 'utf-8'; .b { background: url(i/b.png) }")
    (static / "deep" / "one.css").write_text('@import "../base.css"; .a { src: url("../f.woff") }')
    (static / "two.css").write_text(".a { color: red } .c { src: url(data:x) }")
    (static / "late.js").write_text("element.className = 'c'")
    text = (
        '<head>\n<link href="../_static/deep/one.css?v=1" rel="stylesheet" />\n<script></script>\n'
        '<link rel="stylesheet" href="../_static/two.css" />\n<link rel="next" href="b.html" />\n'
        '</head><p class="a b">'
    )
    changed = sheets.bundle(tmp_path, {page: text})[page]
    (one,) = static.glob("styles.*.css")
    assert changed.count("stylesheet") == 1
    assert f'href="../_static/{one.name}"' in changed
    assert changed.index(one.name) < changed.index("<script>")
    assert 'rel="next"' in changed
    assert one.read_text() == (
        '.b{background: url("i/b.png")}\n.a{src: url("f.woff")}\n'
        ".a{color: red}\n.c{src: url(data:x)}"
    )


@pytest.mark.slow
def test_a_page_waits_for_one_sheet_and_for_no_script(site: Path, pages: list[Path]) -> None:
    for page in pages:
        soup = read(page)
        found = [s for s in soup.select("link[rel=stylesheet]") if s.get("media") != "print"]
        assert len(found) <= 1, page
        blocking = soup.select("script[src]:not([defer]):not([async])")
        assert not blocking, f"{page}: {blocking}"


@pytest.mark.slow
def test_the_sheet_is_the_finished_one(site: Path) -> None:
    """The theme writes the colours of code when all pages are there."""
    for sheet in (site / "_static").glob("styles.*.css"):
        text = sheet.read_text(encoding="utf8")
        for theme in ("light", "dark"):
            assert f'html[data-theme="{theme}"] .highlight .k{{' in text
        assert "@media screen and (scripting: enabled){" in text
        assert "@media print{" in text
