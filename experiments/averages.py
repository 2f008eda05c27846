"""After training: the averaged weights in place of the last ones."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from genlib.training import Player


def keep_averages(model: nn.Module, players: Sequence[Player]) -> nn.Module:
    """Put each player's average where the network lies that it averages, and return `model`.

    For a model whose parts are moved by several players, such as a `VAEGAN`. Players without an
    average leave their network as it is.
    """
    for player in players:
        player.model.load_state_dict(player.best_model.state_dict())
    return model.eval()
