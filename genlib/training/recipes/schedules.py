"""Learning rates over a run, made of torch's own schedules."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR


def warmup_cosine(optimizer: Optimizer, steps: int, warmup: int = 0) -> LRScheduler:
    """The rate rises evenly for `warmup` steps, then falls to 0 along a cosine until `steps`.

    Step t (from 0) of the warm-up has the rate (t + 1)/(warmup + 1) of the full one.

    Raises:
        ValueError: `warmup` is negative or leaves no steps.
    """
    if not 0 <= warmup < steps:
        raise ValueError(f"warmup is {warmup}; it must lie between 0 and steps − 1 = {steps - 1}")
    if warmup == 0:
        return CosineAnnealingLR(optimizer, steps)
    rise = LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
    fall = CosineAnnealingLR(optimizer, steps - warmup)
    return SequentialLR(optimizer, [rise, fall], milestones=[warmup])
