"""The GAN laboratory in a notebook: it trains when its button is pressed, and shows what it did."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest
import torch

from genlib import make_generator
from genlib.explore.gan_game import PERSUADE, Game, Loss, Setup
from genlib.explore.gan_laboratory import draw, judged
from genlib.losses import critic_loss
from genlib.plots.style import HouseFigure
from genlib.training import gan_players, train, wgan_gp_players


def laboratory(**options: Any) -> Any:
    pytest.importorskip("ipywidgets")
    from genlib import explore

    return explore.gan_laboratory(**options)


def press(box: Any, label: str) -> None:
    """Press the button as a front end does."""
    row = box.children[0]
    next(child for child in row.children if child.description == label).click()


@pytest.mark.parametrize("loss", get_args(Loss))
def test_training_goes_on_and_is_the_same_again(loss: Loss) -> None:
    """Two parts of a run, twice: the same points; nothing of it touches the global generator."""
    before = torch.random.get_rng_state()
    ends = []
    for _ in range(2):
        game = Game(Setup("grid", loss, seed=3))
        start = game.points(50)
        game.go(4)
        game.go(3)
        assert game.steps == 7
        assert not torch.equal(start, game.points(50))
        ends.append(game.points())
    assert torch.equal(*ends)
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_players_are_genlibs() -> None:
    """The same weights as by `train` with the players of the chapters."""
    game = Game(Setup("ring", "wgan-gp", penalty_weight=0.3, critic_moves=2))
    other = Game(game.setup)
    game.go(3)
    players = wgan_gp_players(
        other.generator, other.judge, learning_rate=1e-3, penalty_weight=0.3, critic_moves=2
    )
    seed = make_generator(1, "laboratory", 0).initial_seed()
    train(players, other._stream, steps=3, seed=seed, progress=False)
    for a, b in zip(game.judge.parameters(), other.judge.parameters(), strict=True):
        assert torch.equal(a, b)


def test_critic_steps_are_of_the_gan_too() -> None:
    """A discriminator that moves three times sees three batches for one step."""
    game = Game(Setup("ring", "saturating", critic_moves=3))
    game.go(2)
    assert game._stream.state_dict()["given"] == 6
    assert gan_players(game.generator, game.judge)[0].moves == 1


@pytest.mark.parametrize("loss", get_args(Loss))
def test_the_push_lowers_the_generators_loss(loss: Loss) -> None:
    game = Game(Setup("ring", loss))
    game.go(3)
    x = game.points(200)
    push = game.push(x)
    assert push.shape == x.shape
    moved = PERSUADE[loss](game.judge(x + 1e-3 * push)).mean()
    assert moved < PERSUADE[loss](game.judge(x)).mean()


def test_the_critics_curve_is_its_estimate() -> None:
    game = Game(Setup("ring", "wgan-gp"))
    game.go(3)
    x = game.target.sample(400, torch.Generator().manual_seed(0))
    _, distance, _ = critic_loss(game.judge, x, game.points(400), torch.rand(400))
    assert abs(distance.mean().item() - game.curves["wasserstein"][-1][1]) < 0.3
    assert [step for step, _ in game.curves["wasserstein"]] == [1, 2, 3]


def test_pictures_and_their_titles() -> None:
    for data, loss in (("ring", "non-saturating"), ("roll", "clipped"), ("grid", "wgan-gp")):
        game = Game(Setup(data, loss))  # type: ignore[arg-type]
        first = draw(game)
        game.go(2)
        second = draw(game)
        assert isinstance(first, HouseFigure)
        assert isinstance(second, HouseFigure)
        assert first.to_png() != second.to_png()
        title = second.axes[0].get_title(loc="left")
        assert title.startswith("step 2")
        assert ("modes" in title) == (data != "roll")
        assert all(len(line.get_xdata()) for line in second.axes[1].lines)


def test_the_judges_field_lies_the_right_way_up() -> None:
    game = Game(Setup("ring", "wgan-gp"))
    field = judged(game, torch.tensor([-1.0, 0.0, 2.0]))
    at = game.judge(torch.tensor([[-1.0, 2.0], [2.0, 0.0]]))  # x, y
    torch.testing.assert_close(field[[2, 1], [0, 2]], at)
    assert abs(at[0] - at[1]) > 1e-4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "square"}, "'square' is none of"),
        ({"loss": "hinge"}, "'hinge' is none of"),
        ({"learning_rate": 0.0}, "must be positive"),
        ({"critic_moves": 0}, "must be positive"),
    ],
)
def test_impossible_setups_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Setup(**options)


def test_the_widget_trains_and_starts_again() -> None:
    box = laboratory(steps=3)
    first = box.picture.value
    assert first[:4] == b"\x89PNG"
    press(box, "Train 3 steps")
    assert box.game().steps == 3
    trained = box.picture.value
    assert trained != first
    press(box, "One step")
    assert box.game().steps == 4
    press(box, "Start again")
    assert box.game().steps == 0
    assert box.picture.value == first


def test_another_loss_is_another_run_with_its_own_critic_steps() -> None:
    box = laboratory(steps=2)
    press(box, "Train 2 steps")
    box.controls["loss"].value = "wgan-gp"
    assert box.controls["critic_moves"].value == 5
    assert (box.game().setup.loss, box.game().setup.moves, box.game().steps) == ("wgan-gp", 5, 0)
    before = box.picture.value
    box.controls["penalty_weight"].value = 5.0
    box.controls["data"].value = "grid"
    assert box.picture.value != before
    assert box.game().setup.data == "grid"
    assert box.game().setup.penalty_weight == pytest.approx(5)


def test_a_run_that_leaves_the_numbers_says_so() -> None:
    box = laboratory(loss="wgan-gp", steps=2)
    with torch.no_grad():
        box.game().judge.body[0].weight.fill_(math.nan)
    press(box, "Train 2 steps")
    said = next(c.value for c in box.children[0].children if type(c).__name__ == "HTML")
    assert "Lower the learning rate" in said
    press(box, "Start again")
    press(box, "Train 2 steps")
    assert box.game().steps == 2
