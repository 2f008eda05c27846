"""Latent arithmetic on faces: sums of directions, and what the decoder makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page

from genlib import zoo
from genlib.data import drawn_faces
from genlib.explore.face_attributes import MODEL, READ, changes, faces, moved
from genlib.export import Painter
from genlib.models.classifier import AttributeClassifier
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
READER = "classifier-faces"
DATA = ["face-attributes-codes", MODEL, READER]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("face-attributes")
    return harness(folder, "face-attributes", ["controls.js", "network.js"], DATA)


@pytest.fixture
def wide(browser: Browser, path: Path) -> Iterator[tuple[Page, Locator]]:
    with reader(browser) as page:
        yield page, start(page, path)


def picture(figure: Locator, which: int) -> torch.Tensor:
    """The original, the copy or the moved picture, in [0, 1], `[3, 64, 64]`."""
    found = pixels(figure.locator(".latent-screen canvas").nth(which))
    return torch.tensor(list(found)).view(64, 64, 4)[..., :3].permute(2, 0, 1) / 255


def decoded(z: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        images: torch.Tensor = Painter(zoo.load(MODEL), "sample")(z[None])[0]
    return images


def test_the_decoder_is_pytorchs(wide: tuple[Page, Locator]) -> None:
    _, figure = wide
    torch.manual_seed(0)
    for z in 1.5 * torch.randn(5, 48):
        found = figure.evaluate("(figure, z) => figure.api.decode('', z)", z.tolist())
        assert (torch.tensor(found) - decoded(z).flatten()).abs().max() < 1e-3


def probabilities(images: torch.Tensor) -> dict[str, dict[str, float]]:
    """How probable each value of each attribute is, by PyTorch's classifier, off one picture."""
    classifier = zoo.load(READER)
    assert isinstance(classifier, AttributeClassifier)
    values = drawn_faces(1, split="test").attribute_values
    with torch.no_grad():
        logits = classifier(images[None])
    return {
        name: dict(zip(values[name], found[0].softmax(0).tolist(), strict=True))
        for name, found in logits.items()
    }


def settled(figure: Locator) -> dict[str, Any]:
    """The state once the classifier has read the picture of now, a frame after it was drawn."""
    for _ in range(2):
        seen = state(figure)
    return seen


def test_the_classifier_is_pytorchs(wide: tuple[Page, Locator]) -> None:
    _, figure = wide
    classifier = zoo.load(READER)
    for image in faces().images[:3] / 255:
        found = figure.evaluate("(figure, x) => figure.api.logits(x)", image.flatten().tolist())
        with torch.no_grad():
            expected = torch.cat(list(classifier(image[None]).values()), dim=1)[0]
        assert (torch.tensor(found) - expected).abs().max() < 1e-3


def test_it_starts_as_the_still_shows_and_reads_what_it_draws(wide: tuple[Page, Locator]) -> None:
    _, figure = wide
    seen = settled(figure)
    assert seen["steps"] == [1.5, 0, 0, 0, 0, 0]
    assert next(iter(changes())) == "glasses"
    for steps in ({"glasses": 1.5}, {"glasses": 1.5, "a beanie": 2.0}, {"a beanie": 2.0}):
        for name in ("glasses", "a beanie"):
            figure.get_by_role("slider", name=name).fill(str(steps.get(name, 0)))
        seen = settled(figure)
        now = probabilities(decoded(moved(0, steps)))
        before = probabilities(decoded(moved(0, {})))
        lines = figure.locator(".latent-read").all_inner_texts()
        for name, line in zip(changes(), lines, strict=True):
            attribute, values = READ[name]
            expected = sum(now[attribute][value] for value in values)
            assert float(line.split(";")[0].removeprefix("read here: ")) == pytest.approx(
                expected, abs=0.006
            )
        for name, shares in now.items():
            best = max(shares, key=shares.__getitem__)
            old = max(before[name], key=before[name].__getitem__)
            assert seen["read"][name]["value"] == best
            asked = name in {READ[change][0] for change in steps}
            said = f"{name.replace('_', ' ')} {old} → {best}" in seen["along"]
            assert said == (best != old and not asked), name


def test_each_face_with_its_copy(wide: tuple[Page, Locator]) -> None:
    _, figure = wide
    figure.get_by_role("button", name="Take everything away").click()
    buttons = figure.get_by_role("group", name="Choose a face").get_by_role("button")
    assert buttons.count() == len(faces().words) == 12
    for i in (0, 5, 11):
        buttons.nth(i).click()
        seen = state(figure)
        assert seen["face"] == i
        assert seen["z"] == pytest.approx(faces().codes[i].tolist(), abs=1e-6)
        assert (picture(figure, 0) - faces().images[i] / 255).abs().max() < 1e-6
        assert (picture(figure, 1) - decoded(faces().codes[i])).abs().max() <= 1 / 255
        assert torch.equal(picture(figure, 1), picture(figure, 2))
        assert buttons.nth(i).get_attribute("aria-pressed") == "true"
        assert faces().words[i] in (buttons.nth(i).get_attribute("aria-label") or "")


def test_steps_are_added_and_the_switch_takes_random_ones(wide: tuple[Page, Locator]) -> None:
    _, figure = wide
    figure.get_by_role("slider", name="glasses").fill("1.5")
    figure.get_by_role("slider", name="curly hair").fill("-1")
    steps = {"glasses": 1.5, "curly hair": -1.0}
    seen = state(figure)
    assert seen["z"] == pytest.approx(moved(0, steps).tolist(), abs=1e-5)
    assert seen["far"] == pytest.approx(float((moved(0, steps) - moved(0, {})).norm()), abs=1e-4)
    assert (picture(figure, 2) - decoded(moved(0, steps))).abs().max() <= 1 / 255
    assert (picture(figure, 2) - picture(figure, 1)).abs().max() > 0.2
    assert "1.50 × glasses" in seen["note"]
    figure.get_by_label("Random directions").check()
    seen = state(figure)
    assert seen["z"] == pytest.approx(moved(0, steps, random=True).tolist(), abs=1e-5)
    assert "random directions" in seen["note"]
    figure.get_by_role("button", name="Take everything away").click()
    assert state(figure)["steps"] == [0] * len(changes())
    assert torch.equal(picture(figure, 1), picture(figure, 2))


def test_keys_move_a_slider_in_time(wide: tuple[Page, Locator]) -> None:
    page, figure = wide
    figure.locator("input[type=range]").first.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(60)
    assert state(figure)["steps"][0] == pytest.approx(2)
    assert median_answer(figure) <= 50
    page.wait_for_function(
        "document.querySelector('figure.explorer [aria-live=polite]').textContent"
        ".includes('2.00 × glasses')"
    )


def test_it_says_how_often_a_step_works(wide: tuple[Page, Locator]) -> None:
    _, figure = wide

    def rates() -> list[str]:
        settled(figure)
        return [line.split("; ")[1] for line in figure.locator(".latent-read").all_inner_texts()]

    def expected(kind: str) -> list[str]:
        shares = [(of.before, getattr(of, kind)) for of in changes().values()]
        return [f"of 100 faces: {int(100 * a + 0.5)} → {int(100 * b + 0.5)}" for a, b in shares]

    assert rates() == expected("added")
    figure.get_by_label("Random directions").check()
    assert rates() == expected("by_random")
    shares = [of.added for of in changes().values()]
    assert shares == sorted(shares, reverse=True)


def test_a_finger_moves_a_slider_on_a_small_screen(browser: Browser, path: Path) -> None:
    with reader(browser, width=360, touch=True) as page:
        figure = start(page, path)
        assert overflow(page) <= 0
        figure.get_by_role("group", name="Choose a face").get_by_role("button").nth(3).tap()
        assert state(figure)["face"] == 3
        slider = figure.locator("input[type=range]").first
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        assert box is not None
        y = box["y"] + box["height"] / 2
        places = [(box["x"] + share * box["width"], y) for share in (0.4, 0.6, 0.8, 0.9)]
        touch_drag(page, places)
        assert state(figure)["steps"][0] > 2


def test_the_pressed_face_is_marked_in_both_themes(browser: Browser, path: Path) -> None:
    with reader(browser, theme="dark") as page:
        figure = start(page, path)
        buttons = figure.locator(".latent-face")
        color = "element => getComputedStyle(element).borderColor"
        dark = [buttons.nth(i).evaluate(color) for i in (0, 1)]
        set_theme(page, "light")
        page.wait_for_timeout(300)
        light = [buttons.nth(i).evaluate(color) for i in (0, 1)]
        assert dark[0] != dark[1]
        assert light[0] != light[1]
        assert dark != light


def test_without_scripts_the_still_is_there(browser: Browser, path: Path) -> None:
    with reader(browser, scripts=False) as page:
        page.goto(path.as_uri())
        assert page.locator(".explorer-still").is_visible()
        assert not page.locator(".explorer-start").is_visible()
