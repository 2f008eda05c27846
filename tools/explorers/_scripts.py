"""Which files an explorer loads: each script names what it needs, as an import would.

A line `// needs: controls.js densities.js` in a script of `book/_static/explorers` names scripts
and style sheets of that folder that are loaded before it. A chapter names the explorer alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tools.config import ROOT
from tools.errors import BookError

HOME = ROOT / "book" / "_static" / "explorers"
NEEDS = re.compile(r"^// needs: (.+)$", re.MULTILINE)


def with_needs(names: Iterable[str], home: Path = HOME) -> list[str]:
    """The named files and what they need, each once and after all that it needs.

    Args:
        names: of scripts or style sheets, as paths below `home`, such as "controls.js".
        home: the folder of scripts.

    Raises:
        BookError: a file that is named is not there, or needs itself.
    """
    found: list[str] = []

    def add(name: str, asked_by: tuple[str, ...]) -> None:
        if name in asked_by:
            raise BookError(f"{' needs '.join([*asked_by, name])}; cut that circle", home / name)
        if name in found:
            return
        path = home / name
        if not path.is_file():
            who = f" (needed by {asked_by[-1]})" if asked_by else ""
            raise BookError(f"{name}{who} is not in {home}; write it, or mend its name")
        for line in NEEDS.findall(path.read_text(encoding="utf8")):
            for need in line.split():
                add(need, (*asked_by, name))
        found.append(name)

    for name in names:
        add(name, ())
    return found
