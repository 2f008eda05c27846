"""Parts of the point experiments of chapter 5 that theory can check, and their results."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from experiments import critic_slopes, gan_modes, wgan_points
from genlib import make_generator, results, seed_everything
from genlib.losses import gradient_norm
from genlib.models.points import PointGenerator

ROLL = wgan_points.TARGETS["roll"]


def test_the_rolls_own_points_lie_on_all_its_parts() -> None:
    """Across a line, 99.7 % of normal noise lies within 3σ; the curve bends little."""
    x = ROLL.sample(4_000, make_generator(0, "x"))
    found, share = wgan_points.parts_found(x, ROLL, 20)
    expected = math.erf(3 / math.sqrt(2))
    assert found == 20
    assert share == pytest.approx(expected, abs=4 * (expected * (1 - expected) / 4_000) ** 0.5)


def test_the_rolls_parts_are_equally_likely_and_in_order() -> None:
    inner = ROLL.places(4_000, make_generator(0, "x"))
    inner = inner[inner.norm(dim=1).argsort()][:2_000]  # half of the probability
    found, share = wgan_points.parts_found(inner, ROLL, 20)
    assert found in (10, 11)
    assert share == 1
    assert wgan_points.parts_found(torch.zeros(5, 2), ROLL, 20) == (0, 0.0)


@pytest.mark.parametrize("variant", wgan_points.VARIANTS)
def test_variants_of_a_seed_start_from_one_generator(variant: str) -> None:
    seed_everything(3)
    expected = PointGenerator(hidden=wgan_points.SETTINGS.hidden, norm="none").state_dict()
    seed_everything(3)
    generator = PointGenerator(hidden=wgan_points.SETTINGS.hidden, norm="none")
    judge, player = wgan_points.players_of(wgan_points.SETTINGS, variant, generator)
    assert player.model is generator
    assert all(torch.equal(generator.state_dict()[key], expected[key]) for key in expected)
    assert judge.moves == (1 if variant == "gan" else wgan_points.SETTINGS.critic_moves)
    assert (judge.weight_bound is not None) == (variant == "clipped")


def test_the_gan_is_chapter_4s_to_the_bit() -> None:
    small: dict[str, Any] = {"batch_size": 10, "points": 100, "kept": 5, "looks": 1}
    old = replace(
        gan_modes.SETTINGS, steps=4, learning_rate=1e-2, betas=(0.5, 0.999), falling_rate=True,
        generator_hidden=(8,), generator_norm="none", discriminator_hidden=(8,), pieces=1,
        start_std=None, **small,
    )  # fmt: skip
    new = replace(
        wgan_points.SETTINGS, gan_steps=4, gan_rate=1e-2, falling_rate=True, hidden=(8,),
        transported=20, **small,
    )  # fmt: skip
    before = gan_modes.run(old, target="ring", variant="non_saturating", seed=3)
    after = wgan_points.run(new, target="ring", variant="gan", seed=3)
    assert after["points"] == before["points"]
    assert len(before["points"]) == 5
    untrained = wgan_points.run(replace(new, gan_rate=1e-9), target="ring", variant="gan", seed=3)
    assert untrained["points"] != after["points"]


def test_the_rate_falls_to_0_with_the_last_move_of_each_player() -> None:
    generator = PointGenerator(hidden=(8,), norm="none")
    settings = replace(wgan_points.SETTINGS, critic_moves=3)
    for player in wgan_points.players_of(settings, "wgan_gp", generator):
        schedule, rates = wgan_points.falling(player, steps=4), []
        for _ in range(4 * player.moves):
            rates.append(schedule.get_last_lr()[0] / settings.wgan_gp_rate)
            player.optimizer.step()
            schedule.step()
        assert rates == pytest.approx([1 - n / len(rates) for n in range(len(rates))])
        assert schedule.get_last_lr()[0] == 0


def test_gradients_of_a_linear_network_are_products_of_its_weights() -> None:
    torch.manual_seed(0)
    layers = [nn.Linear(a, b).double() for a, b in ((2, 5), (5, 4), (4, 1))]
    critic = nn.Sequential(*layers, nn.Flatten(0))
    third = layers[2].weight
    second = third @ layers[1].weight
    expected = [second @ layers[0].weight, second, third]
    found = critic_slopes.gradients(critic, torch.randn(7, 2))
    torch.testing.assert_close(found, torch.stack([weight.norm() for weight in expected]))


def test_the_first_gradient_is_the_critics_slope() -> None:
    seed_everything(0)
    critic = critic_slopes.deep_critic(12, 16)
    assert len(critic_slopes.linear(critic)) == 12
    x = torch.randn(20, 2, generator=make_generator(0, "x"))
    found = critic_slopes.gradients(critic, x)
    assert found.shape == (12,)
    assert float(found[0]) == pytest.approx(
        float(gradient_norm(critic, x).detach().mean()), rel=1e-4
    )


def test_gradients_far_below_single_precision_are_told() -> None:
    seed_everything(0)
    critic = critic_slopes.deep_critic(12, 16)
    with torch.no_grad():
        for layer in critic_slopes.linear(critic):
            layer.weight.mul_(1e-4)  # slopes are positively homogeneous in each layer
    x = torch.randn(20, 2, generator=make_generator(0, "x"))
    small = critic_slopes.gradients(critic, x)
    with torch.no_grad():
        for layer in critic_slopes.linear(critic):
            layer.weight.mul_(1e4)
    scales = torch.tensor([1e-4 ** (12 - number) for number in range(12)], dtype=torch.float64)
    torch.testing.assert_close(
        small / scales, critic_slopes.gradients(critic, x), rtol=1e-4, atol=0
    )


def test_noise_that_stands_for_the_generator_is_normal() -> None:
    x = critic_slopes.blurred(20_000, make_generator(0, "x"))
    roll = ROLL.sample(20_000, make_generator(1, "x"))
    torch.testing.assert_close(x.var(dim=0), roll.var(dim=0) + 1, rtol=0.05, atol=0)


@pytest.mark.parametrize("bound", [0.01, 0.001])
def test_committed_gradients_shrink_as_random_signs_have_it(bound: float) -> None:
    """Weights ±c, half of n units at work: each layer multiplies by c √(n / 2)."""
    found = results.load("critic_slopes")
    layers = [layer["mean"] for layer in found.figures["layers"][f"clip_{bound:g}"]]
    step = math.log10(bound * (found.settings["width"] / 2) ** 0.5)
    for before, after in pairwise(layers[1:]):
        assert before - after == pytest.approx(step, abs=0.15)


def test_committed_gradients_explode_where_weights_are_large_and_stay_with_the_penalty() -> None:
    figures = results.load("critic_slopes").figures
    large, penalised = (
        [layer["mean"] for layer in figures["layers"][kind]] for kind in ("clip_0.1", "gp")
    )
    assert all(before > after for before, after in pairwise(large[1:]))
    assert all(abs(value) < 0.5 for value in penalised)
    for kind, weights in figures["weights"].items():
        assert len(weights["edges"]) == len(weights["shares"]) + 1
        assert sum(weights["shares"]) == pytest.approx(1, abs=1e-4)
        ends = weights["shares"][0] + weights["shares"][-1]
        assert ends >= weights["at_bound"]["mean"] - 1e-4, kind


@pytest.mark.parametrize("target", ["ring", "grid"])
def test_committed_rows_stand_beside_chapter_4s(target: str) -> None:
    """The GAN is the same run, and WGAN-GP comes nearer in W₁, whatever the modes say."""
    figures = results.load("wgan_points").figures
    before = results.load("gan_modes").figures["targets"][target]["non_saturating"]
    rows = figures["targets"][target]
    for key in ("modes", "high_quality", "reverse_kl"):
        assert rows["gan"][key]["mean"] == pytest.approx(before[key]["mean"], rel=0.05)
    assert rows["wgan_gp"]["distance"]["high"] < rows["gan"]["distance"]["mean"]
    assert rows["wgan_gp"]["distance"]["high"] > figures["floor"][target]["low"]
