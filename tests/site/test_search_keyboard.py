"""The search page by keyboard and for a screen reader: wide, dark and narrow."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.site.visits import AXE, VARIANTS, browser_context

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LIST = "#search-results ul.search li"


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_for_keyboard_and_screen_reader(site: Path, browser_path: str, variant: object) -> None:
    """Type, press Enter, step to the first result and open it; axe has nothing to object."""
    with browser_context(browser_path, variant) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto((site / "search.html").as_uri(), wait_until="load")
        page.keyboard.type("mode collapse")  # the field has the focus
        page.keyboard.press("Enter")
        page.wait_for_selector(LIST)
        found = Axe().run(page, options=AXE).response["violations"]
        assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/glossary.html#term-mode-collapse")
        assert page.locator(":target").inner_text().startswith("mode collapse")
