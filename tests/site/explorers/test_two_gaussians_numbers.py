"""The numbers of two Gaussians in the page: torch's, the caption's, and what the canvas writes."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page
from torch.distributions import Normal, kl_divergence

from genlib.divergences import js
from tests.site.explorers import harness as h

pytestmark = [pytest.mark.browser]
NAME = "two-gaussians"
START = {"muP": -1, "sigmaP": 0.8, "muQ": 1.5, "sigmaQ": 1.6}
GRID = list(itertools.product((-5, 0, 0.35), (0.45, 1, 3), (-2, 1.5, 5), (0.45, 0.7, 3)))
# Notes what is written on a canvas, and from where to where.
SPY = """() => {
  const write = CanvasRenderingContext2D.prototype.fillText;
  window.written = [];
  CanvasRenderingContext2D.prototype.fillText = function (text, x, ...more) {
    const long = this.measureText(text).width, share = { left: 0, center: 0.5, right: 1 };
    const left = x - share[this.textAlign] * long;
    window.written.push({ text, left, right: left + long, width: this.canvas.clientWidth });
    return write.call(this, text, x, ...more);
  };
}"""


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return h.harness(tmp_path_factory.mktemp(NAME), NAME)


def test_the_numbers_are_torchs(figure: Locator) -> None:
    found: list[dict[str, Any]] = figure.evaluate(
        """(figure, settings) => settings.map(([muP, sigmaP, muQ, sigmaQ]) =>
             figure.api.measure({muP, sigmaP, muQ, sigmaQ}))""",
        GRID,
    )
    x = torch.linspace(-33, 33, 66_001, dtype=torch.float64)
    worst = 0.0
    for setting, page in zip(GRID, found, strict=True):
        numbers = [torch.tensor(float(v), dtype=torch.float64) for v in setting]
        p, q = Normal(*numbers[:2]), Normal(*numbers[2:])
        forward, reverse = kl_divergence(p, q).item(), kl_divergence(q, p).item()
        assert page["closed"]["forward"] == pytest.approx(forward, abs=1e-9)
        assert page["closed"]["reverse"] == pytest.approx(reverse, abs=1e-9)
        mass = [f.log_prob(x).exp() * (x[1] - x[0]) for f in (p, q)]
        truth = {"forward": forward, "reverse": reverse, "js": js(*mass).item()}
        worst = max(worst, *(abs(page["integrals"][k] - v) for k, v in truth.items()))
        assert page["integrals"]["js"] < math.log(2) + 1e-9
    assert worst < 1e-6, worst


def test_the_caption_is_true(figure: Locator) -> None:
    """Each sentence of the chapter's caption, tried."""

    def measured(**given: float) -> dict[str, Any]:
        found: dict[str, Any] = figure.evaluate(
            "(figure, at) => figure.api.measure(at)", START | given
        )
        return found

    same = measured(muQ=-1, sigmaQ=0.8)
    assert max(map(abs, [*same["closed"].values(), *same["integrals"].values()])) < 1e-9
    narrow, swapped = measured(muP=1.5), measured(sigmaP=1.6, muP=1.5, sigmaQ=0.8)
    assert swapped["closed"]["forward"] > 1.5 * narrow["closed"]["forward"]
    far = [measured(muP=-d, muQ=d) for d in (3, 4, 5)]
    for way in ("forward", "reverse"):
        a, b, c = (one["closed"][way] for one in far)
        width = {"forward": 1.6, "reverse": 0.8}[way]
        assert c - 2 * b + a == pytest.approx(8 / (2 * width**2))  # a square of the distance
    assert far[-1]["integrals"]["js"] == pytest.approx(math.log(2), abs=1e-4)
    for found in (same, narrow, swapped, *far):
        for way, whole in found["integrals"].items():
            assert found["positive"][way] >= whole - found["positive"][way] - 1e-12
            assert 2 * found["positive"][way] - whole >= -1e-9


def test_the_ends_of_the_sliders(browser: Browser, page_path: Path) -> None:
    """On a small telephone too, what is written stays in the picture, and it is numbers."""
    ends = [(0.45, 0.45), (0.45, 3), (3, 3)]
    with h.reader(browser, width=320) as page:
        figure = h.start(page, page_path)
        page.evaluate(SPY)
        figure.get_by_label("in bits").check()
        for kind, (p, q) in itertools.product(("forward", "reverse", "js"), ends):
            figure.get_by_label("Shaded below").select_option(kind)
            page.evaluate("window.written = []")
            given = {"muP": -5, "sigmaP": p, "muQ": 5, "sigmaQ": q}
            figure.evaluate("(figure, given) => figure.api.set(given)", given)
            h.state(figure)
            texts: list[dict[str, Any]] = page.evaluate("window.written")
            assert len(texts) > 10
            for text in texts:
                assert text["left"] >= -1, text
                assert text["right"] <= text["width"] + 1, text
            words = " ".join([figure.inner_text(), *[text["text"] for text in texts]])
            assert not re.search("NaN|∞|undefined|–", words), words


def test_the_axes_do_not_tremble(page: Page, figure: Locator) -> None:
    """Their numbers are round and stay while the curves change a little, for huge values too."""
    page.evaluate(SPY)
    seen = set()
    for mu in (4.7, 4.8, 4.9, 5):
        page.evaluate("window.written = []")
        given = {"muP": -5, "sigmaP": 0.45, "muQ": mu, "sigmaQ": 0.45}
        figure.evaluate("(figure, given) => figure.api.set(given)", given)
        assert h.state(figure)["closed"]["forward"] > 200
        texts: list[str] = page.evaluate("window.written.map(({text}) => text)")
        assert texts[0].startswith("KL(p‖q) 2")
        seen.add(tuple(texts[1:]))
    assert len(seen) == 1, seen
