"""log p(x) against models where it is known or can be integrated, and units that are active."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import ks_2samp
from torch import Tensor

from genlib import make_generator, seed_everything
from genlib.losses import importance_bound, log_weights
from genlib.metrics import active_units, log_likelihood
from genlib.models.vae import ConditionalVAE, DenseVAE, GaussianVAE
from tests.losses.linear_gaussian import LinearGaussian

SMALL = (1, 4, 4)


def generator(seed: int = 0) -> torch.Generator:
    return make_generator(seed, "test")


def binary(n: int, seed: int = 0) -> Tensor:
    return (torch.rand(n, *SMALL, generator=generator(seed)) > 0.5).float()


def sharpened(model: DenseVAE | ConditionalVAE) -> None:
    """Larger weights in the decoder, so that image and code have to do with each other."""
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.mul_(2.5)


@torch.no_grad()
def quadrature(model: DenseVAE | ConditionalVAE, x: Tensor, *labels: Tensor) -> Tensor:
    """log ∫ p(x|z) p(z) dz over a fine grid of the latent plane, `[B]`."""
    line = torch.linspace(-7, 7, 141)
    z = torch.cartesian_prod(line, line)  # [G, 2]
    log_prior = -0.5 * z.square().sum(1) - math.log(2 * math.pi)
    cell = 2 * math.log(float(line[1] - line[0]))
    found = []
    for i, one in enumerate(x):
        same = [y[i : i + 1].expand(len(z)) for y in labels]
        nll = model.nll(one.expand(len(z), *one.shape), z, *same)
        found.append((log_prior.double() - nll.double() + cell).logsumexp(0))
    return torch.stack(found)


def test_it_is_log_p_of_a_linear_gaussian_model() -> None:
    model = LinearGaussian()
    x = model.draw(7)
    found = log_likelihood(model, x, 20_000, generator(), batch_size=3, chunk=3_000)
    assert found.shape == (7,)
    torch.testing.assert_close(found.double(), model.log_p(x), atol=0.05, rtol=0)


@pytest.mark.parametrize("kind", [DenseVAE, GaussianVAE])
def test_it_is_log_p_of_a_network_with_two_codes(kind: type[DenseVAE]) -> None:
    seed_everything(0)
    model = kind(2, (16,), SMALL)
    sharpened(model)
    x = binary(5)
    found = log_likelihood(model, x, 50_000, generator(), chunk=10_000)
    exact = quadrature(model, x)
    torch.testing.assert_close(found.double(), exact, atol=0.05, rtol=0)
    elbo = log_likelihood(model, x.repeat(200, 1, 1, 1), 1, generator()).mean()
    assert elbo < exact.mean() - 0.2


def test_a_conditional_model_gives_log_p_of_x_given_y() -> None:
    seed_everything(0)
    model = ConditionalVAE(3, 2, (16,), SMALL)
    sharpened(model)
    x = binary(2).repeat_interleave(3, 0)
    y = torch.tensor([0, 1, 2, 0, 1, 2])
    exact = quadrature(model, x, y)
    assert (exact[0] - exact[1]).abs() > 0.2  # the label matters
    found = log_likelihood(model, x, 50_000, generator(), labels=y, batch_size=4, chunk=10_000)
    torch.testing.assert_close(found.double(), exact, atol=0.05, rtol=0)


def test_it_is_the_bound_of_all_samples_together() -> None:
    """Chunks are added up as weights: 3 + 3 + 1 samples are seven, not a mean of three bounds."""
    seed_everything(0)
    model, x = DenseVAE(2, (16,), SMALL), binary(4)
    sharpened(model)
    noise = generator()
    eps = torch.cat([torch.randn(k, 4, 2, generator=noise) for k in (3, 3, 1)])
    with torch.no_grad():
        expected = importance_bound(log_weights(model, x, eps))
    found = log_likelihood(model, x, 7, generator(), chunk=3)
    assert not found.requires_grad
    torch.testing.assert_close(found, expected)


def test_the_partition_does_not_change_the_distribution() -> None:
    """With few samples the estimate is biased and noisy: the same bias, the same noise."""
    model = LinearGaussian(spread=2.0)
    x = model.draw(1).expand(3_000, -1, -1, -1)
    a = log_likelihood(model, x, 6, generator(1), batch_size=3_000, chunk=6)
    b = log_likelihood(model, x, 6, generator(2), batch_size=70, chunk=4)
    error = ((a.var() + b.var()) / 3_000) ** 0.5
    assert model.log_p(x[:1]) - a.mean() > 10 * error  # a bias to be the same of
    assert (a.mean() - b.mean()).abs() < 4 * error
    assert ks_2samp(a.numpy(), b.numpy()).pvalue > 1e-3
    once = log_likelihood(model, x, 12, generator(3), chunk=5)
    assert once.mean() - a.mean() > 4 * error  # and it would be seen


def test_memory_is_bounded_by_batch_and_chunk() -> None:
    model = LinearGaussian()
    log_likelihood(model, model.draw(25), 9, generator(), batch_size=10, chunk=4)
    assert model.rows == [40, 40, 10, 40, 40, 10, 20, 20, 5]


def test_the_generator_alone_decides() -> None:
    model, x = LinearGaussian(), LinearGaussian().draw(3)
    seed_everything(1)
    a = log_likelihood(model, x, 10, generator())
    seed_everything(2)
    assert torch.equal(a, log_likelihood(model, x, 10, generator()))
    assert not torch.equal(a, log_likelihood(model, x, 10, generator(1)))


@pytest.mark.parametrize("wrong", [{"samples": 0}, {"batch_size": 0}, {"chunk": -1}])
def test_counts_below_one_are_refused(wrong: dict[str, int]) -> None:
    settings = {"samples": 2, "batch_size": 2, "chunk": 2, **wrong}
    with pytest.raises(ValueError, match="must be at least 1, got"):
        log_likelihood(DenseVAE(2, (4,), SMALL), binary(2), generator=generator(), **settings)


def test_missing_labels_are_named() -> None:
    with pytest.raises(ValueError, match="needs `labels`"):
        log_likelihood(ConditionalVAE(3, 2, (4,), SMALL), binary(2), 2, generator())


def test_active_units_by_hand() -> None:
    mu = torch.tensor([[0.0, 5.0, 1.0, 0.10], [0.0, 5.0, -1.0, -0.10]])
    # Variances (divided by N − 1): 0, 0, 2, 0.02. A mean far from 0 says nothing.
    assert active_units(mu).tolist() == [False, False, True, True]
    assert active_units(mu, threshold=0.03).tolist() == [False, False, True, False]


def test_active_units_of_dimensions_that_know_the_image() -> None:
    mu = torch.randn(500, 6, generator=generator()) * torch.tensor([1.0, 0.5, 0.2, 0.05, 0.01, 0])
    assert active_units(mu).tolist() == [True, True, True, False, False, False]


@pytest.mark.parametrize("shape", [(5,), (1, 5), (2, 3, 4)])
def test_active_units_need_several_images(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must be \[N, K\] with N of at least 2"):
        active_units(torch.zeros(shape))


@pytest.mark.parametrize(("images", "labels"), [(0, None), (3, 4), (3, 2)])
def test_images_and_labels_must_belong_together(images: int, labels: int | None) -> None:
    y = None if labels is None else torch.zeros(labels, dtype=torch.int64)
    x = torch.rand(images, 1, 8, 8)
    with pytest.raises(ValueError, match=f"got {images} images"):
        log_likelihood(ConditionalVAE(2, 2, (8,), (1, 8, 8)), x, 2, generator(), labels=y)
