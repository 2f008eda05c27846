"""The bibliography as entries of the search page: found by author, author and year, or title."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from search_entries import Entry


def papers(citations: Iterable[Any]) -> Iterator[Entry]:
    """What is cited, from the `citations` of sphinxcontrib-bibtex's domain."""
    for citation in citations:
        people = citation.entry.persons.get("author") or citation.entry.persons.get("editor") or []
        names = [_plain(" ".join(person.last_names)) for person in people]
        year, title = citation.entry.fields.get("year", ""), citation.entry.fields.get("title", "")
        shown = f"{_together(names)} {year}".strip()
        said = citation.formatted_entry.text.render_as("text")
        text = " ".join(said.replace("<newblock>", " ").split())
        dated = tuple(f"{name} {year}" for name in names)
        yield Entry(
            shown, "paper", citation.bibliography_key.docname, citation.citation_id, text,
            (_plain(title), *names, *dated),
        )  # fmt: skip


def _together(names: list[str]) -> str:
    """As the text cites: one name, two, or the first of many."""
    if len(names) > 2:
        return f"{names[0]} et al."
    return " and ".join(names)


def _plain(text: str) -> str:
    """A field of BibTeX without its braces."""
    return text.replace("{", "").replace("}", "")
