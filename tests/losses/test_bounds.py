"""The bounds on a model whose log p(x) is known, their gradients, and the memory they take."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Normal
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from genlib import make_generator, seed_everything
from genlib.divergences import kl_full, kl_per_dimension, kl_to_standard_normal
from genlib.losses import (
    bernoulli_nll,
    elbo_terms,
    free_bits,
    importance_bound,
    importance_weighted_bound,
    log_weights,
    reparameterize,
)
from genlib.models.vae import ConvVAE, DenseVAE
from tests.losses.linear_gaussian import LATENT, LinearGaussian, noise


@pytest.fixture
def model() -> LinearGaussian:
    return LinearGaussian()


def mean_and_error(values: Tensor) -> tuple[Tensor, Tensor]:
    """Of the rows, `[n, B] -> [B], [B]`."""
    return values.mean(0), values.std(0) / len(values) ** 0.5


# What the numbers are.


def test_log_weights_are_torchs_densities(model: LinearGaussian) -> None:
    x, eps = model.draw(4), noise(7, 4, LATENT)
    mu, log_var = model.encode(x)
    sigma = torch.exp(0.5 * log_var)
    z = mu + sigma * eps
    prior = Normal(0.0, 1.0).log_prob(z).sum(2)
    likelihood = torch.stack([-model.nll(x, one) for one in z])
    proposal = Normal(mu, sigma).log_prob(z).sum(2)
    torch.testing.assert_close(log_weights(model, x, eps), prior + likelihood - proposal)


def test_the_gap_of_the_elbo_is_the_divergence_from_the_posterior(model: LinearGaussian) -> None:
    """log p(x) = ELBO + KL(q(z|x) ‖ p(z|x)), for every image."""
    x = model.draw(6)
    with torch.no_grad():
        mu, log_var = model.encode(x)
        mean, cov = model.posterior(x)
        gap = kl_full(mu, log_var.exp().diag_embed(), mean, cov.expand(6, -1, -1))
        assert gap.min() > 0.05
        elbo, error = mean_and_error(log_weights(model, x, noise(40_000, 6, LATENT)))
    assert ((elbo + gap - model.log_p(x)).abs() < 4.5 * error).all()
    assert (error < 0.05 * gap.mean()).all()  # an error of a few percent of the gap would be seen


def test_the_two_terms_add_up_to_the_same_elbo(model: LinearGaussian) -> None:
    """With the KL term in closed form the estimate has the same expectation."""
    n, x = 20_000, model.draw(3)
    with torch.no_grad():
        nll, kl = elbo_terms(model, x.repeat(n, 1, 1, 1), noise(3 * n, LATENT, seed=1))
        whole = (nll + kl.sum(1)).reshape(n, 3)
        other = log_weights(model, x, noise(n, 3, LATENT, seed=2))
    (a, ea), (b, eb) = mean_and_error(-whole), mean_and_error(other)
    assert ((a - b).abs() < 4.5 * (ea**2 + eb**2).sqrt()).all()


def test_the_mean_weight_is_unbiased(model: LinearGaussian) -> None:
    x = model.draw(6)
    with torch.no_grad():
        ratio = (log_weights(model, x, noise(40_000, 6, LATENT)) - model.log_p(x)).exp()
    mean, error = mean_and_error(ratio)
    assert ((mean - 1).abs() < 4.5 * error).all()
    assert (error < 0.02).all()


def test_more_samples_tighten_the_bound_up_to_log_p() -> None:
    model = LinearGaussian(spread=1.6)
    x = model.draw(4)
    exact, bounds, errors = model.log_p(x).mean(), [], []
    for k in (1, 2, 5, 20, 100, 1000):
        repeats = 200_000 // (4 * k)
        with torch.no_grad():
            # [k, repeats·4] -> [repeats, 4] -> [repeats]
            eps = noise(k, repeats * 4, LATENT, seed=k)
            log_w = log_weights(model, x.repeat(repeats, 1, 1, 1), eps)
        values = importance_bound(log_w).reshape(repeats, 4).mean(1)
        bounds.append(values.mean())
        errors.append(values.std() / repeats**0.5)
    gaps = exact - torch.stack(bounds)
    assert gaps[0] > 0.5
    assert (gaps[:-1] - gaps[1:] > -3 * torch.stack(errors[1:])).all()
    assert (gaps[:3] - gaps[1:4] > 10 * torch.stack(errors[1:4])).all()  # far beyond chance
    assert (gaps > -4 * torch.stack(errors)).all()
    assert gaps[-1] < 0.01


def test_one_sample_gives_the_elbo(model: LinearGaussian) -> None:
    x, eps = model.draw(4), noise(1, 4, LATENT)
    torch.testing.assert_close(
        importance_weighted_bound(model, x, eps), log_weights(model, x, eps)[0]
    )


def test_an_exact_q_gives_log_p_whatever_the_noise() -> None:
    """One latent dimension per pixel and an orthogonal W: then the posterior is diagonal."""
    model = LinearGaussian()
    with torch.no_grad():
        model.weight.copy_(torch.eye(5, LATENT, dtype=torch.float64))
        variance = 1 / (1 + 1 / model.s**2)
        model.gain.copy_(variance / model.s**2 * model.weight.T)
        model.shift.zero_()
        model.log_var.fill_(variance).log_()
    model.encode = lambda x: (  # type: ignore[method-assign]
        (x.flatten(1) - model.bias) @ model.gain.T, model.log_var.expand(len(x), -1)
    )  # fmt: skip
    x = model.draw(4)
    log_w = log_weights(model, x, noise(6, 4, LATENT))
    torch.testing.assert_close(log_w, model.log_p(x).expand(6, 4))


@pytest.mark.parametrize("make", [lambda: DenseVAE(4, (16,)), lambda: ConvVAE(4, 4)])
def test_terms_of_a_network_by_hand(make: Callable[[], DenseVAE | ConvVAE]) -> None:
    seed_everything(0)
    model = make()
    x, eps = (torch.rand(3, 1, 28, 28) > 0.5).float(), torch.randn(2, 3, 4)
    mu, log_var = model.encode(x)
    nll, kl = elbo_terms(model, x, eps[0])
    z = mu + torch.exp(0.5 * log_var) * eps
    assert nll.shape == (3,)
    torch.testing.assert_close(nll, bernoulli_nll(model.decode(z[0]), x))
    torch.testing.assert_close(kl, kl_per_dimension(mu, log_var))
    torch.testing.assert_close(kl.sum(1), kl_to_standard_normal(mu, log_var))
    # Images and samples are not confused: each row as if it were alone.
    log_w = log_weights(model, x, eps)
    for i in range(3):
        alone = log_weights(model, x[i : i + 1], eps[:, i : i + 1])
        torch.testing.assert_close(log_w[:, i : i + 1], alone, rtol=1e-5, atol=1e-3)


# Bounds as functions of the weights.

WEIGHTS = st.lists(st.floats(-500, 500), min_size=1, max_size=20)


@given(values=WEIGHTS, shift=st.floats(-1e4, 1e4))
@settings(max_examples=60, deadline=None)
def test_properties_of_the_importance_bound(values: list[float], shift: float) -> None:
    log_w = torch.tensor(values, dtype=torch.float64)[:, None]
    bound = importance_bound(log_w)
    assert bound.shape == (1,)
    assert bound >= log_w.mean() - 1e-9  # Jensen
    assert bound <= log_w.max() + 1e-9
    assert bound >= log_w.max() - torch.tensor(float(len(values))).log() - 1e-6
    torch.testing.assert_close(importance_bound(log_w + shift), bound + shift)
    torch.testing.assert_close(importance_bound(log_w.flip(0)), bound)
    torch.testing.assert_close(importance_bound(log_w.repeat(3, 1)), bound)


def test_a_bound_far_from_what_exp_can_hold_is_finite() -> None:
    log_w = torch.tensor([[-1e5], [-1e5 - 1.0]])
    expected = -1e5 + float(torch.tensor([0.0, -1.0]).exp().mean().log())
    assert importance_bound(log_w).item() == pytest.approx(expected, rel=1e-6)


# Gradients.


def test_reparameterized_samples_have_their_moments_and_gradients() -> None:
    mu = torch.tensor([[0.5, -2.0]], dtype=torch.float64, requires_grad=True)
    log_var = torch.tensor([[0.3, -1.4]], dtype=torch.float64, requires_grad=True)
    eps = noise(100_000, 1, 2)
    z = reparameterize(mu, log_var, eps)
    assert z.shape == eps.shape
    sigma = torch.exp(0.5 * log_var)
    assert ((z.mean(0) - mu).abs() < 4.5 * sigma / 100_000**0.5).all()
    assert ((z.var(0) / log_var.exp() - 1).abs() < 4.5 * (2 / 100_000) ** 0.5).all()
    z[0].sum().backward()
    torch.testing.assert_close(mu.grad, torch.ones_like(mu))
    torch.testing.assert_close(log_var.grad, 0.5 * sigma.detach() * eps[0])


class Free:
    """A model of three tensors, for finite differences."""

    latent = LATENT

    def __init__(self, mu: Tensor, log_var: Tensor, weight: Tensor) -> None:
        self.mu, self.log_var, self.weight = mu, log_var, weight

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.mu, self.log_var

    def nll(self, x: Tensor, z: Tensor) -> Tensor:
        return 0.5 * (x.flatten(1) - torch.tanh(z @ self.weight)).square().sum(1)


@pytest.mark.parametrize("chunk", [None, 2])
def test_gradients_by_finite_differences(chunk: int | None) -> None:
    x, eps = noise(2, 1, 1, 4, seed=1), noise(5, 2, LATENT, seed=2)
    start = [0.5 * noise(2, LATENT, seed=seed).requires_grad_() for seed in (3, 4)]
    weight = noise(LATENT, 4, seed=5).requires_grad_()

    def bound(mu: Tensor, log_var: Tensor, weight: Tensor) -> Tensor:
        return importance_weighted_bound(Free(mu, log_var, weight), x, eps, chunk)

    def terms(mu: Tensor, log_var: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        return elbo_terms(Free(mu, log_var, weight), x, eps[0])

    assert torch.autograd.gradcheck(bound, (*start, weight))
    assert torch.autograd.gradcheck(terms, (*start, weight))


def test_the_gradient_is_that_of_the_paper(model: LinearGaussian) -> None:
    """∇ log (1/k Σ w) = Σ w̃ ∇ log w with weights w̃ that add up to 1 and are held fixed
    (Burda et al. 2016, equations 13 and 14)."""
    x, eps = model.draw(4), noise(8, 4, LATENT)
    parameters = list(model.parameters())
    log_w = log_weights(model, x, eps)
    normalised = log_w.softmax(dim=0).detach()
    expected = torch.autograd.grad((normalised * log_w).sum(), parameters)
    found = torch.autograd.grad(importance_weighted_bound(model, x, eps).sum(), parameters)
    for a, b in zip(found, expected, strict=True):
        assert b.abs().sum() > 0
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("chunk", [1, 2, 3, 6, 7, 8])
def test_chunks_change_neither_value_nor_gradient(model: LinearGaussian, chunk: int) -> None:
    x, eps = model.draw(4), noise(7, 4, LATENT)
    parameters = list(model.parameters())
    whole = importance_weighted_bound(model, x, eps)
    expected = torch.autograd.grad(whole.sum(), parameters)
    some = importance_weighted_bound(model, x, eps, chunk)
    torch.testing.assert_close(some, whole)
    # As the engine asks: for some parameters only, into `.grad`.
    some.sum().backward(inputs=parameters[1:])
    assert parameters[0].grad is None
    for parameter, gradient in zip(parameters[1:], expected[1:], strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_without_gradients_chunks_work_too(model: LinearGaussian) -> None:
    x, eps = model.draw(2), noise(5, 2, LATENT)
    whole = importance_weighted_bound(model, x, eps)
    with torch.no_grad():
        torch.testing.assert_close(importance_weighted_bound(model, x, eps, 2), whole.detach())


@pytest.mark.parametrize("chunk", [0, -1])
def test_a_chunk_needs_a_sample(model: LinearGaussian, chunk: int) -> None:
    with pytest.raises(ValueError, match=f"chunk must be at least 1, got {chunk}"):
        importance_weighted_bound(model, model.draw(2), noise(4, 2, LATENT), chunk)


# Memory.


class Peak(TorchDispatchMode):
    """The most bytes that tensors made under it held at one time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.known: set[int] = set()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        made = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in self.known:
                    self._note(storage)
        return made

    def _note(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        self.known.add(key)
        self.now += size
        self.most = max(self.most, self.now)

        def gone() -> None:
            self.known.discard(key)
            self.now -= size

        weakref.finalize(storage, gone)


def peak(k: int, chunk: int | None) -> int:
    """Bytes at the peak of bound and backward pass, of a decoder much wider than its input."""
    seed_everything(0)
    model = DenseVAE(2, (128,), (1, 8, 8))
    x, eps = torch.rand(10, 1, 8, 8), torch.randn(k, 10, 2)
    model.requires_grad_()
    with Peak() as memory:
        importance_weighted_bound(model, x, eps, chunk).mean().backward()
    return memory.most


def test_chunks_bound_the_memory_of_both_passes() -> None:
    few, many = peak(10, None), peak(80, None)
    assert many > 4 * few  # without chunks memory grows with k
    assert peak(80, 10) < 1.5 * few


def test_chunks_bound_what_the_decoder_sees_at_a_time(model: LinearGaussian) -> None:
    x, eps = model.draw(4), noise(10, 4, LATENT)
    importance_weighted_bound(model, x, eps, 3).sum().backward()
    assert model.rows[:4] == [12, 12, 12, 4]
    assert sorted(model.rows[4:]) == [4, 12, 12, 12]  # once more, on the way back


# Short formats.


def test_under_autocast_bounds_are_in_single_precision() -> None:
    seed_everything(0)
    model = DenseVAE(8, (64,))
    x, eps = (torch.rand(16, 1, 28, 28) > 0.7).float(), torch.randn(5, 16, 8)
    exact = log_weights(model, x, eps), *elbo_terms(model, x, eps[0])
    with torch.autocast("cpu", torch.bfloat16):
        assert model.encode(x)[0].dtype == torch.bfloat16
        short = log_weights(model, x, eps), *elbo_terms(model, x, eps[0])
        bound = importance_weighted_bound(model, x, eps, 2)
    assert bound.dtype == torch.float32
    bound.mean().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())  # type: ignore[union-attr]
    for a, b in zip(short, exact, strict=True):
        assert a.dtype == torch.float32
        assert (a - b).abs().max() < 0.01 * b.abs().max()
    torch.testing.assert_close(bound, importance_weighted_bound(model, x, eps), rtol=0.01, atol=0.1)


# Free bits.


@given(seed=st.integers(0, 10_000), least=st.floats(0, 2))
@settings(max_examples=40, deadline=None)
def test_free_bits_floor_each_dimensions_mean(seed: int, least: float) -> None:
    kl = 2 * torch.rand(6, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    kl.requires_grad_()
    floored = free_bits(kl, least)
    means = kl.detach().mean(0)
    torch.testing.assert_close(floored, torch.maximum(means, torch.tensor(least).double()))
    floored.sum().backward()
    # A dimension below the floor gets no gradient, one above it the gradient of its mean.
    expected = (means > least).double().expand(6, 4) / 6
    torch.testing.assert_close(kl.grad, expected)


def test_a_floor_at_nothing_changes_nothing() -> None:
    mu, log_var = torch.randn(2, 8, 5, generator=make_generator(0, "kl")).unbind()
    kl = kl_per_dimension(mu, log_var)
    torch.testing.assert_close(free_bits(kl, 0.0).sum(), kl.sum(1).mean())


def test_the_floor_is_of_the_batch_and_not_of_the_image() -> None:
    kl = torch.tensor([[0.0, 3.0], [2.0, 3.0]])
    assert free_bits(kl, 1.5).tolist() == [1.5, 3.0]
    assert free_bits(kl, 1.0).tolist() == [1.0, 3.0]  # by the image it would be (1 + 2) / 2


def test_a_negative_floor_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must not be negative, got -0\.1"):
        free_bits(torch.zeros(2, 2), -0.1)
