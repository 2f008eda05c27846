"""Each check of chapter 5, on right answers in several spellings and on wrong ones by name."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from scipy.optimize import linear_sum_assignment

from genlib import divergences, losses, metrics
from genlib.exercises import (
    check_critic_loss,
    check_gradient_penalty,
    check_lipschitz,
    check_wasserstein,
    mistakes5,
)
from tests.exercises.reports import Answers, said

CHECKS = [check_wasserstein, check_lipschitz, check_gradient_penalty, check_critic_loss]


@pytest.mark.parametrize("check", CHECKS)
def test_no_check_ever_raises(check):
    assert not check(lambda *_: ...).attempted
    assert said(check(lambda *_: None), "lack `return`")
    assert said(check(lambda *_: 1 / 0), "ZeroDivisionError")
    assert said(check(lambda: 0), "cannot be called")
    assert said(check(3), "not a function")


# 5.1 W₁


def all_pairings(x, y):
    return min((x - y[list(p)]).norm(dim=1).mean() for p in permutations(range(len(x))))


def by_assignment(x, y):
    cost = torch.cdist(x, y)
    rows, columns = linear_sum_assignment(cost.numpy())
    return cost[rows, columns].mean()


def in_numpy(x, y):
    cost = torch.cdist(x, y).numpy()
    return cost[linear_sum_assignment(cost)].mean()


WASSERSTEIN_RIGHT = [all_pairings, by_assignment, in_numpy, divergences.wasserstein_points]


@pytest.mark.parametrize("fn", WASSERSTEIN_RIGHT)
def test_wasserstein_right(fn):
    report = check_wasserstein(fn)
    assert report, str(report)


def matched(cost):
    return linear_sum_assignment(cost.numpy())


WASSERSTEIN_WRONG = {
    "in the order they came": lambda x, y: (x - y).norm(dim=1).mean(),
    "went to its nearest": lambda x, y: torch.cdist(x, y).min(1).values.mean(),
    "took its nearest": lambda x, y: torch.cdist(x, y).min(0).values.mean(),
    "the Chamfer distance: each": lambda x, y: (
        (torch.cdist(x, y).amin(0) + torch.cdist(x, y).amin(1)).mean() / 2
    ),
    "moves everything everywhere": lambda x, y: torch.cdist(x, y).mean(),
    "each point has mass 1/n": lambda x, y: by_assignment(x, y) * len(x),
    "the square of W₂": lambda x, y: (c := torch.cdist(x, y) ** 2)[matched(c)].mean(),
    "That is W₂": lambda x, y: (c := torch.cdist(x, y) ** 2)[matched(c)].mean().sqrt(),
    "the distance is Euclidean": lambda x, y: (c := torch.cdist(x, y, p=1))[matched(c)].mean(),
    "coordinates move together": lambda x, y: (
        (x.sort(0).values - y.sort(0).values).norm(dim=1).mean()
    ),
    "between the means": lambda x, y: (x.mean(0) - y.mean(0)).norm(),
    "the longest": lambda x, y: torch.cdist(x, y).amin(1).max(),
    "costs most": lambda x, y: (c := torch.cdist(x, y))[matched(-c)].mean(),
    "Return one number": lambda x, y: (c := torch.cdist(x, y))[matched(c)],
    "it changed the tensors": lambda x, y: by_assignment(x.sub_(1), y),
    "The order of the points must not matter": lambda x, y: (
        by_assignment(x, y) + 0.1 * (x.mean(0) - y.mean(0)).norm().lt(1e-9)
    ),
}


@pytest.mark.parametrize("cause", WASSERSTEIN_WRONG)
def test_wasserstein_names_the_cause(cause):
    assert said(check_wasserstein(WASSERSTEIN_WRONG[cause]), cause)


# 5.2 a Lipschitz estimate


def over_pairs(f, points):
    best, scores = 0.0, f(points)
    for i in range(len(points)):
        for j in range(i):
            away = (points[i] - points[j]).norm()
            if away > 0:
                best = max(best, float((scores[i] - scores[j]).abs() / away))
    return best


def masked(f, points):
    scores, away = f(points), torch.cdist(points, points)
    apart = away > 0
    return ((scores[:, None] - scores).abs()[apart] / away[apart]).max()


def library(f, points):
    return metrics.lipschitz_estimate(f, points[:1], points[1:]).pairs


LIPSCHITZ_RIGHT = [over_pairs, masked, library]


@pytest.mark.parametrize("fn", LIPSCHITZ_RIGHT)
def test_lipschitz_right(fn):
    report = check_lipschitz(fn)
    assert report, str(report)


def of_pairs(formula):
    """A largest value over pairs of formula(rise, distance)."""

    def fn(f, points):
        scores, away = f(points), torch.cdist(points, points)
        values = formula(scores[:, None] - scores, away)
        return values[~torch.eye(len(points)).bool()].max()

    return fn


LIPSCHITZ_WRONG = {
    "one steep pair is enough": lambda f, p: (
        of_pairs(lambda r, d: 0 * d + (r.abs() / d)[d > 0].mean())(f, p)
    ),
    "the other way round": of_pairs(lambda r, d: d / r.abs()),
    "of different pairs": of_pairs(lambda r, d: 0 * d + r.max() / d.max()),
    "the largest rise: divide": of_pairs(lambda r, d: r),
    "Only neighbours in the list": lambda f, p: (
        (f(p)[1:] - f(p)[:-1]).abs() / (p[1:] - p[:-1]).norm(dim=1)
    ).max(),
    "Only pairs with the first": lambda f, p: (
        (f(p)[1:] - f(p)[0]).abs() / (p[1:] - p[0]).norm(dim=1)
    ).max(),
    "The distance is squared": of_pairs(lambda r, d: r.abs() / d**2),
    "the square of the slope": of_pairs(lambda r, d: (r / d) ** 2),
    "largest gradient norm": lambda f, p: losses.gradient_norm(f, p).max(),
    "0 / 0 is NaN": lambda f, p: (
        (f(p)[:, None] - f(p)).abs() / torch.cdist(p, p)
    ).max(),
    "leave out all pairs": of_pairs(lambda r, d: r.abs() / d),
    "f(u) = 3 u₀": of_pairs(lambda r, d: (r.abs() / d).clamp(max=4)),
}  # fmt: skip


@pytest.mark.parametrize("cause", LIPSCHITZ_WRONG)
def test_lipschitz_names_the_cause(cause):
    assert said(check_lipschitz(LIPSCHITZ_WRONG[cause]), cause)


# 5.3 the gradient penalty


def points_between(x, fake, eps):
    eps = eps.reshape(-1, 1, 1, 1)
    return (eps * x + (1 - eps) * fake).requires_grad_()


def slope_at(critic, x_hat, create_graph=True):
    scores = critic(x_hat)
    return torch.autograd.grad(
        scores, x_hat, grad_outputs=torch.ones(len(scores)), create_graph=create_graph
    )[0]  # fmt: skip


def penalty_of(norm, between=points_between):
    """The penalty with another norm, or another x̂."""
    return lambda critic, x, fake, eps: (norm(slope_at(critic, between(x, fake, eps))) - 1) ** 2


def whole(slope):
    return slope.flatten(1).norm(dim=1)


def with_floor(slope):
    return (slope.flatten(1).square().sum(1) + 1e-12).sqrt()


def by_rows(critic, x, fake, eps):
    rows = []
    for a, b, e in zip(x, fake, eps, strict=True):
        x_hat = (e * a + (1 - e) * b)[None].requires_grad_()
        rows.append((slope_at(critic, x_hat).norm() - 1) ** 2)
    return torch.stack(rows)


PENALTY_RIGHT = [penalty_of(whole), penalty_of(with_floor), by_rows, losses.gradient_penalty]


@pytest.mark.parametrize("fn", PENALTY_RIGHT)
def test_penalty_right(fn):
    report = check_gradient_penalty(fn)
    assert report, str(report)


def whole_penalty(critic, x, fake, eps):
    return penalty_of(whole)(critic, x, fake, eps)


def no_graph(critic, x, fake, eps):
    slope = slope_at(critic, points_between(x, fake, eps), create_graph=False)
    return (whole(slope) - 1) ** 2


def half_of_the_graph(critic, x, fake, eps):
    norms = whole(slope_at(critic, points_between(x, fake, eps)))
    return (norms - 1) * (norms.detach() - 1)


PENALTY_WRONG = {
    "the norm over the channels": penalty_of(lambda g: g.norm(dim=1)),
    "all values of an image": lambda *a: penalty_of(lambda g: g.norm(dim=1))(*a).mean(),
    "one number per image, [B]": lambda *a: whole_penalty(*a).mean(),
    "one norm over the whole batch": penalty_of(lambda g: g.norm()),
    "1 is not subtracted": penalty_of(lambda g: whole(g) + 1),
    "The root is missing": penalty_of(lambda g: whole(g) ** 2),
    "the one-sided penalty": penalty_of(lambda g: whole(g).clamp(min=1)),
    "have changed places": lambda c, x, f, e: whole_penalty(c, f, x, e),
    "the images of the data: take": lambda c, x, f, e: whole_penalty(c, x, x, e),
    "the generated images: take": lambda c, x, f, e: whole_penalty(c, f, f, e),
    "middle of each pair": lambda c, x, f, e: whole_penalty(c, x, f, 0 * e + 0.5),
    "One ε serves the whole batch": lambda c, x, f, e: whole_penalty(c, x, f, 0 * e + e[0]),
    "lies on no line": penalty_of(whole, lambda x, f, e: (e * x + (1 - e) * f).requires_grad_()),
    "lies beyond x": penalty_of(
        whole, lambda x, f, e: (x + e.reshape(-1, 1, 1, 1) * (x - f)).requires_grad_()
    ),
    "summed the absolute values": penalty_of(lambda g: g.flatten(1).abs().sum(1)),
    "by λ = 10": lambda *a: 10 * whole_penalty(*a),
    "divided by the batch size": penalty_of(lambda g: whole(g) / len(g)),
    "x_hat.requires_grad_()": penalty_of(whole, lambda *a: points_between(*a).detach()),
    "create_graph=True": no_graph,
    "is wrong Is part of": half_of_the_graph,
    "0 / 0 at g = 0": penalty_of(lambda g: g.flatten(1).square().sum(1).sqrt()),
    "for a linear critic of slope 3": penalty_of(lambda g: whole(g).clamp(max=2)),
}


@pytest.mark.parametrize("cause", PENALTY_WRONG)
def test_penalty_names_the_cause(cause):
    assert said(check_gradient_penalty(PENALTY_WRONG[cause]), cause)


# 5.4 the critic's loss


def loss_plain(real, made, norms, weight):
    return made.mean() - real.mean() + weight * ((norms - 1) ** 2).mean()


def loss_rows(real, made, norms, weight):
    return sum(m - r + weight * (n - 1).square() for r, m, n in zip(real, made, norms)) / len(real)  # noqa: B905


CRITIC_LOSS_RIGHT = [loss_plain, loss_rows, mistakes5.critic_loss]


@pytest.mark.parametrize("fn", CRITIC_LOSS_RIGHT)
def test_critic_loss_right(fn):
    report = check_critic_loss(fn)
    assert report, str(report)


def square(norms):
    return (norms - 1) ** 2


LOSS_WRONG = {
    "sign of the distance": lambda r, m, n, w: (r - m + w * square(n)).mean(),
    "The penalty is missing": lambda r, m, n, w: (m - r).mean(),
    "λ is not used": lambda r, m, n, w: (m - r + square(n)).mean(),
    "λ multiplies the distance": lambda r, m, n, w: w * (m - r + square(n)).mean(),
    "averaged the norms": lambda r, m, n, w: (m - r).mean() + w * square(n.mean()),
    "1 is not subtracted": lambda r, m, n, w: (m - r + w * n**2).mean(),
    "not squared": lambda r, m, n, w: (m - r + w * (n - 1)).mean(),
    "one-sided": lambda r, m, n, w: (m - r + w * (n - 1).relu() ** 2).mean(),
    "no logits": lambda r, m, n, w: (m.sigmoid() - r.sigmoid() + w * square(n)).mean(),
    "the generator's loss": lambda r, m, n, w: -m.mean(),
    "take the mean": lambda r, m, n, w: (m - r + w * square(n)).sum(),
    "the mean over the batch": lambda r, m, n, w: m - r + w * square(n),
    "no gradient reaches norms": lambda r, m, n, w: loss_plain(r, m, n.detach(), w),
    "no gradient reaches real": lambda r, m, n, w: loss_plain(r.detach(), m, n, w),
}


@pytest.mark.parametrize("cause", LOSS_WRONG)
def test_critic_loss_names_the_cause(cause):
    assert said(check_critic_loss(LOSS_WRONG[cause]), cause)


# all four

BANKS = {
    "wasserstein": (check_wasserstein, mistakes5.wrong_wassersteins, ((5, 2), (5, 2))),
    "slopes": (check_lipschitz, lambda p: mistakes5.wrong_slopes(square_sum, p), ((7, 2),)),
    "penalty": (
        check_gradient_penalty,
        lambda x, f, e: mistakes5.wrong_penalties(square_sum, x, f, e),
        ((4, 2, 3, 4), (4, 2, 3, 4), (4,)),
    ),
    "loss": (check_critic_loss, mistakes5.wrong_critic_losses, ((6,), (6,), (6,), ())),
}


def square_sum(u):
    return u.flatten(1).square().sum(1)


KNOWN = [
    pytest.param(name, i, id=f"{name}-{i}")
    for name, (_, bank, shapes) in BANKS.items()
    for i in range(len(bank(*(torch.randn(s) for s in shapes))))
]


@pytest.mark.parametrize(("name", "i"), KNOWN)
def test_no_known_mistake_passes_for_another(name, i):
    check, bank, _ = BANKS[name]
    asked = []

    def answer(bank, *inputs):
        asked.append(bank(*inputs)[i])
        return asked[-1][1]

    students = {
        "wasserstein": lambda x, y: answer(bank, x, y),
        "slopes": lambda f, p: answer(mistakes5.wrong_slopes, f, p),
        "penalty": lambda c, x, f, e: answer(mistakes5.wrong_penalties, c, x, f, e),
        "loss": lambda r, m, n, w: answer(bank, r, m, n, w),
    }
    report = check(students[name])
    assert said(report, asked[0][0])


def test_the_library_agrees_with_what_answers_are_held_against():
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 5, 2, generator=g).double()
    torch.testing.assert_close(mistakes5.wasserstein(x, y), divergences.wasserstein_points(x, y))
    slope = metrics.lipschitz_estimate(square_sum, x[:1], x[1:]).pairs
    assert mistakes5.largest_slope(square_sum, x).item() == pytest.approx(slope)
    eps = torch.rand(5, generator=g).double()
    penalty = losses.gradient_penalty(square_sum, x, y, eps)
    torch.testing.assert_close(mistakes5.gradient_penalty(square_sum, x, y, eps), penalty)
    total, _, _ = losses.critic_loss(square_sum, x, y, eps, penalty_weight=3.0)
    norms = losses.gradient_norm(square_sum, torch.lerp(y, x, eps[:, None]))
    ours = mistakes5.critic_loss(square_sum(x), square_sum(y), norms, 3.0)
    torch.testing.assert_close(ours, total.mean())


# the bank: test_bank.py asks of every check

BANK = {
    check_wasserstein: Answers(WASSERSTEIN_RIGHT, WASSERSTEIN_WRONG),
    check_lipschitz: Answers(LIPSCHITZ_RIGHT, LIPSCHITZ_WRONG),
    check_gradient_penalty: Answers(PENALTY_RIGHT, PENALTY_WRONG),
    check_critic_loss: Answers(CRITIC_LOSS_RIGHT, LOSS_WRONG),
}
