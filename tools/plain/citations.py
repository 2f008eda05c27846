"""Citations as author and year, from the bibliography's BibTeX file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pybtex.database import BibliographyData, PybtexError, parse_file

from tools.errors import BookError


@dataclass(frozen=True)
class Citation:
    """Who and when: `names` is "Vincent et al.", `year` "2010"."""

    names: str
    year: str


def read_bibliography(path: Path) -> dict[str, Citation]:
    """Every entry of a BibTeX file by key; none where there is no file.

    Raises:
        BookError: the file cannot be parsed, or an entry has no author or no year.
    """
    if not path.is_file():
        return {}
    try:
        data: BibliographyData = parse_file(str(path), bib_format="bibtex")
    except PybtexError as error:
        raise BookError(f"not valid BibTeX: {error}", path) from error
    found = {}
    for key, entry in data.entries.items():
        people = entry.persons.get("author") or entry.persons.get("editor") or []
        year = entry.fields.get("year", "")
        if not people or not year:
            raise BookError(f"the entry {key!r} needs an author and a year", path)
        last = [" ".join([*p.prelast_names, *p.last_names]).replace("{", "").replace("}", "")
                for p in people]  # fmt: skip
        names = last[0] if len(last) == 1 else f"{last[0]} and {last[1]}"
        found[key] = Citation(names if len(last) < 3 else f"{last[0]} et al.", year)
    return found
