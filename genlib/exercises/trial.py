"""Trying a student's function: whatever it does, the check goes on and knows what happened."""

from __future__ import annotations

import functools
import inspect
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genlib.exercises import clues
from genlib.exercises.patience import patience, place, quote
from genlib.exercises.progress import note
from genlib.exercises.report import Finding, Report, conclude

Examination = Callable[[Any, list[Finding]], None]
Wrong = tuple[str, Tensor | None]  # a likely mistake in words, and the value that it gives


class Stop(Exception):
    """Nothing more can be said: ends a check with this finding."""

    def __init__(self, finding: Finding | None, returned: str = "`...`") -> None:
        super().__init__()
        self.finding = finding  # None: not attempted yet
        self.returned = returned  # what shows that


@dataclass(frozen=True)
class Outcome:
    """What one call gave: a value, or an error."""

    value: Any = None
    error: BaseException | None = None


def check(exercise: str) -> Callable[[Examination], Callable[[Any], Report]]:
    """Make a check of a function that appends findings.

    It never raises, leaves nothing behind but the student's progress, and notes that itself:
    `genlib.exercises.progress.note` says what counts.
    """

    def decorate(examine: Examination) -> Callable[[Any], Report]:
        def judged(fn: Any) -> Report:
            findings: list[Finding] = []
            try:
                with untouched_randomness(), torch.enable_grad(), on_cpu(), patience(fn):
                    if not callable(fn):
                        raise Stop(_not_a_function(fn))
                    examine(fn, findings)
            except Stop as stop:
                if stop.finding is None:
                    still = f"the function still returns {stop.returned}"
                    empty = Finding(False, still, "Fill in its body.")
                    return Report(False, exercise, (empty,), attempted=False)
                findings.append(stop.finding)
            except Exception as error:  # values built to break any look at them
                findings.append(
                    Finding(
                        False,
                        f"the result could not be examined ({type(error).__name__})",
                        "Return a plain torch tensor.",
                    )
                )
            return conclude(exercise, findings)

        @functools.wraps(examine, assigned=("__module__", "__name__", "__qualname__", "__doc__"))
        def run(fn: Any) -> Report:
            report = judged(fn)
            note(examine.__name__, fn, report)
            return report

        del run.__wrapped__  # type: ignore[attr-defined]  # its signature is not the student's
        return run

    return decorate


@contextmanager
def on_cpu() -> Iterator[None]:
    """Make tensors on the CPU, also where a notebook has chosen another device for new ones."""
    if torch.empty(0).device.type == "cpu":
        yield
    else:
        with torch.device("cpu"):
            yield


@contextmanager
def untouched_randomness() -> Iterator[None]:
    """Give Python's, numpy's and torch's generators back as they were."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


def attempt(fn: Callable[..., Any], *args: Any) -> Outcome:
    """Call `fn`; only Ctrl-C gets through, and says where it came."""
    try:
        return Outcome(fn(*args))
    except KeyboardInterrupt as stopped:
        where = place(fn, [(step.tb_frame, step.tb_lineno) for step in _steps(stopped)])
        raise KeyboardInterrupt(f"you stopped your function{where}") from None
    except BaseException as error:
        return Outcome(error=error)


def value_of(fn: Callable[..., Any], *args: Any, hint: str = "") -> Tensor:
    """The floating-point tensor that `fn(*args)` returns.

    Raises:
        Stop: it raised, or returned anything else.
    """
    try:
        inspect.signature(fn).bind(*args)
    except TypeError as error:
        raise Stop(
            Finding(False, f"it cannot be called as the exercise asks: {error}",
                    f"It must take {len(args)} arguments, in the order of the stub.")
        ) from None  # fmt: skip
    except ValueError:
        pass  # a builtin without a signature
    outcome = attempt(fn, *args)
    if isinstance(outcome.error, Stop):  # a check's own wrapper has judged already
        raise outcome.error
    if isinstance(outcome.error, NotImplementedError):
        raise Stop(None, "nothing (`NotImplementedError`)")
    if outcome.error is not None:
        cause = clues.of_error(outcome.error) or hint
        raise Stop(Finding(False, describe_error(fn, outcome.error), cause))
    return as_tensor(outcome.value)


def as_tensor(value: Any) -> Tensor:
    """`value` if it is a floating-point tensor.

    Raises:
        Stop: it is not, with the remedy.
    """
    if value is ...:
        raise Stop(None)
    if isinstance(value, Tensor) and value.is_floating_point():
        return value
    remedies: list[tuple[Any, str]] = [
        (type(None), "Does a line of it lack `return`?"),
        (Tensor, _dtype_remedy(value)),
        (
            (np.ndarray, np.generic),
            "A torch tensor is asked: stay with torch's functions, since "
            "numpy carries no gradients.",
        ),
        ((bool, int, float), "Did `.item()` or `float()` turn a tensor into a number?"),
        ((tuple, list), "Return one tensor, not several values."),
    ]
    cause = next((text for kind, text in remedies if isinstance(value, kind)), "Return a tensor.")
    name = f"a tensor of {value.dtype}" if isinstance(value, Tensor) else type(value).__name__
    symptom = "it returned None" if value is None else f"it returned {name}, not a float tensor"
    raise Stop(Finding(False, symptom, cause))


def compare(value: Tensor, right: Tensor, wrongs: Sequence[Wrong], what: str) -> Finding:
    """Whether `value` is `right`; if not, which of the `wrongs` it is, or how far off it is."""
    if agree(value, right):
        return Finding(True, f"{what} has shape {list(value.shape)} and the right values")
    value, right = value.detach().cpu(), right.detach().cpu()
    symptom = f"{what} {_difference(value, right)}"
    # One number may lie near another mistake's by chance, many hardly.
    slack = 1e-2 if right.numel() > 3 else 1e-3
    for cause, wrong in nearest_first(value, wrongs):
        if wrong is not None and agree(value, wrong, slack) and not agree(wrong, right):
            return Finding(False, symptom, cause)
    return Finding(False, symptom, otherwise=clues.of_numbers(value, right))


def nearest_first(value: Tensor, wrongs: Sequence[Wrong]) -> list[Wrong]:
    """`wrongs`, the closest to `value` first: two of them may differ by less than a tolerance."""

    def distance(wrong: Wrong) -> float:
        other = wrong[1]
        if other is None or other.shape != value.shape or not value.numel():
            return math.inf
        gap = float((value.detach().double() - other.detach().double()).abs().max())
        # Rounding must not decide between two formulas for one thing: the first is meant.
        unit = 1e-6 * float(other.detach().double().abs().max()) + 1e-9
        return round(gap / unit) if math.isfinite(gap / unit) else math.inf

    return sorted(wrongs, key=distance)


def agree(a: Tensor, b: Tensor, tolerance: float = 5e-4) -> bool:
    """Same shape, and equal within `tolerance` times the largest of `b`'s values."""
    if a.shape != b.shape or not torch.isfinite(a).all():
        return False
    a, b = a.detach().double().cpu(), b.detach().double().cpu()
    return bool((a - b).abs().max() <= tolerance * b.abs().max() + 1e-9) if a.numel() else True


def describe_error(fn: Any, error: BaseException) -> str:
    """One line: which error, where in the student's function, and its message."""
    where = place(fn, [(step.tb_frame, step.tb_lineno) for step in _steps(error)])
    try:
        message = str(error)
    except Exception:
        message = ""
    return f"it raised {type(error).__name__}{where}" + (f": {quote(message)}" if message else "")


def _steps(error: BaseException) -> Iterator[TracebackType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _dtype_remedy(value: Any) -> str:
    if isinstance(value, Tensor) and value.is_complex():
        return "It is complex: take `.real` where the imaginary part is rounding alone."
    if isinstance(value, Tensor) and value.dtype == torch.bool:
        return "Those are truth values: count them or average them, `.double().mean()`."
    return "Integers lose all fractions: compute in floating point."


def _difference(value: Tensor, right: Tensor) -> str:
    if value.shape != right.shape:
        return f"has shape {list(value.shape)}, expected {list(right.shape)}"
    bad = int((~torch.isfinite(value)).sum())
    if bad:
        return f"has {bad} values of {value.numel()} that are NaN or infinite"
    gap = (value.detach().double() - right.detach().double()).abs()
    worst = tuple(int(i) for i in np.unravel_index(int(gap.argmax()), gap.shape))
    place = f" at {list(worst)}" if worst else ""
    return f"is off: {value[worst].item():.6g}{place}, expected {right[worst].item():.6g}"


def _not_a_function(fn: Any) -> Finding | None:
    if fn is ...:
        return None
    return Finding(
        False,
        f"the check was given {type(fn).__name__}, not a function",
        "Pass the function itself, without calling it: `check(my_function)`.",
    )
