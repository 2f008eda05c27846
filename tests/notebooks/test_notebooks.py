"""The committed notebooks: exactly what the sources generate, plain, light, and described."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.chapters import chapters, notebook_path
from tools.config import load_book
from tools.graft import own_code_cells
from tools.nb import Node, read_notebook
from tools.notebooks import check

BOOK = load_book()
PATHS = [notebook_path(BOOK, chapter) for chapter in chapters(BOOK)]
LIMIT = 4_000_000  # bytes; GitHub and Colab show larger notebooks slowly or not at all
FENCED = re.compile(r"^( {0,3})(`{3,}|~{3,})[^`\n]*\n.*?^\1\2\s*$", re.M | re.S)
CODE_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.S)
RAW = {
    "a role": re.compile(r"\{[a-zA-Z][\w:+-]*\}`"),
    "a colon fence": re.compile(r":{3,}"),
    "a directive fence": re.compile(r"^\s*(?:>\s*)*(?:`{3,}|~{3,})\s*\{", re.M),
    "a target": re.compile(r"^\([\w-]+\)=\s*$", re.M),
    "an equation label": re.compile(r"\$\$ *\([\w:-]+\)"),
    "a comment": re.compile(r"^%\s", re.M),
    "front matter": re.compile(r"\A---\n"),
}


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> Node:
    found = read_notebook(request.param)
    assert found is not None, f"{request.param} is missing; run `make notebooks EXECUTE=1`"
    return found


def test_notebooks_are_what_the_sources_generate_with_current_outputs() -> None:
    assert check(BOOK, [], strict=False) == []


def raw_myst(text: str) -> list[str]:
    """What of MyST shows raw in a Markdown cell; code blocks may show it on purpose."""
    prose = FENCED.sub("", text)
    found = [name for name, pattern in RAW.items() if name != "a role" and pattern.search(prose)]
    if RAW["a directive fence"].search(text):
        found.append("a directive fence")
    # A role is looked for outside code spans, but a role's own ticks are such a span.
    return found + ["a role"] * bool(RAW["a role"].search(_without_code_spans(prose)))


def _without_code_spans(text: str) -> str:
    return CODE_SPAN.sub(
        lambda span: "`" if text[span.start() - 1 : span.start()] == "}" else "", text
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{cite:t}`x`", ["a role"]),
        ("See `{cite:t}`.", []),
        (":::{note}\nx\n:::", ["a colon fence"]),
        ("```{note}\nx\n```", ["a directive fence"]),
        ("> ```{note}\n> x\n> ```", ["a directive fence"]),
        ("```python\nx[:::2]\n```", []),
        ("(label)=\n# T", ["a target"]),
        ("$$\nx\n$$ (eq-x)", ["an equation label"]),
        ("% hidden", ["a comment"]),
        ("$\\mathcal{N}$ and 5 %", []),
    ],
)
def test_the_grep_finds_raw_myst(text: str, expected: list[str]) -> None:
    assert sorted(set(raw_myst(text))) == expected


def test_nothing_is_left_raw(notebook: Node) -> None:
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            assert not raw_myst(cell.source), f"cell {number}: {cell.source[:300]}"


def test_every_picture_has_alt_text(notebook: Node) -> None:
    for cell in own_code_cells(notebook):
        alt = (cell.metadata.get("mystnb", {}).get("image") or {}).get("alt", "")
        for output in cell.outputs:
            data = output.get("data", {})
            if any(kind.startswith("image/") for kind in data):
                assert len(alt.strip()) > 10, f"no mystnb.image.alt: {cell.source[:200]}"
            for tag in re.findall(r"<img\b[^>]*>", str(data.get("text/html", ""))):
                assert re.search(r'alt="[^"]{10,}"', tag), f"no alt text: {cell.source[:200]}"
        for tag in re.findall(
            r"!\[([^\]]*)\]\(", cell.source if cell.cell_type == "markdown" else ""
        ):
            assert tag.strip()


def test_no_output_is_an_error_or_a_progress_frame(notebook: Node) -> None:
    for cell in own_code_cells(notebook):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert "\r" not in output.get("text", ""), cell.source
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_no_notebook_is_too_large(path: Path) -> None:
    assert path.stat().st_size <= LIMIT
