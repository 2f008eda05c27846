"""A page with one explorer on it, from disk, and a browser that opens it.

The page has the theme's style sheets and the markup that the directive `explorer` makes, beside
copies of the explorers' scripts and of the files that `tools.explorers` makes for this explorer.
"""

from __future__ import annotations

import base64
import importlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.conftest import ROOT
from tests.site.visits import FLAGS

SCRIPTS = ROOT / "book" / "_static" / "explorers"
STYLES = (  # in the order in which a page of the site has them
    ("pydata_sphinx_theme", "theme/pydata_sphinx_theme/static/styles/bootstrap.css"),
    ("pydata_sphinx_theme", "theme/pydata_sphinx_theme/static/styles/pydata-sphinx-theme.css"),
    ("sphinx_book_theme", "theme/sphinx_book_theme/static/styles/sphinx-book-theme.css"),
)
PAGE = """<!DOCTYPE html>
<html lang="en" data-content_root="./" data-theme="light" data-mode="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>One explorer</title>
<script>
  document.documentElement.dataset.theme = localStorage.getItem("theme") || "light";
</script>
{links}
<script src="_static/explorers/loader.js" defer></script>
</head>
<body>
<div class="bd-container"><div class="bd-container__inner"><main class="bd-main">
<div class="bd-content"><div class="bd-article-container" style="min-width: min(44rem, 100vw)">
<article class="bd-article">
<h1>One explorer</h1>
<figure class="explorer" id="the-explorer" data-explorer="{name}" data-scripts="{scripts}"
  data-data="{data}" data-options="{options}" data-weight="{weight}">
  <div class="explorer-stage"><img class="explorer-still" src="{still}" alt="What it shows.">
    <button type="button" class="explorer-start" hidden>Start the explorer
      <small>(from this site)</small></button></div>
  <noscript>Where scripts are allowed, this picture can be moved.</noscript>
  <figcaption><p>What to try, and what to see.</p></figcaption>
</figure>
</article></div></div>
</main></div></div>
</body>
</html>
"""
# Where the page keeps the explorer; `evaluate` can read from it what a test needs.
FIGURE = "figure.explorer"


def harness(
    folder: Path,
    name: str,
    scripts: Sequence[str] = (),
    data: Sequence[str] = (),
    options: dict[str, Any] | None = None,
) -> Path:
    """Write a page with the explorer `name` and all that it loads; return the page.

    Args:
        folder: where; an empty folder such as `tmp_path`.
        name: of the explorer, such as "latent-map".
        scripts: as in the directive: loaded before `NAME.js`, such as "controls.js".
        data: as in the directive: loaded at the start, such as "latent-map-codes".
        options: as in the directive.
    """
    home = folder / "_static" / "explorers"
    shutil.copytree(SCRIPTS, home, dirs_exist_ok=True)
    for path, content in files_of(name).items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_bytes(content)
    loaded = [home / f"{name}.js", *(home / script for script in scripts)]
    loaded += [home / "data" / f"{part}.js" for part in data]
    links = [_theme(folder, package, path) for package, path in STYLES]
    shutil.copy(ROOT / "book" / "_static" / "css" / "course.css", folder / "_static")
    links += ["_static/course.css"]
    links += [f"_static/explorers/{path.name}" for path in sorted(home.glob("*.css"))]
    still = f"_static/explorers/still/{name}.webp"
    page = folder / "index.html"
    page.write_text(
        PAGE.format(
            links="\n".join(f'<link rel="stylesheet" href="{link}">' for link in links),
            name=name,
            scripts=" ".join(scripts),
            data=" ".join(data),
            options=escape(json.dumps(options or {}), quote=True),
            weight=sum(path.stat().st_size for path in loaded) // 1000,
            still=still,
        ),
        encoding="utf-8",
    )
    return page


@cache
def files_of(name: str) -> dict[str, bytes]:
    """What the site's build makes for an explorer, once per run of the tests."""
    module = importlib.import_module(f"tools.explorers.{name.replace('-', '_')}")
    made: dict[str, bytes] = module.files()
    return made


@contextmanager
def chromium(browser_path: str) -> Iterator[Browser]:
    """A browser; open one for a whole module where it has many tests, for it takes seconds."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def reader(
    browser: Browser | str,
    *,
    theme: str = "light",
    width: int = 1280,
    touch: bool = False,
    scripts: bool = True,
) -> Iterator[Page]:
    """An empty page in a browser without network; what goes wrong in it fails the test at the end.

    Args:
        browser: from `chromium`, or the path of one, which is then opened for this page alone.
        theme: "light" or "dark".
        width: of the window, in pixels.
        touch: whether the screen takes touches.
        scripts: whether JavaScript runs.
    """
    with ExitStack() as stack:
        opened = stack.enter_context(chromium(browser)) if isinstance(browser, str) else browser
        context = opened.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            has_touch=touch,
            java_script_enabled=scripts,
        )
        stack.callback(context.close)
        context.set_offline(True)
        context.add_init_script(f"localStorage.setItem('theme', '{theme}');")
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on(
            "console", lambda said: complaints.append(said.text) if said.type == "error" else None
        )
        yield page
        assert not complaints, complaints


def start(page: Page, path: Path) -> Locator:
    """Open the page, press the start button, wait until the explorer is ready; its figure."""
    page.goto(path.as_uri(), wait_until="load")
    page.locator(f"{FIGURE} .explorer-start").click()
    page.wait_for_function(
        f"['ready', 'failed'].includes(document.querySelector('{FIGURE}').dataset.state)"
    )
    figure = page.locator(FIGURE)
    state = figure.get_attribute("data-state")
    assert state == "ready", figure.inner_text()
    return figure


def state(figure: Locator) -> dict[str, Any]:
    """What the explorer says of itself, `figure.api.state()`, after the frames that are due."""
    seen: dict[str, Any] = figure.evaluate(
        """async figure => {
          for (let i = 0; i < 2; i += 1) await new Promise(done => requestAnimationFrame(done));
          return figure.api.state();
        }"""
    )
    return seen


def pixels(canvas: Locator) -> bytes:
    """The red, green, blue and alpha of a canvas, row by row, after the frames that are due."""
    # As text of bytes: as a list of numbers a large canvas takes half a minute to arrive.
    text: str = canvas.evaluate(
        """async canvas => {
          for (let i = 0; i < 2; i += 1) await new Promise(done => requestAnimationFrame(done));
          const { width, height } = canvas;
          const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
          return btoa(Array.from(data, value => String.fromCharCode(value)).join(""));
        }"""
    )
    return base64.b64decode(text)


def touch_drag(page: Page, path: Sequence[tuple[float, float]]) -> None:
    """Put a finger down at the first point of the window, draw it along the others, lift it."""
    session = page.context.new_cdp_session(page)
    for kind, (x, y) in zip(["touchStart", *["touchMove"] * (len(path) - 1)], path, strict=True):
        points = [{"x": x, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()


def median_answer(figure: Locator) -> float:
    """The median of the milliseconds that the explorer's answers took."""
    times: list[float] = figure.evaluate("figure => figure.answerTimes")
    assert len(times) >= 5, f"only {len(times)} answers were timed: move more controls first"
    return sorted(times)[len(times) // 2]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    wide: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wide


def set_theme(page: Page, theme: str) -> None:
    """Switch the page to "light" or "dark" as the theme's own button does."""
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)


def _theme(folder: Path, package: str, path: str) -> str:
    """Copy a style sheet of an installed theme beside the page; its address from there."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).parent / path
    shutil.copy(source, folder / "_static" / source.name)
    return f"_static/{source.name}"
