"""What the tests of several explorers share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.site.explorers.harness import reader, start


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page of a wide screen."""
    with reader(browser) as opened:
        yield opened


@pytest.fixture
def figure(page: Page, page_path: Path) -> Locator:
    """The started explorer of `page_path`, which each file of tests makes with `harness`."""
    return start(page, page_path)
