"""Two normal densities: the numbers against torch, the picture against its controls."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from genlib import explore
from genlib.divergences import js
from genlib.explore.two_gaussians import Integrand, draw, integrand, measure

SETTINGS = [(0, 1, 1, 1), (0, 0.7, 0, 2), (0, 0.7, 2, 2), (-2, 1, 4, 1), (5, 0.45, -5, 3), (1,) * 4]


@pytest.mark.parametrize("setting", SETTINGS)
def test_closed_forms_integrals_and_torch_agree(setting: tuple[float, ...]) -> None:
    found = measure(*setting)
    numbers = [torch.tensor(float(v), dtype=torch.float64) for v in setting]
    p, q = Normal(*numbers[:2]), Normal(*numbers[2:])
    assert found.forward == pytest.approx(kl_divergence(p, q).item(), abs=1e-12)
    assert found.reverse == pytest.approx(kl_divergence(q, p).item(), abs=1e-12)
    assert found.integrals["forward"] == pytest.approx(found.forward, abs=1e-8)
    assert found.integrals["reverse"] == pytest.approx(found.reverse, abs=1e-8)
    x = torch.linspace(-40, 40, 80_001, dtype=torch.float64)
    mass = [f.log_prob(x).exp() * (x[1] - x[0]) for f in (p, q)]
    assert found.integrals["js"] == pytest.approx(js(*mass).item(), abs=1e-8)
    assert -1e-12 < found.integrals["js"] < math.log(2)


def test_a_kl_integrand_has_negative_parts_and_jensen_shannons_has_none() -> None:
    x = torch.linspace(-8, 8, 801, dtype=torch.float64)
    log_p, log_q = Normal(-1.0, 1.0).log_prob(x), Normal(1.0, 1.0).log_prob(x)
    for kind in ("forward", "reverse"):
        assert (integrand(log_p, log_q, kind) < -0.1).any()
    assert (integrand(log_p, log_q, "js") > -1e-12).all()


@pytest.mark.parametrize("name", ["mu_p", "sigma_p", "mu_q", "sigma_q"])
def test_each_slider_redraws(name: str) -> None:
    box = explore.two_gaussians()
    before = box.picture.value
    box.controls[name].value += 0.5
    assert box.picture.value != before


def test_the_choice_and_the_unit_redraw() -> None:
    box = explore.two_gaussians()
    seen = {box.picture.value}
    kinds: tuple[Integrand, ...] = ("reverse", "js")
    for kind in kinds:
        box.controls["shaded"].value = kind
        seen.add(box.picture.value)
    box.controls["bits"].value = True
    seen.add(box.picture.value)
    assert len(seen) == 4


def test_titles_tell_the_numbers() -> None:
    upper, lower = draw(0, 1, 1, 1).axes
    assert upper.get_title("left") == "KL(p‖q) 0.500, KL(q‖p) 0.500, JS 0.111 of at most 0.693 nats"
    assert lower.get_title("left") == "KL(p‖q): p log(p/q), integral 0.5000 nats"
    upper, lower = draw(0, 1, 1, 1, shaded="js", bits=True).axes
    assert "KL(p‖q) 0.721" in upper.get_title("left")
    assert "of at most 1.000 bits" in upper.get_title("left")


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="sigma_q must be positive"):
        draw(0, 1, 0, 0)
    with pytest.raises(ValueError, match="shaded must be one of forward, reverse, js"):
        draw(shaded="both")  # type: ignore[arg-type]
