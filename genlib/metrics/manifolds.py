"""Are samples like real images, and are all kinds of real images there? Two pairs of figures.

Both draw a ball around each feature vector, up to its k-th nearest neighbour of the same set, and
take the balls for the region where that set's images lie.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from genlib.metrics.balls import members, radii


@dataclass(frozen=True)
class PrecisionRecall:
    """How much of each set lies in the other's balls; made by `precision_recall`.

    Attributes:
        precision: share of the fake vectors that lie in a ball of a real one.
        recall: share of the real vectors that lie in a ball of a fake one.
        k: the neighbour that each ball reaches to.
        n: number of real vectors.
        m: number of fake vectors.
    """

    precision: float
    recall: float
    k: int
    n: int
    m: int

    def to_dict(self) -> dict[str, float | int]:
        """The form in which result files keep it."""
        return asdict(self)


@dataclass(frozen=True)
class DensityCoverage:
    """How full the real vectors' balls are of fake ones; made by `density_coverage`.

    Attributes:
        density: number of real balls around a fake vector, on average, over k; can exceed 1.
        coverage: share of the real vectors with a fake one in their ball.
        k: the neighbour that each ball reaches to.
        n: number of real vectors.
        m: number of fake vectors.
    """

    density: float
    coverage: float
    k: int
    n: int
    m: int

    @property
    def expected_coverage(self) -> float:
        """`coverage` on average if both sets come from one distribution; `density` is then 1.

        1 − (N − 1) ⋯ (N − k) / ((N + M − 1) ⋯ (N + M − k)) (Naeem et al. 2020, appendix): a ball
        stays empty if the k vectors nearest to its centre, of the N + M − 1 others, are all real.
        """
        empty = 1.0
        for j in range(1, self.k + 1):
            empty *= (self.n - j) / (self.n + self.m - j)
        return 1 - empty

    def to_dict(self) -> dict[str, float | int]:
        """The form in which result files keep it."""
        return asdict(self)


@torch.no_grad()
def precision_recall(real: Tensor, fake: Tensor, k: int = 3, chunk: int = 1_000) -> PrecisionRecall:
    """Improved precision and recall (Kynkäänniemi et al. 2019, equations 1 to 3).

    The ball of a vector reaches to its k-th nearest other vector of the same set, the boundary
    included. Precision is the share of the fake vectors in at least one ball of the real set;
    recall is the share of the real vectors in at least one ball of the fake set. Bad pictures lower
    the one, missing kinds of pictures the other.

    *One vector far from all others spoils it*: its ball is huge and lets in whatever lies between.
    `density_coverage` is less easily taken in. Both shares depend on k, N, M and D, and stay
    below 1 for two samples of one distribution: compare at equal numbers, and beside the same
    figure of unseen real images. A generator that repeats its training images scores highest.

    Args:
        real: features of real images, `[N, D]`.
        fake: features of generated images, `[M, D]`; moved to where `real` lies.
        k: the neighbour that each ball reaches to.
        chunk: vectors compared at a time; memory grows with its square, time with (N + M)² D.

    Raises:
        ValueError: shapes do not fit, a set has no more than k vectors, or an entry is not finite.
    """
    real, fake = checked(real, fake, least_real=k + 1, least_fake=k + 1, k=k)
    in_real, _ = members(real, radii(real, k, chunk), fake, chunk)  # [M]
    in_fake, _ = members(fake, radii(fake, k, chunk), real, chunk)  # [N]
    precision, recall = (float((balls > 0).double().mean()) for balls in (in_real, in_fake))
    return PrecisionRecall(precision, recall, k, len(real), len(fake))


@torch.no_grad()
def density_coverage(real: Tensor, fake: Tensor, k: int = 5, chunk: int = 1_000) -> DensityCoverage:
    """Density and coverage (Naeem et al. 2020, section 3).

    Both use the real balls alone. Density counts in how many of them a fake vector lies, on average
    and over k: a single huge ball adds at most 1/k. Coverage is the share of the balls with a fake
    vector in them. For two samples of one distribution the one is 1 on average, the other
    `expected_coverage`, whatever the distribution.

    *Density has no upper end*: pictures that crowd where real ones are densest exceed 1, so it is
    a target and not the higher the better. Coverage depends on N, M and k: compare at equal ones.
    A generator that repeats its training images has both above what new real images have.

    Args:
        real: features of real images, `[N, D]`.
        fake: features of generated images, `[M, D]`; moved to where `real` lies.
        k: the neighbour that each ball reaches to.
        chunk: vectors compared at a time; memory grows with its square, time with N (N + M) D.

    Raises:
        ValueError: shapes do not fit, there are no more than k real vectors, no fake one, or an
            entry is not finite.
    """
    real, fake = checked(real, fake, least_real=k + 1, least_fake=1, k=k)
    balls, guests = members(real, radii(real, k, chunk), fake, chunk)
    density, coverage = float(balls.double().mean()) / k, float((guests > 0).double().mean())
    return DensityCoverage(density, coverage, k, len(real), len(fake))


def checked(
    real: Tensor, fake: Tensor, *, least_real: int, least_fake: int, k: int
) -> tuple[Tensor, Tensor]:
    """Both in double precision, on the device of `real`.

    Raises:
        ValueError: shapes do not fit, there are too few, k is below 1, or an entry is not finite.
    """
    if real.dim() != 2 or fake.dim() != 2 or real.shape[1] != fake.shape[1]:
        raise ValueError(
            f"features must be [N, D] and [M, D] with one D, got {list(real.shape)} and "
            f"{list(fake.shape)}; take both from the same classifier."
        )
    if k < 1 or len(real) < least_real or len(fake) < least_fake:
        raise ValueError(
            f"k = {k} needs to be at least 1, and here at least {least_real} real and {least_fake} "
            f"fake vectors, got {len(real)} and {len(fake)}; give more images, or another k."
        )
    for name, vectors in {"real": real, "fake": fake}.items():
        if not bool(vectors.isfinite().all()):
            raise ValueError(
                f"{name} has entries that are NaN or infinite; look at the images they come from."
            )
    return real.double(), fake.to(real.device).double()
