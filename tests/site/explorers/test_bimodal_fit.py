"""The fit to two bumps in the page: the path against torch's, then every way to drive it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Locator, Page
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, Normal

from genlib.explore.bimodal_fit import BETAS, RATE
from tests.site.explorers import harness as h
from tests.site.explorers.touch import swipe

pytestmark = [pytest.mark.browser]
NAME, SCRIPTS = "bimodal-fit", ("controls.js", "densities.js")
KINDS = ("forward", "reverse", "js")
TARGETS: list[dict[str, float]] = [
    {"separation": 5, "w": 0.6, "sigma1": 0.6, "sigma2": 0.7},
    {"separation": 3, "w": 0.25, "sigma1": 1.2, "sigma2": 0.5},
    {"separation": 8, "w": 0.5, "sigma1": 0.4, "sigma2": 0.4},
]
GRID = torch.linspace(-40, 40, 32_001, dtype=torch.float64)


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return h.harness(tmp_path_factory.mktemp(NAME), NAME, SCRIPTS)


@pytest.fixture
def page(browser_path: str) -> Iterator[Page]:
    with h.reader(browser_path) as opened:
        yield opened


@pytest.fixture
def figure(page: Page, page_path: Path) -> Locator:
    return h.start(page, page_path)


def mixture(target: dict[str, float]) -> MixtureSameFamily:
    weights = torch.tensor([target["w"], 1 - target["w"]], dtype=torch.float64)
    centres = torch.tensor([-0.5, 0.5], dtype=torch.float64) * target["separation"]
    widths = torch.tensor([target["sigma1"], target["sigma2"]], dtype=torch.float64)
    return MixtureSameFamily(Categorical(weights), Normal(centres, widths))


def divergence(kind: str, log_p: Tensor, at: Tensor, x: Tensor) -> Tensor:
    log_q = Normal(at[0], at[1].exp()).log_prob(x)
    p, q = log_p.exp(), log_q.exp()
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    values = {
        "forward": p * (log_p - log_q),
        "reverse": q * (log_q - log_p),
        "js": 0.5 * (p * (log_p - log_m) + q * (log_q - log_m)),
    }
    return values[kind].sum() * (x[1] - x[0])


def choose(figure: Locator) -> None:
    """All three divergences."""
    figure.get_by_role("checkbox", name="Jensen–Shannon").check()


def play_to_the_end(figure: Locator) -> dict[str, Any]:
    figure.get_by_role("button", name="Jump to the end").click()
    return h.state(figure)


def handle(figure: Locator) -> tuple[float, float]:
    box = figure.locator(".explorer-handle").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("target", TARGETS)
def test_the_numbers_are_torchs(figure: Locator, target: dict[str, float]) -> None:
    log_p = mixture(target).log_prob(GRID)
    places = list(itertools.product((-4.0, 0.1, 2.0), (0.4, 1.0, 3.0)))
    found: list[dict[str, float]] = figure.evaluate(
        """(figure, {target, places}) =>
             places.map(([mu, sigma]) => figure.api.measure(target, mu, sigma))""",
        {"target": target, "places": places},
    )
    for (mu, sigma), page in zip(places, found, strict=True):
        at = torch.tensor([mu, math.log(sigma)], dtype=torch.float64)
        for kind in KINDS:
            truth = divergence(kind, log_p, at, GRID).item()
            assert page[kind] == pytest.approx(truth, abs=1e-4), (kind, mu, sigma)


def test_each_step_is_torchs(figure: Locator) -> None:
    """Adam by PyTorch, its gradients by autograd, the same grid: the same path."""
    choose(figure)
    figure.evaluate("figure => figure.api.set({start: {mu: 0.7, sigma: 0.9}})")
    figure.evaluate("figure => figure.api.go(200)")
    x = torch.linspace(-20, 20, 801, dtype=torch.float64)
    log_p = mixture(TARGETS[0]).log_prob(x)
    for kind in KINDS:
        path = figure.evaluate("(figure, kind) => figure.api.path(kind)", kind)
        at = torch.tensor([0.7, math.log(0.9)], dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.Adam([at], lr=RATE, betas=BETAS)
        for step in range(1, 201):
            optimizer.zero_grad()
            divergence(kind, log_p, at, x).backward()
            optimizer.step()
            assert path[step] == pytest.approx(at.tolist(), abs=1e-6), (kind, step)


@pytest.mark.parametrize("target", TARGETS)
def test_the_ends_are_optima_for_torch(figure: Locator, target: dict[str, float]) -> None:
    """L-BFGS on a finer and wider grid, started where the page ended, stays there."""
    choose(figure)
    figure.evaluate("(figure, target) => figure.api.set({target})", target)
    seen = play_to_the_end(figure)
    assert seen["done"]
    log_p = mixture(target).log_prob(GRID)
    for kind in KINDS:
        end = torch.tensor(
            [seen["fits"][kind]["mu"], math.log(seen["fits"][kind]["sigma"])], dtype=torch.float64
        )
        at = end.clone().requires_grad_()
        optimizer = torch.optim.LBFGS([at], max_iter=50, line_search_fn="strong_wolfe")

        def closure(
            kind: str = kind, at: Tensor = at, optimizer: torch.optim.Optimizer = optimizer
        ) -> Tensor:
            optimizer.zero_grad()
            loss = divergence(kind, log_p, at, GRID)
            loss.backward()
            return loss

        optimizer.step(closure)
        assert (at - end).abs().max() < 1e-3, kind


def test_forward_covers_and_reverse_seeks(figure: Locator) -> None:
    ends = {}
    for mu in (-1, 1):
        figure.evaluate("(figure, mu) => figure.api.set({start: {mu, sigma: 1}})", mu)
        seen = play_to_the_end(figure)
        ends[mu] = seen["fits"]
        moments = mixture(TARGETS[0])
        assert seen["moments"]["mu"] == pytest.approx(moments.mean.item())
        assert seen["moments"]["sigma"] == pytest.approx(moments.stddev.item())
        assert ends[mu]["forward"]["mu"] == pytest.approx(seen["moments"]["mu"], abs=1e-3)
        assert ends[mu]["forward"]["sigma"] == pytest.approx(seen["moments"]["sigma"], abs=1e-3)
    assert ends[-1]["reverse"]["mu"] == pytest.approx(-2.5, abs=0.05)
    assert ends[1]["reverse"]["mu"] == pytest.approx(2.5, abs=0.05)
    rows = figure.locator("tbody tr").filter(visible=True)
    written = [line.split("\t") for line in rows.all_inner_texts()]
    assert written[0][1:] == written[2][1:]  # the forward fit, the moments
    assert written[1][1] == f"{ends[1]['reverse']['mu']:.3f}"


def test_play_pause_step_and_start_again(page: Page, figure: Locator) -> None:
    button = figure.get_by_role("button", name="Play")
    button.click()
    page.wait_for_function(f"document.querySelector('{h.FIGURE}').api.state().step > 20")
    figure.get_by_role("button", name="Pause").click()
    paused = h.state(figure)
    assert not paused["playing"]
    page.wait_for_timeout(150)
    assert h.state(figure)["step"] == paused["step"] < 400
    figure.get_by_role("button", name="Step").click()
    assert h.state(figure)["step"] == paused["step"] + 1
    figure.get_by_role("button", name="Start again").click()
    assert h.state(figure)["step"] == 0
    figure.evaluate("figure => figure.api.go(330)")
    button.click()
    page.wait_for_function(f"document.querySelector('{h.FIGURE}').api.state().done")
    page.wait_for_function(f"!document.querySelector('{h.FIGURE}').api.state().playing")
    assert figure.get_by_role("button", name="Play").is_visible()


def test_a_divergence_chosen_late_catches_up(figure: Locator) -> None:
    figure.evaluate("figure => figure.api.go(50)")
    choose(figure)
    late = figure.evaluate("figure => figure.api.path('js').length")
    assert late == 51
    figure.get_by_role("checkbox", name="forward KL(p‖q)").uncheck()
    seen = h.state(figure)
    assert set(seen["fits"]) == {"reverse", "js"}
    assert "forward" not in figure.locator("tbody").inner_text()


def test_pointer_sets_the_start(page: Page, figure: Locator) -> None:
    canvas = figure.locator(".explorer-canvas > canvas")
    canvas.scroll_into_view_if_needed()
    figure.evaluate("figure => figure.api.go(30)")
    before, pixels, (x, y) = h.state(figure), h.pixels(canvas), handle(figure)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y - 20, steps=4)
    page.mouse.up()
    after = h.state(figure)
    assert after["start"]["mu"] > before["start"]["mu"] + 0.2
    assert after["start"]["sigma"] > before["start"]["sigma"] + 0.2
    assert after["step"] == 0
    assert h.pixels(canvas) != pixels
    page.mouse.click(x - 25, y)  # anywhere in the plane
    assert h.state(figure)["start"]["mu"] < before["start"]["mu"]
    assert h.state(figure)["start"]["sigma"] == pytest.approx(before["start"]["sigma"], abs=0.03)


def test_keyboard(page: Page, figure: Locator) -> None:
    before = h.state(figure)["start"]
    figure.locator(".explorer-handle").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    after = h.state(figure)["start"]
    assert after["mu"] == pytest.approx(before["mu"] + 0.1)
    assert after["sigma"] == pytest.approx(before["sigma"] + 0.5)
    for name in ("Play", "Step", "Start again", "Jump to the end"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == name
    page.keyboard.press("Enter")
    assert h.state(figure)["done"]
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert "forward" not in h.state(figure)["fits"]


def test_what_came_out_is_said(page: Page, figure: Locator) -> None:
    said = play_to_the_end(figure)["said"]
    assert "forward KL(p‖q): centre −0.50, width 2.53. reverse KL(q‖p): centre −2.50" in said
    page.wait_for_function(
        "said => document.querySelector('[aria-live=polite]').textContent === said", arg=said
    )


def test_touch(browser_path: str, page_path: Path) -> None:
    with h.reader(browser_path, width=390, touch=True) as page:
        figure = h.start(page, page_path)
        figure.locator(".explorer-canvas").scroll_into_view_if_needed()
        (x, y), before = handle(figure), h.state(figure)
        swipe(page, (x, y), (x + 60, y - 25))
        after = h.state(figure)
        assert after["start"]["mu"] > before["start"]["mu"] + 1
        assert after["start"]["sigma"] > before["start"]["sigma"] + 0.3
        figure.get_by_role("button", name="Jump to the end").tap()
        # The browser makes its click of the tap when it has time.
        page.wait_for_function(f"document.querySelector('{h.FIGURE}').api.state().done")
        assert h.state(figure)["fits"]["reverse"]["mu"] == pytest.approx(2.5, abs=0.05)


def test_each_slider_changes_the_target(figure: Locator) -> None:
    before = h.state(figure)["target"]
    for label, value in (
        ("distance of the bumps", "6"), ("weight of the left one", "0.3"),
        ("width of the left one", "1"), ("width of the right one", "0.5"),
    ):  # fmt: skip
        figure.get_by_label(label).fill(value)
    assert before == TARGETS[0]
    after = h.state(figure)["target"]
    assert after == {"separation": 6, "w": 0.3, "sigma1": 1, "sigma2": 0.5}


def test_the_theme_is_followed(page: Page, figure: Locator) -> None:
    canvas = figure.locator(".explorer-canvas > canvas")
    light = h.pixels(canvas)
    h.set_theme(page, "dark")
    assert h.pixels(canvas) != light


def test_without_scripts_there_is_the_picture(browser_path: str, page_path: Path) -> None:
    with h.reader(browser_path, scripts=False) as page:
        page.goto(page_path.as_uri())
        assert page.locator(".explorer-still").is_visible()
        assert page.locator(".explorer-still").evaluate("image => image.naturalWidth") > 600
        assert not page.locator(".explorer-start").is_visible()


@pytest.mark.parametrize("width", [360, 390])
def test_nothing_is_wider_than_the_screen(browser_path: str, page_path: Path, width: int) -> None:
    with h.reader(browser_path, width=width) as page:
        h.start(page, page_path)
        assert h.overflow(page) <= 0


def test_answers_come_within_fifty_milliseconds(figure: Locator) -> None:
    choose(figure)
    for i in range(12):
        figure.evaluate("(figure, mu) => figure.api.set({start: {mu}})", -3 + 0.5 * i)
        h.state(figure)
        figure.get_by_role("button", name="Step").click()
    assert h.median_answer(figure) <= 50
