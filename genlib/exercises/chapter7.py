"""Checks of chapter 7's exercises: distances and shares between sets of features, and copies."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genlib.exercises.calling import call, judge, normal
from genlib.exercises.copies7 import CASES, turned_round
from genlib.exercises.mistakes7 import (
    density_coverage,
    frechet,
    precision_recall,
    wrong_densities,
    wrong_frechets,
    wrong_precisions,
)
from genlib.exercises.report import Finding
from genlib.exercises.several import call_several, with_number
from genlib.exercises.trial import Stop, Wrong, check, compare

Shares = Callable[[Tensor, Tensor, int], Tensor]
_ERRORS = {  # words of an error message, and what they point to
    "ComplexDouble": "The eigenvalues of a product that is not symmetric come as complex numbers: "
    "take `.real` of them.",
    "must match the size of tensor": "The sets differ in size: compare means and covariances, "
    "[D] and [D, D]. `torch.cov` has a feature in each row: give it `a.T`.",
    "inconsistent tensor size": "`torch.cov` has a feature in each row: give it `a.T`.",
    "cannot be multiplied": "`torch.cov` has a feature in each row: give it `a.T`, and the "
    "covariance is [D, D].",
    "positive-definite": "With fewer samples than features a covariance has no Cholesky factor: "
    "take roots of eigenvalues, those below 0 by rounding set to 0.",
    "singular": "With fewer samples than features a covariance has no inverse: it needs none here.",
}
_FEW = (
    "With fewer samples than features the covariances have eigenvalues 0, which rounding may put "
    "below 0: set those to 0 before the root."
)


@check("Exercise 7.1, Fréchet distance")
def check_frechet(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(a, b)`, ‖μ_a − μ_b‖² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½) of features; `[]`.

    `a` is `[N, D]`, `b` `[M, D]`. Also looked at: a set and itself, a set moved by a vector, fewer
    samples than features.
    """
    hint, fn = "Two sets of features in, one number out.", _real_number(fn)
    for n, m, dims in ((12, 9, 3), (20, 30, 4)):
        a, b = _sets(n, m, dims)
        value = call(fn, a, b, hint=hint, errors=_ERRORS)
        what = f"for features of shape {[n, dims]} and {[m, dims]}, your distance"
        nan = "The square root of an entry below 0? It is the root of a matrix that is asked."
        wrongs = wrong_frechets(a, b)
        findings.append(judge(value, frechet(a, b), wrongs, what, "Return one number.", nan))
        if not findings[-1].ok:
            return
    a, _ = _sets(20, 30, 4)
    shift = torch.tensor([0.0, 3.0, 4.0, 0.0])
    scale = float(a.T.cov().trace())
    for b, due, what in (
        (a, 0.0, "between a set and itself, your distance"),
        (a + shift, 25.0, "between a set and itself, moved by a vector of length 5, your distance"),
    ):
        value = call(fn, a, b, hint=hint, errors=_ERRORS).double()
        near = value.shape == () and abs(float(value) - due) < 1e-4 * scale
        right = torch.tensor(due).double()
        findings.append(compare(right if near else value, right, [], what))
        if not near:
            return
    a, b = _sets(4, 5, 7)
    value = call(fn, a, b, hint=_FEW, errors=_ERRORS)
    what = "for 4 and 5 samples of 7 features, your distance"
    found = compare(value, frechet(a, b), [], what)
    findings.append(found if found.ok else replace(found, cause=_FEW))


@check("Exercise 7.2, precision and recall")
def check_precision_recall(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(real, fake, k)`, improved precision and recall of `[N, D]` and `[M, D]`.

    Also looked at: clusters that are left out or made up, points on the edge of a ball.
    """
    names = ("precision", "recall")
    _two_shares(fn, names, precision_recall, wrong_precisions, findings)
    if not all(found.ok for found in findings):
        return
    near, far = normal(7, "near", 10, 2), normal(7, "far", 10, 2) + 50
    both = torch.cat([near, far])
    for real, fake, due, what, cause in (
        (both, near + 1e-3, (1.0, 0.5), "where fakes have one of the two real clusters",
         "All fakes are good, half of the real vectors have no like: precision 1, recall ½."),
        (near, both + 1e-3, (0.5, 1.0), "where half of the fakes form a cluster of their own",
         "Half of the fakes are good, all real vectors have their like: precision ½, recall 1."),
    ):  # fmt: skip
        findings.append(_known(fn, names, (real, fake, 3), due, what, cause))
        if not findings[-1].ok:
            return
    line = torch.arange(6.0)[:, None].double()
    edge = "A ball includes its edge: a distance that equals the radius is inside (≤)."
    findings.append(
        _known(fn, names, (line, line - 6, 1), (1 / 6, 1 / 6), "for 0 … 5 and −6 … −1", edge)
    )


@check("Exercise 7.3, density and coverage")
def check_density_coverage(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(real, fake, k)`, density and coverage of `[N, D]` and `[M, D]`.

    Also looked at: a fake set all in one place, a real vector far from the others.
    """
    names = ("density", "coverage")
    _two_shares(fn, names, density_coverage, wrong_densities, findings)
    if not all(found.ok for found in findings):
        return
    line = torch.tensor([0.0, 1, 2, 3, 100])[:, None].double()
    for fake, due, what, cause in (
        (torch.full((4, 1), 1.5).double(), (2.0, 0.4),
         "where all fakes lie between 1 and 2, and the real vectors at 0, 1, 2, 3 and 100",
         "With k = 1 the balls around 1 and 2 reach there, and no other: density 2, coverage 2/5."),
        (torch.full((4, 1), 50.0).double(), (1.0, 0.2),
         "where all fakes lie at 50, and the real vectors at 0, 1, 2, 3 and 100",
         "Only the ball around 100 reaches there: density 1, coverage 1/5."),
        (torch.tensor([-1.0, -1, -2, -3])[:, None].double(), (0.5, 0.2),
         "for fakes at −1, −1, −2 and −3, and real vectors at 0, 1, 2, 3 and 100",
         "A ball includes its edge: −1 is at the radius of the ball around 0, and inside (≤)."),
    ):  # fmt: skip
        findings.append(_known(fn, names, (line, fake, 1), due, what, cause))
        if not findings[-1].ok:
            return


@check("Exercise 7.4, spot the memoriser")
def check_memoriser(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(samples, train, held_out)`: True if samples are copies of training vectors.

    All are features `[n, D]`. Asked about sets with 0, 5, 20 and 100 % copies, exact and with
    noise, among fresh samples, averages and samples that leave much out; in other units, and
    beside sets of other sizes. Of clean sets, at most one in twenty may be called a copier.
    """
    for case in CASES:
        findings.append(case.findings(fn))
        if findings[-1].ok:
            continue
        if case is CASES[0] and (cause := turned_round(fn)):
            findings[-1] = replace(findings[-1], cause=cause)
        return


def _two_shares(
    fn: Any, names: Sequence[str], right: Shares,
    wrongs: Callable[[Tensor, Tensor, int], list[Wrong]], findings: list[Finding],
) -> None:  # fmt: skip
    """Both figures of sets of unequal size that overlap in part."""
    for n, m, k, shift in ((83, 61, 3, 3.0), (58, 97, 5, 2.5)):
        real, fake = _overlapping(n, m, shift)
        value = _both(fn, names, real, fake, k)
        what = f"for {n} real and {m} fake vectors and k = {k}, ({', '.join(names)})"
        findings.append(judge(value, right(real, fake, k), wrongs(real, fake, k), what))
        if not findings[-1].ok:
            return


def _overlapping(n: int, m: int, shift: float) -> tuple[Tensor, Tensor]:
    """Real vectors, and fake ones: most crowd in the middle of them, the others lie at one side.

    On these two pairs of sets every known mistake gives figures of its own.
    """
    fake, side = normal(7, "fake", m, 2), torch.arange(m)[:, None] % 3 == 0
    return normal(7, "real", n, 2), torch.where(side, fake + shift, 0.35 * fake - 0.2)


def _known(
    fn: Any, names: Sequence[str], inputs: tuple[Tensor, Tensor, int], due: Sequence[float],
    what: str, cause: str,
) -> Finding:  # fmt: skip
    """Both figures where they are known without computing."""
    right = torch.tensor(due, dtype=torch.float64)
    found = compare(_both(fn, names, *inputs), right, [], f"{what}, ({', '.join(names)})")
    return found if found.ok else replace(found, cause=cause)


def _both(fn: Any, names: Sequence[str], *inputs: Any) -> Tensor:
    hint = f"Two sets of vectors and k in, {names[0]} and {names[1]} out, each one number."
    errors = {
        "out of range": "The k-th nearest of the others is the (k + 1)-th smallest of all "
        "distances, the vector itself being the first.",
        "can only be implicitly": hint,
    }
    values = call_several(fn, *inputs, names=names, hint=hint, numbers=True, errors=errors)
    shapes = {v.shape for v in values}
    return torch.stack([v.double() for v in values]) if len(shapes) == 1 else values[0].double()


def _sets(n: int, m: int, dims: int) -> tuple[Tensor, Tensor]:
    """Features with covariances that do not commute, and no variance like another."""
    mix = 0.6 * normal(7, "mix", 2, dims, dims) + torch.eye(dims)
    a, b = normal(7, "a", n, dims) @ mix[0] + 0.8, 1.3 * normal(7, "b", m, dims) @ mix[1]
    return a, b


def _real_number(fn: Any) -> Any:
    """`fn` with numbers made tensors, complex ones refused in words that the errors explain."""

    @functools.wraps(fn)
    def wrapped(*inputs: Any) -> Any:
        value = fn(*inputs)
        if isinstance(value, (complex, np.complexfloating)) or (
            isinstance(value, Tensor) and value.is_complex()
        ):
            cause = (
                "The product of two covariances is not symmetric, and rounding gives its root tiny "
                "imaginary parts: take the real part."
            )
            raise Stop(Finding(False, "it returned a complex number", cause))
        return value

    return with_number(wrapped)
