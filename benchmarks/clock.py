"""Taking the time of steps."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch


def timed(steps: int, device: torch.device, step: Callable[[], object]) -> float:
    """Seconds per step, after a tenth as many to warm up."""
    for _ in range(max(2, steps // 10)):
        step()
    wait(device)
    began = time.perf_counter()
    for _ in range(steps):
        step()
    wait(device)
    return (time.perf_counter() - began) / steps


def wait(device: torch.device) -> None:
    """Until a GPU has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
