"""What the captions of both laboratories promise, played by the very scripts that the page loads.

A run in the page is fixed by its seed, so what was true of a seed stays true until a script
changes. Each test names the sentences that it holds; a caption that says something else fails it,
too. The bounds have room on both sides of what several seeds gave.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import ROOT
from tests.site.explorers.laboratory import scripts_alone

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SOURCES = {4: "04-gan.md", 5: "05-wgan-gp.md"}
MILLIONTH = 1e-6
Looks = list[dict[str, float]]

# `begin` makes a run, `go` plays rounds of it and looks after every few: what the page shows then,
# and how far its points have moved since the look before.
PLAY = """
window.begin = (target, game, seed, settings) => {
  window.run = genlib.games.createRun({ target, game, seed });
  Object.assign(run.settings, settings);
};
window.go = (rounds, every, enough = Infinity) => {
  const looks = [];
  let before = run.points(500);
  for (let i = 1; i <= rounds; i += 1) {
    run.round();
    if (i % every) continue;
    const points = run.points(500), { found, share } = run.report();
    const away = Array.from({ length: 500 }, (_, k) =>
      Math.hypot(points[2 * k] - before[2 * k], points[2 * k + 1] - before[2 * k + 1]));
    const push = genlib.games.medianPush(run.push(points.slice(0, 96)));
    looks.push({ found, share, push, moved: away.reduce((a, b) => a + b) / 500 });
    before = points;
    if (found >= enough) break;
  }
  return looks;
};
"""


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("scripts")
    with scripts_alone(browser, folder, "gan-games.js", more=PLAY) as opened:
        yield opened


def promised(number: int, *sentences: str) -> None:
    """The caption of a chapter's laboratory has these words."""
    text = (ROOT / "book" / "chapters" / SOURCES[number]).read_text(encoding="utf8")
    found = re.search(r"^:::\{explorer\} gan-laboratory\n(.*?)^:::$", text, re.M | re.S)
    assert found is not None, f"chapter {number} has no laboratory"
    # Without the links to the glossary, which are made by a tool.
    caption = " ".join(re.sub(r"\{term\}`([^`<]*?)(?: <[^`]*)?`", r"\1", found[1]).split())
    for sentence in sentences:
        assert sentence in caption


def begin(page: Page, target: str, game: str, seed: int, **settings: float) -> None:
    page.evaluate("given => begin(...given)", [target, game, seed, settings])


def go(page: Page, rounds: int, every: int, enough: int | None = None) -> Looks:
    looks: Looks = page.evaluate(
        "([rounds, every, enough]) => go(rounds, every, enough ?? Infinity)",
        [rounds, every, enough],
    )
    return looks


def change(page: Page, **settings: float) -> None:
    """As the page's sliders do, while the run goes on."""
    page.evaluate("settings => { Object.assign(run.settings, settings); }", settings)


def test_most_seeds_find_all_modes_and_some_do_not_spread(page: Page) -> None:
    promised(4, "With most seeds all eight modes have been found within 2,000 steps",
             "with some the cloud has not spread by then")  # fmt: skip
    # 16 of the seeds 1 to 20 find all eight, the slowest of them by step 1,800; 5, 10, 11 and 12
    # do not within 3,000. Three of the many here, one of the few.
    for seed in (1, 19, 20):
        begin(page, "ring", "non-saturating", seed)
        assert go(page, 2000, 50, enough=8)[-1]["found"] == 8, f"seed {seed}"
    begin(page, "ring", "non-saturating", 10)
    assert max(look["found"] for look in go(page, 2000, 100)) <= 3


def test_a_sure_discriminator_stalls_the_saturating_loss_and_no_other(page: Page) -> None:
    promised(4, "the saturating loss, ten critic steps and the highest learning rate",
             "Within 200 steps the median push is below a millionth", "it stands still",
             "the push after 200 steps is above 10")  # fmt: skip
    sure: dict[str, Any] = {"moves": 10, "rate": 1e-2}
    for seed in (1, 2):
        begin(page, "ring", "saturating", seed, **sure)
        _, soon, later = go(page, 150, 50)
        assert max(soon["push"], later["push"]) < MILLIONTH, f"seed {seed}"
        assert (later["found"], later["moved"]) == (0, pytest.approx(0, abs=0.01))
    begin(page, "ring", "non-saturating", 1, **sure)
    assert go(page, 200, 200)[-1]["push"] > 10


def test_with_one_critic_step_the_saturating_loss_finds_modes_too(page: Page) -> None:
    promised(4, "With one critic step and a learning rate of 0.001 the saturating loss finds modes")
    begin(page, "ring", "saturating", 1)
    assert page.evaluate("[run.settings.moves, run.settings.rate]") == [1, 1e-3]
    looks = go(page, 700, 100)
    assert max(look["found"] for look in looks) >= 6
    assert min(look["push"] for look in looks[2:]) > 0.1


@pytest.mark.parametrize("seed", [1, 2])
def test_the_penalty_holds_the_push_and_a_lower_rate_the_modes(page: Page, seed: int) -> None:
    promised(5, "The penalty holds the median push near 1", "Within 300 steps most modes have been",
             "a good one lies within 0.03 of a centre, and a step is longer",
             "In most runs all eight are now found and stay so, and more points hit them",
             "Bring the rate back to 0.001 and lower $\\lambda$ to 0.1",
             "within 200 steps the push is about 2")  # fmt: skip
    begin(page, "ring", "wgan-gp", seed)
    assert page.evaluate("3 * run.target.sigma") == pytest.approx(0.03)
    early = go(page, 200, 25)
    assert max(look["found"] for look in early) >= 6
    assert all(0.8 < look["push"] < 1.3 for look in early[4:])
    step = go(page, 1, 1)[-1]
    assert step["moved"] > 0.03, "points pass through the modes in a step"
    change(page, rate=1e-4)
    slow = go(page, 100, 25)[1:]  # the first look is still on the way
    assert all(look["found"] == 8 for look in slow)  # at every look so with 8 of 12 seeds
    assert slow[-1]["share"] > 1.3 * max(look["share"] for look in early)
    change(page, rate=1e-3, penalty=0.1)
    assert 1.6 < go(page, 150, 150)[-1]["push"] < 2.5


@pytest.mark.parametrize("seed", [1, 2])
def test_clipped_weights_push_less_but_points_move(page: Page, seed: int) -> None:
    promised(5, "At 0.1 the field is a few planes, and within 300 steps the push is below 0.4",
             "At 0.01, the bound of the paper, it falls below 0.001",
             "The points move all the same")  # fmt: skip
    begin(page, "ring", "clipped", seed)
    assert page.evaluate("run.settings.clip") == 0.1
    assert go(page, 300, 300)[-1]["push"] < 0.4
    change(page, clip=0.01)
    go(page, 50, 50)
    late = go(page, 50, 50)[-1]
    assert late["push"] < 1e-3
    # Plain descent with this push and rate would move a weight by 50 · 0.001 · 0.001 at most.
    assert late["moved"] > 0.005


def test_on_the_grid_most_modes_are_found_by_few_points(page: Page) -> None:
    promised(5, "Most of the 25 modes are found within 200 steps", "at most one in twenty is good")
    begin(page, "grid", "wgan-gp", 1)
    look = go(page, 200, 200)[-1]
    assert look["found"] > 25 / 2
    assert look["share"] <= 1 / 20
