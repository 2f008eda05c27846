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

from playwright.sync_api import Browser, Locator, Page

from tests.conftest import ROOT
from tests.site.visits import PATIENCE, chromium
from tools.explorers._scripts import with_needs

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
  data-data="{data}" data-options="{options}">
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
# What a control asks for is drawn in the next frame, and what that changes is laid out in another.
TWO_FRAMES = """async () => {
  for (let i = 0; i < 2; i += 1) await new Promise(done => requestAnimationFrame(done));
}"""


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
        scripts: loaded before `NAME.js` and what that needs, such as "controls.js".
        data: as in the directive: loaded at the start, such as "latent-map-codes".
        options: as in the directive.
    """
    home = folder / "_static" / "explorers"
    shutil.copytree(SCRIPTS, home, dirs_exist_ok=True)
    for path, content in files_of(name).items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_bytes(content)
    scripts = with_needs([*scripts, f"{name}.js"], home)
    links = [_theme(folder, package, path) for package, path in STYLES]
    for style in ("course.css", "print.css"):
        shutil.copy(ROOT / "book" / "_static" / "css" / style, folder / "_static")
        links.append(f"_static/{style}")
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
def reader(
    browser: Browser | str,
    *,
    theme: str = "light",
    width: int = 1280,
    touch: bool = False,
    scripts: bool = True,
    forgiving: bool = False,
    **settings: Any,
) -> Iterator[Page]:
    """An empty page in a browser without network; what goes wrong in it fails the test at the end.

    Args:
        browser: from `chromium`, or the path of one, which is then opened for this page alone.
        theme: "light" or "dark".
        width: of the window, in pixels.
        touch: whether the screen takes touches.
        scripts: whether JavaScript runs.
        forgiving: whether something may go wrong, for tests of what is said then.
        settings: more of the browser's context, such as `forced_colors="active"`.
    """
    with ExitStack() as stack:
        opened = stack.enter_context(chromium(browser)) if isinstance(browser, str) else browser
        wanted: dict[str, Any] = {
            "viewport": {"width": width, "height": 900},
            "color_scheme": theme,
            "reduced_motion": "reduce",
            "has_touch": touch,
            "java_script_enabled": scripts,
        }
        context = opened.new_context(**(wanted | settings))
        stack.callback(context.close)
        context.set_default_timeout(PATIENCE)
        context.set_offline(True)
        context.add_init_script(
            f"for (const name of ['mode', 'theme']) localStorage.setItem(name, '{theme}');"
        )
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on(
            "console", lambda said: complaints.append(said.text) if said.type == "error" else None
        )
        yield page
        assert forgiving or not complaints, complaints


def start(page: Page, path: Path) -> Locator:
    """Open the page, press the start button, wait until the explorer is ready; its figure."""
    page.goto(path.as_uri(), wait_until="load")
    figure = page.locator(FIGURE)
    assert press_start(figure) == "ready", figure.inner_text()
    return figure


def press_start(figure: Locator) -> str:
    """Press a figure's start button; whether the explorer is then "ready" or has "failed"."""
    figure.locator(".explorer-start").click()
    return outcome(figure)


def outcome(figure: Locator) -> str:
    """Wait for a start to end: "ready" or "failed"."""
    figure.page.wait_for_function(
        "figure => ['ready', 'failed'].includes(figure.dataset.state)", arg=figure.element_handle()
    )
    return figure.get_attribute("data-state") or ""


def state(figure: Locator) -> dict[str, Any]:
    """What the explorer says of itself, `figure.api.state()`, after the frames that are due."""
    figure.page.evaluate(TWO_FRAMES)
    seen: dict[str, Any] = figure.evaluate("figure => figure.api.state()")
    return seen


def pixels(canvas: Locator) -> bytes:
    """The red, green, blue and alpha of a canvas, row by row, after the frames that are due."""
    canvas.page.evaluate(TWO_FRAMES)
    # As text of bytes: as a list of numbers a large canvas takes half a minute to arrive.
    text: str = canvas.evaluate(
        """canvas => {
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


def swipe(page: Page, x: float, y: float, right: float, down: float) -> None:
    """Draw a finger straight from (x, y) in eight steps."""
    touch_drag(page, [(x + right * i / 8, y + down * i / 8) for i in range(9)])
    # A tap right after a swipe only stops the fling and is no click; no finger is that fast.
    page.wait_for_timeout(500)


def wait_for(figure: Locator, condition: str, argument: Any = None) -> dict[str, Any]:
    """Wait until what the explorer says of itself meets a condition; what it says then.

    Args:
        figure: with the explorer.
        condition: JavaScript about `state` and `argument`, such as "state.step > argument".
        argument: anything that JSON holds.
    """
    handle = figure.element_handle()
    figure.page.wait_for_function(
        f"([figure, argument]) => {{ const state = figure.api.state(); return {condition}; }}",
        arg=[handle, argument],
    )
    return state(figure)


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
