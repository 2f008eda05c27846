"""What is said where no known mistake fits, of errors of any kind, and of functions that hang."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from genlib.exercises import (
    check_kl_to_prior,
    check_precision_recall,
    check_squared_error,
    patience,
)
from genlib.exercises.clues import of_numbers
from genlib.exercises.report import Finding, conclude
from genlib.exercises.trial import compare
from tests.exercises.reports import failing, said

RIGHT = torch.tensor([[1.0, 2.0, -3.0], [0.5, 4.0, 2.5]])
NUMBERS = {
    "The sign is wrong": -RIGHT,
    "3 times the right one, in every place": 3 * RIGHT,
    "off by the same +0.7 in every place": RIGHT + 0.7,
    "All your numbers are the same": torch.full_like(RIGHT, 2.0),
    "the right numbers in another order": RIGHT.flip(1),
    "4 of 6 numbers are right": RIGHT.where(RIGHT < 2.5, 0.0),
    "a logarithm of 0": RIGHT.log(),
    "No mistake that the check knows": RIGHT.square(),
    "The axes are turned around": RIGHT.T,
    "An axis of length 1": RIGHT[None],
    "in another shape": RIGHT.flatten(),
    "An axis is gone": RIGHT.sum(0),
    "An axis is left": RIGHT[None].repeat(2, 1, 1),
    "Print the shape": RIGHT[:, :2],
}


@pytest.mark.parametrize("words", NUMBERS)
def test_a_relation_is_told(words):
    assert words in of_numbers(NUMBERS[words], RIGHT)


def test_single_numbers_and_zeros():
    one = torch.tensor(3.0)
    assert "2 times" in of_numbers(2 * one, one)
    assert "The sign" in of_numbers(-one, one)
    assert "No mistake" in of_numbers(1.7 * one, one), "of one number any is a multiple"
    assert "must be 0" in of_numbers(torch.ones(3), torch.zeros(3))


def test_a_known_mistake_comes_first_and_none_is_left_without_a_word():
    known = [("It is halved.", RIGHT / 2)]
    assert conclude("9.1", [compare(RIGHT / 2, RIGHT, known, "it")]).findings[0].cause == (
        "It is halved."
    )
    assert "3 times" in conclude("9.1", [compare(3 * RIGHT, RIGHT, known, "it")]).findings[0].cause
    assert not conclude("9.1", [Finding(True, "fine", otherwise="never said")]).findings[0].cause


def test_one_number_near_another_mistakes_is_not_taken_for_it():
    one = torch.tensor(3.0)
    known = [("You halved it.", one / 2)]
    assert compare(1.0005 * one / 2, one, known, "it").cause == "You halved it."
    assert not compare(1.006 * one / 2, one, known, "it").cause


def double(r, x):
    return (r - x).square().flatten(1) @ torch.ones(r[0].numel(), dtype=torch.float64)


def endless(r, x):
    return endless(r, x)


def unbound(r, x):
    if r.shape != x.shape:
        value = r
    return value


ERRORS = {
    "Is it a typing mistake": lambda r, x: undefined_name,  # noqa: F821
    "only later, or only in a branch": unbound,
    "calls itself without an end": endless,
    "leaves the function": lambda r, x: exit(),
    "what the chapter has imported": lambda r, x: __import__("no_such_module"),
    "lack `return`": lambda r, x: print("")[0],
    "chooses for each number": lambda r, x: r if r > x else x,
    "take single numbers": lambda r, x: float(r.detach()),
    "another precision": double,
}


@pytest.mark.parametrize("words", ERRORS)
def test_an_error_of_any_kind_has_its_cause(words):
    assert said(check_squared_error(ERRORS[words]), words)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.ones(5, dtype=torch.complex64), "take `.real`"),
        (torch.ones(5, dtype=torch.bool), "truth values"),
        (torch.ones(5, dtype=torch.int64), "fractions"),
        (np.ones(5), "A torch tensor is asked"),
    ],
)
def test_another_kind_of_value_is_told(value, words):
    assert said(check_squared_error(lambda r, x: value), words)


def test_a_function_that_is_not_written_yet_is_told_as_what_it_is():
    def fn(r, x):
        raise NotImplementedError

    report = check_squared_error(fn)
    assert not report.attempted
    assert "NotImplementedError" in failing(report)
    assert "`...`" in failing(check_squared_error(lambda r, x: ...))


def test_asking_the_callers_tensors_for_gradients_is_told():
    def fn(mu, log_var):
        mu.requires_grad_()
        return 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum(1)

    assert said(check_kl_to_prior(fn), "asks for gradients now", "one of your own")


def test_several_values_may_come_in_one_tensor_or_array():
    def shares(real, fake, k):
        away = torch.cdist(real, fake)
        radius = [
            torch.cdist(v, v).fill_diagonal_(torch.inf).kthvalue(k).values for v in (real, fake)
        ]
        inside = away <= radius[0][:, None], away <= radius[1]
        return torch.stack([inside[0].any(0).double().mean(), inside[1].any(1).double().mean()])

    for fn in (shares, lambda *a: shares(*a).numpy(), lambda *a: shares(*a).tolist()):
        report = check_precision_recall(fn)
        assert report, str(report)


def test_another_device_of_the_notebook_does_not_reach_the_check():
    torch.set_default_device("meta")
    try:
        report = check_kl_to_prior(
            lambda mu, log_var: 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum(1)
        )
    finally:
        # None, and not the device before: naming one, even the processor, would catch every call of
        # PyTorch in all tests that come later, and compiled functions refuse that.
        torch.set_default_device(None)
    assert report, str(report)


def test_a_function_that_hangs_is_told_with_its_line(monkeypatch, capsys):
    monkeypatch.setattr(patience, "WAIT", 0.05)

    def fn(r, x):
        until = time.monotonic() + 60
        while time.monotonic() < until and "at work" not in told():
            time.sleep(0.01)
        return (r - x).square().flatten(1).sum(1)

    text = []

    def told():
        text.append(capsys.readouterr().err)
        return "".join(text)

    check_squared_error(fn)
    line = fn.__code__.co_firstlineno
    assert any(f"now in line {line + n}, `" in "".join(text) for n in (2, 3)), text
    assert "stop the cell" in "".join(text)


def test_a_quick_function_leaves_no_timer(capsys):
    before = threading.active_count()
    check_squared_error(lambda r, x: r)
    check_squared_error(SimpleNamespace())
    until = time.monotonic() + 30  # a cancelled timer ends when the system lets it
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() <= before
    assert not capsys.readouterr().err


def test_a_stopped_function_says_where_it_was():
    def fn(r, x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=f"in line {fn.__code__.co_firstlineno + 1}, "):
        check_squared_error(fn)
