"""The map of codes in a notebook: codes as committed, pictures of the model, words that fit."""

from __future__ import annotations

import pytest
import torch

from genlib import explore, results
from genlib.explore import frame
from genlib.explore.latent_map import TITLES, bounds_of, codes_of, draw, draw_maps, words

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
    for name, value in (("x", 2.0), ("y", -1.0), ("pictures", True), ("model", VAE)):
        box.controls[name].value = value
        seen.append(box.picture.value)
    assert len(set(seen)) == 5


def test_the_model_to_begin_with() -> None:
    assert explore.latent_map(VAE).controls["model"].value == VAE
    with pytest.raises(ValueError, match=r"no codes of 'vae20'; there are codes of ae2"):
        explore.latent_map("vae20")
    with pytest.raises(ValueError, match="no codes of"):
        draw("vae20")


def test_both_maps_in_one_figure() -> None:
    assert frame.png(draw_maps(3)) != frame.png(draw_maps(4))
