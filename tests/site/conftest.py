"""The built site, once per test run, and what a browser sees of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from playwright.sync_api import Browser

from tests.conftest import ROOT
from tests.site.visits import VARIANTS, Visit, chromium, visit_pages
from tools.browser import INSTALL, find_browser


@pytest.fixture(scope="session")
def site() -> Path:
    """`_build/html`, built once per run of pytest; GENLIB_SITE names a built site to test instead.

    Outputs are never computed here: a chapter whose outputs are not current fails the build.
    """
    if given := os.environ.get("GENLIB_SITE"):
        return Path(given).resolve()
    build = ROOT / "_build"
    build.mkdir(exist_ok=True)
    marker, run = build / ".built-by", os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    with FileLock(build / ".site.lock"):
        if not marker.is_file() or marker.read_text().split("\n")[0] != run:
            done = subprocess.run(
                [sys.executable, "-m", "tools.book", "--no-execute", "--quiet"],
                cwd=ROOT, capture_output=True, text=True, check=False,
            )  # fmt: skip
            marker.write_text(
                f"{run}\n{done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
            )
    said = marker.read_text().split("\n", 2)
    if said[1] != "0":
        pytest.fail(f"the site was not built:\n{said[2]}", pytrace=False)
    return build / "html"


@pytest.fixture(scope="session")
def pages(site: Path) -> list[Path]:
    """Every page of the site."""
    found = sorted(p for p in site.rglob("*.html") if "_static" not in p.relative_to(site).parts)
    assert found, f"no page in {site}"
    return found


@pytest.fixture(scope="session")
def browser_path() -> str:
    path = find_browser()
    if path is None:
        pytest.skip(f"Browser tests were skipped: {INSTALL}")
    return path


@pytest.fixture(scope="module")
def browser(browser_path: str) -> Iterator[Browser]:
    """One browser for all tests of a file. While it is open, no other can be opened beside it."""
    with chromium(browser_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def visits(site: Path, pages: list[Path], browser: Browser) -> list[Visit]:
    """Every page opened from disk with the network cut, light, dark and narrow."""
    return [seen for variant in VARIANTS for seen in visit_pages(browser, site, pages, variant)]
