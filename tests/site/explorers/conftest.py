"""What the tests of several explorers share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.site.explorers.harness import chromium


@pytest.fixture(scope="module")
def browser(browser_path: str) -> Iterator[Browser]:
    """One browser for all tests of a file."""
    with chromium(browser_path) as opened:
        yield opened
