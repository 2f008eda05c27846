"""A garment under sliders in a notebook: codes, order of the dimensions, and the picture."""

from __future__ import annotations

import pytest
import torch

from genlib import explore, results, zoo
from genlib.explore import frame
from genlib.explore.latent_sliders import draw, garments, models, painter


def test_models_come_by_their_beta() -> None:
    betas = [garments(name).beta for name in models()]
    assert betas == sorted(betas)
    assert 1 in betas
    assert set(models()) <= set(zoo.available())


@pytest.mark.parametrize("name", models())
def test_codes_are_those_of_the_garments(name: str) -> None:
    """To three decimals: the encoder itself gives them."""
    known = garments(name)
    with torch.no_grad():
        mu, _ = zoo.load(name).encode(known.images)  # type: ignore[operator]
    assert known.codes.shape == mu.shape == (10, 10)
    assert (known.codes - mu).abs().max() < 2e-3
    rate = results.load("page_codes").figures["garments"][name]["rate"]
    assert float(known.kl.sum()) == pytest.approx(rate, rel=1e-4)
    error = (painter(name)(known.codes) - known.images).square().mean()
    assert error < known.images.var()


def test_a_stricter_beta_carries_less_and_uses_less() -> None:
    rates = [float(garments(name).kl.sum()) for name in models()]
    used = [int(garments(name).active.sum()) for name in models()]
    assert rates == sorted(rates, reverse=True)
    assert used == sorted(used, reverse=True)


def test_each_control_redraws() -> None:
    box = explore.latent_sliders()
    seen = [box.picture.value]
    moves = {"garment": 3, "step_1": 2.0, "step_10": 3.0, "model": models()[-1]}
    for name, value in moves.items():
        box.controls[name].value = value
        seen.append(box.picture.value)
    assert len(set(seen)) == len(moves) + 1


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no codes of 'vae2'"):
        explore.latent_sliders("vae2")
    with pytest.raises(ValueError, match="garment 10 and 1 steps: there are 10 garments, from 0"):
        draw(garment=10)
    with pytest.raises(ValueError, match="and 11 steps"):
        draw(steps=(0.0,) * 11)


def test_steps_belong_to_the_strongest_dimensions() -> None:
    """A step in the weakest dimension of a strict model changes nothing, one in the first much."""
    name = models()[-1]
    still = frame.png(draw(name, 9, ()))
    order = garments(name).kl.argsort(descending=True)
    code = garments(name).codes[9]
    moved = {}
    for rank in (0, 9):
        z = code.clone()
        z[order[rank]] += 2
        change = painter(name)(z[None]) - painter(name)(code[None])
        moved[rank] = float(change.detach().abs().mean())
    assert moved[0] > 20 * moved[9]
    assert frame.png(draw(name, 9, (2.0,))) != still
