"""Checks of chapter 2's exercises: KL divergence."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from genlib.exercises.calling import call, gradients, normal
from genlib.exercises.mistakes2 import (
    js,
    kl,
    wrong_estimators,
    wrong_jss,
    wrong_kls,
    wrong_priors,
)
from genlib.exercises.report import Finding
from genlib.exercises.trial import agree, check, compare, value_of

_LOST = "It was cut off: look for `.detach()`, `.data`, `.item()`, `no_grad`."
_ZERO = (
    "At p = 0 the product 0 · log 0 is NaN on a computer and must be 0: leave those outcomes out, "
    "with `torch.where`, `torch.xlogy` or a mask."
)
_normal = functools.partial(normal, 2)


@check("Exercise 2.1, KL from scratch")
def check_kl(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(p, q)`, KL(p‖q) of each row, `[B, K]` and `[B, K]` to `[B]`, in nats.

    Also looked at: zeros in p, in both, and in q alone; rare outcomes; the gradient with respect
    to q; and that both stay as they were.
    """
    for shape in ((5, 4), (1, 7)):
        p, q = _distributions("p", *shape), _distributions("q", *shape)
        value = call(fn, p, q)
        what = f"for p and q of shape {list(shape)}, your result"
        findings.append(compare(value, kl(p, q), wrong_kls(p, q), what))
        if not findings[-1].ok:
            return
    p = _rows([0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [1.0, 0.0, 0.0])
    q = _rows([0.2, 0.3, 0.5], [0.25, 0.75, 0.0], [0.5, 0.25, 0.25])
    findings.append(_zeros(call(fn, p, q), kl(p, q), "where p is 0"))
    if not findings[-1].ok:
        return
    value = call(fn, q[:1], p[:1])
    fine = bool(torch.isposinf(value).all()) and value.shape == (1,)
    findings.append(
        Finding(fine, f"where p > 0 and q = 0, your result is {_first(value)}, expected inf",
                "" if fine else "Such an outcome must cost infinity: no ε, no mask on q, no clamp.")
    )  # fmt: skip
    if not fine:
        return
    p, q = (torch.tensor([[1 - e, e]], dtype=torch.float64) for e in (1e-7, 1e-12))
    found = compare(
        call(fn, p, q), kl(p, q), [], "for probabilities of 1e-7 and 1e-12, your result"
    )
    cause = "An ε or a clamp is larger than these probabilities: leave it out."
    findings.append(found if found.ok else Finding(False, found.symptom, cause))
    if found.ok:
        p, q = _distributions("p", 5, 4), _distributions("q", 5, 4)
        findings.append(_gradient(fn, p, q, 1, -p / q, "q"))


@check("Exercise 2.2, Gaussian KL to the prior")
def check_kl_to_prior(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(mu, log_var)`, KL(N(μ, diag σ²) ‖ N(0, I)) of each row, `[B, K] -> [B]`.

    Also looked at: 0 for the prior itself, gradients at both arguments.
    """
    for shape in ((5, 3), (1, 8)):
        mu, log_var = _normal("mu", *shape), 0.7 * _normal("log_var", *shape)
        right = 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum(-1)
        what = f"for mu and log_var of shape {list(shape)}, your result"
        findings.append(compare(call(fn, mu, log_var), right, wrong_priors(mu, log_var), what))
        if not findings[-1].ok:
            return
    zero = torch.zeros(2, 3).double()
    findings.append(_zeros(call(fn, zero, zero), torch.zeros(2).double(), "for the prior itself"))
    findings.append(_gradient(fn, mu, log_var, 0, mu, "mu"))
    findings.append(_gradient(fn, mu, log_var, 1, 0.5 * (log_var.exp() - 1), "log_var"))


@check("Exercise 2.3, Jensen–Shannon")
def check_js(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(p, q)`, the Jensen–Shannon divergence of each row, `[B, K]` twice to `[B]`, nats.

    Also looked at: zeros in one and in both, the bound log 2, symmetry, the gradient.
    """
    for shape in ((5, 4), (1, 7)):
        p, q = _distributions("p", *shape), _distributions("q", *shape)
        what = f"for p and q of shape {list(shape)}, your result"
        findings.append(compare(call(fn, p, q), js(p, q), wrong_jss(p, q), what))
        if not findings[-1].ok:
            return
    p = _rows([0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.4, 0.6, 0.0, 0.0])
    q = _rows([0.5, 0.0, 0.5, 0.0], [0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 0.0, 0.0])
    right = js(p, q)
    for first, second in ((p, q), (q, p)):
        findings.append(_zeros(call(fn, first, second), right, "where p or q or both are 0"))
        if not findings[-1].ok:
            return
    p, q = _distributions("p", 5, 4), _distributions("q", 5, 4)
    findings.append(_gradient(fn, p, q, 1, 0.5 * (2 * q / (p + q)).log(), "q"))


@check("Exercise 2.4, an estimator that is never negative")
def check_estimator(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(log_p, log_q)`, values `[n]` at samples of p, never negative, unbiased for KL(p‖q).

    Also looked at: p = q, digits where p and q are close, the gradient.
    """
    x = _normal("x", 400)
    log_p, log_q = -0.5 * x.square(), -0.5 * ((x - 0.8) / 0.9).square() - math.log(0.9)
    value = call(fn, log_p, log_q)
    u = log_q - log_p
    right = u.expm1() - u
    found = compare(value, right, wrong_estimators(log_p, log_q), "for 400 samples, your result")
    if not found.ok and value.shape == right.shape and bool((value < 0).any()):
        share = (value < 0).double().mean().item()
        found = Finding(False, f"{found.symptom}; {share:.0%} of your values are negative",
                        found.cause)  # fmt: skip
    findings.append(found)
    if not found.ok:
        return
    findings.append(_zeros(call(fn, log_p, log_p), torch.zeros(400).double(), "for p = q"))
    findings.append(_gradient(fn, log_p, log_q, 1, u.expm1(), "log_q"))


def _zeros(value: Tensor, right: Tensor, where: str) -> Finding:
    """Whether the values are right in a case where NaN, infinity or an ε show."""
    found = compare(value, right, [], f"{where}, your result")
    if found.ok and bool(((value - right).abs() < 1e-6).all()):
        return Finding(True, f"{where}, your result is right too")
    nan = value.shape == right.shape and not bool(value.isfinite().all())
    symptom = found.symptom if not found.ok else f"{where}, your result is {_first(value)}"
    return Finding(False, symptom, _ZERO if nan else "An ε or a clamp changes the result here.")


def _gradient(
    fn: Callable[..., Any], a: Tensor, b: Tensor, which: int, right: Tensor, name: str
) -> Finding:
    leaves = [a.clone(), b.clone()]
    leaf = leaves[which].requires_grad_()
    value = value_of(fn, *(v * 1.0 for v in leaves))
    (got,) = gradients(value, [leaf])
    if got is None:
        return Finding(False, f"no gradient reaches {name}", _LOST)
    # Distributions: the part along (1, …, 1) leaves the simplex and does not count.
    flat = name in ("p", "q")
    got, want = ((v - v.mean(-1, keepdim=True)) if flat else v for v in (got, right))
    if agree(got, want):
        return Finding(True, f"the gradient with respect to {name} is right")
    return Finding(False, f"the gradient with respect to {name} is wrong",
                   f"Part of it was cut off, or a branch makes it NaN. {_LOST}")  # fmt: skip


def _first(value: Tensor) -> str:
    return f"{value.flatten()[0].item():.6g}" if value.numel() else "empty"


def _rows(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def _distributions(name: str, *shape: int) -> Tensor:
    return _normal(name, *shape).softmax(-1)
