"""Parts of chapter 5's experiments on clothes that theory can check."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from experiments import reference_models, wgan_details, wgan_images
from experiments.wgan_details import (
    ARGUMENTS,
    SETTINGS,
    VARIANTS,
    ZERO_HEAD,
    cells,
    free,
    over_finished,
    pair,
    players,
    run,
    slopes,
    summarise,
)
from genlib import make_generator, results, seed_everything
from genlib.losses import gradient_penalty
from genlib.metrics import critic_estimate
from genlib.models.gan import ConvDiscriminator, DenseGenerator
from genlib.training import Move, Player

SMALL = replace(SETTINGS, conv_latent=4, conv_width=2)


def made(variant: str) -> list[Player]:
    seed_everything(0)
    return players(SMALL, variant, *pair(SMALL, variant))


def move() -> Move:
    x = torch.rand(6, 1, 28, 28, generator=make_generator(0, "x"))
    return Move(x=x, y=None, step=0, generator=make_generator(0, "move"))


def lowered(variant: str) -> tuple[float, dict[str, float]]:
    """The first player's loss on one batch, and what it tells."""
    turn = move()
    loss = made(variant)[0].loss(turn)
    return float(loss.detach()), {name: float(value) for name, value in turn.logged.items()}


def test_the_right_variant_is_wgan_gp() -> None:
    critic, generator = made("right")
    assert (critic.moves, generator.moves) == (5, 1)
    for player in (critic, generator):
        group = player.optimizer.param_groups[0]
        assert (group["lr"], tuple(group["betas"])) == (SMALL.learning_rate, (0.0, 0.9))
    turn = move()
    fake = turn.share("fake", lambda: generator.model(generator.model.draw(turn))).detach()
    total = critic.loss(turn)
    eps = make_generator(0, "move")
    torch.randn(6, SMALL.conv_latent, generator=eps)  # z
    f = critic.model
    penalty = gradient_penalty(f, turn.x, fake, torch.rand(6, generator=eps)).mean()
    torch.testing.assert_close(total, (f(fake) - f(turn.x)).mean() + 10 * penalty)


# Their critics draw other numbers.
ALIKE = [variant for variant in VARIANTS if variant not in ("batch_norm", "spectral")]


@pytest.mark.parametrize("variant", ALIKE)
def test_variants_start_alike(variant: str) -> None:
    """The same weights for the same seed, so that they differ in their detail alone."""
    for right, other in zip(made("right"), made(variant), strict=True):
        for name, value in right.model.state_dict().items():
            assert torch.equal(value, other.model.state_dict()[name]), name


def test_each_detail_is_changed() -> None:
    right, told = lowered("right")
    for variant in VARIANTS:
        critic, generator = made(variant)
        assert critic.moves == (1 if variant in ("one_move", "r1") else 5), variant
        first = critic.optimizer.param_groups[0].get("betas", (None,))[0]
        assert first == {"beta_0.5": 0.5, "clipped": None}.get(variant, 0.0), variant
        assert generator.average is not None
        assert (critic.weight_bound is not None) == (variant == "clipped")
    for variant in set(ARGUMENTS) - {"right", "one_move", "beta_0.5", "root_without_floor"}:
        assert lowered(variant)[0] != pytest.approx(right, rel=1e-4), variant
    distance, penalty = told["wasserstein"], told["penalty"]
    for variant, weight in (("weight_0.1", 0.1), ("weight_100", 100.0), ("one_move", 10.0)):
        assert lowered(variant)[0] == pytest.approx(weight * penalty - distance, rel=1e-5)
    # Without a flat image the root is the norm: this mistake waits.
    assert lowered("root_without_floor")[0] == pytest.approx(right, rel=1e-5)
    assert lowered("one_sided")[1]["penalty"] <= penalty


def test_the_spectral_critic_bounds_its_weights_and_pays_nothing() -> None:
    critic = made("spectral")[0].model.train()
    for _ in range(30):  # power iterations
        critic(torch.rand(2, 1, 28, 28, generator=make_generator(0, "x")))
    for layer in critic.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), ord=2)
            assert float(largest) == pytest.approx(1, abs=0.02)
    eps = torch.rand(3)
    assert torch.equal(free(critic, eps, eps, eps), torch.zeros(3))
    told = lowered("spectral")
    assert told[0] == pytest.approx(-told[1]["wasserstein"])


def test_only_the_critic_of_batch_norm_has_it() -> None:
    for variant in VARIANTS:
        kinds = {type(layer).__name__ for layer in made(variant)[0].model.modules()}
        assert ("BatchNorm2d" in kinds) == (variant == "batch_norm")


def test_slopes_of_critics_whose_slope_is_known() -> None:
    x, fake = torch.rand(2, 700, 1, 4, 4, generator=make_generator(0, "slopes of"))
    three = nn.Sequential(nn.Flatten(), nn.Linear(16, 1), nn.Flatten(0))
    nn.init.constant_(three[1].weight, 3 / 4)  # ‖w‖ = ¾ · √16
    assert torch.allclose(slopes(three, x, fake, 0), torch.full((700,), 3.0))

    class HalfSquare(nn.Module):
        def forward(self, u: Tensor) -> Tensor:
            return 0.5 * u.square().flatten(1).sum(dim=1)

    # Between black and white the slope is the length of x̂: uniform on [0, 4].
    found = slopes(HalfSquare(), torch.ones_like(x), torch.zeros_like(x), 0)
    assert 0 <= found.min() < 0.05
    assert 3.95 < found.max() <= 4
    assert float(found.mean()) == pytest.approx(2, abs=4 * 4 / (12 * 700) ** 0.5)


@pytest.mark.parametrize("variant", ZERO_HEAD)
def test_a_flat_critic_stops_the_root_without_floor_alone(variant: str) -> None:
    settings = replace(SMALL, zero_head_steps=2, batch_size=4)
    found = run(settings, start="zero_head", variant=variant, seed=0)
    if variant == "right":
        assert found == {"stopped": False, "reached": 2}
    else:
        assert found == {"stopped": True, "reached": 0}


def test_stopped_runs_have_no_say_in_the_scores() -> None:
    def rows(*values: float | None) -> list[dict[str, Any]]:
        return [{"stopped": v is None} | ({} if v is None else {"a": v}) for v in values]

    three = over_finished(rows(1.0, None, 3.0), ("a",))["a"]
    assert (three["mean"], three["n"]) == (2.0, 2)
    assert three["low"] < 1
    assert over_finished(rows(None, 3.0), ("a",))["a"] == {
        "mean": 3.0, "low": None, "high": None, "n": 1
    }  # fmt: skip
    assert over_finished(rows(None, None), ("a",))["a"] == {
        "mean": None, "low": None, "high": None, "n": 0
    }  # fmt: skip


def test_stopped_runs_are_counted() -> None:
    settings = replace(SETTINGS, seeds=2)
    rows = []
    for cell in cells(settings):
        stopped = cell["variant"] == "root_without_floor" and cell["seed"] == 1
        scores = {} if stopped else dict.fromkeys(wgan_details.SCORES, 1.0)
        rows.append({**cell, "stopped": stopped, "reached": 7, **scores})
    figures = summarise(settings, rows)
    assert set(figures["variants"]) == set(VARIANTS)
    assert figures["variants"]["root_without_floor"]["stopped"] == 1
    assert figures["variants"]["root_without_floor"]["frechet"]["n"] == 1
    assert figures["variants"]["right"]["stopped"] == 0
    assert figures["zero_head"] == {"right": 1.0, "root_without_floor": 0.5}


class Brightness(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1).mean(dim=1)


class Silent:
    """A referee that says nothing."""

    def scores(self, images: Tensor) -> dict[str, float]:
        return {"frechet": 0.0}


def test_looks_ask_the_critic_when_it_is_time() -> None:
    torch.manual_seed(0)
    generator = DenseGenerator(4, (8,)).eval()
    z = generator.noise(50, make_generator(0, "looks"))
    x = torch.rand(50, 1, 28, 28, generator=make_generator(0, "x"))
    looks = wgan_images.CriticLooks(
        Silent(),  # type: ignore[arg-type]
        generator, z, 3, critic=Brightness(), x=x,
    )  # fmt: skip
    for step in range(8):
        looks.look(step)
    assert [row["step"] for row in looks.rows] == [3, 6]
    with torch.no_grad():
        fake = generator(z)
    expected = float(x.mean() - fake.mean())
    assert [row["held_out"] for row in looks.rows] == pytest.approx([expected] * 2, abs=1e-6)
    assert expected == pytest.approx(float(critic_estimate(Brightness(), x, fake).mean), abs=1e-6)


def test_correlations_read_the_right_columns() -> None:
    def looks(late: int) -> list[list[float]]:
        # step, wasserstein, critic loss, generator loss, Fréchet distance, held out
        rows = []
        for i in range(20):
            g_loss = i if i < 10 else late * i
            rows.append([100.0 * i, 50 - i**1.5, i - 50.0, g_loss, 500 / (i + 1), 30.0 - i])
        return rows

    found = wgan_images.correlations([{"looks": looks(-1)}, {"looks": looks(-1)}])
    assert set(found) == {f"{name}{part}" for name in wgan_images.TOLD for part in ("", "_late")}
    for name, sign in (("wasserstein", 1), ("critic_loss", -1), ("held_out", 1)):
        for part in ("", "_late"):
            assert found[f"{name}{part}"]["mean"] == pytest.approx(sign)
    assert found["generator_loss_late"]["mean"] == pytest.approx(1)  # falls, as the distance does
    assert abs(found["generator_loss"]["mean"]) < 0.9


def test_the_reference_wgan_keeps_the_averaged_generator() -> None:
    recipe = reference_models.RECIPES["wgan-gp-fashion-mnist"]
    seed_everything(0)
    model = recipe.model(**recipe.settings)
    critic, generator = recipe.player(model, steps=1)
    assert (critic.name, generator.name) == ("critic", "generator")
    assert isinstance(critic.model, ConvDiscriminator)
    assert (critic.moves, generator.moves) == (5, 1)
    assert generator.model is model
    assert generator.average is not None
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in critic.model.modules())


def test_committed_slopes_are_those_that_each_penalty_asks_for() -> None:
    """The best slope s of −s w + λ (s − 1)² is 1 + w / 2λ, and the critic says s w."""
    found = results.load("wgan_details").figures["variants"]
    for variant, weight in (("right", 10.0), ("weight_0.1", 0.1), ("weight_100", 100.0)):
        said, slope = (found[variant][key]["mean"] for key in ("wasserstein", "slope"))
        best = 0.5 + (0.25 + said / (2 * weight)) ** 0.5  # s (s − 1) = s w / 2λ
        assert slope == pytest.approx(best, rel=0.15), variant
    assert found["norm_of_batch"]["slope"]["mean"] == pytest.approx(1 / 32**0.5, rel=0.2)
    assert found["norm_per_pixel"]["slope"]["low"] > 14  # wanted: 28
    spreads = [found[name]["slope_spread"]["mean"] for name in ("weight_100", "right")]
    assert spreads[0] < spreads[1]  # the heavier penalty leaves less room


def test_committed_details_that_cost_quality() -> None:
    found = results.load("wgan_details").figures["variants"]
    right = found["right"]["frechet"]["mean"]
    for variant in ("one_move", "norm_per_pixel", "spectral", "clipped"):
        assert found[variant]["frechet"]["low"] > right, variant
    for variant in found.values():
        assert variant["stopped"] == 0
        assert variant["reached"] == [variant["steps"]] * variant["seeds"]


def test_committed_flat_critic_stops_the_root_without_floor() -> None:
    assert results.load("wgan_details").figures["zero_head"] == {
        "right": 1.0, "root_without_floor": 0.0
    }  # fmt: skip


def test_committed_looks_are_many_and_the_same_for_all_runs() -> None:
    figures = results.load("wgan_images").figures
    assert set(figures["looks"]) == set(figures["models"]) == set(figures["correlation"])
    for model, runs in figures["looks"].items():
        assert len(runs) == figures["models"][model]["frechet"]["n"]
        for looks in runs:
            assert len(looks) == 20
            assert looks[-1][0] == figures["models"][model]["steps"]
            for _, distance, critic_loss, *_ in looks:
                # Without a penalty the critic's loss is minus its estimate; a penalty adds to it.
                if model == "clipped":
                    assert critic_loss == pytest.approx(-distance, rel=1e-4)
                else:
                    assert critic_loss > -distance


def test_committed_estimate_falls_with_the_distance_of_the_features() -> None:
    figures = results.load("wgan_images").figures
    assert figures["correlation"]["wgan_gp"]["wasserstein"]["low"] > 0.9
    wgan_gp, clipped = figures["models"]["wgan_gp"], figures["models"]["clipped"]
    assert wgan_gp["frechet"]["high"] < clipped["frechet"]["low"]
    assert wgan_gp["kernel"]["high"] < clipped["kernel"]["low"]
    # The two estimates are numbers of different scales: the critics' slopes differ a hundredfold.
    assert wgan_gp["slope"]["mean"] > 50 * clipped["slope"]["mean"]
    for looks in figures["looks"]["wgan_gp"]:
        # Seen and unseen images are as far from the generated ones: this critic learns no image
        # by heart. It moves on while it learns, and so the two are not taken at one time.
        seen, unseen = (sum(look[column] for look in looks) for column in (1, 5))
        assert unseen == pytest.approx(seen, rel=0.25)
