"""The faces of the scoreboard: what counts as having an attribute, and latent arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from experiments.averages import keep_averages
from experiments.board_faces import CHANGES, effects, has, numbers
from genlib import make_generator
from genlib.data import drawn_faces
from genlib.data.faces_attributes import ATTRIBUTES
from genlib.training import Player


@pytest.mark.parametrize("change", CHANGES)
def test_faces_have_an_attribute_by_their_labels(change: str) -> None:
    data = drawn_faces(400)
    name, values = CHANGES[change]
    expected = [ATTRIBUTES[name][i] in values for i in data.attributes[name].tolist()]
    assert has(data, change).tolist() == expected
    share = len(values) / len(ATTRIBUTES[name])  # values are even
    assert sum(expected) / 400 == pytest.approx(share, abs=0.1)
    assert 0 < len(values) < len(ATTRIBUTES[name])


def test_effects_where_decoder_and_reader_are_known() -> None:
    """Codes whose first number is the attribute; the second is another one."""

    def read(z: Tensor) -> dict[str, Tensor]:
        round_glasses = int(numbers("glasses")[0])
        return {"glasses": (z[:, 0] > 0.5) * round_glasses, "skin": (z[:, 1] > 0.5).long()}

    z = torch.rand(200, 2, generator=make_generator(0, "codes")) * 0.4  # nobody has anything
    v, aside = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    found = effects(read, z, z + v, v, [aside], "glasses")
    assert found == {
        "baseline": 0.0, "added": 1.0, "kept": 1.0, "twice": 1.0, "twice_kept": 1.0,
        "random": 0.0, "random_kept": 0.0, "lost": 0.0, "removed": 1.0,
    }  # fmt: skip
    # A direction of which half belongs to the other attribute; and one that is too short.
    assert effects(read, z, z + v, v + aside, [aside], "glasses")["kept"] == 0.0
    weak = effects(read, z, z + v, 0.3 * v, [aside, aside], "glasses")
    assert weak["added"] == pytest.approx(float((z[:, 0] > 0.2).float().mean()))
    assert weak["twice"] == 1.0
    assert weak["removed"] < 1.0


def test_averages_take_the_place_of_the_last_weights() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    players = [
        Player(
            name,
            part,
            lambda move, part=part: part(move.x).mean(),
            torch.optim.SGD(part.parameters(), lr=0.1),
            ema_decay=decay,
        )
        for name, part, decay in zip(("first", "second"), model, (0.5, None), strict=True)
    ]
    assert players[0].average is not None
    with torch.no_grad():
        for weights in players[0].average.module.parameters():
            weights.fill_(3.0)
        last = model[1].weight.clone()
    kept = keep_averages(model.train(), players)
    assert kept is model
    assert not model.training
    assert bool((model[0].weight == 3).all())
    assert torch.equal(model[1].weight, last)
