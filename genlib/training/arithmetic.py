"""How numbers are stored and multiplied: precision and memory layout, chosen once for a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

Precision = Literal["fp32", "tf32", "bf16", "fp16"]

# A loss scale begins at 2¹⁶ and halves at each overflow. Below this one, a gradient of half
# precision would have overflowed at 65,504 · 2¹⁰ = 7 · 10⁷: that is no gradient to learn from.
LOWEST_SCALE = 2.0**-10


@dataclass
class Arithmetic:
    """The arithmetic of a run.

    - `fp32`: single precision throughout; NVIDIA's shortened TF32 is switched off, in matrix
      products and in convolutions.
    - `tf32`: the same numbers, but such a GPU multiplies them with 10 bits behind the point.
    - `bf16`: matrix products and convolutions in bfloat16, which has the range of single precision.
    - `fp16`: in half precision, whose range is small. Each player's loss is scaled up before its
      gradient is taken and the gradient scaled down after it (Micikevicius et al. 2018).

    Weights, optimiser state and losses are in single precision in all four.

    Raises:
        ValueError: no such precision.
    """

    precision: Precision = "fp32"
    device_type: str = "cpu"
    channels_last: bool = False
    scalers: dict[str, torch.amp.GradScaler] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise ValueError(
                f"precision is {self.precision!r}; use one of {', '.join(get_args(Precision))}"
            )

    def context(self) -> AbstractContextManager[Any]:
        """Open it around a loss: its matrix products are then made in the short format."""
        short = {"bf16": torch.bfloat16, "fp16": torch.float16}
        if self.precision not in short:
            return nullcontext()
        return torch.autocast(self.device_type, dtype=short[self.precision])

    def scaler(self, player: str) -> torch.amp.GradScaler:
        """The loss scale of one player; with any precision but fp16 it does nothing."""
        if player not in self.scalers:
            on = self.precision == "fp16"
            self.scalers[player] = torch.amp.GradScaler(self.device_type, enabled=on)
        return self.scalers[player]

    def lost(self, player: str) -> bool:
        """Whether the loss scale fell so low that no overflow explains it: the gradient is NaN.

        On a GPU this waits for it.
        """
        scaler = self.scaler(player)
        return scaler.is_enabled() and scaler.get_scale() < LOWEST_SCALE

    def lay_out(self, x: Tensor) -> Tensor:
        """The batch with its channels innermost in memory, if that was asked for."""
        return x.contiguous(memory_format=torch.channels_last) if self.channels_last else x

    def keep_freed_memory(self) -> None:
        """On Linux: let freed blocks be used again by the next step.

        A step frees its gradients and asks for blocks of the same sizes again. Where the C library
        hands such blocks back to the system, each page is faulted in anew, which can take longer
        than a matrix product. It keeps blocks up to the size of the largest it has seen freed, at
        most 32 MiB. This one is never touched and costs nothing.
        """
        if self.device_type == "cpu":
            torch.empty(31 * 2**20, dtype=torch.uint8)

    @contextmanager
    def run(self, models: list[nn.Module]) -> Iterator[None]:
        """While open, TF32 is on or off as the precision says; the models get their layout."""
        self.keep_freed_memory()
        if self.channels_last:
            for model in models:
                model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        places: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
        before = [place.allow_tf32 for place in places]
        try:
            for place in places:
                place.allow_tf32 = self.precision != "fp32"
            yield
        finally:
            for place, was in zip(places, before, strict=True):
                place.allow_tf32 = was


FP32 = Arithmetic()


def pick_precision(device: torch.device | str) -> Precision:
    """The fast choice for a device: bf16 on a GPU that has it, else fp16; fp32 on the CPU.

    A T4 computes bf16 by emulation, slowly, and gets fp16.
    """
    if torch.device(device).type != "cuda":
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
