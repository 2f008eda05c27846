"""Does a generator hand out its training images? Their neighbours tell."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from genlib.data.images import ImageSet
from genlib.metrics.neighbours import nearest


@dataclass(frozen=True)
class Memorisation:
    """How near generated images lie to training images, beside how near unseen real ones do.

    Attributes:
        share_near: share of generated images that are nearer to a training image than 95 % of the
            held-out ones are. 0.05 is what held-out images have.
        ratio: median distance of generated images to the training set over that of held-out ones.
        z: Mann–Whitney statistic of the two sets of distances (Meehan et al. 2020, over the whole
            space as one cell). Far below 0: generated images lie too near.
        train_share: of the tenth of generated images that lie nearest to any real image, training
            or held out, the share whose nearest is a training image.
        expected: what `train_share` is if the generator knows no more of the one than of the other:
            N / (N + M).
        train_z: standard deviations between the two. Far above 0: copies.
    """

    share_near: float
    ratio: float
    z: float
    train_share: float
    expected: float
    train_z: float

    @property
    def copies(self) -> bool:
        """Whether `train_z` is above 3, which no more than chance gives once in 700 times."""
        return self.train_z > 3

    def __str__(self) -> str:
        return (
            f"{self.share_near:.1%} very near a training image (held out: 5 %), median distance "
            f"{self.ratio:.2f} of a held-out image's, z = {self.z:+.1f}; of the nearest tenth, "
            f"{self.train_share:.1%} lie at a training image (without copying "
            f"{self.expected:.1%}), z = {self.train_z:+.1f}: "
            f"{'copies' if self.copies else 'no sign of copies'}"
        )


def memorisation(
    generated: Tensor | ImageSet,
    train: Tensor | ImageSet,
    held_out: Tensor | ImageSet,
    chunk: int = 2_000,
) -> Memorisation:
    """Compare generated images with the training set, and with images nobody trained on.

    Two questions. Are they *nearer* to training images than new real images are (`share_near`,
    `ratio`, `z`)? In pixels a blurred image is near to everything, so blur alone can answer yes.
    And are those that lie near anything nearer to *training* images than to held-out ones
    (`train_share`, `train_z`)? Blur, or leaving out classes, moves a picture towards both alike;
    only what was learned by heart from the training images tells them apart. The verdict `copies`
    rests on this second question. Its z has the exact mean and variance for training and held-out
    images of one distribution: those of `train_share` when all real images are dealt anew to the
    two sets.

    No sign of copies is no proof: a few copies among many images go unseen, and so do copies that
    are shifted or recoloured. With few images nothing can be shown: if every one of the nearest
    tenth of G images lies at a training image of its own, `train_z` is about √(G M / 10 N).
    Distance is taken between what you give, pixels or features.

    Args:
        generated: G images or vectors, `[G, ...]`.
        train: N images that the generator was trained on.
        held_out: M of the same distribution that it was not.
        chunk: as for the search: memory grows with its square.

    Raises:
        ValueError: shapes do not fit, a set has fewer than two, or an entry is not finite.
    """
    if min(len(generated), len(train), len(held_out)) < 2:
        raise ValueError(
            f"memorisation needs at least two of each, got {len(generated)} generated, "
            f"{len(train)} training and {len(held_out)} held-out images."
        )
    made, made_number = (v.cpu() for v in nearest(generated, train, chunk))
    real, _ = nearest(held_out, train, chunk)
    other, other_number = (v.cpu() for v in nearest(generated, held_out, chunk))
    real = real.cpu()
    any_real = torch.minimum(made, other)
    tenth = any_real.argsort(stable=True)[: -(-len(any_real) // 10)]
    ties = (made == other)[tenth]  # a duplicate in both sets counts by half
    in_train = (made < other)[tenth]
    number = torch.where(in_train, made_number[tenth], len(train) + other_number[tenth])
    expected, spread = _dealt(number, len(train), len(held_out))
    train_share = float((in_train.double() + 0.5 * ties).mean())
    middle = float(real.median())
    return Memorisation(
        share_near=float((made < real.quantile(0.05)).double().mean()),
        ratio=float(made.median()) / middle if middle > 0 else float("inf"),
        z=_mann_whitney(made, real),
        train_share=train_share,
        expected=expected,
        train_z=(train_share - expected) / spread,
    )


def _dealt(number: Tensor, train: int, held_out: int) -> tuple[float, float]:
    """Mean and standard deviation of `train_share` if the real images are dealt anew.

    With c_r the share of generated images that have real image r as neighbour, the share is Σ c_r
    over a random subset of the real images: sampling without replacement.
    """
    n = train + held_out
    counts = number.bincount(minlength=n).double() / len(number)  # c_r, sums to 1
    p = train / n
    variance = p * (1 - p) * n / (n - 1) * float(counts.square().sum() - 1 / n)
    return p, max(variance, 1e-300) ** 0.5


def _mann_whitney(made: Tensor, real: Tensor) -> float:
    """(U − ½ n m) / √(n m (n + m + 1) / 12); U counts the pairs with made > real, ties by half."""
    n, m = len(made), len(real)
    ordered = real.sort().values
    below = torch.searchsorted(ordered, made)  # real < made
    up_to = torch.searchsorted(ordered, made, right=True)
    u = float((below + up_to).double().sum()) / 2
    return (u - n * m / 2) / (n * m * (n + m + 1) / 12) ** 0.5
