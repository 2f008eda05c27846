"""What is asked of every explorer in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, Locator

from tests.site.explorers import harness as h


def check_theme(figure: Locator) -> None:
    """The explorer's first canvas follows light and dark, and comes back as it was."""
    canvas = figure.locator(".explorer-canvas > canvas").first
    light = h.pixels(canvas)
    h.set_theme(figure.page, "dark")
    assert h.pixels(canvas) != light
    h.set_theme(figure.page, "light")
    assert h.pixels(canvas) == light


def check_widths(browser: Browser, path: Path, widths: Sequence[int] = (390, 360, 320)) -> None:
    """Nothing of the started explorer is wider than the screen, also where that is turned."""
    with h.reader(browser, width=widths[0]) as page:
        h.start(page, path)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(h.TWO_FRAMES)
            assert h.overflow(page) <= 0, width


def check_without_scripts(browser: Browser, path: Path) -> None:
    """Without JavaScript there are the picture and the caption, and no button that does nothing."""
    with h.reader(browser, scripts=False) as page:
        page.goto(path.as_uri())
        still = page.locator(".explorer-still")
        assert still.is_visible()
        assert still.evaluate("image => image.naturalWidth") > 600
        assert page.locator("figcaption").is_visible()
        assert not page.locator(".explorer-start").is_visible()
