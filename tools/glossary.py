"""Link every term of the glossary where a page first uses it: `python -m tools.glossary --check`.

`--write` makes the links, `--check` fails if one is missing. Looked at is prose alone: no code, no
formula, heading, caption, table or text of another link. Further forms of a term, and what stays
without a link, stand in `tools/glossary_words.py`.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tools import glossary_words
from tools.chapters import Document, documents
from tools.config import ROOT, Book, load_book
from tools.errors import BookError
from tools.files import write_atomically
from tools.plain.blocks import Directive, blocks
from tools.plain.index import Index, build_index
from tools.plain.inline import SCANNER, TITLED
from tools.source import is_notebook, markdown_parser, read_chapter

# Pages that define words and symbols, list papers, or are made from docstrings.
LEFT_OUT = re.compile(r"glossary|notation|bibliography|exercises|api/.*")
# Directives whose body is running text. Any other is a figure, a table or something that a reader
# operates, where a link would lead away.
PROSE = {
    "note", "tip", "warning", "important", "caution", "hint", "seealso", "attention", "danger",
    "error", "admonition", "sidebar", "margin", "topic", "dropdown",
}  # fmt: skip
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\([^()\s]*(?:\([^()]*\)[^()\s]*)*[^()]*\)")
LINKED, FORMULA = "\x00", "\x01"  # stand for what is no prose; no word is made of them


@dataclass(frozen=True)
class Words:
    """The terms, and the patterns that find them in prose."""

    terms: tuple[str, ...]
    aliases: Mapping[str, tuple[str, ...]]
    meant: Mapping[str, tuple[str, str]]
    unlinked: Mapping[tuple[str, str], str]

    @cached_property
    def patterns(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        """(term, pattern), longer words first: a part of a term is no term."""
        found: list[tuple[int, str, re.Pattern[str]]] = []
        for term in self.terms:
            if term in self.meant:
                pattern = self.meant[term][0]
                found.append((len(term), term, re.compile(pattern)))
                continue
            for form in (term, *self.aliases.get(term, ())):
                found.append((len(form), term, re.compile(_pattern(form))))
        return tuple((term, made) for _, term, made in sorted(found, key=lambda one: -one[0]))


@dataclass(frozen=True)
class Use:
    """A first use without a link: `found` is the text at `start`, counted in the whole file."""

    term: str
    found: str
    start: int
    line: int

    @property
    def role(self) -> str:
        """The link that belongs in its place, on one line."""
        words = " ".join(self.found.split())
        return f"{{term}}`{words}`" if words == self.term else f"{{term}}`{words} <{self.term}>`"


def load_words(index: Index) -> Words:
    """The glossary's terms with the words of `glossary_words`.

    Raises:
        BookError: `glossary_words` names a term that the glossary does not have.
    """
    terms = tuple(target.title for target in index.terms.values())
    words = glossary_words
    named = {*words.ALIASES, *words.MEANT, *(term for _, term in words.UNLINKED)}
    for term in sorted(named - set(terms)):
        raise BookError(f"tools/glossary_words.py names {term!r}, which the glossary has not")
    return Words(terms, words.ALIASES, words.MEANT, words.UNLINKED)


def _pattern(form: str) -> str:
    """A regular expression for `form`, its plural and its other spellings."""
    parts = re.split(r"[ -]", form)
    made = [_word(part) for part in parts]
    made[0] = _any_case(parts[0], made[0])
    last = parts[-1]
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        made[-1] = made[-1][:-1] + "(?:y|ies)"
    elif last.endswith("is"):
        made[-1] = made[-1][:-2] + "[ie]s"
    elif last.endswith(("s", "x")):
        made[-1] += "(?:es)?"
    else:
        made[-1] += "s?"
    # A line may end between two words, also in a list or a quotation.
    return r"(?<![\w-])" + r"(?:-|\s+)".join(made) + r"(?![\w-])"


def _word(part: str) -> str:
    plain = re.escape(part)
    return re.sub(r"i[sz](?=ation|e\b|ed\b|ing\b)", "i[sz]", plain).replace("–", "[–-]")


def _any_case(part: str, pattern: str) -> str:
    """Small words may begin a sentence; names and abbreviations are written in one way only."""
    if not part[:1].islower():
        return pattern
    return f"[{part[0].upper()}{part[0]}]{pattern[1:]}"


def prose(parser: Any, document: Document, text: str, line: int) -> Iterator[tuple[int, int]]:
    """The line ranges [first, last) of the file, counted from 1, that are running text."""
    for block in blocks(parser, text, document.path, line):
        if block.kind == "text":
            yield line + block.start, line + block.end
        elif block.kind == "definitions":
            for kind, start, end in block.items:
                if kind == "dd":
                    yield line + start, line + end
        elif block.directive is not None and is_prose(block.directive):
            yield from prose(parser, document, block.directive.body, block.directive.body_line)


def is_prose(found: Directive) -> bool:
    return found.name in PROSE


def texts(book: Book, document: Document) -> Iterator[tuple[str, int]]:
    """A page's Markdown with the line it begins on; a chapter's, cell by cell."""
    if not is_notebook(document.path):
        yield document.path.read_text(encoding="utf8"), 1
        return
    chapter = read_chapter(book, document)
    for cell, line in zip(chapter.cells, chapter.metadata.source_map, strict=True):
        if cell.cell_type == "markdown":
            yield cell.source, line


def masked(text: str) -> tuple[str, dict[int, str]]:
    """`text` with everything that is no prose masked, and its links to terms: {place: term}."""
    linked: dict[int, str] = {}

    def hide(match: re.Match[str]) -> str:
        role = match.groupdict().get("role")
        if role == "term":
            titled = TITLED.fullmatch(match["content"])
            linked[match.start()] = titled["target"] if titled else match["content"]
        return (FORMULA if match.groupdict().get("math") else LINKED) * len(match[0])

    def hide_but_breaks(match: re.Match[str]) -> str:
        return match[0] if match[0] == "](" else hide(match)

    hidden = LINK.sub(lambda match: LINKED * len(match[0]), text)
    return SCANNER.sub(hide_but_breaks, hidden), linked


def missing(book: Book, document: Document, words: Words, parser: Any) -> list[Use]:
    """The first uses on a page that carry no link."""
    whole = document.path.read_text(encoding="utf8")
    starts = [0]
    for text in whole.split("\n"):
        starts.append(starts[-1] + len(text) + 1)
    done = {term.lower() for page, term in words.unlinked if page == document.name}
    found = []
    for text, line in texts(book, document):
        for first, last in prose(parser, document, text, line):
            begin, end = starts[first - 1], min(starts[last - 1], len(whole))
            for use in _in_text(whole[begin:end], words, done):
                at = whole.count("\n", 0, begin + use.start) + 1
                found.append(Use(use.term, use.found, begin + use.start, at))
    return found


def _in_text(text: str, words: Words, done: set[str]) -> Iterator[Use]:
    """First uses in one piece of prose; `done` gets the terms that it mentions."""
    hidden, linked = masked(text)
    taken: list[tuple[int, int, str]] = [(at, at, term) for at, term in linked.items()]
    for term, pattern in words.patterns:
        for match in pattern.finditer(hidden):
            if all(match.end() <= a or b <= match.start() for a, b, _ in taken):
                taken.append((match.start(), match.end(), term))
    for start, end, term in sorted(taken):
        if term.lower() in done:
            continue
        done.add(term.lower())
        if end > start:
            yield Use(term, text[start:end], start, 0)


def write(document: Document, uses: list[Use]) -> None:
    """Turn each use into a link."""
    text = document.path.read_text(encoding="utf8")
    for use in sorted(uses, key=lambda one: -one.start):
        after = use.start + len(use.found)
        role, rest = use.role, text[after:]
        lines = re.search(r"\n\s*(?:>\s*)*", use.found)
        if lines and rest.startswith(" "):  # a role stands on one line
            rest = lines[0] + rest[1:]
        text = text[: use.start] + role + rest
    write_atomically(document.path, text)


def check(book: Book, index: Index | None = None, *, mend: bool = False) -> list[str]:
    """First uses without a link, one sentence each; with `mend` they get it.

    Raises:
        BookError: a page cannot be read, or `glossary_words` names a term that is none.
    """
    words = load_words(index or build_index(book))
    parser = markdown_parser(book)
    said = []
    for document in documents(book):
        if LEFT_OUT.fullmatch(document.name):
            continue
        uses = missing(book, document, words, parser)
        name = document.path.relative_to(book.root)
        said += [f"{name}:{use.line}: {use.found!r} -> {use.role}" for use in uses]
        if mend and uses:
            write(document, uses)
    return said


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.glossary", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="write nothing; fail if one is missing")
    what.add_argument("--write", action="store_true", help="make the missing links")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        said = check(load_book(options.root), mend=options.write)
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(said) or "every term of the glossary is linked where a page first uses it")
    return 1 if said and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
