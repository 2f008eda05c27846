"""Calling what a student wrote, and judging what comes back: what the chapters' checks share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from genlib.exercises.report import Finding
from genlib.exercises.trial import Stop, Wrong, attempt, compare, value_of
from genlib.seeds import make_generator


def call(fn: Any, *inputs: Any, hint: str = "", errors: Mapping[str, str] | None = None) -> Tensor:
    """What `fn` returns, if it leaves the tensors that it is given alone.

    Args:
        fn: the student's function.
        inputs: what it is given.
        hint: the cause to name if it raises.
        errors: words of an error message, and the cause they point to, in place of the hint.

    Raises:
        Stop: as for `value_of`, or a tensor has changed.
    """
    given = [(v, v.detach().clone(), v.requires_grad) for v in inputs if isinstance(v, Tensor)]
    try:
        value = value_of(fn, *inputs, hint=hint)
    except Stop as stop:
        if stop.finding is None:
            raise
        told = (text for words, text in (errors or {}).items() if words in stop.finding.symptom)
        raise Stop(replace(stop.finding, cause=next(told, stop.finding.cause))) from None
    if not all(torch.equal(after, before) for after, before, _ in given):
        cause = (
            "An operation in place (`x += …`, `x[…] = …`, `x.exp_()`) writes into the caller's "
            "tensor."
        )
        raise Stop(Finding(False, "it changed the tensors it was given", cause))
    if any(after.requires_grad and not asked for after, _, asked in given):
        cause = (
            "`requires_grad_()` acts on the caller's tensor, and stays: use it on one of your own."
        )
        raise Stop(Finding(False, "a tensor that it was given asks for gradients now", cause))
    return value


def judge(
    value: Tensor, right: Tensor, wrongs: Sequence[Wrong], what: str,
    shape: str = "", nan: str = "",
) -> Finding:  # fmt: skip
    """`compare`; where no mistake fits, a word on its shape or on NaN."""
    found = compare(value, right, wrongs, what)
    if found.ok or found.cause:
        return found
    if value.shape != right.shape:
        return replace(found, cause=shape)
    return found if bool(value.isfinite().all()) else replace(found, cause=nan)


def gradients(value: Tensor, leaves: Sequence[Tensor]) -> list[Tensor | None]:
    """The gradient of the sum of `value` at each leaf, None where none arrives."""
    if value.requires_grad:
        # Losses that came out of one tensor share a graph: keep it for the next of them.
        outcome = attempt(
            lambda: torch.autograd.grad(value.sum(), leaves, retain_graph=True, allow_unused=True)
        )
        if not outcome.error:
            return list(outcome.value)
    return [None] * len(leaves)


def same(a: Any, b: Tensor) -> bool:
    return isinstance(a, Tensor) and a.shape == b.shape and bool(torch.equal(a, b))


def normal(chapter: int, name: str, *shape: int) -> Tensor:
    """Normal numbers in double precision, the same for each name in a chapter."""
    generator = make_generator(0, f"exercise {chapter}", name)
    return torch.randn(shape, generator=generator, dtype=torch.float64)
