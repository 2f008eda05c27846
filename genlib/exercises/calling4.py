"""Calling what a student wrote for chapter 4, and judging what comes back."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from genlib.exercises.mistakes3 import nearest_first
from genlib.exercises.report import Finding
from genlib.exercises.trial import Stop, Wrong, compare, value_of
from genlib.seeds import make_generator

ERRORS = {  # words of an error message, and what they point to
    "numpy()": "numpy carries no gradients: use torch's functions.",
    "between 0 and 1": "`binary_cross_entropy` takes probabilities, and logits are none: use "
    "`binary_cross_entropy_with_logits`.",
    "converted to": "Use torch's function: `math` and `float` take single numbers.",
    "does not require grad": "Nothing in the loss carries a gradient: is the discriminator itself "
    "under `no_grad`, or are its logits detached? Only the images are to be.",
    "backward through the graph a second time": "The images' graph is gone after the first "
    "`backward`: detach them in the discriminator's loss, which then never enters the generator.",
    "modified by an inplace": "The discriminator has moved since these logits were computed: "
    "compute them again after its step.",
    "Inference tensors": "`inference_mode` makes tensors that no loss can use: take `no_grad`.",
    "can be implicitly created": "The loss has one number per image: take its mean.",
    "Boolean value of Tensor": "`if` takes one truth: `torch.where` chooses for each number.",
}


def call(fn: Any, *inputs: Any, hint: str = "") -> Tensor:
    """What `fn` returns, if it leaves the tensors that it is given alone."""
    given = [(v, v.clone()) for v in inputs if isinstance(v, Tensor)]
    try:
        value = value_of(fn, *inputs, hint=hint)
    except Stop as stop:
        if stop.finding is None:
            raise
        told = (text for words, text in ERRORS.items() if words in stop.finding.symptom)
        raise Stop(replace(stop.finding, cause=next(told, stop.finding.cause))) from None
    if not all(torch.equal(after, before) for after, before in given):
        cause = "An operation in place (`x -= …`, `l.neg_()`) writes into the caller's tensor."
        raise Stop(Finding(False, "it changed the tensors it was given", cause))
    return value


def judge(value: Tensor, right: Tensor, wrongs: list[Wrong], what: str) -> Finding:
    """`compare`, with the nearest mistake first, and a word on NaN where none fits."""
    found = compare(value, right, nearest_first(value, wrongs), what)
    if found.ok or found.cause or value.shape != right.shape or bool(value.isfinite().all()):
        return found
    return replace(found, cause="A logarithm of something negative? A logit is no probability.")


def with_number(fn: Any) -> Any:
    """`fn`, with a plain number that it returns made a tensor."""

    @functools.wraps(fn)
    def wrapped(*inputs: Any) -> Any:
        value = fn(*inputs)
        return torch.tensor(value) if type(value) is float else value

    return wrapped


def same(a: Any, b: Tensor) -> bool:
    return isinstance(a, Tensor) and a.shape == b.shape and bool(torch.equal(a, b))


def normal(name: str, *shape: int) -> Tensor:
    generator = make_generator(0, "exercise 4", name)
    return torch.randn(shape, generator=generator, dtype=torch.float64)
