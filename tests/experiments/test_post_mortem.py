"""The post-mortem's recipes differ as they say, and its measurements measure what they say."""

import dataclasses
from dataclasses import replace

import pytest
import torch
from torch import nn

from experiments import post_mortem
from experiments.post_mortem import (
    DEPARTURES,
    PUBLISHED,
    RECIPES,
    SETTINGS,
    Faces,
    Recipe,
    grids,
    mean_score,
    mean_slope,
    over_runs,
    players,
)
from genlib import make_generator, seed_everything
from genlib.data import drawn_faces
from genlib.losses import discriminator_loss, gradient_penalty
from genlib.models.gan import UnpaddedDiscriminator, UnpaddedGenerator
from genlib.training import Move, Player


def made(recipe: Recipe) -> tuple[list[Player], UnpaddedDiscriminator]:
    seed_everything(0)
    generator = UnpaddedGenerator(8, 2, prior="uniform")
    judge = UnpaddedDiscriminator(2, norm="batch" if recipe.batch_norm else "none")
    return players(SETTINGS, recipe, generator, judge), judge


def move(seed: int = 0) -> Move:
    x = torch.rand(6, 3, 64, 64, generator=make_generator(seed, "x"))
    return Move(x=x, y=None, step=0, generator=make_generator(seed, "move"))


def differences(one: Recipe, other: Recipe) -> set[str]:
    return {name for name in DEPARTURES if getattr(one, name) != getattr(other, name)}


def test_each_recipe_differs_by_what_its_name_says() -> None:
    assert {field.name for field in dataclasses.fields(Recipe)} == set(DEPARTURES)
    assert differences(PUBLISHED, RECIPES["right"]) == set(DEPARTURES)
    for name in DEPARTURES:
        assert differences(RECIPES[f"repaired/{name}"], PUBLISHED) == {name}
        alone = {name, "batch_norm"} if name == "inference_mode" else {name}
        assert differences(RECIPES[f"left/{name}"], RECIPES["right"]) == alone


def test_the_right_recipe_is_wgan_gp() -> None:
    (critic, generator), judge = made(Recipe())
    assert (critic.moves, generator.moves) == (5, 1)
    assert critic.optimizer.param_groups[0]["betas"] == (0.0, 0.9)
    turn = move()
    fake = turn.share("fake", lambda: generator.model(generator.model.draw(turn))).detach()
    total = critic.loss(turn)
    eps = make_generator(0, "move")
    torch.rand(6, 8, generator=eps)  # z
    penalty = gradient_penalty(judge, turn.x, fake, torch.rand(6, generator=eps)).mean()
    torch.testing.assert_close(total, (judge(fake) - judge(turn.x)).mean() + 10 * penalty)
    torch.testing.assert_close(generator.loss(turn), -judge(fake).mean())


def test_the_published_recipe_has_a_logistic_loss_and_a_light_penalty() -> None:
    (judge_player, generator), judge = made(PUBLISHED)
    assert (judge_player.moves, generator.moves) == (1, 1)
    assert judge_player.optimizer.param_groups[0]["lr"] == 2e-3
    turn = move()
    total = judge_player.loss(turn)
    fake = turn.share("fake", lambda: None).detach()
    with torch.no_grad():
        logits = judge(turn.x), judge(fake)
    logistic = discriminator_loss(*logits).mean()
    torch.testing.assert_close(total.detach(), logistic + turn.logged["penalty"])


def test_its_penalty_sees_another_function_than_its_loss() -> None:
    _, judge = made(PUBLISHED)
    for layer in judge.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_var.fill_(100.0)  # far from the batch's own variance
    x_hat = torch.rand(8, 3, 64, 64, generator=make_generator(0, "between"))
    held = mean_slope(judge, x_hat, 8, training=False)
    played = mean_slope(judge, x_hat, 8, training=True)
    assert played > 3 * held


def test_measuring_leaves_the_judge_as_it_was() -> None:
    _, judge = made(PUBLISHED)
    before = {name: value.clone() for name, value in judge.state_dict().items()}
    judge.eval()
    mean_score(judge, torch.rand(8, 3, 64, 64), 4)
    mean_slope(judge, torch.rand(8, 3, 64, 64), 4, training=True)
    assert not judge.training
    for name, value in judge.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_slope_of_a_critic_that_is_known() -> None:
    class Ramp(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 3 * x.flatten(1).sum(dim=1) / (3 * 64 * 64) ** 0.5

    slope = mean_slope(Ramp(), torch.rand(4, 3, 64, 64), 2, training=True)
    assert slope == pytest.approx(3, rel=1e-5)


def test_scores_tell_real_faces_from_blurred_and_from_equal_ones() -> None:
    test = drawn_faces(40, split="test").pixels()
    faces = Faces(drawn_faces(40), test, 8)
    distance, sharp, diversity = faces.scores(test)
    assert distance == pytest.approx(0, abs=1e-6)
    assert (sharp, diversity) == (pytest.approx(1), pytest.approx(1))
    blurred = nn.functional.avg_pool2d(test, 5, stride=1, padding=2)
    assert faces.scores(blurred)[1] < 0.5
    same = test[:1].expand(40, -1, -1, -1)
    assert faces.scores(same)[2] == pytest.approx(0, abs=1e-6)
    assert faces.scores(same)[0] > faces.scores(faces.train.pixels())[0]


def test_grids_compare_noise_with_learning() -> None:
    zero, one = torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 4, 4)
    # Two grids of a look differ by 1; frozen noise moves by 0.5 between looks.
    assert grids([(zero, one), (zero + 0.5, one + 0.5)]) == pytest.approx(2)


def test_collapse_is_a_fall_from_the_best() -> None:
    def looks(distances: list[float]) -> list[list[float]]:
        return [[step, 0, 1, 0, d, 1, 1, 0, 0, 0, 1, 1] for step, d in enumerate(distances, 1)]

    rows = [
        {"looks": looks([5.0, 2.0, 1.0]), "stopped": False},
        {"looks": looks([5.0, 1.0, 4.0]), "stopped": False},
        {"looks": looks([5.0]), "stopped": True},
    ]
    found = over_runs(SETTINGS, rows, steps=3)
    assert (found["collapsed"], found["stopped"], found["seeds"]) == (1, 1, 3)
    assert found["fall"]["mean"] == pytest.approx((1 + 4) / 2)
    early = over_runs(SETTINGS, rows, steps=2)
    assert early["collapsed"] == 0


def test_cells_pair_seeds_and_recipes() -> None:
    cells = post_mortem.cells(replace(SETTINGS, seeds=3))
    assert len(cells) == 3 * len(RECIPES)
    assert {cell["run"] for cell in cells} == set(RECIPES)
