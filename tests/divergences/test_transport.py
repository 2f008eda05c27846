"""Exact W₁ between point sets: against all permutations, the line's closed form, and its dual."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance
from torch import Tensor

from genlib.divergences import optimal_transport, transport, wasserstein_1d, wasserstein_points

often = settings(max_examples=15, deadline=None)
seeds = given(seed=st.integers(0, 100_000))


def points(seed: int, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def weights(seed: int, n: int) -> Tensor:
    return points(seed, n).softmax(0)


# against other ways to the same number


@given(seed=st.integers(0, 100_000), n=st.integers(1, 6), dims=st.integers(1, 3))
@often
def test_no_permutation_is_cheaper(seed: int, n: int, dims: int) -> None:
    x, y = points(seed, 2, n, dims)
    every = torch.stack([(x - y[list(p)]).norm(dim=1).mean() for p in permutations(range(n))])
    torch.testing.assert_close(wasserstein_points(x, y), every.min())


@given(seed=st.integers(0, 100_000), n=st.integers(1, 9), m=st.integers(1, 9))
@often
def test_on_the_line_it_is_the_area_between_the_cumulative_functions(
    seed: int, n: int, m: int
) -> None:
    x, y = points(seed, n), points(seed + 1, m)
    a, b = weights(seed + 2, n), weights(seed + 3, m)
    plain = wasserstein_points(x[:, None], y[:, None])
    assert plain.item() == pytest.approx(wasserstein_distance(x, y), abs=1e-7)
    weighted = wasserstein_points(x[:, None], y[:, None], a, b)
    assert weighted.item() == pytest.approx(wasserstein_distance(x, y, a, b), abs=1e-7)
    if n == m:  # sorted points pair in order
        torch.testing.assert_close(plain, (x.sort().values - y.sort().values).abs().mean())


def test_it_agrees_with_the_function_for_a_common_support() -> None:
    support, p, q = points(0, 7).sort().values, weights(1, 7), weights(2, 7)
    found = wasserstein_points(support[:, None], support[:, None], p, q)
    torch.testing.assert_close(found, wasserstein_1d(p, q, support), atol=1e-7, rtol=0)


@seeds
@often
def test_assignment_and_linear_programme_agree(seed: int) -> None:
    x, y = points(seed, 2, 7, 2)
    even = torch.full((7,), 1 / 7)
    torch.testing.assert_close(
        wasserstein_points(x, y, even), wasserstein_points(x, y), atol=1e-7, rtol=0
    )
    # Every point twice is the same distribution, in sets of unequal size.
    torch.testing.assert_close(
        wasserstein_points(torch.cat([x, x]), y), wasserstein_points(x, y), atol=1e-7, rtol=0
    )


# theorems


@seeds
@often
def test_moving_all_points_costs_the_length_of_the_move(seed: int) -> None:
    x, t = points(seed, 8, 3), points(seed + 1, 3)
    torch.testing.assert_close(wasserstein_points(x, x + t), t.norm())
    y = points(seed + 2, 5, 3)
    base = wasserstein_points(x, y)
    torch.testing.assert_close(wasserstein_points(x + t, y + t), base, atol=1e-7, rtol=0)
    torch.testing.assert_close(wasserstein_points(3 * x, -3 * -y), 3 * base, atol=1e-6, rtol=0)


@seeds
@often
def test_it_is_a_metric(seed: int) -> None:
    (x, y), z = points(seed, 2, 6, 2), points(seed + 1, 4, 2)
    assert wasserstein_points(x, x[[3, 1, 0, 5, 4, 2]]) == 0
    assert wasserstein_points(x, y) > 1e-3
    torch.testing.assert_close(wasserstein_points(x, y), wasserstein_points(y, x))
    detour = wasserstein_points(x, z) + wasserstein_points(z, y)
    assert wasserstein_points(x, y) <= detour + 1e-7


def test_the_distance_of_the_means_is_a_lower_bound() -> None:
    """Jensen; far apart it is nearly attained, and KL and JS would see no difference."""
    x, y = points(0, 9, 2), points(1, 6, 2)
    for gap in (0.0, 10.0, 1000.0):
        shift = torch.tensor([gap, 0.0])
        means = (x.mean(0) + shift - y.mean(0)).norm()
        found = wasserstein_points(x + shift, y)
        assert means - 1e-6 * gap <= found
    assert found == pytest.approx(float(means), rel=1e-3)


@pytest.mark.parametrize("m", [6, 4])
def test_gradients_of_the_distance(m: int) -> None:
    x, y = points(0, 6, 3).requires_grad_(), points(1, m, 3).requires_grad_()
    assert torch.autograd.gradcheck(wasserstein_points, (x, y))
    same = points(0, 4, 2).requires_grad_()
    wasserstein_points(same, same.detach()).backward()
    assert same.grad is not None
    assert same.grad.eq(0).all()  # at distance 0 too, not NaN


# the plan, and the critic that proves it


@given(seed=st.integers(0, 100_000), n=st.integers(1, 8), m=st.integers(1, 8), even=st.booleans())
@often
def test_plan_and_critic_prove_each_other(seed: int, n: int, m: int, even: bool) -> None:
    x, y = points(seed, n, 2), points(seed + 1, m, 2)
    a = torch.full((n,), 1 / n).double() if even else weights(seed + 2, n)
    b = torch.full((m,), 1 / m).double() if even else weights(seed + 3, m)
    found = optimal_transport(x, y) if even else optimal_transport(x, y, a, b)
    close = {"atol": 1e-6, "rtol": 0.0}
    # The plan moves a to b at this cost …
    assert found.plan.shape == (n, m)
    assert found.plan.min() >= 0
    torch.testing.assert_close(found.plan.sum(1), a, **close)
    torch.testing.assert_close(found.plan.sum(0), b, **close)
    torch.testing.assert_close((found.plan * torch.cdist(x, y)).sum(), found.distance, **close)
    # … and no plan is cheaper, since a critic of slope 1 attains the same value.
    f_x, f_y = found.critic(x), found.critic(y)
    torch.testing.assert_close(a @ f_x - b @ f_y, found.distance, **close)
    torch.testing.assert_close(b @ f_y, torch.zeros(()).double(), **close)
    everywhere = torch.cat([x, y, 3 * points(seed + 4, 30, 2)])
    f = found.critic(everywhere)
    assert ((f[:, None] - f).abs() <= torch.cdist(everywhere, everywhere) + 1e-9).all()


def test_the_critic_falls_with_slope_1_along_every_way() -> None:
    """Gulrajani et al. 2017, proposition 1: why the gradient penalty asks for a norm of 1."""
    x, y = points(0, 20, 2), points(1, 20, 2) + 1
    found = optimal_transport(x, y)
    rows, columns = found.plan.nonzero().T
    start, end = x[rows], y[columns]
    for t in (0.1, 0.5, 0.9):
        between = torch.lerp(start, end, t)
        expected = found.critic(start) - t * (end - start).norm(dim=1)
        torch.testing.assert_close(found.critic(between), expected)
        slope = torch.func.grad(lambda u: found.critic(u).sum())(between)
        way = (start - end) / (end - start).norm(dim=1, keepdim=True)
        torch.testing.assert_close(slope, way)


def test_prices_of_a_large_assignment_are_still_exact() -> None:
    x, y = points(3, 300, 2), points(4, 300, 2)
    found = optimal_transport(x, y)
    gap = found.critic(x).mean() - found.critic(y).mean() - found.distance
    assert abs(gap) < 1e-12


def test_precision_and_weights_of_nothing() -> None:
    x, y = points(0, 5, 2), points(1, 5, 2)
    assert wasserstein_points(x.float(), y.float()).dtype == torch.float32
    assert wasserstein_points(x.bfloat16(), y.bfloat16()).dtype == torch.float32
    ignored = torch.tensor([0.5, 0.5, 0.0, 0.0, 0.0])
    torch.testing.assert_close(
        wasserstein_points(x, y, ignored, ignored), wasserstein_points(x[:2], y[:2]),
        atol=1e-7, rtol=0,
    )  # fmt: skip
    assert optimal_transport(x, x).distance == 0


# bad input


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (torch.rand(3), torch.rand(3), r"\[n, D\].*flatten\(1\)"),
        (torch.rand(3, 2), torch.rand(3, 3), r"got \[3, 2\] and \[3, 3\]"),
        (torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4), r"flatten\(1\)"),
        (torch.rand(0, 2), torch.rand(3, 2), "must be"),
        (torch.tensor([[torch.nan]]), torch.rand(1, 1), "finite"),
        (torch.ones(2, 1).long(), torch.rand(2, 1), "floating-point"),
    ],
)
def test_points_that_do_not_fit_are_refused(x: Tensor, y: Tensor, words: str) -> None:
    for function in (wasserstein_points, optimal_transport):
        with pytest.raises(ValueError, match=words):
            function(x, y)


@pytest.mark.parametrize(
    "bad", [torch.ones(2), torch.tensor([0.5, 0.5]), torch.tensor([1.5, -0.5, 0.0])]
)
def test_weights_must_be_a_distribution(bad: Tensor) -> None:
    x = torch.rand(3, 2)
    with pytest.raises(ValueError, match=r"weights_x must be \[3\].*sum to 1"):
        wasserstein_points(x, x, bad)
    with pytest.raises(ValueError, match="weights_y must be"):
        wasserstein_points(x, x, None, bad)


def test_sets_that_would_take_minutes_are_refused_at_once() -> None:
    many = torch.zeros(transport.MOST_POINTS + 1, 2)
    with pytest.raises(ValueError, match=r"4,001 and 4,001.*minutes.*random part"):
        wasserstein_points(many, many)
    with pytest.raises(ValueError, match=r"500,000 pairs.*random part"):
        wasserstein_points(many, many[:2_000])
