"""Chapter 4's networks for points in the plane: dense, of any width.

The defaults are those of the experiments on ring and grid in Lin et al. 2018 (PacGAN);
`normal_weights(network, 0.02)` starts them as there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from genlib.models.noise import Generator, Prior


class PointGenerator(Generator):
    """2-400-400-400-400-2 with ReLU, and batch normalisation before it.

    Args:
        latent: length of the noise `z`.
        hidden: widths between noise and point.
        dims: numbers in a point.
        norm: "batch" or "none".
        prior: see `Generator`.

    Raises:
        ValueError: no such norm or prior.
    """

    def __init__(
        self,
        latent: int = 2,
        hidden: Sequence[int] = (400, 400, 400, 400),
        dims: int = 2,
        norm: Literal["batch", "none"] = "batch",
        prior: Prior = "normal",
    ) -> None:
        super().__init__(latent, prior)
        if norm not in ("batch", "none"):
            raise ValueError(f"norm is {norm!r}; use 'batch' or 'none'")
        widths = [latent, *hidden]
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            # Batch normalisation subtracts the mean, and with it any bias before it.
            layers.append(nn.Linear(a, b, bias=norm == "none"))
            layers += [nn.BatchNorm1d(b)] if norm == "batch" else []
            layers.append(nn.ReLU())
        self.body = nn.Sequential(*layers, nn.Linear(widths[-1], dims))

    def forward(self, z: Tensor) -> Tensor:
        return self.body(z)  # [B, latent] -> [B, dims]


class PointDiscriminator(nn.Module):
    """2-200-200-200-1 with maxout units.

    Args:
        hidden: widths between point and logit.
        dims: numbers in a point; for `Packed`, in a pack.
        pieces: linear functions of which each unit takes the largest (Goodfellow et al. 2013); 1
            for ReLU units.
    """

    def __init__(
        self, hidden: Sequence[int] = (200, 200, 200), dims: int = 2, pieces: int = 5
    ) -> None:
        super().__init__()
        widths = [dims, *hidden]
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [nn.Linear(a, b), nn.ReLU()] if pieces == 1 else [Maxout(a, b, pieces)]
        self.body = nn.Sequential(*layers, nn.Linear(widths[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).squeeze(1)  # [B, dims] -> [B]


class Maxout(nn.Module):
    """Each output is the largest of `pieces` linear functions of the input.

    Raises:
        ValueError: `pieces` is below 2.
    """

    def __init__(self, inputs: int, outputs: int, pieces: int) -> None:
        super().__init__()
        if pieces < 2:
            raise ValueError(f"pieces is {pieces}; a maxout unit chooses from at least 2")
        self.pieces = pieces
        self.linear = nn.Linear(inputs, outputs * pieces)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).unflatten(1, (-1, self.pieces)).amax(dim=2)  # [B, I] -> [B, O]
