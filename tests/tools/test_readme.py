"""The numbers that the README gives are the book's."""

from __future__ import annotations

import re
from pathlib import Path


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
