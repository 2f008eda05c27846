"""The benchmark runs, and the stream is the faster source even on a small set."""

from __future__ import annotations

import torch

from benchmarks.data_stream import (
    BATCH_SIZE,
    compare,
    feeding_seconds,
    from_loader,
    from_stream,
)
from genlib.data import digits


def test_both_sources_give_the_same_batches_up_to_order() -> None:
    data = digits("train")
    ours, theirs = list(from_stream(data)), list(from_loader(data, workers=0))
    assert len(ours) == len(theirs) == len(data) // BATCH_SIZE
    for batches in (ours, theirs):
        assert batches[0].shape == (BATCH_SIZE, 1, 28, 28)
        assert batches[0].dtype == torch.float32
    known = {tuple(image.flatten().tolist()) for image in data.pixels()}
    assert all(tuple(x.flatten().tolist()) in known for x in (ours[0][0], theirs[0][0]))


def test_the_stream_feeds_many_times_faster() -> None:
    """Fastest of several, so that a busy machine does not decide."""
    data = digits("train")
    ours = min(feeding_seconds(from_stream(data)) for _ in range(5))
    theirs = min(feeding_seconds(from_loader(data, workers=0)) for _ in range(5))
    assert theirs > 5 * ours


def test_the_whole_comparison_runs() -> None:
    found = compare(digits("train"), repeats=1, workers=0)
    assert all(value > 0 for value in found.values())
