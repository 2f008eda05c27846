"""Sliders per dimension: the right order, the right picture, and only the chosen network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page

from genlib import zoo
from genlib.explore.latent_sliders import garments, models
from genlib.export import Painter
from tests.site.explorers.harness import (
    harness,
    median_answer,
    overflow,
    pixels,
    reader,
    set_theme,
    start,
    state,
    touch_drag,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FIRST, STRICT = "vae10-fashion-mnist", "vae10-beta16-fashion-mnist"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("latent-sliders")
    data = ["latent-sliders-codes", FIRST]
    return harness(folder, "latent-sliders", ["controls.js", "network.js"], data, {"model": FIRST})


@pytest.fixture
def wide(browser: Browser, path: Path) -> Iterator[tuple[Page, Locator]]:
    with reader(browser) as page:
        yield page, start(page, path)


def choose(figure: Locator, model: str) -> None:
    figure.get_by_label("β of the model").select_option(model)
    figure.page.wait_for_function(
        "model => document.querySelector('figure.explorer').api.state().model === model", arg=model
    )


def picture(figure: Locator, which: int) -> torch.Tensor:
    """The original, the reconstruction or the moved picture, in [0, 1], `[28, 28]`."""
    found = pixels(figure.locator(".latent-screen canvas").nth(which))
    return torch.tensor(list(found)).view(28, 28, 4)[..., 0] / 255


@pytest.mark.parametrize("name", models())
def test_pictures_and_order_of_each_model(wide: tuple[Page, Locator], name: str) -> None:
    _, figure = wide
    choose(figure, name)
    known, painter = garments(name), Painter(zoo.load(name), "sample")
    torch.manual_seed(0)
    z = 2 * torch.randn(10, 10)
    with torch.no_grad():
        expected, copies = painter(z).flatten(1), painter(known.codes)
    found = figure.evaluate(
        "(figure, [name, codes]) => Promise.all(codes.map(z => figure.api.decode(name, z)))",
        [name, z.tolist()],
    )
    assert (torch.tensor(found) - expected).abs().max() < 1e-3
    seen = state(figure)
    assert seen["order"] == known.kl.argsort(descending=True).tolist()
    assert seen["used"] == known.active[known.kl.argsort(descending=True)].tolist()
    for garment in (0, 7):
        figure.get_by_label("Garment").select_option(str(garment))
        assert state(figure)["z"] == pytest.approx(known.codes[garment].tolist(), abs=1e-6)
        assert (picture(figure, 0) - known.images[garment, 0]).abs().max() < 1e-6
        for which in (1, 2):
            assert (picture(figure, which) - copies[garment, 0]).abs().max() <= 1 / 255


def test_only_the_chosen_networks_are_loaded(wide: tuple[Page, Locator]) -> None:
    page, figure = wide
    count = "document.querySelectorAll('script[src*=vae10]').length"
    assert state(figure)["loaded"] == [FIRST]
    assert page.evaluate(count) == 1
    choose(figure, STRICT)
    assert sorted(state(figure)["loaded"]) == sorted([FIRST, STRICT])
    assert page.evaluate(count) == 2


def test_keys_move_the_strongest_dimension_and_the_button_brings_it_back(
    wide: tuple[Page, Locator],
) -> None:
    page, figure = wide
    before, own = picture(figure, 2), state(figure)["z"]
    slider = figure.locator("input[type=range]").first
    slider.focus()
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(20)
    seen = state(figure)
    strongest = seen["order"][0]
    assert own[strongest] - seen["z"][strongest] == pytest.approx(12 * 0.05, abs=0.03)
    assert [a for k, a in enumerate(seen["z"]) if k != strongest] == [
        a for k, a in enumerate(own) if k != strongest
    ]
    assert (picture(figure, 2) - before).abs().max() > 0.05
    assert median_answer(figure) <= 50
    page.wait_for_function(
        "document.querySelector('figure.explorer [aria-live=polite]').textContent"
        ".includes('grey levels')"
    )
    figure.get_by_role("button", name="Back to its own code").click()
    assert state(figure)["z"] == own
    assert torch.equal(picture(figure, 2), before)


def test_an_unused_dimension_says_so_and_does_nothing(wide: tuple[Page, Locator]) -> None:
    _, figure = wide
    choose(figure, STRICT)
    used = state(figure)["used"]
    assert sum(used) < len(used)
    before = picture(figure, 2)
    unused = figure.get_by_label("not used by this model")
    assert unused.count() == used.count(False)
    unused.last.fill("3")
    assert (picture(figure, 2) - before).abs().mean() < 0.01
    figure.locator("input[type=range]").first.fill("-1.5")
    assert (picture(figure, 2) - before).abs().mean() > 0.05


def test_a_code_of_the_prior_is_drawn(wide: tuple[Page, Locator]) -> None:
    _, figure = wide
    own, before = state(figure)["z"], picture(figure, 2)
    button = figure.get_by_role("button", name="Draw z from N(0, I)")
    codes = []
    for _ in range(20):
        button.click()
        codes.append(state(figure)["z"])
    assert state(figure)["drawn"]
    assert figure.locator(".latent-name").nth(2).inner_text() == "drawn from N(0, I)"
    with torch.no_grad():
        expected = Painter(zoo.load(FIRST), "sample")(torch.tensor(codes[-1])[None])[0, 0]
    assert (picture(figure, 2) - expected).abs().max() <= 1 / 255
    z = torch.tensor(codes)  # [20, 10]; mean 0 and spread 1 within five standard errors
    assert abs(float(z.mean())) < 5 / 200**0.5
    assert abs(float(z.var()) - 1) < 5 * (2 / 200) ** 0.5
    sliders = figure.locator("input[type=range]")
    shown = [float(one.input_value()) for one in sliders.all()]
    order = state(figure)["order"]
    assert shown == pytest.approx([codes[-1][k] for k in order], abs=0.026)
    sliders.first.fill("0")
    assert not state(figure)["drawn"]
    figure.get_by_role("button", name="Back to its own code").click()
    assert state(figure)["z"] == own
    assert torch.equal(picture(figure, 2), before)


def test_what_is_not_used_is_grey_and_its_bar_is_empty(wide: tuple[Page, Locator]) -> None:
    _, figure = wide
    choose(figure, STRICT)
    rows = figure.locator(".explorer-control:has(.latent-bar)")
    color = "row => getComputedStyle(row.querySelector('input')).accentColor"
    share = """row => parseFloat(
      row.querySelector('.latent-bar').style.getPropertyValue('--latent-share'))"""
    used = state(figure)["used"]
    colors = [row.evaluate(color) for row in rows.all()]
    shares = [row.evaluate(share) for row in rows.all()]
    assert len({one for one, yes in zip(colors, used, strict=True) if yes}) == 1
    assert {one for one, yes in zip(colors, used, strict=True) if yes}.isdisjoint(
        one for one, yes in zip(colors, used, strict=True) if not yes
    )
    kl = garments(STRICT).kl.sort(descending=True).values
    most = max(float(garments(name).kl.max()) for name in models())
    assert shares == pytest.approx((100 * kl / most).tolist(), abs=0.01)


def test_the_pictures_stay_in_sight_of_the_last_slider(browser: Browser, path: Path) -> None:
    with reader(browser, width=390, touch=True) as page:
        figure = start(page, path)
        figure.locator("input[type=range]").last.evaluate("one => one.scrollIntoView(false)")
        page.wait_for_function(
            """() => {
              const box = document.querySelectorAll('.latent-screen canvas')[2]
                .getBoundingClientRect();
              return window.scrollY > 200 && box.top >= 0 && box.bottom <= innerHeight;
            }"""
        )


def test_a_finger_moves_a_slider_on_a_small_screen(browser: Browser, path: Path) -> None:
    with reader(browser, width=360, touch=True) as page:
        figure = start(page, path)
        assert overflow(page) <= 0
        slider = figure.locator("input[type=range]").first
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        assert box is not None
        y = box["y"] + box["height"] / 2
        places = [(box["x"] + share * box["width"], y) for share in (0.5, 0.35, 0.2, 0.1)]
        touch_drag(page, places)
        seen = state(figure)
        assert seen["z"][seen["order"][0]] < -1.5


def test_dark(browser: Browser, path: Path) -> None:
    with reader(browser, theme="dark") as page:
        figure = start(page, path)
        note = figure.locator(".latent-note").first
        color = "element => getComputedStyle(element).color"
        dark = note.evaluate(color)
        set_theme(page, "light")
        assert note.evaluate(color) != dark


def test_without_scripts_the_still_is_there(browser: Browser, path: Path) -> None:
    with reader(browser, scripts=False) as page:
        page.goto(path.as_uri())
        assert page.locator(".explorer-still").is_visible()
        assert not page.locator(".explorer-start").is_visible()
