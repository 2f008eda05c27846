"""What chapter 3's experiments measure, on a model whose scores are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from experiments.latent_scores import elbo_of, nll_of, spread
from genlib.data import ImageSet, digits
from genlib.models.vae import VAE, ConditionalVAE, DenseVAE


class Known(VAE):
    """q(z|x) = N(brightness, ½) in the first of two dimensions, the prior in the second.

    Pixels are fair coins.
    """

    def __init__(self) -> None:
        super().__init__(torch.nn.Identity(), torch.nn.Identity(), latent=2)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        brightness = x.flatten(1).mean(dim=1)
        zero = torch.zeros_like(brightness)
        mu = torch.stack([brightness, zero], dim=1)
        return mu, torch.tensor([math.log(0.5), 0.0]).expand_as(mu)

    def decode(self, z: Tensor) -> Tensor:
        return torch.zeros(len(z), 1, 28, 28)


@pytest.fixture
def x() -> Tensor:
    shades = torch.linspace(0, 1, 40)[:, None, None, None].expand(40, 1, 28, 28)
    return (torch.rand(40, 1, 28, 28, generator=torch.Generator().manual_seed(0)) < shades).float()


def test_the_terms_of_a_known_model(x: Tensor) -> None:
    scores = elbo_of(Known(), x)
    assert scores["distortion"] == pytest.approx(784 * math.log(2), rel=1e-6)
    squares = float(x.flatten(1).mean(dim=1).square().mean())
    assert scores["kl"] == pytest.approx(0.5 * (squares + 0.5 - 1 - math.log(0.5)), rel=1e-5)
    assert scores["elbo"] == pytest.approx(scores["distortion"] + scores["kl"])
    assert scores["active_units"] == 1  # the second dimension is the same for every image


def test_the_likelihood_of_a_known_model(x: Tensor) -> None:
    # Whatever z is, each pixel has log ½: the KL is all that the ELBO lacks.
    nll = nll_of(Known(), x, samples=2_000)
    assert nll == pytest.approx(784 * math.log(2), abs=0.02)
    assert nll < elbo_of(Known(), x)["elbo"] - 0.1


def test_neither_batches_nor_calls_change_the_noise(x: Tensor) -> None:
    torch.manual_seed(0)
    model = DenseVAE(4, (16,)).eval()
    once = elbo_of(model, x)
    assert elbo_of(model, x, batch_size=7) == pytest.approx(once, rel=1e-6)
    assert elbo_of(model, x) == once
    assert elbo_of(DenseVAE(4, (16,)), x)["elbo"] != once["elbo"]


def test_labels_count(x: Tensor) -> None:
    torch.manual_seed(0)
    model = ConditionalVAE(10, 4, (16,))
    threes, sevens = (elbo_of(model, x, torch.full((40,), y))["elbo"] for y in (3, 7))
    assert threes != sevens
    mixed = elbo_of(model, x, torch.tensor([3] * 20 + [7] * 20), batch_size=15)["elbo"]
    halves = elbo_of(model, x, torch.tensor([7] * 20 + [3] * 20))["elbo"]
    assert mixed + halves == pytest.approx(threes + sevens, rel=1e-6)
    with pytest.raises(AssertionError, match="needs labels"):
        elbo_of(model, x)


@pytest.mark.parametrize(("n", "expected"), [(10, 10), (100, 100), (10**6, 1797)])
def test_spread_reaches_through_the_whole_set(n: int, expected: int) -> None:
    data: ImageSet = digits("all")
    some = spread(data, n)
    assert expected <= len(some) <= 1.12 * expected
    assert torch.equal(some.images[0], data.images[0])
    last = (len(some) - 1) * max(1, len(data) // n)
    assert torch.equal(some.images[-1], data.images[last])
    assert last > 0.9 * len(data) - 10
