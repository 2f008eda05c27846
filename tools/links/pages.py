"""Reading built pages without a browser."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup

CSS_URL = re.compile(r"(?:url\(|@import\s+)\s*['\"]?([^'\")\s;]+)")
ELSEWHERE = ("http:", "https:", "//")


@cache
def read(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf8"), "html.parser")


@cache
def anchors(path: Path) -> frozenset[str]:
    """Every id and anchor name of a page."""
    soup = read(path)
    ids = {str(tag["id"]) for tag in soup.find_all(id=True)}
    return frozenset(ids | {str(tag["name"]) for tag in soup.find_all("a", attrs={"name": True})})


def loaded(soup: BeautifulSoup) -> list[str]:
    """Addresses that a browser asks for by itself when it opens the page."""
    found = [str(tag["src"]) for tag in soup.find_all(src=True)]
    found += [str(tag["data"]) for tag in soup.find_all("object", attrs={"data": True})]
    found += [str(tag["poster"]) for tag in soup.find_all(poster=True)]
    for tag in soup.find_all(srcset=True):
        sources = str(tag["srcset"])
        found += [sources] if sources.startswith("data:") else [
            part.split()[0] for part in sources.split(",")
        ]  # fmt: skip
    asked = {"stylesheet", "preload", "prefetch", "icon", "preconnect", "dns-prefetch", "manifest"}
    for tag in soup.find_all("link", href=True):
        if asked & set(tag.get("rel") or ()):
            found.append(str(tag["href"]))
    for tag in soup.find_all(style=True):
        found += CSS_URL.findall(str(tag["style"]))
    for tag in soup.find_all("style"):
        found += CSS_URL.findall(tag.get_text())
    return found
