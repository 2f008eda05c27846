"""Each check of chapter 7, on right answers in several spellings and on wrong ones by name."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch

from genlib import metrics
from genlib.exercises import (
    check_density_coverage,
    check_frechet,
    check_memoriser,
    check_precision_recall,
    mistakes7,
)
from genlib.exercises.copies7 import CASES
from tests.exercises.reports import Answers, said

CHECKS = {
    check_frechet: 2, check_precision_recall: 3, check_density_coverage: 3, check_memoriser: 3
}  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
def test_no_check_ever_raises(check):
    assert not check(lambda *_: ...).attempted
    assert said(check(lambda *_: None), "lack `return`")
    assert said(check(lambda *_: 1 / 0), "ZeroDivisionError")
    assert said(check(lambda: 0), "cannot be called", f"{CHECKS[check]} arguments")
    assert said(check(3), "not a function")
    assert said(check(lambda *_: torch.zeros(2, 3)), "")
    assert said(check(lambda *_: (torch.zeros(2), "x")), "")


# 7.1 Fréchet distance


def by_eigenvalues(a, b):
    A, B = a.T.cov(), b.T.cov()
    overlap = torch.linalg.eigvals(A @ B).real.clamp(min=0).sqrt().sum()
    return (a.mean(0) - b.mean(0)).square().sum() + A.trace() + B.trace() - 2 * overlap


def in_scipy(a, b):
    a, b = a.numpy(), b.numpy()
    A, B = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.real(scipy.linalg.sqrtm(A @ B))
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(A + B - 2 * root)


def in_single_precision(a, b):
    return by_eigenvalues(a.float(), b.float())


FRECHET_RIGHT = [by_eigenvalues, in_scipy, in_single_precision, metrics.frechet_distance]


@pytest.mark.parametrize("fn", FRECHET_RIGHT)
def test_frechet_right(fn):
    report = check_frechet(fn)
    assert report, str(report)


def root(cov):
    values, vectors = torch.linalg.eigh(cov)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def singular_values(A, B):
    return torch.linalg.svdvals(root(A) @ root(B)).sum()


def distance(
    shift=lambda d: d.square().sum(), overlap=None, cov=lambda v: v.T.cov(), double=2.0,
    end=lambda v: v,
):  # fmt: skip
    """The distance with something else in one place."""

    def fn(a, b):
        A, B = cov(a), cov(b)
        shared = (overlap or singular_values)(A, B)
        return end(shift(a.mean(0) - b.mean(0)) + A.trace() + B.trace() - double * shared)

    return fn


def complex_root(a, b):
    A, B = a.T.cov(), b.T.cov()
    overlap = torch.linalg.eigvals(A @ B).sqrt().sum()
    return (a.mean(0) - b.mean(0)).square().sum() + A.trace() + B.trace() - 2 * overlap


def not_clamped(a, b):
    A, B = a.T.cov(), b.T.cov()
    overlap = torch.linalg.eigvals(A @ B).real.sub(1e-12).sqrt().sum()
    return (a.mean(0) - b.mean(0)).square().sum() + A.trace() + B.trace() - 2 * overlap


FRECHET_WRONG = {
    "the trace of Σ_a Σ_b": distance(overlap=lambda A, B: (A @ B).trace()),
    "the root of each entry": distance(overlap=lambda A, B: (A @ B).abs().sqrt().trace()),
    "It is the root of a matrix": distance(
        overlap=lambda A, B: (A.sqrt() @ B.sqrt()).trace()
    ),
    "multiplied the roots": distance(overlap=lambda A, B: (root(A) @ root(B)).trace()),
    "is not squared": distance(shift=lambda d: d.norm()),
    "yours divide by N": distance(cov=lambda v: v.T.cov(correction=0)),
    "The factor 2": distance(double=1.0),
    "tiny imaginary parts": complex_root,
    "The covariances are missing, or cancel": distance(overlap=lambda A, B: (A + B).trace() / 2),
    "The sign before the root": distance(double=-2.0),
    "The means are missing": distance(shift=lambda d: 0),
    "averaged over the features: sum": distance(shift=lambda d: d.square().mean()),
    "Only variances": distance(overlap=lambda A, B: (A.diag() * B.diag()).sqrt().sum()),
    "That is the root of the distance": distance(end=lambda v: v.sqrt()),
    "The root of the trace": distance(overlap=lambda A, B: (A @ B).trace().sqrt()),
    "a feature in each row": distance(cov=lambda v: v.cov()),
    "You took correlations": distance(cov=lambda v: v.T.corrcoef()),
    "With fewer samples than features": not_clamped,
    "it changed the tensors": lambda a, b: by_eigenvalues(a.sub_(1), b),
}  # fmt: skip


@pytest.mark.parametrize("cause", FRECHET_WRONG)
def test_frechet_names_the_cause(cause):
    assert said(check_frechet(FRECHET_WRONG[cause]), cause)


# 7.2 precision and recall


def radius(vectors, k):
    return torch.cdist(vectors, vectors).fill_diagonal_(torch.inf).kthvalue(k).values


def precision_recall(real, fake, k):
    away = torch.cdist(real, fake)
    precision = (away <= radius(real, k)[:, None]).any(0).double().mean()
    return precision, (away <= radius(fake, k)).any(1).double().mean()


def by_loops(real, fake, k):
    def share(points, centres):
        inside = 0
        reach = [sorted((c - d).norm().item() for d in centres)[k] for c in centres]
        for p in points:
            inside += any((p - c).norm() <= r for c, r in zip(centres, reach, strict=True))
        return inside / len(points)

    return share(fake, real), share(real, fake)


def in_numpy(real, fake, k):
    found = metrics.precision_recall(real, fake, k)
    return np.float64(found.precision), np.float64(found.recall)


PRECISION_RECALL_RIGHT = [precision_recall, by_loops, in_numpy, mistakes7.precision_recall]


@pytest.mark.parametrize("fn", PRECISION_RECALL_RIGHT)
def test_precision_recall_right(fn):
    report = check_precision_recall(as_pair(fn))
    assert report, str(report)


def as_pair(fn):
    def pair(*inputs):
        return tuple(fn(*inputs))

    return pair


def away_from(a, b):
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def of_balls(reach, look=lambda inside: inside.any(0), compare=torch.le):
    """Precision and recall with other radii, or another question to the balls."""

    def fn(real, fake, k):
        away = away_from(real, fake)
        return (
            look(compare(away, reach(real, fake, k)[:, None])).double().mean(),
            look(compare(away.T, reach(fake, real, k)[:, None])).double().mean(),
        )

    return fn


PRECISION_WRONG = {
    "have changed places": lambda *a: precision_recall(*a)[::-1],
    "itself counts as its first": of_balls(lambda own, _, k: torch.cdist(own, own).sort().values[
        :, k - 1
    ]),
    "neighbour k + 1": of_balls(lambda own, _, k: radius(own, k + 1)),
    "around the wrong set": lambda r, f, k: (
        (torch.cdist(r, f) <= radius(f, k)).any(0).double().mean(),
        (torch.cdist(r, f) <= radius(r, k)[:, None]).any(1).double().mean(),
    ),
    "you took one for all": of_balls(lambda own, _, k: radius(own, k).mean().expand(len(own))),
    "you ask for all of them": of_balls(lambda own, _, k: radius(own, k), lambda i: i.all(0)),
    "counted the balls that have someone": of_balls(
        lambda own, _, k: radius(own, k), lambda i: i.any(1)
    ),
    "k-th nearest of the other": of_balls(
        lambda own, other, k: away_from(own, other).kthvalue(k).values
    ),
    "is inside (≤)": of_balls(lambda own, _, k: radius(own, k), compare=torch.lt),
    "in one or in ten": of_balls(lambda own, _, k: radius(own, k), lambda i: i.sum(0)),
    "the mean distance to the k": of_balls(
        lambda own, _, k: torch.cdist(own, own).sort().values[:, 1 : k + 1].mean(1)
    ),
    "Those are percentages": lambda *a: [100 * v for v in precision_recall(*a)],
    "Two precisions": lambda r, f, k: (precision_recall(r, f, k)[0],) * 2,
    "it returned one tensor": lambda *a: torch.stack(precision_recall(*a)).prod(),
    "it returned 3 values": lambda *a: (*precision_recall(*a), 0.0),
}  # fmt: skip


@pytest.mark.parametrize("cause", PRECISION_WRONG)
def test_precision_recall_names_the_cause(cause):
    assert said(check_precision_recall(PRECISION_WRONG[cause]), cause)


# 7.3 density and coverage


def density_coverage(real, fake, k):
    inside = torch.cdist(real, fake) <= radius(real, k)[:, None]
    return inside.sum() / (k * len(fake)), inside.any(1).double().mean()


def by_library(real, fake, k):
    found = metrics.density_coverage(real, fake, k)
    return found.density, found.coverage


DENSITY_COVERAGE_RIGHT = [density_coverage, by_library]


@pytest.mark.parametrize("fn", DENSITY_COVERAGE_RIGHT)
def test_density_coverage_right(fn):
    report = check_density_coverage(fn)
    assert report, str(report)


def of_inside(density=None, coverage=None, reach=radius):
    def fn(real, fake, k):
        inside = (torch.cdist(real, fake) <= reach(real, k)[:, None]).double()
        return (
            density(inside, k) if density else inside.sum(0).mean() / k,
            coverage(inside, k) if coverage else inside.amax(1).mean(),
        )

    return fn


DENSITY_WRONG = {
    "have changed places": lambda *a: density_coverage(*a)[::-1],
    "itself counts as its first": of_inside(
        reach=lambda v, k: torch.cdist(v, v).sort().values[:, k - 1]
    ),
    "around the fake vectors: here": lambda r, f, k: density_coverage(f, r, k),
    "division by k is missing": of_inside(lambda i, k: i.sum(0).mean()),
    "number of real vectors: divide": of_inside(lambda i, k: i.sum(1).mean() / k),
    "precision in place of density": of_inside(lambda i, k: i.amax(0).mean()),
    "cut off at 1": of_inside(lambda i, k: (i.sum(0).mean() / k).clamp(max=1)),
    "precision in place of coverage": of_inside(None, lambda i, k: i.amax(0).mean()),
    "not for k": of_inside(None, lambda i, k: (i.sum(1) >= k).double().mean()),
    "average over all pairs": of_inside(lambda i, k: i.mean()),
    "the largest radius": of_inside(reach=lambda v, k: radius(v, k).max().expand(len(v))),
}


@pytest.mark.parametrize("cause", DENSITY_WRONG)
def test_density_coverage_names_the_cause(cause):
    assert said(check_density_coverage(DENSITY_WRONG[cause]), cause)


# 7.4 spot the memoriser


def near(a, b):
    return torch.cdist(a, b).amin(1)


def among_the_nearest(samples, train, held_out, tenth=True, by_size=True, threshold=3.0):
    """Of the samples nearest to anything real, more at training vectors than chance gives?"""
    to_train, to_held = near(samples, train), near(samples, held_out)
    order = torch.minimum(to_train, to_held).argsort()
    order = order[: len(samples) // 10] if tenth else order
    share = (to_train < to_held)[order].double().mean()
    chance = len(train) / (len(train) + len(held_out)) if by_size else 0.5
    return bool(share - chance > threshold * (chance * (1 - chance) / len(order)) ** 0.5)


def with_equal_sizes(samples, train, held_out):
    """As many of both, so that chance is a half; a sign test among the nearest tenth."""
    n = min(len(train), len(held_out))
    to_train, to_held = near(samples, train[:n]), near(samples, held_out[:n])
    order = torch.minimum(to_train, to_held).argsort()[: len(samples) // 10]
    won = int((to_train < to_held)[order].sum())
    p = scipy.stats.binomtest(won, len(order), 0.5, alternative="greater").pvalue
    return torch.tensor(p < 0.001)


def by_metric(samples, train, held_out):
    return metrics.memorisation(samples, train, held_out).copies


MEMORISER_RIGHT = [among_the_nearest, with_equal_sizes, by_metric]


@pytest.mark.parametrize("fn", MEMORISER_RIGHT)
def test_memoriser_right(fn):
    report = check_memoriser(fn)
    assert report, str(report)


def share_exact(samples, train, held_out):
    return bool((near(samples, train) < 1e-6).double().mean() > 0.01)


MEMORISER_WRONG = {
    "Every sample is a training vector": lambda s, t, h: False,
    "by chance alone: about half": lambda s, t, h: among_the_nearest(s, t, h, threshold=0.0),
    "three of them, say": lambda s, t, h: True,
    "A copy need not be exact": share_exact,
    "no distance is near or far by itself": lambda s, t, h: bool(
        (near(s, t) < 0.4).double().mean() > 0.1
    ),
    "Compare each sample's distance": lambda s, t, h: bool(
        near(s, t).quantile(0.1) < 0.9 * near(h, t).quantile(0.1)
    ),
    "by chance alone three of four": lambda s, t, h: among_the_nearest(s, t, h, by_size=False),
    "So few are lost": lambda s, t, h: among_the_nearest(s, t, h, tenth=False),
    "the arguments are samples": lambda s, t, h: among_the_nearest(s, h, t),
    "Four samples of five are no": lambda s, t, h: bool(
        near(s, t).median() < 0.5 * near(h, t).median()
    ),
    "Ask in one direction only": lambda s, t, h: (
        among_the_nearest(s, t, h) or among_the_nearest(s, h, t)
    ),
    "Return True or False": lambda s, t, h: near(s, t).mean(),
    "many truths": lambda s, t, h: not near(s, t) > near(s, h),
    "it changed the tensors": lambda s, t, h: by_metric(s.mul_(2), t, h),
}  # fmt: skip


@pytest.mark.parametrize("cause", MEMORISER_WRONG)
def test_memoriser_names_the_cause(cause):
    assert said(check_memoriser(MEMORISER_WRONG[cause]), cause)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_the_sets_are_what_they_are_called(case):
    samples, train, held_out = case.make(0)
    assert [len(samples), len(train), len(held_out)] == [1000, case.train, case.held_out]
    far = 6 * case.noise * case.unit + 1e-5
    assert (near(samples, train) <= far).double().mean() >= case.copied
    if not case.noise:
        assert (near(samples, train) <= far).double().mean() == pytest.approx(case.copied)
        assert (near(samples, held_out) <= far).double().mean() == pytest.approx(case.held_copied)
    assert not torch.equal(case.make(1)[0], samples)


# all

BANKS = {
    "frechet": (check_frechet, mistakes7.wrong_frechets, ((6, 3), (5, 3)), ()),
    "precision": (check_precision_recall, mistakes7.wrong_precisions, ((6, 2), (5, 2)), (2,)),
    "density": (check_density_coverage, mistakes7.wrong_densities, ((6, 2), (5, 2)), (2,)),
}
KNOWN = [
    pytest.param(name, i, id=f"{name}-{i}")
    for name, (_, bank, shapes, more) in BANKS.items()
    for i in range(len(bank(*(torch.rand(s) for s in shapes), *more)))
]


@pytest.mark.parametrize(("name", "i"), KNOWN)
def test_no_known_mistake_passes_for_another(name, i):
    check, bank, _, _ = BANKS[name]
    asked = []

    def answer(*inputs):
        asked.append(bank(*inputs)[i])
        value = asked[-1][1]
        return value if name == "frechet" else tuple(value)

    students = {2: lambda a, b: answer(a, b), 3: lambda a, b, k: answer(a, b, k)}
    assert said(check(students[CHECKS[check]]), asked[0][0])


def test_the_library_agrees_with_what_answers_are_held_against():
    g = torch.Generator().manual_seed(0)
    a, b = torch.randn(30, 4, generator=g).double(), torch.randn(20, 4, generator=g).double() + 0.5
    distance = metrics.frechet_distance(a, b)
    assert mistakes7.frechet(a, b).item() == pytest.approx(distance)
    for k in (1, 3):
        ours, theirs = mistakes7.precision_recall(a, b, k), metrics.precision_recall(a, b, k)
        assert ours.tolist() == pytest.approx([theirs.precision, theirs.recall])
        ours, theirs = mistakes7.density_coverage(a, b, k), metrics.density_coverage(a, b, k)
        assert ours.tolist() == pytest.approx([theirs.density, theirs.coverage])


# the bank: test_bank.py asks of every check

BANK = {
    check_frechet: Answers(FRECHET_RIGHT, FRECHET_WRONG),
    check_precision_recall: Answers(
        [as_pair(fn) for fn in PRECISION_RECALL_RIGHT], PRECISION_WRONG
    ),
    check_density_coverage: Answers(DENSITY_COVERAGE_RIGHT, DENSITY_WRONG),
    check_memoriser: Answers(MEMORISER_RIGHT, MEMORISER_WRONG),
}
