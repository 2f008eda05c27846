"""Starting explorers: once, beside each other, and what is said where it fails."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.site.explorers import harness as h

pytestmark = [pytest.mark.browser]


@pytest.fixture
def page_path(tmp_path: Path) -> Path:
    return h.harness(tmp_path, "two-gaussians")


@pytest.fixture
def forgiven(browser: Browser) -> Iterator[Page]:
    """A page in which files may be missing."""
    with h.reader(browser, forgiving=True) as opened:
        yield opened


def failed(page: Page, path: Path) -> Locator:
    """The figure, after its button was pressed and it did not start."""
    page.goto(path.as_uri())
    figure = page.locator(h.FIGURE)
    assert h.press_start(figure) == "failed"
    return figure


@pytest.mark.parametrize(
    "missing", ["densities.js", "two-gaussians.js", "controls/axes.js", "controls/inputs.css"]
)
def test_a_missing_file_is_named_and_a_second_press_tries_again(
    forgiven: Page, page_path: Path, missing: str
) -> None:
    file = page_path.parent / "_static" / "explorers" / missing
    kept = file.read_bytes()
    file.unlink()
    figure = failed(forgiven, page_path)
    said = figure.get_by_role("alert")
    assert said.inner_text() == (
        f"The explorer could not be started: {missing} could not be loaded. "
        "Reload the page, or build the site again if you read it from disk."
    )
    assert figure.locator(".explorer-still").is_visible()
    button = figure.locator(".explorer-start")
    expect(button).to_be_focused()  # where the reader was
    assert h.press_start(figure) == "failed"
    assert said.count() == 1
    file.write_bytes(kept)
    assert h.press_start(figure) == "ready"
    assert said.count() == 0
    assert figure.locator(".explorer-still").count() == 0


def test_a_missing_data_file_is_named(browser: Browser, forgiven: Page, tmp_path: Path) -> None:
    path = h.harness(tmp_path, "two-gaussians", data=())
    text = path.read_text(encoding="utf8").replace('data-data=""', 'data-data="no-such-codes"')
    path.write_text(text, encoding="utf8")
    figure = failed(forgiven, path)
    assert "data/no-such-codes.js could not be loaded" in figure.get_by_role("alert").inner_text()
    data = tmp_path / "_static" / "explorers" / "data"
    data.mkdir(exist_ok=True)
    (data / "no-such-codes.js").write_text("genlib.receive('another', [1]);")
    assert h.press_start(figure) == "failed"
    assert "no-such-codes.js holds no no-such-codes" in figure.get_by_role("alert").inner_text()
    assert figure.locator(".explorer-still").is_visible()


def test_an_explorer_that_throws_leaves_its_picture(forgiven: Page, page_path: Path) -> None:
    script = page_path.parent / "_static" / "explorers" / "two-gaussians.js"
    script.write_text(
        "genlib.define('two-gaussians', (stage) => { stage.append('half'); throw Error('why'); });"
    )
    figure = failed(forgiven, page_path)
    assert "could not be started: why." in figure.get_by_role("alert").inner_text()
    assert figure.locator(".explorer-still").is_visible()
    assert figure.locator(".explorer-stage").count() == 1
    assert "half" not in figure.inner_text()


def test_pressed_twice_it_starts_once(page: Page, page_path: Path) -> None:
    page.goto(page_path.as_uri())
    figure = page.locator(h.FIGURE)
    figure.evaluate(
        """figure => {
          const button = figure.querySelector(".explorer-start");
          for (let i = 0; i < 3; i += 1) button.click();
        }"""
    )
    page.wait_for_function("document.querySelector('figure').dataset.state === 'ready'")
    h.state(figure)
    assert figure.locator(".explorer-stage").count() == 1
    assert figure.locator(".explorer-handle").count() == 2
    expect(figure.locator(".explorer-handle").first).to_be_focused()


def test_two_explorers_start_at_once_in_one_page(page: Page, page_path: Path) -> None:
    other = h.harness(page_path.parent / "other", "bimodal-fit").read_text(encoding="utf8")
    found = re.search("<figure.*</figure>", other, re.DOTALL)
    assert found
    text = page_path.read_text(encoding="utf8").replace("</article>", f"{found[0]}</article>")
    page_path.write_text(text, encoding="utf8")
    for path, content in h.files_of("bimodal-fit").items():
        (page_path.parent / "_static" / "explorers" / path).write_bytes(content)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_path.as_uri())
    page.evaluate("document.querySelectorAll('.explorer-start').forEach(one => one.click())")
    page.wait_for_function(
        "[...document.querySelectorAll('figure')].every(one => one.dataset.state === 'ready')"
    )
    first, second = page.locator(h.FIGURE).all()
    second.get_by_role("button", name="Step").click()
    assert h.wait_for(second, "state.step === 1")["step"] == 1
    first.get_by_role("button", name="Swap p and q").click()
    assert h.wait_for(first, "state.muP === 1.5")["muQ"] == -1
    assert page.evaluate("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size") == (
        page.locator("[id]").count() - 1  # this page has the figure's id twice
    )
    scripts = page.evaluate("[...document.scripts].map(one => one.src)")
    assert len(scripts) == len(set(scripts)), json.dumps(scripts, indent=1)
    assert any(url.endswith("bimodal-descent.js") for url in asked)
