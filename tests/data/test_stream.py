"""BatchStream: every epoch a permutation, exact resume, the same batches everywhere."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genlib.data import AttributeStream, BatchStream, ImageSet, drawn_faces


def numbered(n: int, *, labelled: bool = True, shape: tuple[int, int, int] = (1, 2, 2)) -> ImageSet:
    """Images whose pixels tell their number."""
    number = torch.arange(n)
    images = (number % 256).to(torch.uint8)[:, None, None, None].expand(n, *shape).contiguous()
    labels = {"labels": number % 7, "classes": tuple("abcdefg")} if labelled else {}
    return ImageSet("numbered", "Numbered", "all", images, **labels)  # type: ignore[arg-type]


sizes = st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n)))


@settings(deadline=None, max_examples=60)
@given(sizes, st.integers(0, 2**31))
def test_each_epoch_is_a_permutation(size: tuple[int, int], seed: int) -> None:
    n, batch_size = size
    stream = BatchStream(numbered(n), batch_size, seed=seed)
    assert stream.batches_per_epoch == n // batch_size
    for epoch in range(3):
        seen = []
        for position in range(stream.batches_per_epoch):
            assert (stream.epoch, stream.position) == (epoch, position)
            batch = next(stream)
            assert len(batch.index) == batch_size
            seen += batch.index.tolist()
        assert len(set(seen)) == len(seen) == n // batch_size * batch_size
        assert set(seen) <= set(range(n))


@settings(deadline=None, max_examples=60)
@given(sizes, st.integers(0, 2**31), st.integers(0, 40))
def test_a_loaded_state_gives_the_same_future(size: tuple[int, int], seed: int, steps: int) -> None:
    n, batch_size = size
    stream = BatchStream(numbered(n), batch_size, seed=seed)
    for _ in range(steps):
        next(stream)
    state = stream.state_dict()
    assert all(type(value) is int for value in state.values())
    resumed = BatchStream(numbered(n), batch_size, seed=seed)
    resumed.load_state_dict(state)
    for a, b in itertools.islice(zip(stream, resumed, strict=False), 5):
        assert torch.equal(a.index, b.index)
        assert torch.equal(a.x, b.x)
    stream.load_state_dict(state)  # and back in time
    assert stream.state_dict() == state


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(1, 2**31))
def test_other_seeds_and_other_epochs_have_other_orders(seed: int, other: int) -> None:
    a, b = (BatchStream(numbered(200), 200, seed=s) for s in (seed, seed + other))
    first = next(a).index
    assert not torch.equal(first, next(b).index)
    assert not torch.equal(first, next(a).index)


def test_batches_are_the_images_they_name() -> None:
    data = numbered(300, shape=(3, 4, 5))
    batch = next(BatchStream(data, 64, seed=1))
    assert batch.x.dtype == torch.float32
    assert batch.x.shape == (64, 3, 4, 5)
    assert torch.equal(batch.x, data.images[batch.index].float() / 255)
    assert batch.y is not None
    assert data.labels is not None
    assert torch.equal(batch.y, data.labels[batch.index])
    whole = next(BatchStream(data, 300, seed=1))
    assert (float(whole.x.min()), float(whole.x.max())) == (0, 1)  # 255 becomes 1 exactly
    assert next(BatchStream(numbered(9, labelled=False), 3, seed=1)).y is None


def test_the_global_generator_plays_no_part() -> None:
    stream = BatchStream(numbered(50), 10, seed=3)
    order = stream._permutation(0).clone()
    torch.manual_seed(99)
    assert torch.equal(BatchStream(numbered(50), 10, seed=3)._permutation(0), order)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_same_batches_on_the_gpu() -> None:
    cpu, gpu = (BatchStream(numbered(500), 64, seed=0, device=d) for d in ("cpu", "cuda"))
    for a, b in itertools.islice(zip(cpu, gpu, strict=False), 20):
        assert b.x.is_cuda
        assert torch.equal(a.x, b.x.cpu())
        assert torch.equal(a.index, b.index.cpu())


@pytest.mark.parametrize("batch_size", [0, -1, 11])
def test_a_batch_size_that_does_not_fit_is_refused(batch_size: int) -> None:
    with pytest.raises(ValueError, match=f"batch_size is {batch_size}, .* from 1 to 10"):
        BatchStream(numbered(10), batch_size, seed=0)


def test_the_state_of_another_stream_is_refused() -> None:
    state = BatchStream(numbered(10), 5, seed=0).state_dict()
    for other, word in (
        (BatchStream(numbered(10), 5, seed=1), r"seed 0 \(here 1\)"),
        (BatchStream(numbered(10), 2, seed=0), r"batch_size 5 \(here 2\)"),
        (BatchStream(numbered(11), 5, seed=0), r"size 10 \(here 11\)"),
    ):
        with pytest.raises(ValueError, match=word):
            other.load_state_dict(state)
    same = BatchStream(numbered(10), 5, seed=0)
    for wrong in ({"position": 2}, {"position": -1}, {"epoch": -1}):
        with pytest.raises(ValueError, match="the state stands at"):
            same.load_state_dict({**state, **wrong})
    with pytest.raises(ValueError, match="lacks"):
        same.load_state_dict({"epoch": 1})


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 20), st.integers(0, 2**31))
def test_the_parts_of_a_batch_make_the_whole(count: int, own: int, more: int, seed: int) -> None:
    """Side by side in the order of the processes, batch after batch, over the ends of epochs."""
    n = count * own + more
    whole = BatchStream(numbered(n), count * own, seed=seed)
    parts = [
        BatchStream(numbered(n), count * own, seed=seed, part=(r, count)) for r in range(count)
    ]
    for _ in range(2 * whole.batches_per_epoch + 1):
        batch, pieces = next(whole), [next(part) for part in parts]
        assert [len(piece.index) for piece in pieces] == [own] * count
        assert torch.equal(torch.cat([piece.index for piece in pieces]), batch.index)
        assert torch.equal(torch.cat([piece.x for piece in pieces]), batch.x)
        assert batch.y is not None
        labels = [piece.y for piece in pieces if piece.y is not None]
        assert torch.equal(torch.cat(labels), batch.y)
        assert all(part.state_dict() == whole.state_dict() for part in parts)


def test_the_state_of_a_whole_stream_is_that_of_its_parts() -> None:
    """So that a run can go on with another number of processes."""
    whole = BatchStream(numbered(40), 8, seed=0)
    for _ in range(7):
        next(whole)
    second = BatchStream(numbered(40), 8, seed=0, part=(1, 2))
    second.load_state_dict(whole.state_dict())
    assert torch.equal(next(second).index, next(whole).index[4:])


def test_a_batch_that_cannot_be_shared_evenly_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10, which 4 processes .* for instance 12\."):
        BatchStream(numbered(40), 10, seed=0, part=(0, 4))


@pytest.mark.parametrize(("images", "epoch", "position"), [(0, 0, 0), (39, 0, 3), (80, 2, 0)])
def test_skipping_stands_where_so_many_images_have_been_given(
    images: int, epoch: int, position: int
) -> None:
    stream, walked = (BatchStream(numbered(40), 10, seed=0) for _ in range(2))
    stream.skip_to(images)
    assert (stream.epoch, stream.position) == (epoch, position)
    for _ in range(images // 10):
        next(walked)
    assert torch.equal(next(stream).index, next(walked).index)


def test_skipping_counts_the_images_of_all_processes() -> None:
    second = BatchStream(numbered(40), 10, seed=0, part=(1, 2))
    second.skip_to(30)
    assert (second.epoch, second.position) == (0, 3)


def test_attributes_come_as_columns_beside_their_images() -> None:
    faces = drawn_faces(12)
    plain, stream = BatchStream(faces, 5, seed=3), AttributeStream(faces, 5, seed=3)
    for _ in range(5):  # into the third epoch
        expected, batch = next(plain), next(stream)
        assert torch.equal(batch.x, expected.x)
        assert torch.equal(batch.index, expected.index)
        assert batch.y is not None
        for column, known in zip(batch.y.unbind(1), faces.attributes.values(), strict=True):
            assert torch.equal(column, known[batch.index])
    with pytest.raises(ValueError, match="no attributes; take drawn_faces, or BatchStream"):
        AttributeStream(numbered(4), 2, seed=0)
