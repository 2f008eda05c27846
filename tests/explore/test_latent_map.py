"""The map of codes in a notebook: codes as committed, pictures of the model, words that fit."""

from __future__ import annotations

import math

import pytest
import torch

from genlib import explore, results
from genlib.explore import frame
from genlib.explore.latent_map import (
    DRAWS,
    TITLES,
    bounds_of,
    codes_of,
    draw,
    draw_maps,
    drawn,
    words,
)
from genlib.seeds import make_generator

AE, VAE = TITLES


@pytest.mark.parametrize("model", TITLES)
def test_codes_are_those_of_the_committed_result(model: str) -> None:
    found, known = results.load("page_codes").figures["maps"], codes_of(model)
    assert known.codes.shape == (len(found["labels"]), 2)
    assert known.codes[7].tolist() == pytest.approx([found[model][key][7] for key in "xy"])
    assert int(known.labels.max()) == len(known.classes) - 1 == 9
    left, right, low, high = bounds_of(model)
    assert right - left == pytest.approx(high - low)
    x, y = known.codes.T
    assert ((x > left) & (x < right) & (y > low) & (y < high)).all(), "a code off the map"


def test_words_follow_the_distance() -> None:
    known = codes_of(AE)
    at = known.codes[3]
    assert "among codes" in words(AE, at)
    assert known.classes[int(known.labels[3])] in words(AE, at)
    assert "in a hole" in words(AE, torch.tensor([100.0, 0.0]))
    codes = known.codes
    grid = torch.cartesian_prod(torch.linspace(-4, 4, 60), torch.linspace(-4, 5, 60))
    near = torch.cdist(grid, codes).amin(dim=1)
    rim = grid[(near > 0.4 * known.edge) & (near < 0.9 * known.edge)][0]
    assert "at the rim" in words(AE, rim)


def test_each_control_redraws() -> None:
    box = explore.latent_map()
    seen = [box.picture.value]
    moves = (("x", 2.0), ("y", -1.0), ("draws", 50), ("pictures", True), ("model", VAE))
    for name, value in moves:
        box.controls[name].value = value
        seen.append(box.picture.value)
    assert len(set(seen)) == 6


def test_the_model_to_begin_with() -> None:
    assert explore.latent_map(VAE).controls["model"].value == VAE
    with pytest.raises(ValueError, match=r"no codes of 'vae20'; there are codes of ae2"):
        explore.latent_map("vae20")
    with pytest.raises(ValueError, match="no codes of"):
        draw("vae20")


def test_both_models_get_the_same_draws() -> None:
    (z, first), (other, second) = drawn(AE), drawn(VAE)
    assert torch.equal(z, other)
    assert z.shape == (DRAWS, 2)
    for model, holes in ((AE, first), (VAE, second)):
        apart = torch.cdist(z, codes_of(model).codes).amin(dim=1)
        assert torch.equal(holes, apart > codes_of(model).edge)
    assert frame.png(draw(VAE, 1, 1)) != frame.png(draw(VAE, 1, 1, 20))


def test_what_the_captions_say_of_the_maps() -> None:
    """Chapters 1 and 3 name holes and shares; they were read off these codes."""

    def distance(model: str, *at: float) -> tuple[float, str]:
        known = codes_of(model)
        apart = (known.codes - torch.tensor(at)).norm(dim=1)
        return float(apart.min()), known.classes[int(known.labels[apart.argmin()])]

    assert len(codes_of(AE).codes) == len(codes_of(VAE).codes) == 1500
    for at in ((3, 4.5), (0, -1.5)):
        assert distance(AE, *at)[0] > codes_of(AE).edge
    assert distance(VAE, 1, 1)[0] > codes_of(VAE).edge
    shares = [1 - math.exp(-(r**2) / 2) for r in (1, 2, 3)]
    assert [f"{share:.0%}" for share in shares] == ["39%", "86%", "99%"]

    z = torch.randn(20_000, 2, generator=make_generator(0, "captions"))
    in_holes, near = {}, {}
    for model in TITLES:
        known = codes_of(model)
        apart = torch.cdist(z, known.codes)
        in_holes[model] = float((apart.amin(dim=1) > known.edge).double().mean())
        kinds = known.labels[apart.argmin(dim=1)].bincount(minlength=10) / len(z)
        near[model] = dict(zip(known.classes, kinds.tolist(), strict=True))
    assert in_holes[AE] > in_holes[VAE] + 0.03, "more of them fall into holes"
    assert near[AE]["Sandal"] > 0.25, "many sandals"
    assert near[AE]["Coat"] < 0.03, "hardly a coat"
    assert float((codes_of(VAE).codes.norm(dim=1) < 3).double().mean()) > 0.98, "nearly all codes"
    # Where 86 % of the draws are: less than half of the one's codes, most of the other's.
    inside = {m: float((codes_of(m).codes.norm(dim=1) < 2).double().mean()) for m in TITLES}
    assert inside[AE] < 0.5 < 0.8 < inside[VAE]


def test_both_maps_in_one_figure() -> None:
    assert frame.png(draw_maps(3)) != frame.png(draw_maps(4))
