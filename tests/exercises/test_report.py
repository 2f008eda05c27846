"""What a report looks like, and that no answer whatever breaks a check."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genlib import exercises
from genlib.exercises import Finding, Report

CHECKS = [getattr(exercises, name) for name in exercises.__all__ if name.startswith("check_")]
by_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)


def test_text_and_markdown_say_the_same():
    report = Report(
        False, "Exercise 9.1", (Finding(True, "runs"), Finding(False, "is off: 2", "Halve it."))
    )
    assert str(report) == repr(report)
    assert str(report).splitlines() == [
        "Exercise 9.1: Not yet",
        "  holds: runs",
        "  wrong: is off: 2",
        "         Halve it.",
    ]
    assert report._repr_markdown_().splitlines() == [
        "**Exercise 9.1: Not yet**",
        "",
        "- *holds*: runs",
        "- *wrong*: is off: 2 Halve it.",
    ]


def test_require():
    Report(True, "Exercise 9.1", (Finding(True, "runs"),)).require()
    with pytest.raises(AssertionError, match="Not yet"):
        Report(False, "Exercise 9.1", (Finding(False, "fails"),)).require()


@by_check
@pytest.mark.parametrize("stub", [lambda *a: ..., ..., lambda *a: _not_implemented()])
def test_a_stub_is_not_attempted(check, stub):
    report = check(stub)
    assert not report
    assert "Not attempted yet" in str(report)
    assert "Not attempted yet" in report._repr_markdown_()


def _not_implemented():
    raise NotImplementedError


@by_check
def test_missing_return(check):
    assert "lack `return`" in str(check(lambda *a: None))


@by_check
def test_an_error_is_one_line_with_its_place(check):
    def fn(*args):
        return undefined_name  # noqa: F821

    text = str(check(fn))
    assert f"NameError in line {fn.__code__.co_firstlineno + 1}, `return undefined_name" in text
    assert "Traceback" not in text


@by_check
def test_error_text_cannot_break_markdown(check):
    def fn(*args):
        raise KeyError("a `b`\n\n# heading <script>" + "x" * 1000)

    text = check(fn)._repr_markdown_()
    assert "\n#" not in text
    assert len(text) < 1000


@by_check
def test_ctrl_c_gets_through(check):
    def fn(*args):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(fn)


@by_check
@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, RecursionError, StopIteration])
def test_other_exits_are_reported(check, error):
    def fn(*args):
        raise error

    assert error.__name__ in str(check(fn))


@by_check
def test_randomness_is_given_back(check):
    def fn(*args):
        torch.manual_seed(3)
        random.seed(3)
        np.random.seed(3)  # noqa: NPY002

    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tobytes()  # noqa: NPY002
    check(fn)
    after = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tobytes()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]


@by_check
def test_works_under_no_grad_and_keeps_it(check):
    with torch.no_grad():
        check(lambda *a: a[0])
        assert not torch.is_grad_enabled()


class Hostile:
    """Breaks whoever looks at it."""

    def __getattribute__(self, name):
        raise RuntimeError(name)

    def __repr__(self):
        raise RuntimeError("repr")


class MuteError(Exception):
    def __str__(self):
        raise RuntimeError("no message")


SHAPES = st.lists(st.integers(0, 32), max_size=4)
TENSORS = st.builds(
    lambda shape, dtype, fill: torch.full(shape, fill, dtype=dtype),
    SHAPES,
    st.sampled_from(
        [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.complex64]
    ),
    st.sampled_from([0, 1]),
)
VALUES = st.one_of(
    st.none(), st.text(max_size=5), st.integers(), st.floats(), st.just(...), st.booleans(),
    st.builds(np.zeros, st.integers(0, 4)), st.builds(Hostile), TENSORS,
    st.sampled_from([
        torch.tensor(float("nan")), torch.full((5,), float("inf")), torch.eye(3).to_sparse(),
        torch.zeros(5, device="meta"), torch.nn.Linear(2, 2), print, Hostile,
    ]),
    st.lists(TENSORS, max_size=2), st.tuples(TENSORS, st.none()),
    st.dictionaries(st.text(), st.none(), max_size=1),
)  # fmt: skip
ERRORS = st.sampled_from([ValueError, TypeError, MuteError, SystemExit, MemoryError, OSError])


@by_check
@settings(max_examples=40, deadline=None)
@given(value=VALUES)
def test_no_value_breaks_a_check(check, value):
    report = check(lambda *args: value)
    assert not report
    assert str(report)
    assert report._repr_markdown_()


@by_check
@settings(max_examples=10, deadline=None)
@given(error=ERRORS, calls=st.integers(0, 3))
def test_no_error_breaks_a_check(check, error, calls):
    count = 0

    def fn(*args):
        nonlocal count
        count += 1
        if count > calls:
            raise error
        return args[0] if isinstance(args[0], torch.Tensor) else args[1]

    assert not check(fn)


@by_check
@settings(max_examples=20, deadline=None)
@given(thing=VALUES)
def test_no_argument_breaks_a_check(check, thing):
    assert not check(thing)
