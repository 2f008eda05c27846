"""Divergences between distributions on K outcomes, `[..., K] -> [...]`, in nats.

Every function takes probabilities, or with `logs=True` their logarithms (`log_softmax` makes them),
which keep apart what would be rounded to 0. Outcomes lie on the last axis; the axes before it are
batches and broadcast.

0 log 0 is 0, and p log(p / 0) is infinite. An outcome with p = 0 adds nothing to the sum and sends
no gradient to p there, where the true slope is infinite: one such outcome spoils no other gradient.

All functions raise ValueError for what is no distribution: negative, not finite, not summing to 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from genlib.losses.precision import single

TOLERANCE = 1e-5  # of a sum of probabilities; single precision reaches it with millions of outcomes


def entropy(p: Tensor, *, logs: bool = False) -> Tensor:
    """H(p) = −Σ p log p (Shannon 1948). Between 0 and log K."""
    log_p = _log(p, "p", logs)
    return -_expected(log_p, log_p)


def cross_entropy(p: Tensor, q: Tensor, *, logs: bool = False) -> Tensor:
    """H(p, q) = −Σ p log q = H(p) + KL(p‖q). Infinite where p > 0 and q = 0."""
    log_p, log_q = _pair(p, q, logs)
    return -_expected(log_p, log_q)


def kl(p: Tensor, q: Tensor, *, logs: bool = False) -> Tensor:
    """KL(p‖q) = Σ p (log p − log q) (Kullback & Leibler 1951). Infinite where p > 0 and q = 0.

    Not symmetric. `torch.nn.functional.kl_div` takes log q first, then p.
    """
    return _kl(*_pair(p, q, logs))


def js(p: Tensor, q: Tensor, *, logs: bool = False) -> Tensor:
    """Jensen–Shannon: ½ KL(p‖m) + ½ KL(q‖m) with m = (p + q) / 2 (Lin 1991).

    Symmetric, at most log 2, which it reaches where p and q share no outcome.
    """
    log_p, log_q = torch.broadcast_tensors(*_pair(p, q, logs))
    none = torch.isneginf(log_p) & torch.isneginf(log_q)  # there logaddexp's gradient is NaN
    a, b = log_p.masked_fill(none, 0.0), log_q.masked_fill(none, 0.0)
    log_m = (torch.logaddexp(a, b) - math.log(2)).masked_fill(none, -math.inf)
    return 0.5 * (_kl(log_p, log_m) + _kl(log_q, log_m))


def total_variation(p: Tensor, q: Tensor, *, logs: bool = False) -> Tensor:
    """`½ Σ |p − q|`: the largest difference of probability over all events. At most 1."""
    log_p, log_q = _pair(p, q, logs)
    p, q = (log_p.exp(), log_q.exp()) if logs else (single(p), single(q))
    return 0.5 * (p - q).abs().sum(-1)


def f_divergence(
    p: Tensor, q: Tensor, f: Callable[[Tensor], Tensor], *, slope: float = math.inf
) -> Tensor:
    """Σ q f(p / q), for convex f with f(1) = 0 (Csiszár 1967).

    Args:
        f: elementwise, and finite at 0: `lambda t: torch.xlogy(t, t)` gives KL(p‖q).
        slope: the limit of f(t) / t for large t, the price of mass of p where q has none.
    """
    _pair(p, q, False)
    p, q = single(p), single(q)
    inside = q > 0
    ratio = torch.where(inside, p, 1.0) / torch.where(inside, q, 1.0)
    outside = torch.where(p > 0, p * slope, 0.0)
    return torch.where(inside, q * f(ratio), outside).sum(-1)


def wasserstein_1d(p: Tensor, q: Tensor, support: Tensor | None = None) -> Tensor:
    """`W₁(p, q) = ∫ |F_p − F_q|`, exact on the line, in units of `support`.

    F are the cumulative probabilities. On the line this integral is the least mean distance over
    which mass must be moved (Vallender 1974).

    Args:
        support: where the outcomes lie, `[K]`, rising; 0, 1, …, K − 1 by default.

    Raises:
        ValueError: also if `support` has another shape, or does not rise.
    """
    _pair(p, q, False)
    p, q = single(p), single(q)
    if support is None:
        support = torch.arange(p.shape[-1], device=p.device, dtype=p.dtype)
    steps = support.diff()
    if support.shape != p.shape[-1:] or not bool(((steps > 0) & steps.isfinite()).all()):
        raise ValueError(
            f"support must be [{p.shape[-1]}] finite rising positions, one per outcome, got "
            f"{list(support.shape)}; sort it, and p and q with it."
        )
    gap = (p - q).cumsum(-1)[..., :-1].abs()  # [..., K − 1]: mass that must pass between neighbours
    return (gap * steps).sum(-1)


def _expected(log_p: Tensor, values: Tensor) -> Tensor:
    """Σ p · values, over the outcomes that p allows."""
    log_p, values = torch.broadcast_tensors(log_p, values)
    off = torch.isneginf(log_p)
    p = log_p.masked_fill(off, 0.0).exp().masked_fill(off, 0.0)
    # exp(log p) may round to 0 and make 0 · ∞: a chance too small for a float is not no chance.
    infinite = torch.isneginf(values) & ~off
    terms = p * values.masked_fill(off | infinite, 0.0)
    return terms.masked_fill(infinite, -math.inf).sum(-1)


def _kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    log_p, log_q = torch.broadcast_tensors(log_p, log_q)
    off = torch.isneginf(log_p)
    return -_expected(log_p, log_q - log_p.masked_fill(off, 0.0))


def _pair(p: Tensor, q: Tensor, logs: bool) -> tuple[Tensor, Tensor]:
    log_p, log_q = _log(p, "p", logs), _log(q, "q", logs)
    try:
        fit = p.shape[-1] == q.shape[-1] and bool(torch.broadcast_shapes(p.shape, q.shape))
    except RuntimeError:
        fit = False
    if not fit:
        raise ValueError(
            f"p {list(p.shape)} and q {list(q.shape)} do not fit: the last axis holds the outcomes "
            "and must be equal, the axes before it must broadcast."
        )
    return log_p, log_q


def _log(p: Tensor, name: str, logs: bool) -> Tensor:
    """log p, −∞ where p is 0, in at least single precision; p is checked."""
    if not p.is_floating_point() or p.dim() == 0:
        raise ValueError(
            f"{name} must be a float tensor [..., K], got {p.dtype} {list(p.shape)}; divide counts "
            "by their sum."
        )
    p = single(p)
    wrong = p.isnan() | torch.isposinf(p) | (torch.isneginf(p) & (not logs))
    if bool(wrong.any()):
        raise ValueError(f"{name} has {int(wrong.sum())} entries that are NaN or infinite.")
    if not logs and bool((p < 0).any()):
        hint = "; are these logits? Then give log_softmax(logits) and logs=True"
        raise ValueError(f"{name} has negative entries, down to {p.min().item():.4g}{hint}.")
    total = p.detach().exp().sum(-1) if logs else p.detach().sum(-1)
    if p.shape[-1] == 0 or bool(((total - 1).abs() > TOLERANCE).any()):
        remedy = "log_softmax(…)" if logs else f"{name} / {name}.sum(-1, keepdim=True)"
        worst = total.flatten()[(total - 1).abs().argmax()].item() if total.numel() else 0.0
        raise ValueError(f"{name} must sum to 1 over its last axis, got {worst:.6g}; use {remedy}.")
    if logs:
        return p
    zero = p == 0  # masked before and after: the logarithm's gradient at 0 is infinite
    return p.masked_fill(zero, 1.0).log().masked_fill(zero, -math.inf)
