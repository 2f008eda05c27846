"""One epoch of the dense autoencoder, fed by genlib's stream and by torchvision's DataLoader.

    python -m benchmarks.data_stream

Model, optimiser, batch size and number of steps are the same; only the source of batches differs.
The two take turns, so that a machine that slows down slows both. Printed are the medians and the
median ratio of the pairs, for no worker (a DataLoader's default), one (as in PyTorch's own VAE
example) and two; then how many times faster the stream is when nothing is trained. The training
itself takes the same time in both and bounds the ratio: on few cores a worker helps little, since
it competes with the training for them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterable
from itertools import islice

import torch
from torch import Tensor

from genlib import seed_everything
from genlib.data import BatchStream, ImageSet, digits, fashion_mnist
from genlib.losses import squared_error
from genlib.models.autoencoder import DenseAutoencoder
from genlib.tables import Table
from genlib.torchvision_compat import import_torchvision

BATCH_SIZE = 128


def epoch_seconds(batches: Iterable[Tensor]) -> float:
    """Train a fresh model on these batches, `[B, 1, 28, 28]` each; the time it took, seconds."""
    seed_everything(0)
    model = DenseAutoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    began = time.perf_counter()
    for x in batches:
        optimizer.zero_grad()
        squared_error(model(x), x).mean().backward()
        optimizer.step()
    return time.perf_counter() - began


def from_stream(data: ImageSet) -> Iterable[Tensor]:
    stream = BatchStream(data, BATCH_SIZE, seed=0)
    return (batch.x for batch in islice(stream, stream.batches_per_epoch))


def from_loader(data: ImageSet, workers: int) -> Iterable[Tensor]:
    """The usual way: one PIL image at a time through `ToTensor`, collated by a DataLoader."""
    transform = import_torchvision("transforms").ToTensor()
    root = os.environ.get("GENLIB_DATA")
    if root and data.name == "fashion_mnist":
        dataset = import_torchvision("datasets").FashionMNIST(root, transform=transform)
    else:
        dataset = AsTorchvision(data, transform)
    loader = torch.utils.data.DataLoader(
        dataset, BATCH_SIZE, shuffle=True, drop_last=True, num_workers=workers
    )
    return (x for x, _ in loader)


class AsTorchvision(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """What `torchvision.datasets.FashionMNIST` does per item, for whatever set is at hand."""

    def __init__(self, data: ImageSet, transform: Callable[..., Tensor]) -> None:
        assert data.labels is not None
        self.images = data.images[:, 0]  # [N, 28, 28], as torchvision's sets hold them
        self.labels = data.labels
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        from PIL import Image

        picture = Image.fromarray(self.images[index].numpy())
        return self.transform(picture), int(self.labels[index])


def feeding_seconds(batches: Iterable[Tensor]) -> float:
    """The time to make these batches and throw them away, seconds."""
    began = time.perf_counter()
    for _ in batches:
        pass
    return time.perf_counter() - began


def compare(data: ImageSet, repeats: int, workers: int) -> dict[str, float]:
    """Median seconds per epoch of both, and the median of the pairwise ratios."""
    epoch_seconds(islice(from_stream(data), 20))  # warm up
    pairs = [
        (epoch_seconds(from_stream(data)), epoch_seconds(from_loader(data, workers)))
        for _ in range(repeats)
    ]
    return {
        "stream": statistics.median(a for a, _ in pairs),
        "loader": statistics.median(b for _, b in pairs),
        "ratio": statistics.median(b / a for a, b in pairs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--digits", action="store_true", help="the small set that is always there")
    chosen = parser.parse_args()
    data = digits("train") if chosen.digits else fashion_mnist("train")
    print(f"{data.describe()}; {torch.get_num_threads()} threads, torch {torch.__version__}")
    rows = []
    for workers in (0, 1, 2):
        found = compare(data, chosen.repeats, workers)
        feed = feeding_seconds(from_loader(data, workers)) / feeding_seconds(from_stream(data))
        numbers = [f"{found[key]:.2f}" for key in ("stream", "loader", "ratio")]
        rows.append([f"{workers}", *numbers, f"{feed:.0f}"])
    header = [
        "DataLoader workers", "stream, s/epoch", "DataLoader, s/epoch", "ratio", "feeding alone"
    ]  # fmt: skip
    print(Table(header, rows))


if __name__ == "__main__":
    main()
