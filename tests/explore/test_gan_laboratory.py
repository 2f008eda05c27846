"""The GAN laboratory in a notebook: it trains when its button is pressed, and shows what it did."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, get_args

import pytest
import torch

from genlib import make_generator
from genlib.explore.gan_game import PERSUADE, Game, Loss, Setup, suited
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
def test_a_run_goes_on_with_other_settings(loss: Loss) -> None:
    """There and back changes nothing: weights, optimisers and data stay where they are."""
    setup = Setup("ring", loss)
    game, untouched = Game(setup), Game(setup)
    other = replace(setup, learning_rate=5e-4, critic_moves=2, penalty_weight=7, bound=0.03)
    for one in (game, untouched):
        one.go(3)
    game.adjust(other)
    assert (game.setup, game.steps) == (other, 3)
    assert torch.equal(game.points(), untouched.points())
    game.adjust(setup)
    for one in (game, untouched):
        one.go(2)
    assert torch.equal(game.points(), untouched.points())
    game.adjust(other)
    given = game._stream.state_dict()["given"]
    for one in (game, untouched):
        one.go(2)
    assert game._stream.state_dict()["given"] == given + 4, "two moves of the judge in each step"
    assert not torch.equal(game.points(), untouched.points())
    if loss == "clipped":
        assert max(float(p.detach().abs().max()) for p in game.judge.parameters()) <= 0.03 + 1e-6


def test_each_setting_counts_after_a_change() -> None:
    """One setting at a time: what follows is another run than without it."""
    changes: list[tuple[Loss, dict[str, float]]] = [
        ("wgan-gp", {"learning_rate": 1e-4}),
        ("wgan-gp", {"penalty_weight": 0.1}),
        ("clipped", {"bound": 0.01}),
        ("saturating", {"critic_moves": 3}),
    ]
    for loss, change in changes:
        games = [Game(Setup("ring", loss)) for _ in range(2)]
        games[0].adjust(replace(games[0].setup, **change))  # type: ignore[arg-type]
        for game in games:
            game.go(2)
        assert not torch.equal(games[0].points(), games[1].points()), change


@pytest.mark.parametrize("change", [{"data": "grid"}, {"loss": "saturating"}, {"seed": 2}])
def test_what_begins_a_new_run_is_refused(change: dict[str, Any]) -> None:
    game = Game(Setup())
    with pytest.raises(ValueError, match=r"begin another with Game\(setup\)"):
        game.adjust(replace(game.setup, **change))


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
        push = second.axes[0].get_xlabel().removeprefix("median push ")
        lengths = game.push(game.points(50)).norm(dim=1)
        assert float(push) == pytest.approx(lengths.median().item(), abs=1e-3)
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


def test_data_loss_and_seed_begin_anew_and_nothing_else_does() -> None:
    """The rules of the page's laboratory."""
    box = laboratory(loss="wgan-gp", steps=2)
    asked = {
        "learning_rate": 1e-4, "critic_moves": 2, "penalty_weight": 5.0, "bound": 0.02,
        "data": "grid", "seed": 3, "loss": "clipped",
    }  # fmt: skip
    assert asked.keys() == box.controls.keys()
    for name, value in asked.items():
        press(box, "One step")
        game, steps = box.game(), box.game().steps
        assert steps > 0
        box.controls[name].value = value
        assert getattr(box.game().setup, name) == pytest.approx(value)
        if name in ("data", "seed", "loss"):
            assert box.game() is not game
            assert box.game().steps == 0
        else:
            assert box.game() is game
            assert game.steps == steps
    press(box, "Start again")
    assert box.game().setup.data == "grid", "what the reader has set stays"


def test_settings_stay_unless_the_new_loss_brings_its_own() -> None:
    box = laboratory(loss="saturating")
    shown = {name: control.layout for name, control in box.controls.items()}
    box.controls["critic_moves"].value = 10
    box.controls["learning_rate"].value = 1e-2
    box.controls["loss"].value = "non-saturating"
    assert (box.game().setup.moves, box.game().setup.learning_rate) == (10, 0.01)
    assert shown["penalty_weight"].display == shown["bound"].display == "none"
    box.controls["loss"].value = "clipped"
    assert {k: getattr(box.game().setup, k) for k in suited("clipped")} == suited("clipped")
    assert (shown["penalty_weight"].display, shown["bound"].display) == ("none", None)


def test_a_run_that_leaves_the_numbers_says_so() -> None:
    box = laboratory(loss="wgan-gp", steps=2)
    with torch.no_grad():
        box.game().judge.body[0].weight.fill_(math.nan)
    press(box, "Train 2 steps")
    said = next(c.value for c in box.children[0].children if type(c).__name__ == "HTML")
    assert "Lower the learning rate or λ" in said
    press(box, "Start again")
    press(box, "Train 2 steps")
    assert box.game().steps == 2


def test_a_new_run_takes_the_complaint_back() -> None:
    box = laboratory(loss="wgan-gp", steps=2)
    with torch.no_grad():
        box.game().judge.body[0].weight.fill_(math.nan)
    press(box, "Train 2 steps")
    box.controls["seed"].value = 2
    assert next(c.value for c in box.children[0].children if type(c).__name__ == "HTML") == ""
