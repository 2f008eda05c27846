"""What every test of the 28x28 sets expects of the small stand-in for MNIST."""

from __future__ import annotations

from genlib.data import mnist, used


def is_the_small_mnist(files: dict[str, bytes]) -> None:
    for split, part, n in (("train", "train", 50), ("test", "t10k", 20)):
        data = mnist(split)
        assert data.name == "mnist"
        assert data.split == split
        assert data.shape == (1, 28, 28)
        assert data.images.numpy().tobytes() == files[f"{part}-images-idx3-ubyte"][16:]
        assert data.labels is not None
        assert data.labels.tolist() == list(files[f"{part}-labels-idx1-ubyte"][8:])
        assert len(data) == n
    assert used() == ("MNIST",)
