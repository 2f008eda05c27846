"""No metric makes a tensor that grows with the product of two sets, or with all images as floats.

Recorded is the largest storage that an operation gives out. Of 50,000 by 50,000 vectors the
distances alone would take 20 GB; what is bounded here for some thousands is bounded there too,
since the limit depends on the block and not on the number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from genlib.data import ImageSet
from genlib.metrics import (
    accuracy,
    bootstrap,
    bootstrap_density_coverage,
    bootstrap_of_one,
    bootstrap_precision_recall,
    class_entropy,
    class_histogram,
    density_coverage,
    features,
    frechet_distance,
    inception_moments,
    kernel_distance,
    memorisation,
    moments,
    nearest,
    precision_recall,
    predicted_classes,
    sharpness,
)

MB = 2**20


class Largest(TorchDispatchMode):
    """Bytes of the largest storage among the outputs of all operations under it."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self.bytes = max(self.bytes, leaf.untyped_storage().nbytes())
        return out


def largest(run: Callable[[], object]) -> int:
    with torch.no_grad(), Largest() as mode:
        run()
    return mode.bytes


def normal(n: int, d: int, seed: int) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


N = 3_000
REAL, FAKE = normal(N, 4, 0), normal(N, 4, 1) + 0.3


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


PAIRS: dict[str, Callable[[], object]] = {
    "precision_recall": lambda: precision_recall(REAL, FAKE, chunk=300),
    "density_coverage": lambda: density_coverage(REAL, FAKE, chunk=300),
    "bootstrap_precision_recall": lambda: bootstrap_precision_recall(
        REAL, FAKE, seeded(), resamples=20, chunk=300
    ),
    "bootstrap_density_coverage": lambda: bootstrap_density_coverage(
        REAL, FAKE, seeded(), resamples=20, chunk=300
    ),
    "kernel_distance": lambda: kernel_distance(REAL, FAKE, chunk=300),
    "nearest": lambda: nearest(REAL, FAKE, chunk=300),
    "memorisation": lambda: memorisation(FAKE, REAL, FAKE.flip(1), chunk=300),
    "moments": lambda: moments(REAL),
    "frechet_distance": lambda: frechet_distance(REAL, FAKE),
    "bootstrap of frechet_distance": lambda: bootstrap(
        frechet_distance, REAL, FAKE, seeded(), resamples=20
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_no_tensor_of_all_pairs(name: str) -> None:
    """A block has a hundredth of the pairs; allowed are some more, for neighbours and halves."""
    block = 300 * 300 * 8
    assert largest(PAIRS[name]) <= 5 * block < N * N * 4


def test_kernel_distances_of_all_halves_at_once() -> None:
    """Its blocks are fixed at 2,000 by 2,000: 32 MB, while all pairs would take 72."""
    assert (
        largest(lambda: bootstrap(kernel_distance, REAL, FAKE, seeded(), resamples=20)) <= 34 * MB
    )


def test_the_worst_case_does_not_grow_beyond_a_block_either() -> None:
    """All vectors in one place: every fake one lies in every ball of every half."""
    place = REAL[:1].expand(600, -1)

    def run() -> None:
        found = bootstrap_density_coverage(place, place, seeded(), resamples=100, chunk=100)
        assert found["density"].value == 600 / 5
        assert found["coverage"].low == 1

    assert largest(run) <= 16 * MB


class Tiny(nn.Module):
    """A classifier of a few weights."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(256, 10)

    def features(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :5]

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x.flatten(1))


class Inception(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.float().mean(dim=(2, 3))


PICTURES = ImageSet(
    "noise", "noise", "test",
    torch.randint(0, 256, (20_000, 1, 16, 16), generator=seeded()).to(torch.uint8),
    labels=torch.randint(0, 10, (20_000,), generator=seeded()), classes=tuple("0123456789"),
)  # fmt: skip
LOOKS: dict[str, Callable[[], object]] = {
    "features": lambda: features(Tiny(), PICTURES),
    "class_histogram": lambda: class_histogram(Tiny(), PICTURES),
    "predicted_classes": lambda: predicted_classes(Tiny(), PICTURES),
    "accuracy": lambda: accuracy(Tiny(), PICTURES),
    "sharpness": lambda: sharpness(PICTURES),
    "inception_moments": lambda: inception_moments(Inception(), PICTURES),
    "bootstrap of class_entropy": lambda: bootstrap_of_one(
        class_entropy, PICTURES.labels, seeded(), resamples=100
    ),
}


@pytest.mark.parametrize("name", LOOKS)
def test_images_become_floats_batch_by_batch(name: str) -> None:
    """20,000 small images are 20 MB as floats; the bytes they lie in are 5."""
    assert largest(LOOKS[name]) <= 5.5 * MB


def test_the_recorder_sees_what_it_should() -> None:
    assert largest(lambda: torch.cdist(REAL, FAKE)) == N * N * 4
    assert largest(lambda: PICTURES.pixels()) == 20_000 * 256 * 4
