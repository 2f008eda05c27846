"""The explorer that the README shows to contributors runs as it stands there."""

from __future__ import annotations

import io
import re
import textwrap
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.site.explorers import harness

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page with the README's script, and a picture of one pixel for its still."""
    readme = (harness.SCRIPTS / "README.md").read_text(encoding="utf8")
    script = re.search(r"^ *```js\n(.*?)^ *```$", readme, re.MULTILINE | re.DOTALL)
    assert script is not None
    picture = io.BytesIO()
    Image.new("RGB", (1, 1)).save(picture, "WEBP")
    made = {
        "my-curve.js": textwrap.dedent(script[1]).encode(),
        "still/my-curve.webp": picture.getvalue(),
    }
    monkeypatch.setattr(harness, "files_of", lambda name: made)
    return harness.harness(tmp_path, "my-curve", options={"power": 3})


def test_the_example_starts_answers_and_speaks(browser: Browser, path: Path) -> None:
    with harness.reader(browser, width=360) as page:
        figure = harness.start(page, path)
        before = harness.pixels(figure.locator("canvas"))
        slider = figure.get_by_role("slider", name="Power")
        assert float(slider.input_value()) == pytest.approx(3)
        slider.press("ArrowRight")
        assert harness.state(figure)["power"] == pytest.approx(3.01)
        assert harness.pixels(figure.locator("canvas")) != before
        page.wait_for_function("document.body.innerText.includes('x to the power of 3.01')")
        assert harness.overflow(page) <= 0
