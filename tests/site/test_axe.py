"""Asking axe for the contrast of one of many equal words finds what asking for all would find."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.site.axe import serious
from tests.site.visits import VARIANTS, browser_context

pytestmark = [pytest.mark.browser]
PALE = "color: #ccc"
# What is wrong, and a page's body with it: each time behind something like it that is right.
WRONG = {
    "a word of another class": f"<pre><b>if</b> <b>if</b> <b style='{PALE}'>if</b></pre>",
    "the same class in another listing": (
        f"<pre><i class=k>if</i></pre><pre style='background: #666'><i class=k>if</i></pre>"
        f"<style>.k {{ color: #333 }}</style><p style='{PALE}; background: #000'>dark</p>"
    ),
    "a row with a background": (
        "<table><tr><td>one</td></tr><tr style='background: #444'><td>two</td></tr></table>"
    ),
    "a word inside a faint one": (
        "<ul><li><span><em>one</em></span></li>"
        "<li><span style='opacity: 0.2'><em>two</em></span></li></ul>"
    ),
    "a button": f"<button>Yes</button><button style='{PALE}'>No</button>",
    "a paragraph with a link": f"<p>Plain</p><p style='{PALE}'>Pale <a href='#x'>link</a></p>",
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_what_is_pale_is_found(browser: Browser, tmp_path: Path, body: str) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Page</title>'
        f"<body><main><h1 id='x'>Page</h1>{body}</main></body></html>"
    )
    with browser_context(browser, VARIANTS[0]) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        found = serious(page)
    assert [line for line in found if line.startswith("color-contrast (1×")], found


def test_other_mistakes_are_found_too(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<!doctype html><html lang='en'><title>Page</title><p><img src='data:,'></p>")
    with browser_context(browser, VARIANTS[0]) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        assert [line.split()[0] for line in serious(page)] == ["image-alt"]
