"""The numbers that the README gives are the book's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


def test_counts_of_the_readme(root: Path) -> None:
    sources = [path.read_text(encoding="utf8") for path in (root / "book/chapters").glob("*.md")]
    text = "\n".join(sources)
    readme = " ".join((root / "README.md").read_text(encoding="utf8").split())
    found = re.search(r"with (\w+) explorers, (\d+) questions and (\d+) exercises", readme)
    assert found is not None
    words = ("six", "seven", "eight", "nine", "ten")
    assert words[text.count(":::{explorer} ") - 6] == found[1]
    assert text.count(":::{quiz} ") == int(found[2])
    assert len(re.findall(r"^:{3,4}\{admonition\} Exercise \d+\.\d+", text, re.M)) == int(found[3])


def anchors_of(path: Path) -> set[str]:
    """The anchors that a hosted repository gives to the headings of a Markdown file."""
    heads = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "book/_static/explorers/README.md"]
)
def test_links_between_the_files_of_the_repository_lead_somewhere(root: Path, name: str) -> None:
    page = root / name
    for target in re.findall(r"\]\((?!\w+:)([^)\s]+)\)", page.read_text(encoding="utf8")):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in anchors_of(there), target
