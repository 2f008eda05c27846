"""The player of chapter 1: reconstruct, with or without noise to remove."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from genlib.losses import squared_error
from genlib.training.players import Move, Player


def add_noise(x: Tensor, noise_std: float, generator: torch.Generator) -> Tensor:
    """`x + σ ε` with a fresh ε for every pixel of every image; not clipped, so E[noise] stays 0."""
    eps = torch.randn(x.shape, generator=generator, device=x.device)
    return x + noise_std * eps


def autoencoder_player(
    model: nn.Module, *, steps: int, learning_rate: float = 1e-3, noise_std: float = 0.0
) -> Player:
    """Adam on the mean squared error of whole images, its rate falling to 0 along a cosine.

    With `noise_std > 0` the input is corrupted and the clean image is the target: a denoising
    autoencoder (Vincent et al. 2008).

    Args:
        model: takes and returns images `[B, C, H, W]`.
        steps: length of the run, for the schedule.
        learning_rate: at the start.
        noise_std: standard deviation of the corruption, in units of the pixel range [0, 1].
    """

    def loss(move: Move) -> Tensor:
        seen = add_noise(move.x, noise_std, move.generator) if noise_std > 0 else move.x
        return squared_error(model(seen), move.x).mean()

    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    schedule = CosineAnnealingLR(optimizer, steps)
    return Player("reconstruction", model, loss, optimizer, schedule=schedule)
