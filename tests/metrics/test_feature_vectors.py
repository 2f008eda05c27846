"""Features of images and their moments."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from genlib import zoo
from genlib.data import digits
from genlib.metrics import features, moments


def test_features_are_what_the_last_layer_sees() -> None:
    classifier, data = zoo.load("classifier-mnist"), digits("test")
    found = features(classifier, data, batch_size=64)
    assert found.shape == (len(data), 64)
    assert found.dtype == torch.float64
    torch.testing.assert_close(classifier.head(found.float()), classifier(data.pixels()))


def test_an_image_set_and_its_pixels_give_the_same_in_any_batches() -> None:
    classifier, data = zoo.load("classifier-mnist"), digits("test").take(50)
    whole = features(classifier, data.pixels())
    torch.testing.assert_close(
        features(classifier, data, batch_size=7), whole, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_moments_are_those_of_the_textbook(chunk: int) -> None:
    x = 1e4 + torch.randn(40, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mu, cov, n = moments(x, chunk)
    assert n == 40
    torch.testing.assert_close(mu, x.mean(0))
    torch.testing.assert_close(cov, x.T.cov())  # far from 0: sums of squares would lose it


def test_moments_take_parts_of_any_length() -> None:
    x = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    parts = moments(part for part in x.split([1, 0, 25, 14]))
    torch.testing.assert_close(parts.cov, x.double().T.cov())
    assert parts.n == 40


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        (torch.zeros(1, 3), "at least two"),
        (torch.zeros(5), r"must be \[N, D\]"),
        (torch.full((5, 2), torch.nan), "NaN or infinite"),
        ([torch.zeros(2, 3), torch.zeros(2, 4)], r"got \[2, 4\] after D = 3"),
    ],
)
def test_moments_refuse(vectors, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        moments(vectors)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (2 * torch.rand(2, 1, 28, 28) - 1, r"\(x \+ 1\) / 2 on tanh's"),
        (torch.full((2, 1, 28, 28), torch.nan), r"must be in \[0, 1\]"),
        (torch.zeros(2, 1, 28, 28, dtype=torch.uint8), "or an ImageSet, got torch.uint8"),
        (torch.rand(2, 28, 28), r"\[2, 28, 28\]"),
        (torch.rand(0, 1, 28, 28), "no images"),
    ],
)
def test_features_refuse_what_is_no_image(images: torch.Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        features(zoo.load("classifier-mnist"), images)


def test_no_more_than_a_batch_is_looked_at_at_once() -> None:
    class Recorder(nn.Module):
        seen: tuple[int, ...] = ()

        def features(self, x: torch.Tensor) -> torch.Tensor:
            self.seen = (*self.seen, len(x))
            return x

    recorder = Recorder()
    assert features(recorder, torch.rand(25, 1, 2, 2), batch_size=10).shape == (25, 4)
    assert recorder.seen == (10, 10, 5)


def test_a_network_without_features_is_refused() -> None:
    with pytest.raises(ValueError, match="Linear has no method features"):
        features(nn.Linear(2, 2), torch.rand(2, 1, 2, 2))
