"""The player that trains a classifier, such as the referees that judge pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from genlib.training.players import Move, Player


def classifier_player(model: nn.Module, *, steps: int, learning_rate: float = 1e-3) -> Player:
    """Adam on cross-entropy, for the small classifiers that judge pictures."""

    def loss(move: Move) -> Tensor:
        if move.y is None:
            raise ValueError("a classifier needs labels, and this stream's data has none")
        return nn.functional.cross_entropy(model(move.x), move.y)

    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    schedule = CosineAnnealingLR(optimizer, steps)
    return Player("cross-entropy", model, loss, optimizer, schedule=schedule)
