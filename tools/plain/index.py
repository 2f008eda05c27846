"""What can be referred to, and the number or title that the site shows for it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from docutils.nodes import make_id

from tools.chapters import Document, documents
from tools.config import Book
from tools.errors import BookError
from tools.plain.blocks import Block, Directive, blocks
from tools.plain.citations import Citation, read_bibliography
from tools.source import is_notebook, markdown_parser, read_chapter

OPAQUE = {"math", "figure", "image", "eval-rst", "code-block", "code", "glossary", "bibliography",
          "raw", "toctree", "mermaid"}  # fmt: skip
AUTODOC = re.compile(
    r"(?:\.\.\s+|\{)(?:auto|py:)(module|function|class|method|data|attribute|exception)"
    r"(?:::|\})\s*([\w.]+)"
)


@dataclass(frozen=True)
class Target:
    """A place on a page. `number` is "1.3" for numbered things, `title` the words to show."""

    kind: str  # equation | figure | table | section
    page: str
    anchor: str
    number: str = ""
    title: str = ""


@dataclass
class Index:
    """Everything of the book that a reference can name."""

    book: Book
    labels: dict[str, Target] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)  # document name -> its first heading
    headings: dict[tuple[str, str], str] = field(default_factory=dict)  # (document, slug) -> anchor
    sections: dict[tuple[str, int], str] = field(default_factory=dict)  # (document, line) -> "1.2."
    terms: dict[str, Target] = field(default_factory=dict)
    api: dict[str, str] = field(default_factory=dict)  # documented name -> page
    citations: dict[str, Citation] = field(default_factory=dict)

    def url(self, page: str, anchor: str = "") -> str:
        return f"{self.book.site}{page}" + (f"#{anchor}" if anchor else "")

    def api_url(self, name: str) -> str | None:
        """The address of genlib's `name`, on the page that documents it or its module."""
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            page = self.api.get(".".join(parts[:length]))
            if page is not None:
                is_module = length == len(parts) and _is_module(self, name)
                return self.url(page, f"module-{name}" if is_module else name)
        return None


def _is_module(index: Index, name: str) -> bool:
    folder = index.book.root.joinpath(*name.split("."))
    return folder.is_dir() or folder.with_suffix(".py").is_file()


@dataclass
class _Scan:
    index: Index
    parser: Any
    counts: dict[tuple[int | None, str], int] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    outline: list[int] = field(default_factory=list)  # the current section: [1, 2] is 1.2

    def number(self, document: Document, kind: str) -> str:
        key = (document.number, kind)
        self.counts[key] = self.counts.get(key, 0) + 1
        prefix = "" if document.number is None else f"{document.number}."
        return f"{prefix}{self.counts[key]}"


def build_index(book: Book) -> Index:
    """Read every page of the book for what it defines.

    Raises:
        BookError: a label is defined twice.
    """
    index = Index(book, citations=read_bibliography(book.source / "references.bib"))
    scan = _Scan(index, markdown_parser(book))
    for document in documents(book):
        if is_notebook(document.path):
            notebook = read_chapter(book, document)
            for cell, line in zip(notebook.cells, notebook.metadata.source_map, strict=True):
                if cell.cell_type == "markdown":
                    _scan_text(scan, document, cell.source, line)
                else:
                    _scan_figure(scan, document, dict(cell.metadata), line)
        else:
            _scan_text(scan, document, document.path.read_text(encoding="utf8"), 1)
    return index


def figure_options(metadata: dict[str, Any]) -> dict[str, Any]:
    """`mystnb.figure` of a code cell's metadata: caption and name of the figure it shows."""
    return dict((metadata.get("mystnb") or {}).get("figure") or {})


def _scan_figure(scan: _Scan, document: Document, metadata: dict[str, Any], line: int) -> None:
    options = figure_options(metadata)
    if options.get("caption"):
        _define(scan, document, "figure", str(options.get("name", "")), line)


def _scan_text(scan: _Scan, document: Document, text: str, line: int) -> None:
    for block in blocks(scan.parser, text, document.path, line):
        at = line + block.start
        if block.kind == "target":
            scan.pending.append(block.label)
        elif block.kind == "heading":
            _scan_heading(scan, document, block, at)
        elif block.kind == "math" and block.label:
            _define(scan, document, "equation", block.label, at)
        elif block.directive is not None:
            _scan_directive(scan, document, block.directive, at)


def _scan_heading(scan: _Scan, document: Document, block: Block, at: int) -> None:
    title = _plain(block)
    scan.index.titles.setdefault(document.name, title)
    anchor = make_id(title)
    scan.index.headings[document.name, _slug(title)] = anchor
    for label in scan.pending:
        scan.index.labels[label] = Target("section", document.page, make_id(label), title=title)
    scan.pending.clear()
    if document.number is not None and block.level <= document.depth:
        if block.level == 1:
            scan.outline = [document.number]
        else:
            above = (scan.outline + [0] * block.level)[: block.level]
            scan.outline = [*above[:-1], above[-1] + 1]
        number = "".join(f"{part}." for part in scan.outline)
        scan.index.sections[document.name, at] = number


def _scan_directive(scan: _Scan, document: Document, found: Directive, at: int) -> None:
    define = partial(_define, scan, document, line=at)
    name = found.options.get("name", "")
    if found.name == "math" and found.options.get("label"):
        define("equation", found.options["label"])
    elif found.name == "figure" and found.body.strip():
        define("figure", name)
    elif found.name in ("table", "list-table") and found.argument:
        define("table", name)
    elif found.name == "explorer":
        label = found.options.get("label", "")
        target = Target("section", document.page, make_id(label), title="the explorer")
        scan.index.labels[label] = target
    elif found.name == "glossary":
        _scan_glossary(scan, document, found)
    if document.name.startswith("api/"):
        text = f"{{{found.name}}} {found.argument}\n{found.body}"
        for _, documented in AUTODOC.findall(text):
            scan.index.api.setdefault(documented, document.page)
    if found.name not in OPAQUE:
        _scan_text(scan, document, found.body, found.body_line)


def _scan_glossary(scan: _Scan, document: Document, found: Directive) -> None:
    for text in found.body.split("\n"):
        if text.strip() and not text[0].isspace() and not text.startswith((":", "..")):
            term = text.strip()
            # As Sphinx makes it: accents are dropped, and so is what has no like in ASCII.
            plain = unicodedata.normalize("NFKD", term).encode("ascii", "ignore").decode()
            anchor = "term-" + re.sub(r"[^a-zA-Z0-9._]+", "-", plain).strip("-")
            scan.index.terms[term.lower()] = Target("term", document.page, anchor, title=term)


def _define(scan: _Scan, document: Document, kind: str, label: str, line: int) -> None:
    number = scan.number(document, kind)
    labels = [name for name in (label, *scan.pending) if name]
    scan.pending.clear()
    for name in labels:
        if name in scan.index.labels:
            raise BookError(f"the label {name!r} is defined twice", document.path, line)
        anchor = make_id(f"equation-{name}" if kind == "equation" else name)
        scan.index.labels[name] = Target(kind, document.page, anchor, number)


def _plain(block: Block) -> str:
    parts = []
    for child in block.inline[0].children or ():
        parts.append(" " if child.type == "softbreak" else child.content)
    return "".join(parts)


def _slug(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
