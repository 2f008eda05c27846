"""Opening pages from disk in a Chromium that has no network, and writing down what happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tools.browser import FLAGS

LOCAL = ("file:", "data:", "blob:", "about:")

# axe would fetch the style sheets once more, which a page opened from disk may not.
AXE = {"preload": False, "resultTypes": ["violations"]}

# What must hold after a page has settled. Sections are laid out, formulas typeset and pictures
# loaded when a reader comes near: so go through the page, then ask for the whole of it.
SETTLE = """async () => {
  for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight) {
    scrollTo({top: y, behavior: 'instant'});
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  }
  scrollTo({top: 0, behavior: 'instant'});
  document.documentElement.classList.add('whole-page');
  if (window.coursePage) await coursePage.whole();
  await document.fonts.ready;
  for (const image of document.images) image.loading = 'eager';
  await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
}"""
LOOK = """() => ({
  raw_math: [...document.querySelectorAll('.math')]
    .filter(math => !math.querySelector('mjx-container')).map(math => math.textContent.trim()),
  bad_math: [...document.querySelectorAll('mjx-merror, [data-mjx-error]')].map(e => e.textContent),
  formulas: document.querySelectorAll('mjx-container').length,
  broken_images: [...document.images].filter(i => !i.naturalWidth).map(i => i.currentSrc || i.src),
  width: document.documentElement.clientWidth,
  content: document.documentElement.scrollWidth,
  theme: document.documentElement.dataset.theme,
  too_wide: [...document.querySelectorAll('main *')]
    .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .slice(0, 5).map(e => e.tagName + '.' + e.className),
})"""


@dataclass(frozen=True)
class Variant:
    name: str
    theme: str
    width: int


VARIANTS = (
    Variant("light", "light", 1280), Variant("dark", "dark", 1280), Variant("narrow", "light", 390),
)  # fmt: skip


@dataclass
class Visit:
    """One page, opened once."""

    page: str
    variant: Variant
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)  # console errors, exceptions, failed loads
    seen: dict[str, Any] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)  # axe: serious and critical

    @property
    def name(self) -> str:
        return f"{self.page} ({self.variant.name})"

    @property
    def elsewhere(self) -> list[str]:
        return [url for url in self.requests if not url.startswith(LOCAL)]

    def weight(self) -> int:
        """Bytes on disk of the page and of everything that it loads."""
        files = {unquote(urlsplit(url).path) for url in self.requests if url.startswith("file:")}
        return sum(Path(name).stat().st_size for name in files if Path(name).is_file())


@contextmanager
def browser_context(browser_path: str, variant: Variant) -> Iterator[BrowserContext]:
    """A browser window without network, in one theme and width."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        try:
            context = browser.new_context(
                viewport={"width": variant.width, "height": 900},
                color_scheme=variant.theme,  # type: ignore[arg-type]
                reduced_motion="reduce",
            )
            context.set_offline(True)
            context.add_init_script(
                f"localStorage.setItem('mode', '{variant.theme}');"
                f"localStorage.setItem('theme', '{variant.theme}');"
            )
            yield context
        finally:
            browser.close()


def visit_pages(
    browser_path: str, site: Path, pages: list[Path], variant: Variant
) -> Iterator[Visit]:
    with browser_context(browser_path, variant) as context:
        for path in pages:
            page = context.new_page()
            yield _visit(page, Visit(path.relative_to(site).as_posix(), variant), path)
            page.close()


def _visit(page: Page, visit: Visit, path: Path) -> Visit:
    page.on("request", lambda request: visit.requests.append(request.url))
    page.on("requestfailed", lambda request: visit.complaints.append(f"failed: {request.url}"))
    page.on("pageerror", lambda error: visit.complaints.append(f"exception: {error}"))
    page.on(
        "console",
        lambda said: (
            visit.complaints.append(f"console: {said.text}") if said.type == "error" else 0
        ),
    )
    page.goto(path.as_uri(), wait_until="load")
    page.evaluate(SETTLE)
    visit.seen = page.evaluate(LOOK)
    for violation in Axe().run(page, options=AXE).response["violations"]:
        if violation["impact"] in ("serious", "critical"):
            where = "; ".join(str(node["html"])[:160] for node in violation["nodes"][:3])
            visit.violations.append(
                f"{violation['id']} ({len(violation['nodes'])}×, {violation['help']}): {where}"
            )
    return visit
