"""The page of all exercises on the built site: each once, and each link leads to its exercise."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.site.html import read
from tests.site.visits import VARIANTS, browser_context, window
from tools.config import load_book
from tools.exercises import exercises_of

pytestmark = pytest.mark.slow
_, _, NARROW = VARIANTS


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


@pytest.mark.browser
def test_a_teacher_chooses_among_them(site: Path, browser: Browser) -> None:
    """With the keyboard, on a phone's width; what is shown is counted, and its minutes added up."""
    every = [one for own in exercises_of(load_book()).values() for one in own]
    chosen = [one for one in every if one.difficulty == "standard" and not one.is_open]
    with browser_context(browser, NARROW) as context:
        page = context.new_page()
        page.goto((site / "exercises.html").as_uri(), wait_until="load")
        said = page.locator(".exercise-filter output")
        assert_says(page, len(every), len(every), sum(one.minutes for one in every))
        menus = page.locator(".exercise-filter select")
        menus.nth(0).focus()
        page.keyboard.type("stan")  # as a screen reader's user chooses in a closed menu
        menus.nth(1).select_option("checked")
        assert_says(page, len(chosen), len(every), sum(one.minutes for one in chosen))
        shown = page.locator("table.exercise-index tbody tr:not([hidden]) a[href*='.html#']")
        assert shown.count() == len(chosen)
        assert said.get_attribute("aria-live") is None, "an output is polite by itself"
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= NARROW.width


@pytest.mark.browser
def test_without_scripts_all_are_shown(site: Path, browser: Browser) -> None:
    with window(browser, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((site / "exercises.html").as_uri(), wait_until="load")
        assert page.locator(".exercise-filter").count() == 0
        assert page.locator("table.exercise-index tbody tr[hidden]").count() == 0


def assert_says(page: Page, shown: int, total: int, minutes: int) -> None:
    text = f"{shown} of {total} exercises are shown: {minutes // 60} h {minutes % 60:02d} min"
    page.wait_for_function(
        "text => document.querySelector('.exercise-filter output')?.textContent === text", arg=text
    )
