"""The page of all exercises on the built site: each once, and each link leads to its exercise."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.site.html import read
from tools.config import load_book
from tools.exercises import exercises_of

pytestmark = pytest.mark.slow


def test_each_exercise_is_linked_once_and_found_there(site: Path) -> None:
    every = [one for own in exercises_of(load_book()).values() for one in own]
    links = [
        str(tag["href"])
        for tag in read(site / "exercises.html").select("table.exercise-index a[href]")
        if ".html#" in str(tag["href"])
    ]
    assert links == [f"{one.page}.html#{one.label}" for one in every]
    for link, one in zip(links, every, strict=True):
        url = urlsplit(link)
        target = read(site / url.path).find(id=url.fragment)
        assert target is not None, link
        assert "exercise" in target["class"], link
        assert f"Exercise {one.number}:" in target.get_text(), link


def test_the_totals_link_to_their_tables(site: Path) -> None:
    page = read(site / "exercises.html")
    found = [tag["href"] for tag in page.select("table.exercise-index a[href^='#']")]
    assert len(found) == len(exercises_of(load_book()))
    assert all(page.find(id=str(href)[1:]) is not None for href in found)
