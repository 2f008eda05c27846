"""Each MyST construct becomes plain Markdown; what is not known is an error with file and line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.chapters import Document, chapters
from tools.config import Book, load_book
from tools.errors import BookError
from tools.plain.convert import Converter
from tools.plain.index import build_index
from tools.source import markdown_parser

MINI = Path(__file__).parent / "minibook"


@pytest.fixture(scope="module")
def converter(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Converter:
    folder = tmp_path_factory.mktemp("convert")
    for name in ("book", "_toc.yml"):
        os.symlink(MINI / name, folder / name)
    os.symlink(root / "_config.yml", folder / "_config.yml")
    os.symlink(root / "genlib", folder / "genlib")
    book = load_book(folder)
    return Converter(build_index(book), chapters(book)[0], markdown_parser(book))


def plain(converter: Converter, text: str) -> str:
    """The converted text, with the site's address written as SITE."""
    return converter.convert(text, 1).replace(converter.index.book.site, "SITE/")


PAGE = "SITE/chapters/01-small.html"
SAME = [
    "Plain *words*, **bold**, `code`, $x_1$ and [a link](https://example.org/a_(b)).",
    "`{cite:t}`, ``{eq}`x` `` and \\$5 stay as they are.",
    "- a list\n  - in a list\n\n1. and\n2. numbers",
    "```python\nx = {note}  # :::{note}\n```",
    "$$\na = b\n$$",
    "| a | b |\n|---|---|\n| 1 | `x|y` |",
    "> a quotation\n> of two lines",
    "a<br>b and H<sub>2</sub>O",
    "---",
]
CASES = {
    "quiz": (
        ":::{quiz} 1.1\nIs it $x$?\n\n- [x] Yes.\n\n  It is.\n\n- [ ] No.\n\n  It is not no.\n\n"
        "- [ ] Both.\n\n  See {eq}`eq-squared`.\n:::",
        "**Question 1.1**\n\nIs it $x$?\n\n- **A.** Yes.\n- **B.** No.\n- **C.** Both.\n\n"
        "<details>\n<summary>You answer A</summary>\n\n**Right.** It is.\n\n</details>\n\n"
        "<details>\n<summary>You answer B</summary>\n\n**Not this one.** It is not no.\n\n"
        "</details>\n\n<details>\n<summary>You answer C</summary>\n\n**Not this one.** See "
        f"[(1.1)]({PAGE}#equation-eq-squared).\n\n</details>",
    ),
    "explorer": (
        ":::{explorer} latent-map\n:alt: A map.\n:label: try-map\n\nMove the *pointer*.\n:::",
        "Move the *pointer*.\n\n"
        f"*This describes [the explorer on the site]({PAGE}#try-map), which runs without a kernel. "
        "In this notebook, sliders and buttons do what the mouse does there.*",
    ),
    "explorer with things to try in order": (
        ":::{explorer} latent-map\n:alt: A map.\n:label: try-map\n\nA map.\n\n"
        "1. **Move** the {term}`Bottleneck`.\n2. Look at {eq}`eq-squared`.\n:::",
        "A map.\n\n1. **Move** the [Bottleneck](SITE/glossary.html#term-bottleneck).\n"
        f"2. Look at [(1.1)]({PAGE}#equation-eq-squared).\n\n"
        f"*This describes [the explorer on the site]({PAGE}#try-map), which runs without a kernel. "
        "In this notebook, sliders and buttons do what the mouse does there.*",
    ),
    "cite:t": (
        "{cite:t}`vincent2010stacked`",
        "[Vincent et al. (2010)](SITE/bibliography.html#cite-vincent2010stacked)",
    ),
    "cite:p": (
        "{cite:p}`vincent2010stacked, hinton2006reducing`",
        "([Vincent et al., 2010](SITE/bibliography.html#cite-vincent2010stacked); "
        "[Hinton and Salakhutdinov, 2006](SITE/bibliography.html#cite-hinton2006reducing))",
    ),
    "eq": ("{eq}`eq-squared`", f"[(1.1)]({PAGE}#equation-eq-squared)"),
    "eq of an unnumbered page": ("{eq}`eq-kl`", "[(1)](SITE/notation.html#equation-eq-kl)"),
    "numref": ("{numref}`fig-lines`", f"[Figure 1.2]({PAGE}#fig-lines)"),
    "numref with words": ("{numref}`picture %s <fig-square>`", f"[picture 1.1]({PAGE}#fig-square)"),
    "ref": ("{ref}`sec-losses`", f"[Losses]({PAGE}#sec-losses)"),
    "ref with words": ("{ref}`these <sec-shapes>`", "[these](SITE/notation.html#sec-shapes)"),
    "doc": ("{doc}`../notation`", "[Notation](SITE/notation.html)"),
    "doc with words": ("{doc}`see there </index>`", "[see there](SITE/index.html)"),
    "term": ("{term}`Bottleneck`", "[Bottleneck](SITE/glossary.html#term-bottleneck)"),
    "term with words": (
        "{term}`codes <latent code>`", "[codes](SITE/glossary.html#term-latent-code)",
    ),
    "func": (
        "{func}`genlib.losses.squared_error`",
        "[`genlib.losses.squared_error()`](SITE/api/losses.html#genlib.losses.squared_error)",
    ),
    "short func": (
        "{py:func}`~genlib.losses.squared_error`",
        "[`squared_error()`](SITE/api/losses.html#genlib.losses.squared_error)",
    ),
    "module": (
        "{mod}`genlib.losses`", "[`genlib.losses`](SITE/api/losses.html#module-genlib.losses)",
    ),
    "other library": ("{class}`torch.nn.Module`", "`torch.nn.Module`"),
    "math role": ("{math}`x^2`", "$x^2$"),
    "abbreviation": ("{abbr}`KL (Kullback–Leibler)`", "KL (Kullback–Leibler)"),
    "key": ("{kbd}`Shift`", "<kbd>Shift</kbd>"),
    "role in a list": ("- see {eq}`eq-squared`", f"- see [(1.1)]({PAGE}#equation-eq-squared)"),
    "role in a table": (
        "| a |\n|---|\n| {eq}`eq-squared` |",
        f"| a |\n|---|\n| [(1.1)]({PAGE}#equation-eq-squared) |",
    ),
    "role over two lines": ("{ref}`these\nthere <sec-shapes>`",
                            "[these there](SITE/notation.html#sec-shapes)"),
    "link to a page": ("[n](../notation.md)", "[n](SITE/notation.html)"),
    "link to a heading": ("[n](../notation.md#shapes-and-axes)",
                          "[n](SITE/notation.html#shapes-and-axes)"),
    "link to a label": ("[n](#sec-shapes)", "[n](SITE/notation.html#sec-shapes)"),
    "empty link": ("[](#sec-shapes)", "[Shapes and axes](SITE/notation.html#sec-shapes)"),
    "labelled equation": ("$$\nx = y\n$$ (eq-squared)", "$$\nx = y \\tag{1.1}\n$$"),
    "math directive": ("```{math}\n:label: eq-second\ny = x\n```", "$$\ny = x \\tag{1.2}\n$$"),
    "amsmath": (
        "\\begin{align*}\na &= b \\\\\nc &= d\n\\end{align*}",
        "$$\n\\begin{aligned}\na &= b \\\\\nc &= d\n\\end{aligned}\n$$",
    ),
    "target": ("(here)=\n## Title", "## Title"),
    "comment": ("a\n\n% hidden\n\nb", "a\n\nb"),
    "html comment": ("a\n\n<!-- hidden -->\n\nb", "a\n\nb"),
    "note": (":::{note}\nMind *this*.\n:::", "> **Note**\n>\n> Mind *this*."),
    "fenced note": ("```{warning}\nOld.\n```", "> **Warning**\n>\n> Old."),
    "see also": (":::{seealso}\nThat.\n:::", "> **See also**\n>\n> That."),
    "admonition": (
        ":::{admonition} Exercise 1.2: $x$\n:class: exercise\n\nDo it.\n:::",
        "> **Exercise 1.2: $x$**\n>\n> Do it.",
    ),
    "formula in a note": (
        ":::{tip}\nSo\n\n$$\na =\nb\n$$\n:::", "> **Tip**\n>\n> So\n>\n> $$a = b$$",
    ),
    "nested": (
        "::::{note}\nA\n\n:::{tip}\nB\n:::\n::::", "> **Note**\n>\n> A\n>\n> > **Tip**\n> >\n> > B",
    ),
    "dropdown": (
        ":::{dropdown} Why `x` < 1?\nBecause {eq}`eq-squared`.\n:::",
        "<details>\n<summary><b>Why <code>x</code> &lt; 1?</b></summary>\n\n"
        f"Because [(1.1)]({PAGE}#equation-eq-squared).\n\n</details>",
    ),
    "dropdown class": (
        ":::{admonition} More\n:class: note dropdown\nYes.\n:::",
        "<details>\n<summary><b>More</b></summary>\n\nYes.\n\n</details>",
    ),
    "figure": (
        "```{figure} ../_static/img/square.svg\n:alt: A dark [square].\n:name: fig-square\n\n"
        "See {eq}`eq-squared`.\n```",
        "![A dark (square).](RAW/book/_static/img/square.svg)\n\n"
        f"**Figure 1.1.** See [(1.1)]({PAGE}#equation-eq-squared).",
    ),
    "definitions": ("Word\n: What it\n  means.", "**Word**  \nWhat it\nmeans."),
    "code block": ("```{code-block} bash\nls\n```", "```bash\nls\n```"),
    "directive in a list": ("- a\n\n  :::{note}\n  b\n  :::", "- a\n\n  > **Note**\n  >\n  > b"),
}  # fmt: skip


@pytest.mark.parametrize("text", SAME)
def test_plain_markdown_is_left_alone(converter: Converter, text: str) -> None:
    assert plain(converter, text) == text


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_conversion(converter: Converter, text: str, expected: str) -> None:
    raw = converter.index.book.raw("")
    assert plain(converter, text).replace(raw, "RAW/") == expected


ERRORS = {
    "unknown role": ("{sc}`x`", 1, "unknown role"),
    "unknown role in a note": (":::{note}\n\na\n{sc}`x`\n:::", 4, "unknown role"),
    "unknown directive": ("a\n\n```{mermaid}\nx\n```", 3, "unknown directive"),
    "no such citation": ("a\nb {cite:t}`nobody1999`", 2, "nobody1999"),
    "no such label": ("{eq}`eq-none`", 1, "eq-none"),
    "no such term": ("{term}`quark`", 1, "quark"),
    "no such page": ("{doc}`/nowhere`", 1, "nowhere"),
    "not documented": ("{func}`genlib.nothing.at_all`", 1, "genlib.nothing.at_all"),
    "figure as equation": ("{eq}`fig-square`", 1, "is a figure"),
    "equation as figure": ("{numref}`eq-squared`", 1, "is a equation"),
    "no alt text": (
        "```{figure} ../_static/img/square.svg\n:name: fig-square\n\nA.\n```",
        1,
        "alt",
    ),
    "no such picture": ("```{image} nowhere.png\n:alt: A thing.\n```", 1, "nowhere.png"),
    "raw html": ("a\n\n<div>x</div>", 3, "html_block"),
    "inline html": ("a <span>x</span>", 1, "<span>"),
    "numbered align": ("a\n\n\\begin{align}\na &= b\n\\end{align}", 3, "align"),
    "footnote": ("a[^1]\n\n[^1]: note", 1, "footnote"),
    "link to nothing": ("[x](#nothing)", 1, "nothing"),
    "dead page link": ("[x](../nowhere.md)", 1, "nowhere.md"),
    "bad options": ("```{note}\n---\na: [\n---\nx\n```", 1, "YAML"),
    "stray role": ("$5 and {eq}`eq-squared` cost $6", 1, "roles"),
}


@pytest.mark.parametrize(("text", "line", "words"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_name_file_and_line(converter: Converter, text: str, line: int, words: str) -> None:
    with pytest.raises(BookError, match="01-small") as caught:
        converter.convert(text, 1)
    assert words in str(caught.value)
    assert caught.value.line == line


def test_a_label_defined_twice_is_an_error(minibook: Path) -> None:
    page = minibook / "book" / "notation.md"
    page.write_text(page.read_text() + "\n$$\nx\n$$ (eq-squared)\n")
    with pytest.raises(BookError, match="defined twice"):
        build_index(load_book(minibook))


def test_sections_carry_the_numbers_of_the_site(converter: Converter) -> None:
    numbers = {
        number for (name, _), number in converter.index.sections.items() if name.startswith("chap")
    }
    assert numbers == {"1.", "1.1."}


def test_chapter_numbers_must_agree_with_file_names(minibook: Path) -> None:
    book: Book = load_book(minibook)
    chapter: Document = chapters(book)[0]
    chapter.path.rename(chapter.path.with_name("02-small.md"))
    toc = minibook / "_toc.yml"
    toc.write_text(toc.read_text().replace("01-small", "02-small"))
    with pytest.raises(BookError, match="01-NAME"):
        chapters(load_book(minibook))
