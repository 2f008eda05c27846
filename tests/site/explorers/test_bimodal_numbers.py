"""The fit to two bumps in the page, against torch's: divergences, every step, and the ends."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Locator
from torch import Tensor
from torch.distributions import Normal

from genlib.explore.bimodal_fit import BETAS, RATE
from tests.site.explorers import harness as h
from tests.site.explorers.bimodal import NAME, TARGETS, choose, mixture, play_to_the_end

pytestmark = [pytest.mark.browser]
KINDS = ("forward", "reverse", "js")
GRID = torch.linspace(-40, 40, 32_001, dtype=torch.float64)


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return h.harness(tmp_path_factory.mktemp(NAME), NAME)


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


def test_the_ends_of_the_sliders(figure: Locator) -> None:
    """Every density is lower than its axis, every fit ends inside the plane, all are numbers."""
    choose(figure)
    for separation, w, sigmas in itertools.product((1, 8), (0.05, 0.5, 0.95), ((0.4, 1.5), (1.5,))):
        target = {"separation": separation, "w": w, "sigma1": sigmas[0], "sigma2": sigmas[-1]}
        given = {"target": target, "start": {"mu": 5, "sigma": 0.3}}
        figure.evaluate("(figure, given) => figure.api.set(given)", given)
        first = h.state(figure)
        last = play_to_the_end(figure)
        assert first["top"] >= 1 / (0.3 * math.sqrt(2 * math.pi))  # q at its start
        peak = mixture(target).log_prob(GRID).exp().max().item()
        narrowest = min(fit["sigma"] for fit in last["fits"].values())
        assert last["top"] >= max(peak, 1 / (narrowest * math.sqrt(2 * math.pi))) - 1e-6
        for fit in [*last["fits"].values(), last["moments"]]:
            assert 0 < fit["sigma"] < 4.5
            assert abs(fit["mu"]) < 7
    words = figure.inner_text() + last["said"]
    assert not re.search("NaN|∞|undefined", words), words


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


def test_the_caption_is_true(figure: Locator) -> None:
    """Each sentence of the chapter's caption, tried; what covers is wide, what seeks is narrow."""
    choose(figure)

    def ends(mu: float, sigma: float, **target: float) -> dict[str, dict[str, float]]:
        given = {"start": {"mu": mu, "sigma": sigma}, "target": TARGETS[0] | target}
        figure.evaluate("(figure, given) => figure.api.set(given)", given)
        fits: dict[str, dict[str, float]] = play_to_the_end(figure)["fits"]
        return fits

    bridge = ends(0, 3)
    assert bridge["reverse"]["sigma"] > 2
    assert abs(bridge["reverse"]["mu"]) < 0.5
    for distance, near in ((1, True), (2, True), (5, False)):
        fits = ends(-1, 1, separation=distance)
        apart = max(abs(fits["forward"][k] - fits["reverse"][k]) for k in ("mu", "sigma"))
        assert (apart < 0.1) == near, (distance, apart)
    covers, seeks = ends(0, 2)["js"], ends(3, 1)["js"]
    assert covers["sigma"] > 2.4
    assert seeks["mu"] == pytest.approx(2.5, abs=0.05)
    assert seeks["sigma"] == pytest.approx(0.7, abs=0.02)
