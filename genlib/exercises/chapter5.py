"""Checks of chapter 5's exercises: Wasserstein distance, Lipschitz constant, gradient penalty."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from genlib.exercises.calling import call, gradients, judge, normal, same
from genlib.exercises.mistakes5 import (
    critic_loss,
    gradient_penalty,
    largest_slope,
    wasserstein,
    wrong_critic_losses,
    wrong_penalties,
    wrong_slopes,
    wrong_wassersteins,
)
from genlib.exercises.report import Finding
from genlib.exercises.several import with_number
from genlib.exercises.trial import agree, check, compare
from genlib.seeds import make_generator

_GRAPH = (
    "The penalty is trained through, so the gradient needs a graph of its own: "
    "`torch.autograd.grad(…, create_graph=True)`, or `torch.func.grad`. No `.detach()`, `.item()`."
)
_ZERO = (
    "√(Σ g²) has the gradient 0 / 0 at g = 0: use `torch.linalg.vector_norm` or `.norm`, whose "
    "gradient there is 0."
)
_ERRORS = {  # words of an error message, and what they point to
    "numpy()": "numpy carries no gradients: stay with torch's functions.",
    "does not require grad": "x̂ is new: `x_hat.requires_grad_()` before the critic sees it.",
    "can be implicitly created": "The scores are [B]: take the gradient of their sum, or give "
    "`grad_outputs` of ones.",
    "must match the size of tensor": "eps is [B]: reshape it to [B, 1, 1, 1] for images.",
    "dot : expected": "Use `flatten(1)` and a norm over `dim=1`.",
    "Boolean value of Tensor": "`if` takes one truth: `torch.where` chooses for each number.",
    "cost matrix": "The solver takes the matrix of distances, [n, n], as numpy.",
}
_call = functools.partial(call, errors=_ERRORS)
_normal = functools.partial(normal, 5)


@check("Exercise 5.1, W₁ between two small sets")
def check_wasserstein(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(x, y)`, the exact W₁ between two sets `[n, D]` of equally many points, `[]`.

    Also looked at: a set moved by a vector, a set in another order, n = 1.
    """
    hint, fn = "Two sets of n points in, one number out.", with_number(fn)
    for n, dims in ((5, 2), (4, 3), (1, 2), (6, 1)):
        x, y = _normal("x", n, dims), 0.7 * _normal("y", n, dims) + 0.3
        wrongs = wrong_wassersteins(x, y)
        value = _call(fn, x, y, hint=hint)
        what = f"between sets of shape {[n, dims]}, your distance"
        findings.append(judge(value, wasserstein(x, y), wrongs, what, "Return one number."))
        if not findings[-1].ok:
            return
    x, order = _normal("x", 5, 2), torch.tensor([3, 0, 4, 2, 1])
    for y, right, what, cause in (
        (x[order], 0.0, "between a set and itself in another order, your distance",
         "The order of the points must not matter."),
        (x[order] + torch.tensor([3.0, 4.0]), 5.0,
         "between a set and itself, moved by (3, 4), your distance",
         "All points move the same way: no plan is cheaper than that."),
    ):  # fmt: skip
        found = compare(_call(fn, x, y), torch.tensor(right).double(), [], what)
        findings.append(found if found.ok else replace(found, cause=cause))
        if not found.ok:
            return


@check("Exercise 5.2, a Lipschitz estimate")
def check_lipschitz(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(f, points)`, the largest abs(f(a) − f(b)) / ‖a − b‖ over pairs of `[n, D]`, `[]`.

    Also looked at: a linear function, whose constant is known, and a point that is there twice.
    """
    hint, fn = "f takes [n, D] and gives [n]; one number is asked for.", with_number(fn)
    for n, dims in ((7, 2), (4, 3)):
        f = _wave(dims)
        points = _arranged(f, _normal("points", n, dims))
        value = _call(fn, f, points, hint=hint)
        what = f"for points of shape {[n, dims]}, your estimate"
        right, wrongs = largest_slope(f, points), wrong_slopes(f, points)
        found = judge(value, right, wrongs, what, "Return one number.")
        if not found.ok and not bool(value.isfinite().all()):
            found = replace(found, cause="A point and itself are at distance 0, and 0 / 0 is NaN: "
                            "leave those pairs out.")  # fmt: skip
        findings.append(found)
        if not found.ok:
            return
    slope = torch.tensor([3.0, -4.0]).double()
    along = torch.stack([0 * slope, -0.2 * slope, slope.flip(0)])
    near = torch.stack([0 * slope, -2e-4 * slope, slope.flip(0)])
    for points, where, cause in (
        (along, "", "The steepest pair falls here: take the absolute value of the rise."),
        (near, ", two points of which are 0.001 apart",
         "Something is added to the distance, or it is clamped: leave out the pairs at distance 0 "
         "instead."),
    ):  # fmt: skip
        value = _call(fn, lambda u: u @ slope, points)
        what = f"for f(u) = 3 u₀ − 4 u₁{where}, your estimate"
        found = compare(value, torch.tensor(5.0).double(), [], what)
        findings.append(found if found.ok else replace(found, cause=cause))
        if not found.ok:
            return
    twice = torch.cat([along, along[:1]])
    value = _call(fn, lambda u: u @ slope, twice)
    what = "where one point is there twice, your estimate"
    found = compare(value, torch.tensor(5.0).double(), [], what)
    cause = "Two different rows may hold one point: leave out all pairs at distance 0."
    findings.append(found if found.ok else replace(found, cause=cause))


@check("Exercise 5.3, the gradient penalty")
def check_gradient_penalty(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(critic, x, fake, eps)`, (‖∇ critic(x̂)‖ − 1)² of each pair of images, `[B]`.

    `x` and `fake` are `[B, C, H, W]`, `eps` is `[B]`, and x̂ = ε x + (1 − ε) fake. Also looked at:
    linear critics of slope 1 and 3, the gradient at the critic's weights, also where it is flat.
    """
    hint = "Reshape eps to [B, 1, 1, 1]; flatten the gradient to [B, C · H · W] before the norm."
    for shape in ((4, 2, 3, 4), (3, 1, 5, 5)):
        x, fake, eps = _images(*shape)
        critic = _smooth(_normal("weight", 5, x[0].numel()).float(), 1 / _steepness(*shape))
        value = _call(fn, critic, x, fake, eps, hint=hint)
        right, wrongs = (
            gradient_penalty(critic, x, fake, eps),
            wrong_penalties(critic, x, fake, eps),
        )
        what = f"for images of shape {list(shape)}, your penalty"
        found = judge(value, right, wrongs, what, "Return one number per image, [B].")
        if (
            not found.ok
            and not found.cause
            and not same(_call(fn, critic, x, fake, eps, hint=hint), value)
        ):
            drawn = "Called twice with the same arguments it gives two results: use the ε given."
            found = replace(found, cause=drawn)
        findings.append(found)
        if not found.ok:
            return
    size = x[0].numel()
    for slope, due in ((1.0, 0.0), (3.0, 4.0)):
        flat = torch.full((size,), slope / size**0.5)
        value = _call(fn, lambda u, w=flat: u.flatten(1) @ w, x, fake, eps)
        what = f"for a linear critic of slope {slope:g}, your penalty"
        findings.append(compare(value, torch.full((len(x),), due), [], what))
        if not findings[-1].ok:
            return
    findings.append(_trained_through(fn, x, fake, eps))
    if findings[-1].ok:
        findings.append(_flat(fn, x, fake, eps))


@check("Exercise 5.4, the critic's loss")
def check_critic_loss(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(real, made, norms, weight)`, the mean of made − real + λ (norm − 1)², `[]`.

    `real` and `made` are scores `[B]` of images of the data and of generated ones, `norms` the
    gradient norms `[B]` at the points between, `weight` is λ. Also looked at: gradients.
    """
    hint = "Three tensors [B] and a number in, one number out."
    for B, weight in ((6, 10.0), (1, 0.2)):
        inputs = _normal("real", B) - 0.2, _normal("made", B) - 0.9, _normal("n", B).exp()
        value = _call(fn, *inputs, weight, hint=hint)
        what = f"for B = {B} and λ = {weight:g}, your loss"
        right, wrongs = critic_loss(*inputs, weight), wrong_critic_losses(*inputs, weight)
        findings.append(judge(value, right, wrongs, what, "Return one number."))
        if not findings[-1].ok:
            return
    real, made, norms = (_normal(name, 5) for name in ("real", "made", "n"))
    leaves = [v.clone().requires_grad_() for v in (real, made, norms.exp())]
    value = _call(fn, *(v * 1.0 for v in leaves), 10.0)
    rights = [0 * real - 1 / 5, 0 * made + 1 / 5, 20 * (norms.exp() - 1) / 5]
    for name, right, grad in zip(("real", "made", "norms"), rights, gradients(value, leaves),
                                 strict=True):  # fmt: skip
        if grad is not None and agree(grad, right):
            findings.append(Finding(True, f"the gradient with respect to {name} is right"))
            continue
        cause = "Part of it was cut off: look for `.detach()`, `.data`, `.item()`, `no_grad`."
        seen = f"no gradient reaches {name}" if grad is None else f"the gradient at {name} is wrong"
        findings.append(Finding(False, seen, cause))


def _trained_through(fn: Any, x: Tensor, fake: Tensor, eps: Tensor) -> Finding:
    """Whether the penalty's gradient at the critic's weights is right."""
    weight = (0.5 * _normal("weight", 5, x[0].numel())).float().requires_grad_()
    value = _call(fn, _smooth(weight), x, fake, eps)
    right = gradient_penalty(_smooth(weight), x, fake, eps)
    (mine,), (wanted,) = gradients(value, [weight]), gradients(right, [weight])
    if mine is None:
        return Finding(False, "no gradient reaches the critic's weights", _GRAPH)
    if wanted is None or not agree(mine, wanted):
        seen = "the gradient that reaches the critic's weights is wrong"
        return Finding(False, seen, f"Is part of the penalty cut off? {_GRAPH}")
    return Finding(True, "the gradient that reaches the critic's weights is right")


def _flat(fn: Any, x: Tensor, fake: Tensor, eps: Tensor) -> Finding:
    """Whether a critic of slope 0 gets a gradient that is finite."""
    weight = torch.zeros(x[0].numel(), requires_grad=True)
    (gradient,) = gradients(_call(fn, lambda u: u.flatten(1) @ weight, x, fake, eps), [weight])
    if gradient is not None and bool(gradient.isfinite().all()):
        return Finding(True, "a flat critic gets a gradient that is finite")
    return Finding(False, "the gradient that a flat critic gets is NaN or infinite", _ZERO)


def _smooth(weight: Tensor, scale: float = 1.0) -> Callable[[Tensor], Tensor]:
    return lambda u: scale * torch.tanh(u.flatten(1) @ weight.T / 2).sum(dim=1)


def _steepness(*shape: int) -> float:
    """Mean slope of the critic of the check: divided by it, slopes lie on both sides of 1."""
    x, fake, eps = _images(*shape)
    critic = _smooth(_normal("weight", 5, x[0].numel()).float())
    x_hat = torch.lerp(fake, x, eps.reshape(-1, 1, 1, 1))
    return float(torch.func.grad(lambda u: critic(u).sum())(x_hat).flatten(1).norm(dim=1).mean())


def _wave(dims: int) -> Callable[[Tensor], Tensor]:
    direction = _normal("wave", dims)
    return lambda u: torch.sin(2 * (u @ direction)) + 0.3 * u[:, 0]


def _arranged(f: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """The steepest pair in places 1 and 3: neither neighbours nor with the first."""
    away = torch.cdist(points, points)
    slopes = torch.where(away > 0, (f(points)[:, None] - f(points)).abs() / away, 0.0)
    i, j = divmod(int(slopes.argmax()), len(points))
    others = [k for k in range(len(points)) if k not in (i, j)]
    return points[[others[0], i, others[1], j, *others[2:]]]


def _images(*shape: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = make_generator(0, "exercise 5", "images")
    x, fake = torch.rand(2, *shape, generator=generator)
    return x, fake, torch.linspace(0.1, 0.8, shape[0])
