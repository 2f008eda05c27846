"""`BatchStream`: endless shuffled batches from data that already lies on the device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from genlib.data.images import ImageSet, to_unit
from genlib.seeds import make_generator


class Batch(NamedTuple):
    """One batch: pixels, labels (None where the set has none), and the images' numbers."""

    x: Tensor  # float32 [B, C, H, W] in [0, 1]
    y: Tensor | None  # int64 [B]
    index: Tensor  # type: ignore[assignment]  # int64 [B]; hides tuple.index, which nobody needs


class BatchStream(Iterator[Batch]):
    """Endless batches, reshuffled each epoch; the last short batch of an epoch is dropped.

    The order of epoch `e` comes from `(seed, e)` alone and is drawn on the CPU, so the batches
    are the same on every device and a stream can be resumed from a few integers.

    Args:
        data: the images; moved to `device` once, and kept there as uint8.
        batch_size: images in a batch, at most `len(data)`.
        seed: gives the order.
        device: where batches are made; by default where the data lies.
        part: `(rank, count)`: give only this process's rows of each batch, where `count` processes
            train together. `batch_size` remains that of the whole batch.

    Raises:
        ValueError: `batch_size` is below 1, larger than the set, or does not divide evenly.
    """

    def __init__(
        self,
        data: ImageSet,
        batch_size: int,
        *,
        seed: int,
        device: torch.device | str | None = None,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        if not 1 <= batch_size <= len(data):
            raise ValueError(
                f"batch_size is {batch_size}, but {data.title} ({data.split}) has {len(data)} "
                f"images; use a batch_size from 1 to {len(data)}."
            )
        _, count = part
        if batch_size % count:
            raise ValueError(
                f"batch_size is {batch_size}, which {count} processes cannot share evenly; use a "
                f"multiple of {count}, for instance {-(-batch_size // count) * count}."
            )
        self.data = data if device is None else data.to(device)
        self.batch_size = batch_size
        self.part = part
        self.seed = seed
        self._given = 0  # batches given since the beginning
        self._order: tuple[int, Tensor] | None = None  # (epoch, permutation [N])

    @property
    def batches_per_epoch(self) -> int:
        """Whole batches in the set."""
        return len(self.data) // self.batch_size

    @property
    def epoch(self) -> int:
        """Epoch of the next batch, from 0."""
        return self._given // self.batches_per_epoch

    @property
    def position(self) -> int:
        """Number of the next batch within its epoch, from 0."""
        return self._given % self.batches_per_epoch

    def __next__(self) -> Batch:
        rank, count = self.part
        own = self.batch_size // count
        start = self.position * self.batch_size + rank * own
        index = self._permutation(self.epoch)[start : start + own]  # [N] -> [B]
        labels = self.data.labels
        batch = Batch(
            x=to_unit(self.data.images.index_select(0, index)),  # convert B images, not N
            y=None if labels is None else labels.index_select(0, index),
            index=index,
        )
        self._given += 1
        return batch

    def skip_to(self, images: int) -> None:
        """Stand where about `images` images have been given; for a run whose batches changed."""
        self._given = images // self.batch_size

    def _permutation(self, epoch: int) -> Tensor:
        if self._order is None or self._order[0] != epoch:
            generator = make_generator(self.seed, "epoch", epoch)
            order = torch.randperm(len(self.data), generator=generator)
            self._order = (epoch, order.to(self.data.images.device))
        return self._order[1]

    def state_dict(self) -> dict[str, int]:
        """Where the stream stands: enough to continue it exactly."""
        return {**self._settings(), "epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue from `state`.

        Raises:
            ValueError: the state is of a stream with another seed, size or batch size, or its
                position does not exist; the message names the difference.
        """
        missing = {*self._settings(), "epoch", "position"} - set(state)
        if missing:
            raise ValueError(f"this is no state of a BatchStream: it lacks {sorted(missing)}.")
        differ = {k: (state[k], v) for k, v in self._settings().items() if state[k] != v}
        if differ:
            words = ", ".join(f"{k} {old} (here {new})" for k, (old, new) in differ.items())
            raise ValueError(
                f"the state is of another stream: {words}. Make the BatchStream with the same "
                "data, batch_size and seed, or start afresh without the state."
            )
        if state["epoch"] < 0 or not 0 <= state["position"] < self.batches_per_epoch:
            raise ValueError(
                f"the state stands at epoch {state['epoch']}, batch {state['position']}, but an "
                f"epoch has the batches 0 to {self.batches_per_epoch - 1}."
            )
        self._given = state["epoch"] * self.batches_per_epoch + state["position"]

    def _settings(self) -> dict[str, int]:
        return {"seed": self.seed, "size": len(self.data), "batch_size": self.batch_size}


class AttributeStream(BatchStream):
    """The same batches with all attributes of each image as its labels: `y` is int64 [B, A].

    The columns are the attributes in the order of `data.attributes`. Arguments as for
    `BatchStream`.

    Raises:
        ValueError: as for `BatchStream`, or the set has no attributes.
    """

    def __init__(
        self,
        data: ImageSet,
        batch_size: int,
        *,
        seed: int,
        device: torch.device | str | None = None,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        super().__init__(data, batch_size, seed=seed, device=device, part=part)
        if not self.data.attributes:
            raise ValueError(
                f"{data.title} ({data.split}) has no attributes; take drawn_faces, or BatchStream."
            )

    def __next__(self) -> Batch:
        batch = super().__next__()
        known = [values.index_select(0, batch.index) for values in self.data.attributes.values()]
        return batch._replace(y=torch.stack(known, dim=1))  # A of [B] -> [B, A]
