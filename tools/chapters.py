"""The book's documents in reading order, and which of them are numbered chapters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.config import Book
from tools.errors import BookError


@dataclass(frozen=True)
class Document:
    """One page of `_toc.yml`. `number` is the chapter's number, None on an unnumbered page;
    `depth` says down to which level its headings carry numbers on the site.
    """

    name: str  # as in _toc.yml: "chapters/01-autoencoders"
    path: Path
    number: int | None
    depth: int = 0

    @property
    def page(self) -> str:
        """The page's address inside the site."""
        return f"{self.name}.html"

    @property
    def stem(self) -> str:
        """The name of the chapter's notebook: "01-autoencoders"."""
        return self.name.rsplit("/", 1)[-1]


def documents(book: Book) -> list[Document]:
    """Every page that `_toc.yml` names, in reading order.

    Raises:
        BookError: a page has no file, or a chapter's number differs from its file name's.
    """
    found = [Document(str(book.toc["root"]), _file(book, str(book.toc["root"])), None)]
    count = 0
    for part in book.toc.get("parts", [{"chapters": book.toc.get("chapters", [])}]):
        for entry in part.get("chapters", []):
            number, depth = None, part.get("numbered", 0)
            if depth:
                number = count = count + 1
            for name in _names(entry):
                every = 9 if depth is True else int(depth)  # `numbered: true` means all levels
                found.append(Document(name, _file(book, name), number, every))
    for document in found:
        digits = document.stem.split("-", 1)[0]
        if document.number is not None and not (
            digits.isdigit() and int(digits) == document.number
        ):
            raise BookError(
                f"_toc.yml makes this chapter {document.number}; "
                f"name the file {document.number:02d}-NAME.md",
                document.path,
            )
    return found


def chapters(book: Book) -> list[Document]:
    """The numbered chapters: those that are executed and become notebooks."""
    return [document for document in documents(book) if document.number is not None]


def notebook_path(book: Book, chapter: Document) -> Path:
    return book.notebooks / f"{chapter.stem}.ipynb"


def select(book: Book, names: list[str]) -> list[Document]:
    """The chapters with these names ("01-autoencoders", "01" or "1"); all where none is named."""
    every = chapters(book)
    if not names:
        return every
    chosen = []
    for name in names:
        stem = Path(name).stem
        match = [
            chapter
            for chapter in every
            if stem == chapter.stem or (stem.isdigit() and int(stem) == chapter.number)
        ]
        if not match:
            known = ", ".join(chapter.stem for chapter in every)
            raise BookError(f"no chapter is called {name!r}; there are: {known}")
        chosen += match
    return chosen


def _names(entry: dict[str, Any]) -> Iterator[str]:
    if "file" in entry:
        yield str(entry["file"])
    for section in entry.get("sections", []):
        yield from _names(section)


def _file(book: Book, name: str) -> Path:
    path = book.source / (name if name.endswith(".md") else f"{name}.md")
    if not path.is_file():
        raise BookError(f"_toc.yml names the page {name!r}, but there is no such file", path)
    return path
