"""Discrete divergences: against torch, scipy and each other, at zeros, and by their theorems."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import rel_entr
from scipy.stats import wasserstein_distance
from torch import Tensor
from torch.distributions import Categorical, kl_divergence

from genlib.divergences import (
    cross_entropy,
    entropy,
    f_divergence,
    js,
    kl,
    total_variation,
    wasserstein_1d,
)

PAIRWISE = [cross_entropy, kl, js, total_variation, wasserstein_1d]
LOG2 = math.log(2)
EPS = 1e-9


def draw(seed: int, *shape: int, zeros: float = 0.0, peak: float = 1.0) -> Tensor:
    """Random distributions in double precision; a share of the outcomes is impossible."""
    generator = torch.Generator().manual_seed(seed)
    logits = peak * torch.randn(shape, generator=generator, dtype=torch.float64)
    out = torch.rand(shape, generator=generator) < zeros
    out[..., 0] = False
    return logits.masked_fill(out, -math.inf).softmax(-1)


pairs = given(seed=st.integers(0, 100_000), size=st.integers(2, 12), peak=st.floats(0.01, 6))
often = settings(max_examples=60, deadline=None)


# against others


@pairs
@often
def test_kl_and_entropies_are_torchs(seed: int, size: int, peak: float) -> None:
    p, q = draw(seed, 2, 5, size, peak=peak)
    torch.testing.assert_close(entropy(p), Categorical(p).entropy())
    expected = kl_divergence(Categorical(p), Categorical(q))
    torch.testing.assert_close(kl(p, q), expected)
    torch.testing.assert_close(cross_entropy(p, q), Categorical(p).entropy() + expected)


@given(seed=st.integers(0, 100_000))
@often
def test_kl_is_scipys_with_zeros_and_infinities(seed: int) -> None:
    p, q = draw(seed, 8, 5, zeros=0.3), draw(seed + 1, 8, 5, zeros=0.1)
    expected = rel_entr(p.numpy(), q.numpy()).sum(-1)
    np.testing.assert_allclose(kl(p, q).numpy(), expected, rtol=1e-10, atol=1e-15)


@given(seed=st.integers(0, 100_000), size=st.integers(2, 9))
@often
def test_wasserstein_is_scipys(seed: int, size: int) -> None:
    p, q = draw(seed, 2, size, zeros=0.3)
    support = draw(seed + 1, size).cumsum(0) * 10 - 4
    expected = wasserstein_distance(support, support, p, q)
    assert wasserstein_1d(p, q, support).item() == pytest.approx(expected, abs=1e-12)


def test_js_is_scipys_squared_distance() -> None:
    from scipy.spatial.distance import jensenshannon

    p, q = draw(0, 2, 7, zeros=0.3)
    assert js(p, q).item() == pytest.approx(jensenshannon(p.numpy(), q.numpy()) ** 2, rel=1e-12)


def test_total_variation_is_the_largest_difference_over_all_events() -> None:
    p, q = draw(3, 2, 6)
    events = torch.tensor([[bool(n >> k & 1) for k in range(6)] for n in range(64)]).double()
    torch.testing.assert_close(total_variation(p, q), (events @ (p - q)).max())


def test_kl_is_the_expected_log_ratio() -> None:
    """Monte Carlo, within four standard errors."""
    p, q = draw(5, 2, 10)
    x = torch.multinomial(p, 200_000, replacement=True, generator=torch.Generator().manual_seed(0))
    ratio = (p / q).log()[x]
    assert (ratio.mean() - kl(p, q)).abs() < 4 * ratio.std() / len(x) ** 0.5


F_DIVERGENCES = [
    (lambda t: torch.xlogy(t, t), math.inf, kl),
    (lambda t: (t - 1).abs() / 2, 0.5, total_variation),
    (lambda t: (torch.xlogy(t, t) - torch.xlogy(t + 1, (t + 1) / 2)) / 2, LOG2 / 2, js),
]


@pytest.mark.parametrize(("f", "slope", "expected"), F_DIVERGENCES, ids=["kl", "tv", "js"])
@pytest.mark.parametrize("zeros", [0.0, 0.4])
def test_members_of_the_f_family(f, slope, expected, zeros) -> None:
    p, q = draw(1, 20, 6, zeros=zeros), draw(2, 20, 6, zeros=zeros)
    torch.testing.assert_close(f_divergence(p, q, f, slope=slope), expected(p, q))


# by hand, at zeros and at infinity


def test_by_hand() -> None:
    p, q = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.25, 0.75, 0.0])
    assert entropy(p).item() == pytest.approx(LOG2)
    assert kl(p, q).item() == pytest.approx(0.5 * LOG2 + 0.5 * math.log(2 / 3))
    assert total_variation(p, q).item() == 0.25
    assert wasserstein_1d(p, q).item() == 0.25
    assert wasserstein_1d(p, q, torch.tensor([0.0, 3.0, 5.0])).item() == 0.75


def test_a_certain_outcome() -> None:
    p, q = torch.eye(3)[0], torch.eye(3)[2]
    assert entropy(p).item() == 0
    assert kl(p, p).item() == 0
    assert kl(p, q).item() == cross_entropy(p, q).item() == math.inf
    assert js(p, q).item() == pytest.approx(LOG2)
    assert total_variation(p, q).item() == 1
    assert wasserstein_1d(p, q).item() == 2


def test_log_space_keeps_what_probabilities_round_away() -> None:
    p, q = torch.tensor([0.0, -200.0]).log_softmax(0), torch.tensor([-200.0, 0.0]).log_softmax(0)
    assert kl(p, q, logs=True).item() == pytest.approx(200)
    assert kl(p.exp(), q.exp()).item() == math.inf  # e⁻²⁰⁰ is 0 in single precision
    certain = torch.tensor([0.0, -math.inf])
    assert kl(p, certain, logs=True).item() == math.inf  # rare, not impossible
    assert kl(certain, p, logs=True).item() == 0
    assert entropy(certain, logs=True).item() == 0


@pytest.mark.parametrize("measure", [cross_entropy, kl, js, total_variation])
def test_logs_give_the_same(measure) -> None:
    p, q = draw(7, 2, 4, 6)
    torch.testing.assert_close(measure(p.log(), q.log(), logs=True), measure(p, q))
    torch.testing.assert_close(entropy(p.log(), logs=True), entropy(p))


@pytest.mark.parametrize("measure", PAIRWISE)
def test_leading_axes_broadcast(measure) -> None:
    p, q = draw(0, 3, 1, 5), draw(1, 4, 5)
    values = measure(p, q)
    assert values.shape == (3, 4)
    torch.testing.assert_close(values[2, 1], measure(p[2, 0], q[1]))


def test_half_precision_is_computed_in_single() -> None:
    p = torch.tensor([0.5, 0.5]).bfloat16()
    assert kl(p, p).dtype == torch.float32


# gradients


@pytest.mark.parametrize("measure", [*PAIRWISE, entropy])
@pytest.mark.parametrize("parameters", ["probabilities", "logits"])
def test_gradients(measure, parameters) -> None:
    if parameters == "logits" and measure is not wasserstein_1d:

        def fn(*args):
            return measure(*(v.log_softmax(-1) for v in args), logs=True)

    else:

        def fn(*args):
            return measure(*(v.softmax(-1) if parameters == "logits" else v for v in args))

    inputs = draw(4, 2, 3, 5)
    inputs = inputs.log() if parameters == "logits" else inputs
    arguments = tuple(v.clone().requires_grad_() for v in inputs)[: 1 if measure is entropy else 2]
    assert torch.autograd.gradcheck(fn, arguments)


@pytest.mark.parametrize("measure", PAIRWISE)
def test_gradients_at_zeros_are_finite(measure) -> None:
    p = torch.tensor([0.5, 0.5, 0.0, 0.0], requires_grad=True)
    q = torch.tensor([0.25, 0.5, 0.25, 0.0], requires_grad=True)
    measure(p, q).backward()
    assert p.grad.isfinite().all()
    assert q.grad.isfinite().all()
    if measure is kl:
        torch.testing.assert_close(q.grad, torch.tensor([-2.0, -1.0, 0.0, 0.0]))


@pytest.mark.parametrize("measure", [cross_entropy, kl])
@pytest.mark.parametrize("logs", [True, False])
def test_an_infinite_entry_of_a_batch_spoils_no_other_gradient(measure, logs) -> None:
    logits = torch.tensor([[0.0, 1.0, -math.inf], [0.0, 1.0, 2.0]], requires_grad=True)
    p = torch.full((3,), 1 / 3)
    q = logits.log_softmax(-1) if logs else logits.softmax(-1)
    values = measure(p.log() if logs else p, q, logs=logs)
    assert values[0] == math.inf
    values[1].backward()
    assert logits.grad[1].isfinite().all()
    assert logits.grad[1].abs().max() > 0.1


# theorems


@pairs
@often
def test_never_negative_and_zero_only_if_equal(seed: int, size: int, peak: float) -> None:
    p, q = draw(seed, 2, size, peak=peak)
    for measure in (kl, js, total_variation, wasserstein_1d):
        assert abs(measure(p, p)) < 1e-15  # KL: exactly 0; JS: up to rounding
        assert measure(p, q) > -EPS
        if total_variation(p, q) > 1e-4:
            assert measure(p, q) > 1e-9
    assert -EPS <= entropy(p) <= math.log(size) + EPS


@pairs
@often
def test_symmetric_and_bounded(seed: int, size: int, peak: float) -> None:
    p, q = draw(seed, 2, size, peak=peak, zeros=0.3)
    for measure in (js, total_variation, wasserstein_1d):
        torch.testing.assert_close(measure(p, q), measure(q, p))
    assert js(p, q) <= LOG2 + EPS
    assert total_variation(p, q) <= 1 + EPS


@pairs
@often
def test_pinsker(seed: int, size: int, peak: float) -> None:
    p, q = draw(seed, 2, size, peak=peak)
    assert total_variation(p, q) <= (kl(p, q) / 2).sqrt() + EPS


@pairs
@often
def test_additive_over_independent_parts(seed: int, size: int, peak: float) -> None:
    p, q = draw(seed, 2, size, peak=peak)
    a, b = draw(seed + 1, 2, 4)
    joint_p, joint_q = torch.outer(p, a).flatten(), torch.outer(q, b).flatten()
    torch.testing.assert_close(kl(joint_p, joint_q), kl(p, q) + kl(a, b))
    torch.testing.assert_close(entropy(joint_p), entropy(p) + entropy(a))


@pairs
@often
def test_renaming_changes_nothing_and_a_channel_only_lowers(
    seed: int, size: int, peak: float
) -> None:
    p, q = draw(seed, 2, size, peak=peak)
    order = torch.randperm(size, generator=torch.Generator().manual_seed(seed))
    channel = draw(seed + 1, size, 3)  # rows: the distribution of the output given the input
    for measure in (kl, js, total_variation):
        torch.testing.assert_close(measure(p[order], q[order]), measure(p, q))
        assert measure(p @ channel, q @ channel) <= measure(p, q) + EPS


@given(seed=st.integers(0, 100_000), share=st.floats(0, 1))
@often
def test_convex_in_both(seed: int, share: float) -> None:
    p, q, a, b = draw(seed, 4, 6)
    for measure in (kl, js, total_variation, wasserstein_1d):
        mixed = measure(share * p + (1 - share) * a, share * q + (1 - share) * b)
        assert mixed <= share * measure(p, q) + (1 - share) * measure(a, b) + EPS


@given(seed=st.integers(0, 100_000))
@often
def test_triangles(seed: int) -> None:
    p, q, r = draw(seed, 3, 5, peak=2)
    for measure in (lambda a, b: js(a, b).sqrt(), total_variation, wasserstein_1d):
        assert measure(p, r) <= measure(p, q) + measure(q, r) + EPS


# bad input

GOOD = torch.tensor([0.5, 0.5])


@pytest.mark.parametrize("measure", PAIRWISE)
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (torch.tensor([1.5, -0.5]), "negative entries, down to -0.5; are these logits"),
        (torch.tensor([0.5, 0.6]), r"must sum to 1 over its last axis, got 1.1; use"),
        (torch.tensor([0.5, torch.nan]), "1 entries that are NaN or infinite"),
        (torch.tensor([torch.inf, 0.5]), "NaN or infinite"),
        (torch.tensor([1, 0]), "float tensor"),
        (torch.tensor(1.0), "float tensor"),
        (torch.zeros(0), "must sum to 1"),
        (torch.ones(1), r"\[1\] and q \[2\] do not fit|\[2\] and q \[1\] do not fit"),
        (torch.full((3,), 1 / 3), "do not fit"),
    ],
)
def test_bad_input_is_refused(measure, bad, words) -> None:
    for pair in ((bad, GOOD), (GOOD, bad)):
        with pytest.raises(ValueError, match=words):
            measure(*pair)


def test_other_refusals() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        kl(torch.full((2, 2), 0.5), torch.full((3, 2), 0.5))
    with pytest.raises(ValueError, match="log_softmax"):
        kl(GOOD, GOOD, logs=True)
    with pytest.raises(ValueError, match="NaN or infinite"):
        kl(GOOD.log(), torch.tensor([0.0, torch.nan]), logs=True)
    for support in (torch.tensor([1.0, 0.0]), torch.tensor([0.0, torch.inf]), torch.zeros(3)):
        with pytest.raises(ValueError, match="rising positions"):
            wasserstein_1d(GOOD, GOOD, support)
