"""Scalars for TensorBoard, for those who like it: `train(…, on_log=[to_tensorboard(folder)])`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def to_tensorboard(folder: Path | str) -> Callable[[int, dict[str, float]], None]:
    """A function for `train`'s `on_log` that writes what enters the history.

    Raises:
        ModuleNotFoundError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "TensorBoard is not installed: pip install tensorboard"
        ) from error
    writers: list[SummaryWriter] = []

    def log(step: int, means: dict[str, float]) -> None:
        if not writers:  # only now: of several processes, the first alone logs and writes
            writers.append(SummaryWriter(str(folder)))
        for name, value in means.items():
            writers[0].add_scalar(name, value, step)
        writers[0].flush()

    return log
