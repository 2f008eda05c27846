"""Calling a student's function that returns several values, or numbers that are no tensors."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genlib.exercises.calling import call
from genlib.exercises.report import Finding
from genlib.exercises.trial import Stop, as_tensor


def with_number(fn: Any) -> Any:
    """`fn`, with a number that it returns, Python's or numpy's, made a tensor in double precision.

    For results of which no gradient is asked.
    """

    @functools.wraps(fn)
    def wrapped(*inputs: Any) -> Any:
        return _number(fn(*inputs))

    return wrapped


def call_several(
    fn: Any, *inputs: Any, names: Sequence[str], hint: str = "", numbers: bool = False,
    errors: Mapping[str, str] | None = None,
) -> list[Tensor]:  # fmt: skip
    """The tensors that `fn` returns, one for each of `names`, if it leaves its inputs alone.

    Args:
        fn: the student's function.
        inputs: what it is given.
        names: what is asked for, in order.
        hint: the cause to name if it raises.
        numbers: take plain numbers too.
        errors: as for `call`.

    Raises:
        Stop: as for `call`, or it returned another number of values.
    """
    kept: list[Any] = []

    @functools.wraps(fn)
    def wrapped(*given: Any) -> Any:
        value = fn(*given)
        rows = (Tensor, np.ndarray) if numbers else (Tensor,)
        if isinstance(value, rows) and value.ndim and len(value) == len(names):
            value = tuple(value)  # one tensor with a row for each unpacks as several values do
        kept.append(value)
        return torch.zeros(()) if isinstance(value, (tuple, list, Tensor)) else value

    call(wrapped, *inputs, hint=hint, errors=errors)
    asked = f"Return {len(names)} values, separated by commas: {', '.join(names)}."
    if isinstance(kept[-1], Tensor):
        raise Stop(Finding(False, "it returned one tensor", asked))
    if len(kept[-1]) != len(names):
        raise Stop(Finding(False, f"it returned {len(kept[-1])} values", asked))
    return [as_tensor(_number(value) if numbers else value) for value in kept[-1]]


def _number(value: Any) -> Any:
    """`value`, a tensor in double precision if it is a real number that is no truth value."""
    if isinstance(value, (float, int, np.floating, np.integer)) and not isinstance(value, bool):
        return torch.tensor(float(value), dtype=torch.float64)
    if isinstance(value, np.ndarray) and value.ndim == 0 and np.isrealobj(value):
        return torch.tensor(float(value), dtype=torch.float64)
    return value
