"""Every page in a real browser: from disk, with the network cut, light, dark and narrow."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.site.visits import VARIANTS, Variant, Visit, browser_context

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MEGABYTE = 1_000_000
LIMIT = 3 * MEGABYTE


def expect_nothing(found: dict[str, object]) -> None:
    """Fail with one line per page on which something was found."""
    lines = [f"{name}: {what}" for name, what in found.items() if what]
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def test_nothing_is_asked_of_another_host(visits: list[Visit]) -> None:
    expect_nothing({v.name: v.elsewhere for v in visits})


def test_no_page_complains(visits: list[Visit]) -> None:
    expect_nothing({v.name: v.complaints for v in visits})


def test_every_formula_is_typeset(visits: list[Visit]) -> None:
    found: dict[str, object] = {v.name: v.seen["raw_math"] + v.seen["bad_math"] for v in visits}
    expect_nothing(found)
    assert any(v.seen["formulas"] for v in visits), "no page has a formula: is MathJax loaded?"


def test_every_picture_is_shown(visits: list[Visit]) -> None:
    expect_nothing({v.name: v.seen["broken_images"] for v in visits})


def test_the_theme_follows_the_reader(visits: list[Visit]) -> None:
    assert not [v.name for v in visits if v.seen["theme"] != v.variant.theme]


def test_nothing_is_wider_than_the_screen(visits: list[Visit]) -> None:
    found: dict[str, object] = {
        v.name: f"{v.seen['content']} > {v.seen['width']} px: {v.seen['too_wide']}"
        for v in visits
        if v.seen["content"] > v.seen["width"]
    }
    expect_nothing(found)


def test_axe_finds_nothing_serious(visits: list[Visit]) -> None:
    found: dict[str, object] = {v.name: "\n  ".join(["", *v.violations]) * bool(v.violations)
                                for v in visits}  # fmt: skip
    expect_nothing(found)


def test_a_page_weighs_at_most_three_megabytes(visits: list[Visit]) -> None:
    found: dict[str, object] = {
        v.name: f"{v.weight() / MEGABYTE:.2f} MB" for v in visits if v.weight() > LIMIT
    }
    expect_nothing(found)


# What has the focus, once it can be seen: the skip link slides in, and a stop may have to be
# scrolled to. What cannot be seen for ten seconds never will be.
FOCUS = """async () => {
  const look = () => {
    let e = document.activeElement;
    if (e.tagName === 'SUMMARY' && e.offsetHeight < 2) e = e.firstElementChild;
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    return {what: e.outerHTML.slice(0, 200), body: e === document.body,
      shown: box.width > 1 && box.height > 1 && box.bottom > 0 && box.right > 0,
      marked: (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0)
        || style.boxShadow !== 'none'};
  };
  const began = performance.now();
  let seen = look();
  while (!seen.body && !(seen.shown && seen.marked) && performance.now() - began < 10_000) {
    await new Promise(done => setTimeout(done, 20));
    seen = look();
  }
  return seen;
}"""


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_keyboard(site: Path, browser: Browser, variant: Variant) -> None:
    """The first stop is the skip link, it leads to the text, and every stop can be seen."""
    with browser_context(browser, variant) as context:
        page = context.new_page()
        page.goto((site / "index.html").as_uri(), wait_until="load")
        page.keyboard.press("Tab")
        first = page.evaluate(FOCUS)
        assert "#main-content" in first["what"], first
        assert first["shown"], "the skip link cannot be seen when it has the focus"
        invisible = []
        for _ in range(20):
            page.keyboard.press("Tab")
            at = page.evaluate(FOCUS)
            if not at["body"] and not (at["shown"] and at["marked"]):
                invisible.append(at["what"])
        assert not invisible, "\n".join(invisible)
        page.goto((site / "index.html").as_uri(), wait_until="load")
        page.keyboard.press("Tab")
        assert "#main-content" in page.evaluate(FOCUS)["what"]
        page.keyboard.press("Enter")
        # Asked of the page itself, which waits: Playwright's own `page.url` is news from another
        # process, and may come after the answer to the key.
        page.wait_for_function("location.hash === '#main-content'")
        page.keyboard.press("Tab")
        page.wait_for_function("!!document.activeElement.closest('#main-content')")
