"""What the search knows of the pages: formulas as plain text, words, and the entries."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest
from docutils import nodes

EXTENSIONS = Path(__file__).parents[2] / "book" / "_ext"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    return importlib.import_module


FORMULAS = {
    r"\log \sigma^2": "log σ²",
    r"D^*, l^*": "D*, l*",
    r"W_1(p, q)": "W₁(p, q)",
    r"q_\phi(z \mid x)": "q_φ(z | x)",
    r"\mathcal N(\mu, \Sigma)": "N(μ, Σ)",
    r"\mathrm{KL}(p \Vert q)": "KL(p ‖ q)",
    r"\mathcal L_\text{judge}": "L_judge",
    r"\tfrac13 (p + 2m)": "1/3(p + 2m)",
    r"\hat x = \epsilon\,x": "x̂ = ε x",
    r"W_\ell^\top": "W_ℓᵀ",
    r"\mathbb E_{x \sim p}[g(x)]": "E_(x ∼ p)[g(x)]",
    r"e^{-\mathrm{KL}(p \Vert q)}": "e^(-KL(p ‖ q))",
    r"\sqrt{\mathrm{KL}(p \Vert q) / 2}": "√(KL(p ‖ q) / 2)",
}


@pytest.mark.parametrize("tex", FORMULAS)
def test_formulas_in_plain_characters(load: object, tex: str) -> None:
    module: ModuleType = load("plain_math")  # type: ignore[operator]
    assert module.plain_math(tex) == FORMULAS[tex]


def test_words_and_their_parts(load: object) -> None:
    module: ModuleType = load("search_words")  # type: ignore[operator]
    search = module.Search({})
    assert search.split("genlib.check_kl") == ["genlib", "check_kl", "check", "kl"]
    assert module.words("μ and \\mu") == ["mu", "and", "mu"]
    assert module.words("Fréchet colours") == ["frechet", "colors"]


def test_a_row_of_the_notation(load: object) -> None:
    module: ModuleType = load("search_entries")  # type: ignore[operator]
    cells = [
        nodes.entry("", nodes.paragraph("", "", nodes.math("", r"D^*, W_1(p, q)"))),
        nodes.entry("", nodes.paragraph("", "best ", nodes.math("", r"\sigma^2"))),
        nodes.entry("", nodes.paragraph("", "", nodes.literal("", "D_best"))),
    ]
    table = nodes.table("", nodes.tgroup("", nodes.tbody("", nodes.row("", *cells))))
    table["classes"].append("notation")
    doctree = nodes.document(None, None)
    doctree += table
    assert list(module.symbols("notation", doctree)) == []  # no place to lead to yet
    module.mark_symbols(doctree)
    found = list(module.symbols("notation", doctree))
    assert [one.name for one in found] == ["D*", "W₁(p, q)"]
    assert {one.anchor for one in found} == {"symbol-d-w1-p-q"}
    assert found[0].text == "best σ² – in code: D_best"
    assert "D_best" in found[0].aliases
    assert "W₁" in found[1].aliases
