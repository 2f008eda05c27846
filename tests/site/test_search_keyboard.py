"""The search page by keyboard and for a screen reader: wide, dark and narrow."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.site.axe import serious
from tests.site.visits import VARIANTS, Variant, browser_context

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LIST = "#search-results ul.search li"
# Scripts give the field the focus; a key pressed before goes nowhere.
IN_FIELD = "document.activeElement.matches('.bd-search-container input')"


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_for_keyboard_and_screen_reader(site: Path, browser: Browser, variant: Variant) -> None:
    """Type, press Enter, step to the first result and open it; axe has nothing to object."""
    with browser_context(browser, variant) as context:
        page = context.new_page()
        page.goto((site / "search.html").as_uri(), wait_until="load")
        page.wait_for_function(IN_FIELD)
        page.keyboard.type("mode collapse")
        page.keyboard.press("Enter")
        page.wait_for_selector(LIST)
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= variant.width
        page.wait_for_function(IN_FIELD)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/glossary.html#term-mode-collapse")
        assert page.locator(":target").inner_text().startswith("mode collapse")
