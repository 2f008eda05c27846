"""Where scripts are off, a page is laid out as a whole, and links into it lead to their places."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tools.browser import FLAGS

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CHAPTER = "chapters/03-vae.html"
PLACES = ("posterior-collapse", "try-latent-sliders", "common-questions")


def test_a_link_into_the_page_leads_to_its_place(site: Path, browser_path: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        context = browser.new_context(
            viewport={"width": 1280, "height": 900}, java_script_enabled=False, offline=True
        )
        tops = {}
        for name in PLACES:
            page = context.new_page()
            page.goto(f"{(site / CHAPTER).as_uri()}#{name}", wait_until="load")
            end = time.monotonic() + 30  # a page without scripts cannot be asked to wait
            while not 0 <= (top := _top(page, name)) < 150 and time.monotonic() < end:
                page.wait_for_timeout(100)
            tops[name] = top
            page.close()
        browser.close()
    assert all(0 <= top < 150 for top in tops.values()), tops


def _top(page: Page, name: str) -> float:
    box = page.locator(f"[id='{name}']").bounding_box()
    return box["y"] if box else float("nan")
