"""The exact Wasserstein distance between two sets of points, with plan and best critic.

W₁ is the least mean distance over which the mass of the one set must be moved to become the other:
a linear programme (Peyré & Cuturi 2019, chapters 2 and 3), solved on the CPU in double precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from genlib.losses.precision import single

# Up to about a minute on one core for either: an assignment takes n³ and more, a linear programme
# has a variable for each pair.
MOST_POINTS = 4_000
MOST_PAIRS = 500_000
TOLERANCE = 1e-5  # of a sum of weights


class Moves(NamedTuple):
    """A plan as the pairs between which mass goes."""

    rows: Tensor  # [P], indices of x
    columns: Tensor  # [P], indices of y
    mass: Tensor  # [P], double precision, sums to 1


@dataclass(frozen=True)
class Transport:
    """An optimal plan, and a proof that it is optimal: a critic that attains the same value.

    Attributes:
        distance: W₁, a scalar, differentiable in the points.
        plan: `[n, m]`, the mass that goes from `x[i]` to `y[j]`. Its rows sum to the weights of x,
            its columns to those of y.
        y: the second set, `[m, D]`.
        prices: `[m]`; −prices[j] is the critic's score of `y[j]` wherever mass arrives.
    """

    distance: Tensor
    plan: Tensor
    y: Tensor
    prices: Tensor

    def critic(self, z: Tensor) -> Tensor:
        """The best critic, f(z) = min_j (‖z − y_j‖ − price_j), at any points `[k, D] -> [k]`.

        As the least of functions of slope 1 it has slope at most 1 everywhere. Its mean over y is
        0 and its mean over x is W₁: by Kantorovich–Rubinstein duality no function of slope at
        most 1 has a larger difference. Others attain it too, and differ between the points.
        """
        away = z.to(self.y.dtype)[:, None] - self.y  # [k, D] -> [k, m, D]
        return (torch.linalg.vector_norm(away, dim=2) - self.prices).amin(dim=1)


def wasserstein_points(
    x: Tensor, y: Tensor, weights_x: Tensor | None = None, weights_y: Tensor | None = None
) -> Tensor:
    """W₁ between two sets of points, exact, in units of their coordinates.

    Distances are Euclidean. Sets of equal size without weights are matched by an assignment, all
    others by a linear programme. Differentiable in `x` and `y`; the plan is held fixed, which
    changes nothing (envelope theorem). Between samples of n points it is too large, the more so in
    many dimensions: two samples of one distribution are not at distance 0.

    Args:
        x: `[n, D]`.
        y: `[m, D]`.
        weights_x: `[n]`, not negative, sum 1; by default all points weigh the same.
        weights_y: `[m]`.

    Returns:
        A scalar, in the precision of the points, but at least single.

    Raises:
        ValueError: the points do not fit together or are not finite, weights are no distribution,
            or the sets are so large that the solution would take minutes.
    """
    _check(x, y)
    return _cost(x, y, _solve(x, y, weights_x, weights_y)[0])


def optimal_transport(
    x: Tensor, y: Tensor, weights_x: Tensor | None = None, weights_y: Tensor | None = None
) -> Transport:
    """`wasserstein_points` with the plan that attains it and the critic that proves it.

    Arguments and errors as there.
    """
    _check(x, y)
    (rows, columns, mass), prices = _solve(x, y, weights_x, weights_y)
    if prices is None:  # equal masses: rows are 0, …, n − 1
        prices = _prices(_distances(x, y), columns)
    plan = torch.zeros(len(x), len(y), dtype=torch.float64)
    plan[rows, columns] = mass
    prices = prices - plan.sum(dim=0) @ prices  # a constant is free: let the mean over y be 0
    points = single(y.detach())
    return Transport(
        _cost(x, y, Moves(rows, columns, mass)), plan.to(points), points, prices.to(points)
    )


def _solve(
    x: Tensor, y: Tensor, weights_x: Tensor | None, weights_y: Tensor | None
) -> tuple[Moves, Tensor | None]:
    """The plan, and the prices where the solver gives them."""
    n, m = len(x), len(y)
    if n == m and weights_x is None and weights_y is None:
        if n > MOST_POINTS:
            raise ValueError(_too_large(n, m, f"up to {MOST_POINTS:,} points in each set"))
        return _assignment(_distances(x, y)), None
    a, b = _weights(weights_x, n, "weights_x"), _weights(weights_y, m, "weights_y")
    if n * m > MOST_PAIRS:
        raise ValueError(_too_large(n, m, f"up to {MOST_PAIRS:,} pairs of points"))
    return _programme(_distances(x, y), a, b)


def _assignment(distance: Tensor) -> Moves:
    from scipy.optimize import linear_sum_assignment

    rows, columns = (torch.from_numpy(v) for v in linear_sum_assignment(distance.numpy()))
    return Moves(rows, columns, torch.full((len(rows),), 1 / len(rows), dtype=torch.float64))


def _programme(distance: Tensor, a: Tensor, b: Tensor) -> tuple[Moves, Tensor]:
    """Least Σ P · distance over P ≥ 0 whose rows sum to a and whose columns sum to b."""
    from scipy.optimize import linprog
    from scipy.sparse import eye, kron, vstack

    n, m = distance.shape
    rows = kron(eye(n), torch.ones(1, m).numpy())
    columns = kron(torch.ones(1, n).numpy(), eye(m))
    # The solver's tolerances are absolute: distances at most 1 and masses around 1 suit them.
    scale, size = float(distance.max()) or 1.0, max(n, m)
    solved: Any = linprog(
        (distance / scale).flatten().numpy(), A_eq=vstack([rows, columns]).tocsr(),
        b_eq=size * torch.cat([a, b]).numpy(), method="highs",
    )  # fmt: skip
    if solved.status != 0:
        raise RuntimeError(f"the linear programme was not solved: {solved.message}")
    plan = torch.from_numpy(solved.x).reshape(n, m).clamp(min=0)
    at = plan.nonzero()
    mass = plan[at[:, 0], at[:, 1]]
    prices = scale * torch.from_numpy(solved.eqlin.marginals.copy())[n:]
    return Moves(at[:, 0], at[:, 1], mass / mass.sum()), prices


def _prices(distance: Tensor, match: Tensor) -> Tensor:
    """Prices at which everyone likes its own partner best, for an optimal assignment.

    distance[i, j] − price_j ≥ distance[i, match_i] − price_match_i for all i and j: shortest paths
    (Bellman–Ford), at most n rounds.
    """
    own = distance.gather(1, match[:, None])  # [n, 1]
    step = torch.empty_like(distance)
    step[match] = distance - own  # [n, n], from the partner of each to every other
    prices = torch.zeros(len(distance), dtype=distance.dtype)
    small = 1e-14 * float(distance.max())  # rounding must not keep it going
    for _ in range(len(distance)):
        lower = (prices[:, None] + step).amin(dim=0)
        if bool((prices - lower <= small).all()):
            break
        prices = torch.minimum(prices, lower)
    return prices


def _cost(x: Tensor, y: Tensor, moves: Moves) -> Tensor:
    device = x.device
    rows, columns, mass = (v.to(device) for v in moves)
    way = torch.linalg.vector_norm(x.double()[rows] - y.double()[columns], dim=1)  # [P]
    return (mass * way).sum().to(single(x).dtype)


def _distances(x: Tensor, y: Tensor) -> Tensor:
    """`[n, m]` in double precision; not through a matrix product, which loses small ones."""
    x, y = x.detach().cpu().double(), y.detach().cpu().double()
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")


def _weights(weights: Tensor | None, count: int, name: str) -> Tensor:
    if weights is None:
        return torch.full((count,), 1 / count, dtype=torch.float64)
    weights = weights.detach().cpu().double()
    if (
        weights.shape != (count,)
        or not bool((weights >= 0).all())
        or not abs(float(weights.sum()) - 1) < TOLERANCE
    ):
        raise ValueError(
            f"{name} must be [{count}], one for each point, not negative, and sum to 1; got "
            f"{list(weights.shape)} with sum {float(weights.sum()):.6g}."
        )
    return weights / weights.sum()


def _check(x: Tensor, y: Tensor) -> None:
    if x.dim() != 2 or y.dim() != 2 or x.shape[1] != y.shape[1] or not len(x) or not len(y):
        raise ValueError(
            f"x must be [n, D] and y [m, D], got {list(x.shape)} and {list(y.shape)}; make points "
            "of images with flatten(1)."
        )
    if not x.is_floating_point() or not bool(x.isfinite().all() and y.isfinite().all()):
        raise ValueError("x and y must hold finite floating-point numbers.")


def _too_large(n: int, m: int, limit: str) -> str:
    return (
        f"between {n:,} and {m:,} points the exact solution would take minutes or more; it is "
        f"given for {limit}. Take a random part of each set."
    )
