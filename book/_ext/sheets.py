"""One small style sheet in place of a dozen: what no page and no script names is left out.

A browser draws nothing before every style sheet is there, and of those of the theme a page needs a
tenth. The sheets themselves stay beside it: nothing else about the site changes.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from urllib.parse import urlsplit

import tinycss2
from tinycss2.ast import AtRule, Node, QualifiedRule

LINK = re.compile(r'[ \t]*<link(?=[^>]*\srel="stylesheet")(?![^>]*\smedia=)[^>]*>\n?')
HREF = re.compile(r'\shref="([^"?#]+)')
URL = re.compile(r"""url\(\s*(['"]?)([^'")]+)\1\s*\)""")
WORD = re.compile(r"[\w-]+")
# Classes and ids outside parentheses; what stands inside of them may be one of several, or denied.
INSIDE = re.compile(r"\([^()]*\)")
NAME = re.compile(r"[.#](-?[A-Za-z_][\w-]*)")
NESTED = ("media", "supports", "layer", "container")


def words(texts: Iterable[str]) -> set[str]:
    """Every word of pages and scripts: among them are all classes and ids that they use."""
    return {word for text in texts for word in WORD.findall(text)}


def bundle(out: Path, pages: dict[Path, str]) -> dict[Path, str]:
    """Write the sheets of each page as one, and name that one in the page; the pages that changed.

    Args:
        out: the built site.
        pages: the text of every page of it.
    """
    scripts = (script.read_text(encoding="utf8") for script in sorted(out.rglob("*.js")))
    known = words([*pages.values(), *scripts])
    names: dict[tuple[str, ...], str] = {}
    changed = {}
    for page, text in pages.items():
        links = LINK.findall(text)
        found = [match[1] for link in links if (match := HREF.search(link))]
        folder = page.parent.relative_to(out).as_posix()
        sheets = tuple(normpath(join(folder, href)) for href in found)
        if len(sheets) < 2 or any(urlsplit(href).netloc for href in found):
            continue
        if sheets not in names:
            names[sheets] = _write(out, sheets, known)
        href = os.path.relpath(out / "_static" / names[sheets], page.parent).replace(os.sep, "/")
        one = iter([f'  <link href="{href}" rel="stylesheet" />\n'])
        changed[page] = LINK.sub(lambda _, one=one: next(one, ""), text)  # type: ignore[misc]
    return changed


def _write(out: Path, sheets: tuple[str, ...], known: set[str]) -> str:
    text = "\n".join(used(rules(out, sheet), known) for sheet in sheets)
    name = f"styles.{hashlib.sha256(text.encode()).hexdigest()[:12]}.css"
    (out / "_static" / name).write_text(text, encoding="utf8")
    return name


def rules(out: Path, sheet: str) -> Iterator[Node]:
    """The rules of a sheet, imported ones in their place, with addresses as seen from `_static`."""
    text = (out / sheet).read_text(encoding="utf8")

    def moved(match: re.Match[str]) -> str:
        address = match[2]
        if urlsplit(address).scheme or address.startswith(("#", "/")):
            return match[0]
        return f'url("{relpath(normpath(join(dirname(sheet), address)), "_static")}")'

    parsed = tinycss2.parse_stylesheet(URL.sub(moved, text), True, True)
    for rule in parsed:
        if rule.type == "error":
            raise ValueError(f"{sheet}: {rule.message}")
        if isinstance(rule, AtRule) and rule.lower_at_keyword == "import":
            (address,) = (t.value for t in rule.prelude if t.type in ("string", "url"))
            # An address in url() has been moved by now, one in quotes has not.
            yield from rules(out, normpath(join(dirname(sheet), address)))
        elif not (isinstance(rule, AtRule) and rule.lower_at_keyword == "charset"):
            yield rule


def used(found: Iterable[Node], known: set[str]) -> str:
    """The rules as text, without those that can select nothing."""
    kept = []
    for rule in found:
        if isinstance(rule, QualifiedRule):
            selectors = _selectors(tinycss2.serialize(rule.prelude))
            living = [s for s in selectors if "\\" in s or _names(s) <= known]
            body = _tight(tinycss2.serialize(rule.content))
            if living and body:
                kept.append(f"{','.join(living)}{{{body}}}")
        elif isinstance(rule, AtRule) and rule.lower_at_keyword in NESTED and rule.content:
            inside = used(tinycss2.parse_rule_list(rule.content, True, True), known)
            if inside:
                head = _tight(tinycss2.serialize(rule.prelude))
                kept.append(f"@{rule.at_keyword} {head}{{{inside}}}")
        else:
            kept.append(_tight(rule.serialize()))
    return "\n".join(kept)


def _selectors(prelude: str) -> list[str]:
    """The single selectors of a list; a comma inside of parentheses or brackets parts nothing."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(prelude):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append(prelude[start:at])
            start = at + 1
    return [_tight(part) for part in (*parts, prelude[start:])]


def _names(selector: str) -> set[str]:
    bare = re.sub(r"\[[^\]]*\]", "", selector)
    while (less := INSIDE.sub("", bare)) != bare:
        bare = less
    return set(NAME.findall(bare))


def _tight(text: str) -> str:
    """Without line ends and indentation: a string of CSS has none of these."""
    return re.sub(r"\s*\n\s*", " ", re.sub(r"/\*.*?\*/", "", text, flags=re.S)).strip()
