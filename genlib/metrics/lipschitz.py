"""How steep a critic is, and what it says of the distance between two sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from genlib.divergences.estimators import Estimate
from genlib.losses import gradient_norm
from genlib.losses.precision import single

Critic = Callable[[Tensor], Tensor]


class Steepness(NamedTuple):
    """Two lower bounds of a critic's Lipschitz constant, from finitely many points."""

    pairs: float  # largest |f(a) − f(b)| / ‖a − b‖ over all pairs of points of both sets
    lines: float  # largest ‖∇f‖ on straight lines between the sets


def lipschitz_estimate(
    critic: Critic, x: Tensor, y: Tensor, steps: int = 8, batch_size: int = 500
) -> Steepness:
    """The largest slopes of a critic that can be seen from two sets of points.

    Both are lower bounds of its Lipschitz constant: somewhere else it may be steeper. Slopes
    between pairs are averages over the way and overlook short steep stretches; the gradient norm
    sees those, but only where it looks: at `steps` + 1 evenly spaced points of the lines from
    `x[i]` to `y[i]`, both ends included.

    Args:
        critic: from points or images to scores `[B]`, each from its own alone. A network should be
            in `eval` mode.
        x: `[n, ...]`.
        y: `[m, ...]`; the lines are those of the first min(n, m) of both.
        steps: in which each line is walked.
        batch_size: of what the critic is given at a time.

    Raises:
        ValueError: the points differ in shape, there are none, or `steps` is below 1.
    """
    if x.shape[1:] != y.shape[1:] or not len(x) or not len(y) or steps < 1:
        raise ValueError(
            f"x {list(x.shape)} and y {list(y.shape)} must hold points of one shape, and steps "
            f"must be at least 1, not {steps}."
        )
    points = torch.cat([x, y])
    scores = scored(critic, points, batch_size).double()  # [N]
    flat = points.flatten(1).double()  # [N, D]
    pairs = 0.0
    for rows, own in zip(flat.split(batch_size), scores.split(batch_size), strict=True):
        away = torch.cdist(rows, flat, compute_mode="donot_use_mm_for_euclid_dist")
        rise = (own[:, None] - scores).abs()
        pairs = max(pairs, float(torch.where(away > 0, rise / away, 0.0).max()))
    k = min(len(x), len(y))
    walk = [torch.lerp(x[:k], y[:k], step / steps) for step in range(steps + 1)]
    norms = [gradient_norm(critic, part) for part in torch.cat(walk).split(batch_size)]
    return Steepness(pairs, float(torch.cat([n.detach() for n in norms]).max()))


def critic_estimate(critic: Critic, x: Tensor, y: Tensor, batch_size: int = 500) -> Estimate:
    """Mean critic(x) − mean critic(y), with the standard error of independent samples.

    For a critic of slope at most 1 its expectation is at most W₁. The error is that of the samples
    alone: it does not say how far this critic is from the best one. On the points that it was
    trained on the critic does better than on fresh ones.

    Args:
        critic: from points or images to scores `[B]`.
        x: `[n, ...]`, at least 2.
        y: `[m, ...]`, at least 2.
        batch_size: of what the critic is given at a time.

    Returns:
        Mean and standard error, scalars.

    Raises:
        ValueError: fewer than two points in a set, or scores that are not one for each.
    """
    if min(len(x), len(y)) < 2:
        raise ValueError(f"an error needs two points in each set, got {len(x)} and {len(y)}.")
    f, g = (scored(critic, points, batch_size) for points in (x, y))
    return Estimate(f.mean() - g.mean(), (f.var() / len(f) + g.var() / len(g)).sqrt())


@torch.no_grad()
def scored(critic: Critic, points: Tensor, batch_size: int = 500) -> Tensor:
    """The critic's score of each, `[N, ...] -> [N]`, without gradients.

    Raises:
        ValueError: the critic does not return one score for each.
    """
    scores = torch.cat([single(critic(part)) for part in points.split(batch_size)])
    if scores.shape != points.shape[:1]:
        raise ValueError(
            f"the critic gives {list(scores.shape)} for {len(points)} points; expected one score "
            "for each. Squeeze a last dimension of 1."
        )
    return scores
