"""The referee's shapes, and that it learns."""

from __future__ import annotations

import torch

from genlib import seed_everything
from genlib.data import BatchStream, digits
from genlib.metrics import accuracy
from genlib.models.classifier import SmallClassifier
from genlib.training import classifier_player, train


def test_shapes() -> None:
    model = SmallClassifier(classes=7, channels=3)
    x = torch.rand(2, 3, 28, 28)
    assert model.features(x).shape == (2, 64)
    assert model(x).shape == (2, 7)


def test_it_learns_the_digits() -> None:
    seed_everything(0)
    model = SmallClassifier()
    test = digits("test")
    before = accuracy(model, test)
    stream = BatchStream(digits("train"), 64, seed=0)
    train([classifier_player(model, steps=120)], stream, steps=120, progress=False)
    assert before < 0.5
    assert accuracy(model, test) > 0.85
