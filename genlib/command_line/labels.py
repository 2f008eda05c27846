"""What the commands do with labels: choose a class, and put it beside the noise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.models.vae import ConditionalVAE


class LabelledPainter(nn.Module):
    """The decoder of a `ConditionalVAE` as a function of one input: noise, and beside it the label.

    Its input is `[B, latent + classes]`, the label one-hot.
    """

    def __init__(self, model: ConditionalVAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: Tensor) -> Tensor:
        logits = self.model.decoder(z).unflatten(1, self.model.image_shape)  # -> [B, C, H, W]
        return torch.sigmoid(logits)


def beside(z: Tensor, classes: int, label: int | None) -> Tensor:
    """Noise with labels, `[n, K] -> [n, K + classes]`: `label` for all, or all classes in turn."""
    chosen = torch.arange(len(z)) % classes if label is None else torch.full((len(z),), label)
    return torch.cat([z, F.one_hot(chosen, classes).to(z)], dim=1)


def find_class(text: str, names: Sequence[str]) -> int:
    """The number of a class from its name or number.

    Raises:
        ValueError: there is no such class; the message lists them.
    """
    numbers = {name.lower(): number for number, name in enumerate(names)}
    numbers |= {str(number): number for number in range(len(names)) if str(number) not in numbers}
    if text.lower() not in numbers:
        listed = ", ".join(f"{number} {name}" for number, name in enumerate(names))
        raise ValueError(f"there is no class {text!r}; the classes are {listed}")
    return numbers[text.lower()]
