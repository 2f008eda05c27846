"""What the tests of the GAN laboratory share: its pages, and how a reader handles it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page

from tests.conftest import ROOT
from tests.site.explorers.harness import SCRIPTS, harness, reader, state
from tools.explorers._scripts import with_needs

READY = "document.querySelector('figure.explorer').dataset.state === 'ready'"


def options_of(source: str) -> dict[str, Any]:
    """The options of the laboratory in a chapter's source."""
    text = (ROOT / "book" / "chapters" / source).read_text(encoding="utf8")
    found = re.search(r"^:::\{explorer\} gan-laboratory\n(?:.*\n)*?:options: (.*)$", text, re.M)
    assert found is not None, f"no laboratory in {source}"
    return dict(json.loads(found[1]))


CHAPTERS = {4: options_of("04-gan.md"), 5: options_of("05-wgan-gp.md")}


def pages(home: Path) -> dict[int, Path]:
    """Chapter -> a page with its laboratory, below the folder."""
    return {
        number: harness(home / str(number), "gan-laboratory", options=options)
        for number, options in CHAPTERS.items()
    }


def button(figure: Locator, name: str) -> Locator:
    return figure.get_by_role("button", name=name, exact=True)


def control(figure: Locator, label: str) -> Locator:
    return figure.get_by_label(label, exact=True)


def wait_for(figure: Locator, condition: str) -> dict[str, Any]:
    """Until a condition on `s`, the explorer's state, holds; the state then."""
    figure.page.wait_for_function(
        f"() => {{ const s = document.querySelector('figure.explorer').api.state();"
        f" return {condition}; }}",
    )
    return state(figure)


def one_step(figure: Locator) -> dict[str, Any]:
    """Press "One step", wait until it is drawn, counted and said; the state then."""
    at = state(figure)["step"] + 1
    button(figure, "One step").click()
    return wait_for(figure, f"s.step === {at} && s.idle && s.said.startsWith('Step {at:,}:')")


@contextmanager
def scripts_alone(browser: Browser, folder: Path, *names: str, more: str = "") -> Iterator[Page]:
    """A page from disk with these scripts, what they need, and `more`; it draws nothing."""
    path = folder / "scripts.html"
    tags = [f'<script src="{(SCRIPTS / name).as_uri()}"></script>' for name in with_needs(names)]
    tags.append(f"<script>{more}</script>")
    path.write_text("<!doctype html><meta charset='utf-8'>" + "".join(tags), encoding="utf-8")
    with reader(browser) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        yield page
        assert all(url.startswith("file:") for url in asked), asked
