"""Opening pages from disk in a Chromium that has no network, and writing down what happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.site.axe import serious
from tools.browser import FLAGS

LOCAL = ("file:", "data:", "blob:", "about:")

# Milliseconds that a page may take until what a test waits for has come. Nothing waits that long
# but on a machine with much else to do, or for what never comes.
PATIENCE = 120_000

# What must hold after a page has settled. Sections are laid out, formulas typeset and pictures
# loaded when a reader comes near: so go through the page, then ask for the whole of it. Not in
# larger steps: that is hardly faster, and passes over what moves while sections get their heights.
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
def chromium(browser_path: str) -> Iterator[Browser]:
    """A browser. Starting one takes seconds: the fixture `browser` is one for a file's tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=list(FLAGS), timeout=PATIENCE
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(browser: Browser | str, **options: Any) -> Iterator[BrowserContext]:
    """A window without network whose pages are waited for with patience.

    Args:
        browser: from `chromium`, or the path of one, which is then opened for this window alone.
        options: of Playwright's `new_context`.
    """
    with ExitStack() as stack:
        opened = stack.enter_context(chromium(browser)) if isinstance(browser, str) else browser
        context = opened.new_context(**options)
        stack.callback(context.close)
        context.set_default_timeout(PATIENCE)
        context.set_offline(True)
        yield context


@contextmanager
def browser_context(browser: Browser | str, variant: Variant) -> Iterator[BrowserContext]:
    """A window without network, in one theme and width."""
    size = {"width": variant.width, "height": 900}
    with window(
        browser, viewport=size, color_scheme=variant.theme, reduced_motion="reduce"
    ) as context:
        # Not for tests of what a page remembers: see `remembering` in test_quizzes.py.
        context.add_init_script(
            f"localStorage.setItem('mode', '{variant.theme}');"
            f"localStorage.setItem('theme', '{variant.theme}');"
        )
        yield context


def visit_pages(
    browser: Browser | str, site: Path, pages: list[Path], variant: Variant
) -> Iterator[Visit]:
    with browser_context(browser, variant) as context:
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
    if visit.variant is not VARIANTS[0] and page.locator(".math").count():
        # As for paper: all formulas in one go, which takes half of the time. In its first variant
        # a page sets them little by little, as for a reader.
        page.wait_for_function("!!window.MathJax?.typesetPromise")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.evaluate(SETTLE)
    visit.seen = page.evaluate(LOOK)
    visit.violations = serious(page)
    return visit
