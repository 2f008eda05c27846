"""Who comes back to a page, or loads it again, is where they were: to the paragraph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.site.visits import VARIANTS, Variant, browser_context

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CHAPTER = "chapters/03-vae.html"  # long, with the most formulas: heights are far from guessed right
LIMIT = 60_000
TOP = """([section, child]) => {
  const block = document.getElementById(section).children[child];
  return block.checkVisibility({contentVisibilityAuto: true}) && block.getBoundingClientRect().top;
}"""
# What is noted is what is on the screen.
NOTED = f"""least => {{
  const place = history.state?.place;
  if (!place || scrollY < least) return false;
  const top = ({TOP})([place.section, place.child]);
  return top !== false && Math.abs(top - place.top) < 2 ? place : false;
}}"""
AT = f"""({{section, child, top}}) => {{
  const now = ({TOP})([section, child]);
  return now !== false && Math.abs(now - top) < 40;
}}"""


def read_on(page: Page, pixels: int) -> dict[str, Any]:
    """Scroll as a reader does, rest, and tell the place."""
    wanted = page.evaluate("scrollY") + 0.6 * pixels
    for _ in range(pixels // 600):
        page.mouse.wheel(0, 600)
        page.wait_for_timeout(20)
    place: dict[str, Any] = page.wait_for_function(NOTED, arg=wanted, timeout=LIMIT).json_value()
    return place


def follow(page: Page, name: str) -> None:
    """A link within the page, as one of the contents is."""
    page.evaluate(
        """name => {
          const link = document.createElement('a');
          link.href = '#' + name;
          document.body.append(link);
          link.click();
        }""",
        name,
    )
    page.wait_for_function(
        """name => {
          const {top} = document.getElementById(name).getBoundingClientRect();
          return top >= 0 && top < 150 && history.state?.place;
        }""",
        arg=name,
        timeout=LIMIT,
    )


@pytest.mark.parametrize("variant", [VARIANTS[0], VARIANTS[2]], ids=lambda variant: variant.name)
def test_back_and_reload_lead_to_the_paragraph(
    site: Path, browser: Browser, variant: Variant
) -> None:
    with browser_context(browser, variant) as context:
        page = context.new_page()
        page.goto((site / CHAPTER).as_uri(), wait_until="load")
        page.mouse.move(variant.width / 2, 500)
        first = read_on(page, 18_000)
        page.goto((site / "glossary.html").as_uri(), wait_until="load")
        page.go_back(wait_until="load")
        page.wait_for_function(AT, arg=first, timeout=LIMIT)
        page.reload(wait_until="load")
        page.wait_for_function(AT, arg=first, timeout=LIMIT)
        # Within the page: not to the heading that the address names, but to what was read below it.
        follow(page, "bernoulli")
        second = read_on(page, 2400)
        assert second["section"] != first["section"]
        follow(page, "common-questions")
        page.go_back()
        page.wait_for_function(AT, arg=second, timeout=LIMIT)
        page.go_back()
        page.wait_for_function(AT, arg=first, timeout=LIMIT)
