"""The attribute report against known answers, and the zoo's classifier against known faces."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from genlib import make_generator, zoo
from genlib.data import ImageSet, digits, drawn_faces
from genlib.metrics import (
    attribute_accuracy,
    attribute_report,
    bootstrap,
    expected_combinations,
    features,
    frechet_distance,
    read_attributes,
)
from genlib.models.classifier import AttributeClassifier

NAMES = {"size": ("small", "large"), "colour": ("red", "green", "blue")}
BOTH = ("size", "colour")


class Reader(nn.Module):
    """Reads `size` off the first channel's mean and `colour` off the second's."""

    heads = NAMES

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        first, second, *_ = x.flatten(2).mean(dim=2).unbind(dim=1)  # [B] each
        sizes = torch.stack([1 - first, first], dim=1)
        colours = -(second[:, None] - torch.tensor([0.0, 0.5, 1.0])).abs()
        return {"size": sizes, "colour": colours}


def pictures(size: list[int], colour: list[int]) -> Tensor:
    levels = torch.tensor([[s, c / 2, 0] for s, c in zip(size, colour, strict=True)])
    return levels[:, :, None, None].expand(-1, 3, 4, 4)


def test_values_are_read_picture_by_picture() -> None:
    size, colour = [0, 1, 1, 0, 1], [2, 1, 0, 0, 2]
    read = read_attributes(Reader(), pictures(size, colour), batch_size=2)  # type: ignore[arg-type]
    assert read["size"].tolist() == size
    assert read["colour"].tolist() == colour


def test_accuracy_counts_what_is_read_right() -> None:
    images = (pictures([0, 1, 1, 0], [2, 1, 0, 0]) * 255).to(torch.uint8).contiguous()
    known = {"size": torch.tensor([0, 1, 1, 1]), "colour": torch.tensor([2, 1, 0, 0])}
    data = ImageSet("a", "A", "test", images, attributes=known, attribute_values=NAMES)
    found = attribute_accuracy(Reader(), data)  # type: ignore[arg-type]
    assert found == {"size": 0.75, "colour": 1.0}
    with pytest.raises(ValueError, match="A does not know colour, size; take drawn_faces"):
        attribute_accuracy(Reader(), ImageSet("a", "A", "test", images))  # type: ignore[arg-type]


def test_all_combinations_once() -> None:
    pairs = torch.tensor(list(itertools.product(range(2), range(3))))
    report = attribute_report(dict(zip(BOTH, pairs.unbind(1), strict=True)), NAMES, BOTH)
    assert report.n == report.combinations == report.possible == 6
    assert report.missing == ()
    assert report.entropies == {"size": pytest.approx(1), "colour": pytest.approx(1)}
    assert report.shares["colour"] == pytest.approx({"red": 1 / 3, "green": 1 / 3, "blue": 1 / 3})


def test_full_collapse() -> None:
    one = {"size": torch.ones(50).long(), "colour": torch.zeros(50).long()}
    report = attribute_report(one, NAMES, BOTH)
    assert report.combinations == 1
    assert report.missing == (("size", "small"), ("colour", "green"), ("colour", "blue"))
    assert report.entropies == {"size": 0, "colour": 0}


def test_entropy_of_two_of_three_values() -> None:
    values = {"colour": torch.tensor([0, 2] * 20)}
    report = attribute_report(values, NAMES, ["colour"])
    assert report.entropies["colour"] == pytest.approx(math.log(2) / math.log(3))
    assert report.missing == (("colour", "green"),)


@pytest.mark.parametrize(("count", "missing"), [(19, True), (20, False)])
def test_missing_begins_below_a_fifth_of_the_even_share(count: int, missing: bool) -> None:
    values = {"size": (torch.arange(200) < count).long()}  # a fifth of 1/2 of 200 is 20
    assert bool(attribute_report(values, NAMES, ["size"]).missing) == missing


def test_expected_combinations_is_the_mean_of_what_is_found() -> None:
    possible, n, trials = 60, 80, 4_000
    drawn = torch.randint(possible, (trials, n), generator=make_generator(0, "combinations"))
    found = torch.zeros(trials, possible).scatter_(1, drawn, 1.0).sum(dim=1)
    error = float(found.std()) / trials**0.5
    assert float(found.mean()) == pytest.approx(expected_combinations(possible, n), abs=4 * error)
    assert expected_combinations(7, 0) == 0
    assert expected_combinations(7, 1) == pytest.approx(1)
    with pytest.raises(ValueError, match="0 combinations"):
        expected_combinations(0, 3)


def test_faces_find_as_many_combinations_as_theory_says() -> None:
    faces = drawn_faces(640)
    report = attribute_report(faces.attributes, faces.attribute_values)
    assert report.possible == 6 * 5 * 3 * 4
    expected = expected_combinations(report.possible, 640)
    spread = (expected * (1 - expected / report.possible)) ** 0.5  # a little more than it is
    assert abs(report.combinations - expected) < 4 * spread
    assert report.missing == ()
    assert min(report.entropies.values()) > 0.99


def test_what_does_not_fit_is_refused() -> None:
    two = torch.zeros(2).long()
    with pytest.raises(ValueError, match="no names for"):
        attribute_report({"hat": two}, NAMES, ["hat"])
    with pytest.raises(ValueError, match=r"colour.* of these is not among the values"):
        attribute_report({"size": two}, NAMES, BOTH)
    with pytest.raises(ValueError, match="one value for each picture"):
        attribute_report({"size": two, "colour": two[:1]}, NAMES, BOTH)
    with pytest.raises(ValueError, match="one value for each picture"):
        attribute_report({"size": two[:0]}, NAMES, ["size"])
    with pytest.raises(ValueError, match="values from 0 to 2, but 2 names"):
        attribute_report({"size": torch.tensor([0, 2])}, NAMES, ["size"])


def reader() -> AttributeClassifier:
    model = zoo.load("classifier-faces")
    assert isinstance(model, AttributeClassifier)
    return model


def test_the_committed_classifier_reads_faces_of_another_seed() -> None:
    found = attribute_accuracy(reader(), drawn_faces(256, seed=5, split="test"))
    assert min(found.values()) > 0.97


def test_real_faces_without_a_value_are_caught() -> None:
    faces = drawn_faces(512, seed=6, split="test")
    no_glasses = faces.select(faces.attributes["glasses"] == 0)
    report = attribute_report(read_attributes(reader(), no_glasses), faces.attribute_values)
    assert report.missing == (("glasses", "round"), ("glasses", "square"))
    assert report.entropies["glasses"] < 0.1


def test_its_features_tell_faces_from_faces_without_a_value() -> None:
    faces, others = (drawn_faces(512, seed=seed, split="test") for seed in (7, 8))
    bare = others.select(others.attributes["glasses"] == 0)
    real, again, cut = (features(reader(), data) for data in (faces, others, bare))
    assert real.shape == (512, 64)
    draws = [make_generator(seed, "bootstrap") for seed in range(2)]
    same = bootstrap(frechet_distance, real, again, draws[0], resamples=20)
    apart = bootstrap(frechet_distance, real, cut, draws[1], resamples=20)
    assert same.low < 0 < same.high
    assert apart.low > same.high


def test_a_classifier_of_labels_is_not_one_of_faces() -> None:
    with pytest.raises(RuntimeError):
        read_attributes(reader(), digits("test").take(3))
