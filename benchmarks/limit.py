"""What a step can cost at best: its floating-point work, and the rate of such work here."""

from __future__ import annotations

import time
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchmarks.clock import timed, wait
from genlib import make_generator
from genlib.data import BatchStream, ImageSet
from genlib.models.vae import VAE
from genlib.training import Player
from genlib.training.arithmetic import Arithmetic
from genlib.training.loop import make_step
from genlib.training.processes import ALONE
from genlib.training.run import Run


class Counter(TorchDispatchMode):
    """Adds up torch's formulas for matrix products and convolutions, backward passes included.

    torch's own `FlopCounterMode` also wants to know in which module each happens, which a gradient
    within the loss confuses.
    """

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        count = flop_registry.get(func.overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=out)
        return out


def flops_of(players: list[Player], data: ImageSet, batch_size: int) -> int:
    """Floating-point operations of one step, counted by torch: matrix products and convolutions."""
    device = players[0].parameters[0].device
    stream = BatchStream(data, batch_size, seed=0)
    noise = make_generator(0, "flops", device=device)
    run = Run(players, stream, noise, Arithmetic("fp32", device.type))
    with Counter() as counter:
        make_step(run, ALONE)
    return counter.total


def matrix_rate(device: torch.device, size: int | None = None, seconds: float = 0.5) -> float:
    """The rate at which this device multiplies fp32 matrices for about `seconds`, FLOP/s.

    Like the loops it is timed over a while, not by its luckiest product, and into memory that is
    there already. The default `size` keeps the device busy without leaving a processor's caches.
    """
    size = size or (4096 if device.type == "cuda" else 1024)
    a, b = (torch.rand(size, size, device=device) for _ in range(2))
    product = torch.empty_like(a)

    def timed(count: int) -> float:
        wait(device)
        began = time.perf_counter()
        for _ in range(count):
            torch.mm(a, b, out=product)
        wait(device)
        return time.perf_counter() - began

    timed(5)
    count = max(5, round(5 * seconds / timed(5)))
    return count * 2 * size**3 / timed(count)


def vae_products(model: VAE, batch_size: int, steps: int) -> float:
    """The matrix products of a dense VAE's step and nothing else: no loop can be faster."""
    weights = [p for p in model.parameters() if p.ndim == 2]  # [out, in] each
    device = weights[0].device
    x = [torch.rand(batch_size, w.shape[1], device=device) for w in weights]
    slope = [torch.rand(batch_size, w.shape[0], device=device) for w in weights]

    @torch.no_grad()
    def step() -> None:
        for i, w in enumerate(weights):
            F.linear(x[i], w)  # the layer
            slope[i].t() @ x[i]  # gradient with respect to its weights
            if i > 0:
                slope[i] @ w  # and to its input; nobody needs that of the images

    return timed(steps, device, step)
