"""What the search knows of the pages: formulas as plain text, words, and the entries."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace

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


def test_one_spelling_for_two(load: object) -> None:
    module: ModuleType = load("search_words")  # type: ignore[operator]
    for one, other in (
        ("reparametrisation", "reparameterization"), ("neighbourhood", "neighborhood"),
        ("modelling labelled", "modeling labeled"), ("licence", "license"), ("grey", "gray"),
        ("analysed", "analyzed"), ("artefacts", "artifacts"), ("normalise", "normalize"),
    ):  # fmt: skip
        assert module.words(one) == module.words(other)
    assert module.words("four hours, keys called") == ["four", "hours", "keys", "called"]


def test_a_paper_is_found_by_each_author_and_by_its_title(load: object) -> None:
    from pybtex.database import Entry, Person
    from pybtex.richtext import Text

    module: ModuleType = load("search_papers")  # type: ignore[operator]
    entry = Entry(
        "article",
        fields={"title": "{Auto}-Encoding {Bayes}", "year": "2014"},
        persons={"author": [Person("Kingma, Diederik P."), Person("van den Oord, Max")]},
    )
    citation = SimpleNamespace(
        entry=entry, citation_id="cite-kingma2014auto",
        bibliography_key=SimpleNamespace(docname="bibliography"),
        formatted_entry=SimpleNamespace(text=Text("D. Kingma.<newblock>Auto-Encoding Bayes.")),
    )  # fmt: skip
    (paper,) = module.papers([citation])
    assert (paper.name, paper.kind) == ("Kingma and Oord 2014", "paper")
    assert (paper.page, paper.anchor) == ("bibliography", "cite-kingma2014auto")
    assert {"Kingma", "Oord 2014", "Auto-Encoding Bayes"} <= set(paper.aliases)
    assert paper.text == "D. Kingma. Auto-Encoding Bayes."


def test_a_question_does_not_tell_its_answer(load: object) -> None:
    module: ModuleType = load("search_entries")  # type: ignore[operator]
    quizzes: ModuleType = load("quizzes")  # type: ignore[operator]
    option = quizzes.quiz_option(
        "", quizzes.quiz_words("", "An option."), nodes.paragraph("", "Why it is right.")
    )
    question = quizzes.quiz("", ids=["quiz-2-1"], number="2.1")
    question += [nodes.paragraph("", "Question 2.1"), nodes.paragraph("", "What is KL?"), option]
    doctree = nodes.document(None, None)
    doctree += question
    (found,) = module.questions("chapters/02", doctree)
    assert (found.name, found.anchor, found.text) == ("Question 2.1", "quiz-2-1", "What is KL?")
    assert "quiz 2.1" in found.aliases
    assert "An option." in module.plain(question)
    assert "right" not in module.plain(question)


def test_other_names_are_of_terms_that_exist(load: object) -> None:
    module: ModuleType = load("search_aliases")  # type: ignore[operator]
    text = (EXTENSIONS.parent / "glossary.md").read_text(encoding="utf8")
    terms = set(re.findall(r"^(\S.*)\n  \S", text, re.M))
    assert set(module.ALSO) <= terms
