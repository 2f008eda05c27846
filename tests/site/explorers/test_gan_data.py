"""The laboratory's points and random numbers in a browser, against genlib's."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
import torch
from playwright.sync_api import Browser, Page

from genlib import make_generator
from genlib.data import PointTarget, grid, ring, swiss_roll
from genlib.metrics import mode_report
from tests.site.explorers.laboratory import scripts_alone

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("scripts")
    with scripts_alone(browser, folder, "gan-data.js") as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "target"), [("ring", ring()), ("grid", grid()), ("roll", swiss_roll())]
)
def test_the_data_are_genlibs(page: Page, name: str, target: PointTarget) -> None:
    """Places, noise, and how both count modes."""
    flat = page.evaluate(
        "(name) => Array.from(genlib.ganData.sample(genlib.ganData.TARGETS[name], 4000,"
        " genlib.ganData.randomStream(7, 'test')))",
        name,
    )
    x = torch.tensor(flat).view(-1, 2)
    other = target.sample(4000, make_generator(0, "points"))
    # Means and second moments of both agree within five standard errors.
    for power in itertools.product(range(3), repeat=2):
        a, b = ((p[:, 0] ** power[0]) * (p[:, 1] ** power[1]) for p in (x, other))
        error = (a.var() / len(a) + b.var() / len(b)).sqrt()
        assert (a.mean() - b.mean()).abs() <= 5 * error, power
    blurred = torch.cat([x, x + 0.5, 1.02 * x, torch.randn(500, 2, generator=make_generator(1))])
    seen = page.evaluate(
        "([name, x]) => genlib.ganData.count(genlib.ganData.TARGETS[name], Float32Array.from(x))",
        [name, blurred.flatten().tolist()],
    )
    if name == "roll":
        places = target.places(5000, make_generator(0, "places"))
        near = torch.cdist(blurred, places).min(dim=1).values < 3 * target.sigma
        assert seen["share"] == pytest.approx(near.float().mean().item(), abs=0.01)
        assert seen["found"] == seen["parts"] == 20
        return
    report = mode_report(blurred, target)
    assert (seen["found"], seen["parts"]) == (report.modes_found, report.modes)
    assert seen["share"] == pytest.approx(report.high_quality_share, abs=2 / len(blurred))


def test_random_numbers_are_uniform_and_normal(page: Page) -> None:
    u, v = page.evaluate(
        """() => {
          const r = genlib.ganData.randomStream(3, "test");
          return [Array.from(r.uniforms(20000)), Array.from(r.normals(20000))];
        }"""
    )
    uniform, normal = torch.tensor(u), torch.tensor(v)
    assert uniform.min() >= 0
    assert uniform.max() <= 1
    share = torch.histc(uniform, 10, 0, 1) / len(uniform)
    assert (share - 0.1).abs().max() < 5 * (0.09 / len(uniform)) ** 0.5
    assert abs(normal.mean()) < 5 / len(normal) ** 0.5
    assert abs(normal.std() - 1) < 0.03
    assert (normal.abs() < 1.96).float().mean().item() == pytest.approx(0.95, abs=0.01)
    assert abs(torch.corrcoef(torch.stack([normal[:-1], normal[1:]]))[0, 1]) < 0.04
