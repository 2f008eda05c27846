"""Several processes that train one model together, one GPU each, on torch's own distributed stack.

Each process computes the losses of its own rows of the batch. Before an optimiser moves, the
gradients are averaged over all processes in one flat message, so that all weights stay equal. The
average is taken by hand rather than by `DistributedDataParallel`, whose hooks fire during
`backward` and miss gradients of a loss that was not its module's output, such as a critic's
gradient penalty.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Processes:
    """This process (`rank`, from 0) among `count`."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    @property
    def part(self) -> tuple[int, int]:
        """For `BatchStream(part=…)`: which rows of each batch are this process's."""
        return (self.rank, self.count)

    @torch.no_grad()
    def average(self, loss: Tensor, parameters: Sequence[Tensor]) -> Tensor:
        """Replace every gradient by its mean over the processes; returns the mean loss.

        A NaN in one process becomes a NaN in all, so that all stop together.
        """
        if self.count == 1:
            return loss
        gradients = []
        for p in parameters:
            if p.grad is None:  # a parameter that this loss did not reach in this process
                p.grad = torch.zeros_like(p)
            gradients.append(p.grad)
        message = torch.cat([loss.float().reshape(1), *(g.reshape(-1) for g in gradients)])
        dist.all_reduce(message)
        message /= self.count
        place = 1
        for gradient in gradients:
            gradient.copy_(message[place : place + gradient.numel()].view_as(gradient))
            place += gradient.numel()
        return message[0].clone()

    def any(self, flag: bool) -> bool:
        """Whether `flag` is true in any process."""
        if self.count == 1:
            return flag
        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        votes = torch.tensor(float(flag), device=device)
        dist.all_reduce(votes)
        return bool(votes > 0)

    def agree(self, value: Any) -> Any:
        """The first process's `value`, in all of them."""
        if self.count == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    @torch.no_grad()
    def same_start(self, models: Sequence[nn.Module]) -> None:
        """Give every process the first one's weights."""
        if self.count > 1:
            for model in models:
                for value in model.state_dict().values():
                    dist.broadcast(value, src=0)


ALONE = Processes()


def processes() -> Processes:
    """The processes that `joined` has brought together; one, if nothing has."""
    if dist.is_available() and dist.is_initialized():
        return Processes(dist.get_rank(), dist.get_world_size())
    return ALONE


@contextmanager
def joined() -> Iterator[Processes]:
    """Join the processes that `torchrun` started; alone, where it did not.

    On GPUs each process takes the one with its local number.
    """
    if "LOCAL_RANK" not in os.environ:
        yield ALONE
        return
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if gpu else "gloo")
    try:
        yield processes()
    finally:
        dist.destroy_process_group()
