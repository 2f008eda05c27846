"""Training as several experiments of chapter 3 need it: one player, one data set, no picture."""

from __future__ import annotations

from typing import Protocol

from genlib.data import BatchStream, ImageSet
from genlib.training import History, Player, Precision, train


class Budget(Protocol):
    """The settings that `fit` reads."""

    @property
    def steps(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def precision(self) -> Precision: ...


def fit(settings: Budget, player: Player, train_set: ImageSet, seed: int) -> History:
    """Train `player` on `train_set`; data, noise and their order follow from `seed` alone."""
    return train(
        [player],
        BatchStream(train_set, settings.batch_size, seed=seed),
        steps=settings.steps,
        seed=seed,
        progress=False,
        precision=settings.precision,
    )
