"""The latent map: what is drawn under pointer, keys and finger, and what it says of holes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page

from genlib import zoo
from genlib.explore.latent_map import bounds_of, codes_of
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
AE, VAE = "ae2-fashion-mnist", "vae2-fashion-mnist"
SCRIPTS = ["controls.js", "network.js"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("latent-map")
    data = [AE, VAE, "latent-map-codes"]
    return harness(folder, "latent-map", SCRIPTS, data, {"models": [AE, VAE]})


@pytest.fixture(scope="module")
def wide(browser: Browser, path: Path) -> Iterator[tuple[Page, Locator]]:
    with reader(browser) as page:
        yield page, start(page, path)


def map_of(figure: Locator, index: int) -> Locator:
    return figure.locator(".explorer-canvas > canvas").nth(index)


def test_its_decoders_are_those_of_pytorch(wide: tuple[Page, Locator]) -> None:
    _, figure = wide
    torch.manual_seed(0)
    for name, method in ((AE, "decode"), (VAE, "sample")):
        painter = Painter(zoo.load(name), method)
        z = 2 * torch.randn(10, 2)
        with torch.no_grad():
            expected = painter(z).flatten(1)
        found = figure.evaluate(
            "(figure, [name, codes]) => codes.map(z => figure.api.decode(name, z))",
            [name, z.tolist()],
        )
        assert (torch.tensor(found) - expected).abs().max() < 1e-3


def test_the_mouse_moves_the_place_and_the_picture_follows(wide: tuple[Page, Locator]) -> None:
    page, figure = wide
    for index in (0, 1):
        box = map_of(figure, index).bounding_box()
        assert box is not None
        screen = figure.locator(".latent-under .latent-screen canvas").nth(index)
        seen = []
        for share in (0.3, 0.4, 0.5, 0.6, 0.7):
            page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.5 * box["height"])
            one = state(figure)["maps"][index]
            seen.append((tuple(one["code"]), pixels(screen)))
        codes, pictures = zip(*seen, strict=True)
        assert [a for a, _ in codes] == sorted({a for a, _ in codes}), "further right each time"
        assert len(set(pictures)) == 5
    assert median_answer(figure) <= 50


def test_the_picture_is_the_one_at_the_place(wide: tuple[Page, Locator]) -> None:
    _, figure = wide
    figure.evaluate("figure => figure.api.go(1, -0.75, 1.25)")
    code = state(figure)["maps"][1]["code"]
    with torch.no_grad():
        expected = Painter(zoo.load(VAE), "sample")(torch.tensor([code]))[0, 0]
    screen = figure.locator(".latent-under .latent-screen canvas").nth(1)
    found = torch.tensor(list(pixels(screen))).view(28, 28, 4)
    assert code == [-0.75, 1.25]
    assert (found[..., 0] / 255 - expected).abs().max() < 1 / 255
    assert torch.equal(found[..., 0], found[..., 2])


@pytest.mark.parametrize(("index", "name"), [(0, AE), (1, VAE)])
def test_holes_are_where_no_code_is_near(wide: tuple[Page, Locator], index: int, name: str) -> None:
    _, figure = wide
    known = codes_of(name)
    torch.manual_seed(1)
    middle, spread = known.codes.mean(0), known.codes.std(0)
    found = []
    for place in (middle + 1.2 * spread * torch.randn(30, 2)).tolist():
        figure.evaluate(
            "(figure, [index, place]) => figure.api.go(index, ...place)", [index, place]
        )
        seen = state(figure)["maps"][index]
        apart = (known.codes - torch.tensor(seen["code"])).norm(dim=1)
        assert seen["distance"] == pytest.approx(float(apart.min()), abs=1e-5)
        assert seen["label"] == known.classes[int(known.labels[apart.argmin()])]
        assert seen["hole"] == (float(apart.min()) > known.edge)
        assert ("hole" in seen["words"]) == seen["hole"]
        found.append(seen["hole"])
    assert 0 < sum(found) < len(found)


def test_keys_move_it_and_shift_moves_it_further(wide: tuple[Page, Locator]) -> None:
    page, figure = wide
    figure.evaluate("figure => figure.api.go(0, 0, 1)")
    figure.locator(".explorer-handle").first.focus()
    places = [state(figure)["maps"][0]["code"]]
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowUp", "Shift+ArrowDown"):
        page.keyboard.press(key)
        places.append(state(figure)["maps"][0]["code"])
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(places)]
    one = steps[0][0]
    assert one > 0
    for found, wanted in zip(steps, [(1, 0), (5, 0), (0, 1), (0, -5)], strict=True):
        assert found == pytest.approx([one * share for share in wanted], abs=1e-9)
    label = figure.locator(".explorer-handle").first.get_attribute("aria-label")
    assert label is not None
    assert "Place on the map" in label
    page.wait_for_function(
        "document.querySelector('figure.explorer [aria-live=polite]').textContent"
        ".includes('Autoencoder')"
    )


def test_a_class_is_brought_out_and_pictures_take_the_place_of_dots(
    wide: tuple[Page, Locator],
) -> None:
    _, figure = wide
    seen = [pixels(map_of(figure, 0))]
    figure.get_by_label("Bring out").select_option(label="Bag")
    assert state(figure)["kind"] == 8
    seen.append(pixels(map_of(figure, 0)))
    figure.get_by_label("Bring out").select_option("")
    assert pixels(map_of(figure, 0)) == seen[0]
    figure.get_by_label("Decoded pictures").check()
    last = b""
    for _ in range(100):  # a row each frame
        last, before = pixels(map_of(figure, 0)), last
        if last == before:
            break
    seen.append(last)
    assert state(figure)["pictures"]
    assert len(set(seen)) == 3
    figure.get_by_label("Decoded pictures").uncheck()


def test_the_holes_are_striped(wide: tuple[Page, Locator]) -> None:
    """Far from all codes the map's pixels differ among each other; where codes are near, not."""
    _, figure = wide
    for index, name in enumerate((AE, VAE)):
        known = codes_of(name)
        left, right, low, high = bounds_of(name)
        grid = torch.cartesian_prod(torch.linspace(left, right, 40), torch.linspace(low, high, 40))
        apart = torch.cdist(grid, known.codes).amin(1)
        deep = grid[apart > 2.5 * known.edge]
        for place in deep[:: len(deep) // 5].tolist():
            found = figure.evaluate(
                """(figure, [index, [a, b]]) => {
                  const canvas = figure.querySelectorAll('.explorer-canvas > canvas')[index];
                  const { x, y } = figure.api.place(index, a, b);
                  const scale = canvas.width / canvas.clientWidth;
                  const { data } = canvas.getContext('2d').getImageData(
                    scale * x - 6, scale * y - 6, 12, 12);
                  return new Set(data.filter((_, i) => i % 4 === 0)).size;
                }""",
                [index, place],
            )
            if abs(place[0] - left) > 0.3 and abs(place[1] - low) > 0.3:
                assert found > 3, f"{name}: plain at {place}"


def test_both_decoders_get_the_same_draws(wide: tuple[Page, Locator]) -> None:
    _, figure = wide
    button = figure.get_by_role("button", name="Draw 12 codes from N(0, I)")
    drawn = []
    for times in (1, 2, 3):
        button.click()
        first, second = (one["drawn"] for one in state(figure)["maps"])
        assert first["last"] == second["last"]
        assert first["all"] == second["all"] == 12 * times
        drawn += first["last"]
    assert len({tuple(one) for one in drawn}) == 36
    for index, name in enumerate((AE, VAE)):
        known = codes_of(name)
        apart = torch.cdist(torch.tensor(drawn), known.codes).amin(1)
        seen = state(figure)["maps"][index]["drawn"]
        assert seen["holes"] == int((apart > known.edge).sum())
        said = figure.locator(".explorer-readout").nth(index).inner_text()
        assert f"{seen['holes']} of 36" in said
        with torch.no_grad():
            method = "decode" if name == AE else "sample"
            pictures = Painter(zoo.load(name), method)(torch.tensor(seen["last"]))[:, 0]
        strip = figure.locator(".latent-strip canvas").nth(index)
        found = torch.tensor(list(pixels(strip))).view(64, 192, 4)[..., 0] / 255
        for i, image in enumerate(pictures):
            x, y = 32 * (i % 6) + 2, 32 * (i // 6) + 2
            assert (found[y : y + 28, x : x + 28] - image).abs().max() < 1 / 255


def test_a_map_without_prior_has_no_draws(browser: Browser, tmp_path: Path) -> None:
    page_path = harness(tmp_path, "latent-map", [], [AE, "latent-map-codes"], {"models": [AE]})
    with reader(browser) as page:
        figure = start(page, page_path)
        assert figure.get_by_role("button", name="Draw").count() == 0
        assert "draws" not in figure.locator(".explorer-readout").inner_text()


def test_it_follows_the_theme(wide: tuple[Page, Locator]) -> None:
    page, figure = wide
    light = pixels(map_of(figure, 0))
    set_theme(page, "dark")
    page.wait_for_timeout(100)
    dark = pixels(map_of(figure, 0))
    set_theme(page, "light")
    page.wait_for_timeout(100)
    assert light != dark
    assert pixels(map_of(figure, 0)) == light


def test_a_finger_moves_it_on_a_small_screen(browser: Browser, path: Path) -> None:
    with reader(browser, width=360, touch=True) as page:
        figure = start(page, path)
        assert overflow(page) <= 0
        canvas = map_of(figure, 1)
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.touchscreen.tap(x, y)
        tapped = state(figure)["maps"][1]["code"]
        touch_drag(page, [(x, y), (x + 20, y - 25), (x + 40, y - 50), (x + 60, y - 75)])
        moved = state(figure)["maps"][1]["code"]
        assert tapped == pytest.approx([0, 0], abs=0.7)
        assert moved[0] > tapped[0] + 0.5, "to the right"
        assert moved[1] > tapped[1] + 0.5, "upwards, and the page did not scroll away"


def test_without_scripts_the_still_and_the_caption_are_there(browser: Browser, path: Path) -> None:
    with reader(browser, scripts=False) as page:
        page.goto(path.as_uri())
        assert page.locator(".explorer-still").is_visible()
        assert page.locator("figcaption").is_visible()
        assert not page.locator(".explorer-start").is_visible()
