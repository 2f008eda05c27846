"""What building a model gives the commands: players to train, and what a finished model can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from genlib.models.vae import VAE, ConditionalVAE
    from genlib.training import Player

Shape = tuple[int, int, int]  # of an image: channels, height, width


@dataclass(frozen=True)
class Built:
    """A model with its players, and what the commands can do with it. All of it in the averaged
    weights where averaging is on.

    Attributes:
        players: for `train`.
        painter: from `z [B, latent]` to images in [0, 1].
        latent: length of `z`.
        classes: how many labels the painter is told: one-hot beside `z`, `[B, latent + classes]`.
        prior: whether `z` from a prior gives samples. It does not for autoencoders.
        codes: gives n of `z` from the prior, with a generator; None where that is N(0, I).
        reconstruct: from images to images, where the model does that without labels.
        noise: standard deviation of the noise that `reconstruct` shall remove.
        variational: the model itself where it has a bound on log p(x).
        binarise: whether it was trained on pixels drawn as 0 or 1.
        judge: from images to `[B]`, logits of a discriminator or scores of a critic.
        best: name in the history whose lowest value marks the best checkpoint. None for games: a
            player's loss says how it fares against the other, not how good the pictures are.
    """

    players: list[Player]
    painter: nn.Module
    latent: int
    classes: int = 0
    prior: bool = True
    codes: Callable[[int, torch.Generator], Tensor] | None = None
    reconstruct: Callable[[Tensor], Tensor] | None = None
    noise: float = 0.0
    variational: VAE | ConditionalVAE | None = None
    binarise: bool = False
    judge: Callable[[Tensor], Tensor] | None = None
    judge_name: str = "discriminator"
    best: str | None = None
