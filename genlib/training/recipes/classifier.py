"""The players that train a classifier, such as the referees that judge pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from genlib.models.classifier import AttributeClassifier
from genlib.training.players import Loss, Move, Player


def classifier_player(model: nn.Module, *, steps: int, learning_rate: float = 1e-3) -> Player:
    """Adam on cross-entropy, for the small classifiers that judge pictures."""

    def loss(move: Move) -> Tensor:
        if move.y is None:
            raise ValueError("a classifier needs labels, and this stream's data has none")
        return nn.functional.cross_entropy(model(move.x), move.y)

    return _falling(model, loss, steps, learning_rate)


def attribute_player(
    model: AttributeClassifier, *, steps: int, learning_rate: float = 2e-3
) -> Player:
    """Adam on the sum of the heads' cross-entropies, for pictures with several attributes.

    Args:
        model: its heads in the order of the stream's columns.
        steps: over which the learning rate falls to 0.
        learning_rate: at the start.

    Raises:
        ValueError: in training, the stream gives no labels `[B, A]` with a column for each head:
            an `AttributeStream` does.
    """

    def loss(move: Move) -> Tensor:
        if move.y is None or move.y.shape[1:] != (len(model.heads),):
            raise ValueError(
                f"an attribute classifier with {len(model.heads)} heads needs labels of as many "
                f"columns, and this stream gives "
                f"{'none' if move.y is None else list(move.y.shape)}: take an AttributeStream."
            )
        columns = zip(model(move.x).values(), move.y.unbind(dim=1), strict=True)
        parts = [nn.functional.cross_entropy(logits, y) for logits, y in columns]
        return torch.stack(parts).sum()  # A scalars -> one

    return _falling(model, loss, steps, learning_rate)


def _falling(model: nn.Module, loss: Loss, steps: int, learning_rate: float) -> Player:
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    schedule = CosineAnnealingLR(optimizer, steps)
    return Player("cross-entropy", model, loss, optimizer, schedule=schedule)
