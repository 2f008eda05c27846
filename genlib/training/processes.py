"""Several processes that train one model together, one GPU each, on torch's own distributed stack.

Each process computes the losses of its own rows of the batch. Before an optimiser moves, the
gradients are averaged over all processes in one flat message, so that all weights stay equal. The
average is taken by hand rather than by `DistributedDataParallel`, whose hooks fire during
`backward` and miss gradients of a loss that was not its module's output, such as a critic's
gradient penalty.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping, Sequence
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
    def average(
        self,
        loss: Tensor,
        parameters: Sequence[Tensor],
        logged: MutableMapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Replace gradients and logged values by their means over the processes.

        All of it is one message. A NaN in one process becomes a NaN in all, so that all stop
        together.

        Returns:
            The mean loss.
        """
        if self.count == 1:
            return loss
        logged = {} if logged is None else logged
        for p in parameters:
            if p.grad is None:  # a parameter that this loss did not reach in this process
                p.grad = torch.zeros_like(p)
        gradients = [p.grad for p in parameters if p.grad is not None]
        parts = [*gradients, loss, *logged.values()]
        message = torch.cat([part.reshape(-1).to(gradients[0]) for part in parts])
        dist.all_reduce(message)
        message /= self.count
        means = message.split([part.numel() for part in parts])
        for gradient, mean in zip(gradients, means, strict=False):
            gradient.copy_(mean.view(gradient.shape))
        # Copies: views would keep the whole message in memory.
        first, *others = (mean.reshape(()).clone() for mean in means[len(gradients) :])
        logged.update(zip(logged, others, strict=True))
        return first

    def any(self, flag: bool) -> bool:
        """Whether `flag` is true in any process."""
        if self.count == 1:
            return flag
        # `joined` lets CPU tensors travel too, so that nobody waits for a GPU at each step.
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

    Raises:
        ValueError: this machine has fewer GPUs than processes.
    """
    if "LOCAL_RANK" not in os.environ:
        yield ALONE
        return
    backend = "gloo"
    if torch.cuda.is_available():
        number, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if number >= gpus:
            raise ValueError(
                f"process {number + 1} of this machine has no GPU of its own, since there are only "
                f"{gpus}: start with torchrun --nproc-per-node {gpus}, or set "
                'CUDA_VISIBLE_DEVICES="" to train on the CPU.'
            )
        torch.cuda.set_device(number)
        backend = "cpu:gloo,cuda:nccl"
    dist.init_process_group(backend)
    try:
        yield processes()
    finally:
        dist.destroy_process_group()
