"""What to look at where no known mistake fits: in an error of any kind, in numbers of any kind."""

from __future__ import annotations

import math

from torch import Tensor

_KINDS: list[tuple[type[BaseException], str]] = [  # the narrower before the wider
    (UnboundLocalError, "This name gets its value only later, or only in a branch not taken."),
    (NameError, "Is it a typing mistake, or has the cell that makes it not been run?"),
    (RecursionError, "The function calls itself without an end."),
    (SystemExit, "`exit` leaves the function without a result: `return` it."),
    (ImportError, "Use what the chapter has imported: no more is needed."),
    (MemoryError, "The inputs are small: does a loop append to a list without an end?"),
]
_WORDS: list[tuple[tuple[str, ...], str]] = [  # any of these in a message, and what they point to
    (
        ("'NoneType'",),
        "Something is None here: does a function that you call lack `return`?",
    ),
    (
        ("must have the same dtype", "same dtype", "expected scalar type", "Found dtype"),
        "A tensor that you make has another precision than those given: make it in theirs, with "
        "`dtype=x.dtype`, `torch.zeros_like(x)` or `x.new_zeros(…)`. The check may compute in "
        "double precision.",
    ),
    (
        ("on the same device", "same device"),
        "A tensor that you make lies on another device than those given: give it `device=x.device`"
        ".",
    ),
    (
        ("Boolean value of Tensor",),
        "`if`, `max` and `and` take one truth: `torch.where` chooses for each number.",
    ),
    (
        ("can be converted to", "only length-1", "only 0-dimensional"),
        "Use torch's function: `math` and `float` take single numbers.",
    ),
    (("numpy() on Tensor that requires",), "numpy carries no gradients: use torch's functions."),
    (("parameter scale", "of std >= 0"), "A standard deviation is positive. Is it a logarithm?"),
]


def of_error(error: BaseException) -> str:
    """What most likely brought this error about, whatever the exercise; empty if not known."""
    for kind, cause in _KINDS:
        if isinstance(error, kind):
            return cause
    try:
        message = str(error)
    except Exception:  # an error built to break any look at it
        return ""
    return next((cause for words, cause in _WORDS if any(w in message for w in words)), "")


def of_numbers(value: Tensor, right: Tensor) -> str:
    """How a wrong `value` is related to the `right` one: a factor, an order, an axis, …"""
    if value.shape != right.shape:
        return _of_shapes(list(value.shape), list(right.shape))
    if not value.numel():
        return ""
    a, b = value.detach().double().cpu(), right.detach().double().cpu()
    if not bool(a.isfinite().all()):
        return "Is there 0 / 0, a logarithm of 0 or of something negative, or `exp` of much?"
    return _factor(a, b) or _pattern(a, b) or (
        "No mistake that the check knows gives these numbers. Print each step for a small input, "
        "and work it out by hand beside it."
    )  # fmt: skip


def _of_shapes(got: list[int], asked: list[int]) -> str:
    if [n for n in got if n != 1] == [n for n in asked if n != 1]:
        return "An axis of length 1 is too many or too few: mind `keepdim`, `[:, None]`, `squeeze`."
    if sorted(got) != sorted(asked) and math.prod(got) == math.prod(asked):
        return "As many numbers as asked, in another shape."
    if got == asked[::-1]:
        return "The axes are turned around."
    if len(got) > len(asked):
        return "An axis is left: what is to be summed or averaged over it?"
    if len(got) < len(asked):
        return "An axis is gone: sum or average over fewer."
    return "Print the shape after each step: where does it become another than you think?"


def _factor(a: Tensor, b: Tensor) -> str:
    """One factor, or one difference, for all numbers."""
    if (
        a.numel() > 1
        and bool((a == a.flatten()[0]).all())
        and not bool((b == b.flatten()[0]).all())
    ):
        return "All your numbers are the same: do they depend on the arguments?"
    if not bool(b.any()):
        return "It must be 0 here."
    factor = float((a * b).sum() / b.square().sum())
    if _near(a, factor * b, b):
        if abs(factor + 1) < 1e-3:
            return "The sign is wrong."
        if a.numel() > 1 or any(abs(factor / f - 1) < 1e-3 for f in (0.25, 0.5, 2, 4)):
            return f"Your result is {factor:.4g} times the right one" + (
                ", in every place." if a.numel() > 1 else "."
            )
    gap = float((a - b).mean())
    if a.numel() > 1 and _near(a, b + gap, b):
        return f"Your result is off by the same {gap:+.4g} in every place."
    return ""


def _pattern(a: Tensor, b: Tensor) -> str:
    """The right numbers in the wrong places, or in some places only."""
    if a.numel() < 2:
        return ""
    if _near(a.flatten().sort().values, b.flatten().sort().values, b):
        return "These are the right numbers in another order."
    fine = (a - b).abs() <= 5e-4 * b.abs().max()
    if 4 * int(fine.sum()) >= a.numel():
        return (
            f"{int(fine.sum())} of {a.numel()} numbers are right: what is special about the others?"
        )
    return ""


def _near(a: Tensor, b: Tensor, scale: Tensor) -> bool:
    return bool(((a - b).abs() <= 1e-4 * scale.abs().max()).all())
