"""What lets a discriminator see a lack of variety: it compares samples instead of judging each.

Both are for GANs only. A gradient penalty needs scores of each image by itself.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genlib.losses.precision import single


class MinibatchDiscrimination(nn.Module):
    """Appends to each sample's features how near the other samples of the batch are.

    Salimans et al. 2016, section 3.2: with `M_i = f(x_i) T`, an array of `kernels` rows, row b of
    sample i is compared with row b of each other sample: `o_ib = Σ_j exp(−‖M_ib − M_jb‖₁)`. The
    paper's sum includes j = i, which adds 1 to every number; here it does not.

    The sum grows with the batch, so train and use it with batches of one size. Real and generated
    images belong in different batches.

    Args:
        features: F, length of the features that come in.
        kernels: how many numbers are appended.
        dim: length of the rows that are compared.
    """

    def __init__(self, features: int, kernels: int = 100, dim: int = 5) -> None:
        super().__init__()
        self.shape = (kernels, dim)
        self.compare = nn.Linear(features, kernels * dim, bias=False)  # a bias would cancel

    def forward(self, f: Tensor) -> Tensor:
        rows = single(self.compare(f)).unflatten(1, self.shape)  # [B, F] -> [B, kernels, dim]
        rows = rows.transpose(0, 1)  # -> [kernels, B, dim]
        nearness = torch.exp(-torch.cdist(rows, rows, p=1))  # -> [kernels, B, B]
        others = nearness.sum(dim=2) - nearness.diagonal(dim1=1, dim2=2)  # -> [kernels, B]
        return torch.cat([f, others.T.to(f.dtype)], dim=1)  # -> [B, F + kernels]


class Packed(nn.Module):
    """A discriminator that judges `packing` samples together (Lin et al. 2018, PacGAN).

    Each `packing` samples of a batch that follow one another lie on top of each other as channels
    and get one logit. A pack of collapsed samples is much easier to tell from a real one than a
    single sample is.

    Args:
        discriminator: takes `[B, packing · C, ...]`: build it for `packing` times the channels
            (of images) or numbers (of points).
        packing: m, samples in a pack.

    Raises:
        ValueError: `packing` is below 1; or, later, does not divide the batch.
    """

    def __init__(self, discriminator: nn.Module, packing: int) -> None:
        super().__init__()
        if packing < 1:
            raise ValueError(f"packing is {packing}; a pack holds at least one sample")
        self.discriminator, self.packing = discriminator, packing

    def forward(self, x: Tensor) -> Tensor:
        if len(x) % self.packing:
            raise ValueError(
                f"a batch of {len(x)} samples does not fill packs of {self.packing}: use a "
                f"batch_size that is a multiple of {self.packing}."
            )
        packs = x.reshape(len(x) // self.packing, -1, *x.shape[2:])  # -> [B/m, m·C, ...]
        logits: Tensor = self.discriminator(packs)  # -> [B/m]
        return logits

    def extra_repr(self) -> str:
        return f"packing={self.packing}"
