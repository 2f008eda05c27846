"""Every term of the glossary is linked where a page first uses it, and only in prose."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tools.chapters import Document, chapters, documents
from tools.config import Book, load_book
from tools.errors import BookError
from tools.glossary import Words, check, load_words, missing, write
from tools.plain.index import build_index
from tools.source import markdown_parser, read_chapter

MINI = Path(__file__).parent / "minibook"
TERMS = ("mode collapse", "gradient penalty", "batch normalisation", "entropy", "ELBO",
         "divergence", "KL divergence", "hypothesis", "step")  # fmt: skip
WORDS = Words(
    TERMS,
    aliases={"KL divergence": ("Kullback–Leibler divergence",)},
    meant={"step": (r"(?<![\w-])training steps?(?!\w)", "any step")},
    unlinked={("chapters/01-small", "hypothesis"): "tried here"},
)


@pytest.fixture
def book(tmp_path: Path, root: Path) -> Book:
    shutil.copytree(MINI, tmp_path, dirs_exist_ok=True)
    for name in ("_config.yml", "genlib"):
        os.symlink(root / name, tmp_path / name)
    return load_book(tmp_path)


def linked(book: Book, text: str, words: Words = WORDS) -> str:
    """`text`, put at the end of the small chapter, with its links."""
    chapter = chapters(book)[0]
    before = chapter.path.read_text(encoding="utf8") + "\n## More\n\n"
    chapter.path.write_text(before + text + "\n", encoding="utf8")
    write(chapter, missing(book, chapter, words, markdown_parser(book)))
    after = chapter.path.read_text(encoding="utf8")
    assert after.startswith(before)
    return after.removeprefix(before).removesuffix("\n")


LINKED = {
    "first use only": (
        "Mode collapse is mode collapse.",
        "{term}`Mode collapse <mode collapse>` is mode collapse.",
    ),
    "plural": ("two gradient penalties", "two {term}`gradient penalties <gradient penalty>`"),
    "irregular": ("two entropies", "two {term}`entropies <entropy>`"),
    "possessive": ("the ELBO's terms", "the {term}`ELBO`'s terms"),
    "hyphen": ("a gradient-penalty", "a {term}`gradient-penalty <gradient penalty>`"),
    "z": ("batch normalization", "{term}`batch normalization <batch normalisation>`"),
    "the longer one": (
        "A KL divergence is a divergence.",
        "A {term}`KL divergence` is a {term}`divergence`.",
    ),
    "alias": (
        "The Kullback–Leibler divergence",
        "The {term}`Kullback–Leibler divergence <KL divergence>`",
    ),
    "bold": ("**mode collapse**", "**{term}`mode collapse`**"),
    "across lines": ("so mode\ncollapse is", "so {term}`mode collapse`\nis"),
    "in a list": ("- so mode\n  collapse is", "- so {term}`mode collapse`\n  is"),
    "in a note": (":::{note}\nEntropy.\n:::", ":::{note}\n{term}`Entropy <entropy>`.\n:::"),
    "linked already": ("{term}`Entropies <entropy>` and entropy", None),
    "part of a word": ("elbow, ELBOW, stepping, cross-entropy", None),
    "small letters for an abbreviation": ("an elbo", None),
    "another meaning": ("a step of the proof", None),
    "the meaning": ("a training step", "a {term}`training step <step>`"),
    "excepted": ("a hypothesis", None),
    "code": ("`entropy` and\n\n```python\nentropy\n```", None),
    "formula": ("$entropy$ and\n\n$$\nentropy\n$$", None),
    "heading": ("### Entropy\n\nNone.", None),
    "link": ("[the entropy](../notation.md) and ![entropy](../_static/img/square.svg)", None),
    "role": ("{ref}`the entropy <sec-losses>`", None),
    "table": ("| entropy |\n|---|\n| entropy |", None),
    "caption": ("```{figure} ../_static/img/square.svg\n:alt: entropy\n\nThe entropy.\n```", None),
    "comment": ("% entropy", None),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), LINKED.values(), ids=LINKED.keys())
def test_links(book: Book, text: str, expected: str | None) -> None:
    assert linked(book, text) == (text if expected is None else expected)


def test_written_once(book: Book) -> None:
    once = linked(book, "Entropy of a KL divergence.")
    chapter = chapters(book)[0]
    assert missing(book, chapter, WORDS, markdown_parser(book)) == []
    assert once.count("{term}") == 2


def test_code_cells_stay_as_they_are(book: Book) -> None:
    """Outputs belong to code cells by their text and metadata."""
    chapter = chapters(book)[0]
    cell = "```{code-cell} ipython3\n:tags: [entropy]\n\nprint('entropy')  # mode collapse\n```\n"
    before = chapter.path.read_text(encoding="utf8") + f"\nAn entropy.\n\n{cell}"
    chapter.path.write_text(before, encoding="utf8")
    cells = code_cells(book, chapter)
    write(chapter, missing(book, chapter, WORDS, markdown_parser(book)))
    assert chapter.path.read_text(encoding="utf8") != before
    assert code_cells(book, chapter) == cells
    assert any("print('entropy')" in source for source, _ in cells)


def code_cells(book: Book, chapter: Document) -> list[tuple[str, str]]:
    cells = read_chapter(book, chapter).cells
    return [(cell.source, str(cell.metadata)) for cell in cells if cell.cell_type == "code"]


def test_an_unknown_term_is_named(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.glossary_words.ALIASES", {"phlogiston": ("caloric",)})
    monkeypatch.setattr("tools.glossary_words.MEANT", {})
    monkeypatch.setattr("tools.glossary_words.UNLINKED", {})
    with pytest.raises(BookError, match="phlogiston"):
        load_words(build_index(book))


def test_exceptions_are_needed() -> None:
    """Every exception keeps a link away that would be there without it."""
    real = load_book()
    words = load_words(build_index(real))
    idle = []
    for page, term in words.unlinked:
        document = next(d for d in documents(real) if d.name == page)
        rest = {key: why for key, why in words.unlinked.items() if key != (page, term)}
        uses = missing(real, document, replace(words, unlinked=rest), markdown_parser(real))
        if term not in [use.term for use in uses]:
            idle.append((page, term))
    assert idle == []


def test_the_book_links_every_term_at_its_first_use() -> None:
    assert check(load_book()) == []
