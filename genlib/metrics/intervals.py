"""A mean never travels without its uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % confidence interval over `n` independent runs."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.4g} ± {(self.high - self.low) / 2:.2g}"

    def to_dict(self) -> dict[str, float | int]:
        """The form in which result files keep it."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "n": self.n}


def interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Student's t interval of the mean of independent, roughly normal values (one per seed).

    Raises:
        ValueError: fewer than two values, or one that is not finite: no uncertainty can be told.
    """
    from scipy.stats import t

    sample = np.asarray(values, dtype=np.float64)
    if len(sample) < 2 or not np.isfinite(sample).all():
        raise ValueError(f"an interval needs at least two finite values, got {list(values)}")
    mean = float(sample.mean())
    half = float(
        t.ppf(0.5 + confidence / 2, len(sample) - 1) * sample.std(ddof=1) / len(sample) ** 0.5
    )
    return Interval(mean, mean - half, mean + half, len(sample))
