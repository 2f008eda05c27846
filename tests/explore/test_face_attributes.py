"""Latent arithmetic in a notebook: faces, directions, sums, and the picture."""

from __future__ import annotations

import pytest
import torch

from experiments.page_codes import CHANGES
from genlib import explore, zoo
from genlib.explore import frame
from genlib.explore.face_attributes import MODEL, READ, changes, draw, faces, hundredths, moved
from genlib.models.classifier import AttributeClassifier
from tools.explorers.face_attributes import READER, reader


def test_codes_are_those_of_the_faces() -> None:
    known = faces()
    with torch.no_grad():
        mu, _ = zoo.load(MODEL).encode(known.images / 255)  # type: ignore[operator]
    assert known.codes.shape == mu.shape == (12, 48)
    # A pixel may differ by one level of 255 from machine to machine.
    assert (known.codes - mu).abs().max() < 0.05
    assert len(set(known.words)) == 12
    assert not any("glasses" in words for words in known.words)


def test_directions_beat_random_ones_of_their_length_but_for_the_smile() -> None:
    for name, change in changes().items():
        assert float(change.random.norm()) == pytest.approx(
            float(change.direction.norm()), rel=0.01
        )
        better = change.added > change.by_random + 0.3
        assert better == (name != "a smile"), name


def test_a_moved_code_is_a_sum() -> None:
    steps = {"glasses": 2.0, "a beanie": -0.5}
    expected = faces().codes[3].clone()
    for name, t in steps.items():
        expected += t * changes()[name].direction
    torch.testing.assert_close(moved(3, steps), expected)
    assert torch.equal(moved(3, {}), faces().codes[3])
    assert not torch.equal(moved(3, steps, random=True), expected)
    for wrong in ((12, {}), (0, {"a moustache": 1.0})):
        with pytest.raises(ValueError, match="there are faces 0 to 11 and directions of glasses"):
            moved(*wrong)


def test_what_is_read_is_what_was_counted() -> None:
    """The shares in the result were counted with these attributes and values."""
    assert READ == CHANGES
    assert set(READ) == set(changes())


def test_the_pages_classifier_is_the_one_of_the_zoo() -> None:
    classifier = zoo.load(READER)
    assert isinstance(classifier, AttributeClassifier)
    x = faces().images[:4] / 255
    with torch.no_grad():
        expected = torch.cat(list(classifier(x).values()), dim=1)
        found = reader(classifier)(x.flatten(1))
    torch.testing.assert_close(found, expected)


def test_each_control_redraws() -> None:
    box = explore.face_attributes()
    seen = [box.picture.value]
    for name, value in {"face": 4, "a beanie": 1.5, "a smile": -2.0, "random": True}.items():
        box.controls[name].value = value
        seen.append(box.picture.value)
    assert len(set(seen)) == 5
    assert set(changes()) < set(box.controls)


def test_the_still_adds_glasses() -> None:
    assert frame.png(draw()) == frame.png(draw(0, {"glasses": 1.5})) != frame.png(draw(0, {}))


def test_a_share_reads_as_in_the_page() -> None:
    """JavaScript's `Math.round` takes halves up; Python's `round` takes them to even."""
    assert [hundredths(share) for share in (0.225, 0.215, 0.2249, 1.0)] == [23, 22, 22, 100]
