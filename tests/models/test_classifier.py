"""The referees' shapes, and that they learn."""

from __future__ import annotations

import pytest
import torch

from genlib import seed_everything
from genlib.data import AttributeStream, BatchStream, digits, drawn_faces
from genlib.metrics import accuracy, attribute_accuracy
from genlib.models.classifier import AttributeClassifier, SmallClassifier
from genlib.training import attribute_player, classifier_player, train


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


def test_shapes_of_several_heads() -> None:
    model = AttributeClassifier({"hat": 3, "nose": 2}, channels=1, width=4)
    x = torch.rand(5, 1, 64, 64)
    assert model.features(x).shape == (5, 64)
    assert {name: logits.shape for name, logits in model(x).items()} == {
        "hat": (5, 3), "nose": (5, 2)
    }  # fmt: skip
    for bad in ({}, {"hat": 1}):
        with pytest.raises(ValueError, match="two values or more"):
            AttributeClassifier(bad)


def test_heads_read_the_same_features() -> None:
    torch.manual_seed(0)
    model = AttributeClassifier({"hat": 3, "nose": 2}, width=4).eval()
    x = torch.rand(2, 3, 64, 64)
    for name, logits in model(x).items():
        assert torch.allclose(model.heads[name](model.features(x)), logits)


def test_it_learns_backgrounds_from_few_faces() -> None:
    faces, test = drawn_faces(256), drawn_faces(128, split="test")
    seed_everything(0)
    model = AttributeClassifier({k: len(v) for k, v in faces.attribute_values.items()}, width=4)
    before = attribute_accuracy(model.eval(), test)["background"]
    stream = AttributeStream(faces, 32, seed=0)
    train([attribute_player(model, steps=120)], stream, steps=120, progress=False)
    after = attribute_accuracy(model, test)
    assert before < 0.6
    assert after["background"] > 0.9
    assert after["skin"] > 0.6  # the other heads learn beside it


def test_the_player_refuses_labels_that_are_not_one_for_each_head() -> None:
    faces = drawn_faces(8)
    player = attribute_player(AttributeClassifier({"background": 4}, width=4), steps=1)
    for stream, told in (
        (BatchStream(faces, 4, seed=0), "none"),
        (AttributeStream(faces, 4, seed=0), "9"),
    ):
        with pytest.raises(ValueError, match=f"this stream gives .*{told}"):
            train([player], stream, steps=1, progress=False)
