"""KL(p‖q) from samples of p: three estimators, one value per sample (Schulman 2020).

All three take log p(x) and log q(x) at the same samples x ~ p and use r = q(x) / p(x).
Take the mean of the values yourself, or with `mean_and_error`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from genlib.losses.precision import single


class Estimate(NamedTuple):
    """A mean over samples and its standard error."""

    mean: Tensor
    error: Tensor


def k1(log_p: Tensor, log_q: Tensor) -> Tensor:
    """−log r, the definition itself: unbiased, but half of the values may be negative.

    Args:
        log_p: log p(x) at samples x of p, any shape.
        log_q: log q(x) at the same samples, of the same shape; −∞ where q is 0.

    Returns:
        One value per sample, nats.

    Raises:
        ValueError: the shapes differ, or a value cannot be a log density.
    """
    return -_log_ratio(log_p, log_q)


def k2(log_p: Tensor, log_q: Tensor) -> Tensor:
    """½ (log r)²: never negative, small variance, biased; right to second order for q near p.

    Arguments, result and errors as for `k1`.
    """
    return 0.5 * _log_ratio(log_p, log_q).square()


def k3(log_p: Tensor, log_q: Tensor) -> Tensor:
    """r − 1 − log r: unbiased if q is 0 where p is, and never negative.

    Its variance is small for q near p, and infinite where E_p[r²] is: if q has heavier tails.
    Arguments, result and errors as for `k1`.
    """
    log_ratio = _log_ratio(log_p, log_q)
    return log_ratio.expm1() - log_ratio  # keeps its digits near log r = 0


def mean_and_error(values: Tensor, dim: int = 0) -> Estimate:
    """The mean of n independent values along `dim`, and its standard error s / √n.

    Raises:
        ValueError: fewer than two values along `dim`: no error can be told.
    """
    n = values.shape[dim] if values.dim() else 1
    if n < 2:
        raise ValueError(f"a standard error needs at least two values, got {n} along axis {dim}.")
    values = single(values)
    return Estimate(values.mean(dim), values.std(dim) / n**0.5)


def _log_ratio(log_p: Tensor, log_q: Tensor) -> Tensor:
    if log_p.shape != log_q.shape:
        raise ValueError(
            f"log_p {list(log_p.shape)} and log_q {list(log_q.shape)} differ in shape: give both "
            "at the same samples, summed over the coordinates of each."
        )
    log_p, log_q = single(log_p), single(log_q)
    if not bool(log_p.isfinite().all()):
        raise ValueError("log_p has infinite or NaN entries; are these samples of p?")
    if bool((log_q.isnan() | torch.isposinf(log_q)).any()):
        raise ValueError("log_q has entries that are NaN or +∞, which no log density takes here.")
    return log_q - log_p
