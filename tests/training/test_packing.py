"""Trees of tensors and plain values: whole, exact, and never run as code."""

from __future__ import annotations

import math
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from genlib.training.packing import DamagedFileError, load_tree, packed, save_tree
from genlib.training.run import global_random_state
from tests.faults.runs import difference

TREE: dict[str, Any] = {
    "tensors": {
        "float": torch.randn(3, 2, generator=torch.Generator().manual_seed(0)),
        "bf16": torch.arange(4, dtype=torch.bfloat16),
        "half": torch.arange(3, dtype=torch.float16),
        "double": torch.tensor([math.pi, -0.0, math.inf, math.nan], dtype=torch.float64),
        "bytes": torch.arange(256).to(torch.uint8).reshape(2, 128),
        "bool": torch.tensor([True, False]),
        "int": torch.tensor([[2**62]]),
        "one number": torch.tensor(3.0),
        "nothing": torch.empty(0, 3),
        "not contiguous": torch.arange(6.0).reshape(2, 3).T,
    },
    "plain": [None, True, 1, 0.1, 1e-320, -1.5, "text, ünïcode, \ud800, \"quotes\"", 2**80],
    "tuple": (1, (2.0, "x"), []),
    "keys": {0: "zero", "0": "text", "$tensor": "not a tensor", "a.b": 1},
    "same place": {"a.b": torch.tensor(1.0), "a": {"b": torch.tensor(2.0)}},
    "number and text": {0: torch.tensor(1.0), "0": torch.tensor(2.0)},
    "array": np.arange(5, dtype=np.uint32),
    "empty": {},
}  # fmt: skip


def bits(tree: dict[str, Any]) -> dict[str, Any]:
    """NaN is unlike itself: compare the bytes of that tensor."""
    tensors = tree["tensors"]
    return {**tree, "tensors": {**tensors, "double": tensors["double"].view(torch.int64)}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tree.safetensors"


def test_everything_comes_back_to_the_bit(path: Path) -> None:
    save_tree(path, TREE)
    assert difference(bits(load_tree(path)), bits(TREE)) is None


def test_the_random_states_come_back(path: Path) -> None:
    state = global_random_state()
    save_tree(path, state)
    assert difference(load_tree(path), state) is None


def test_tensors_that_share_memory_are_kept_apart(path: Path) -> None:
    whole = torch.arange(6.0)
    save_tree(path, {"whole": whole, "part": whole[2:4]})
    loaded = load_tree(path)
    loaded["whole"].zero_()
    assert loaded["part"].tolist() == [2, 3]


@pytest.mark.parametrize("value", [Path("x"), {1, 2}, torch.nn.Linear(1, 1), len, np.int64(3)])
def test_what_cannot_be_kept_is_named(value: Any, path: Path) -> None:
    with pytest.raises(TypeError, match=rf"a\.1\.b is a {type(value).__name__}, which"):
        save_tree(path, {"a": [0, {"b": value}]})
    with pytest.raises(TypeError, match=r"a\.1 has the key \(1, 2\), which"):
        save_tree(path, {"a": [0, {(1, 2): 3}]})
    assert not path.exists()


def test_long_series_as_arrays_do_not_fill_the_header(path: Path) -> None:
    """safetensors' header ends at 100 MB, and writing beyond would fail for ever after."""
    content = packed({"steps": np.arange(1_000_000)})
    assert int.from_bytes(content[:8], "little") < 1000


class Evil:
    def __reduce__(self) -> Any:
        return (open, ("/dev/null",))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_refused(protocol: int, path: Path) -> None:
    path.write_bytes(pickle.dumps({"state": Evil()}, protocol=protocol))
    with pytest.raises(DamagedFileError, match=r"tree\.safetensors is a pickle .* any code"):
        load_tree(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_of_torch_save_is_refused(zipped: bool, path: Path) -> None:
    torch.save({"x": torch.ones(3)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(DamagedFileError, match="is a pickle"):
        load_tree(path)


def test_a_file_cut_anywhere_is_refused(path: Path) -> None:
    content = packed({"x": torch.arange(10), "y": [1, 2]})
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DamagedFileError, match="is empty" if length == 0 else "is cut short"):
            load_tree(path)
    path.write_bytes(content + b"x")
    with pytest.raises(DamagedFileError):
        load_tree(path)


def test_a_byte_altered_anywhere_is_refused_or_means_the_same(path: Path) -> None:
    """Only blanks after the header can be other blanks without any difference."""
    tree = {"x": torch.arange(20.0), "y": [1, 0.5, "text"], "z": (torch.tensor(True), None)}
    content = packed(tree)
    rng, unnoticed = random.Random(0), 0
    for place in range(len(content)):
        for value in (content[place] ^ 1, content[place] ^ 128, rng.randrange(256)):
            altered = bytearray(content)
            altered[place] = value
            if altered == content:
                continue
            path.write_bytes(altered)
            try:
                loaded = load_tree(path)
            except DamagedFileError:
                continue
            unnoticed += 1
            assert difference(loaded, tree) is None
    assert unnoticed < 10


def test_tensors_not_written_by_genlib_are_refused(path: Path) -> None:
    save_file({"x": torch.ones(3)}, path)
    with pytest.raises(DamagedFileError, match="was not written by genlib"):
        load_tree(path)


def test_what_cannot_be_opened_is_refused(path: Path) -> None:
    with pytest.raises(DamagedFileError, match=r"cannot be read .No such file"):
        load_tree(path)
    path.mkdir()
    with pytest.raises(DamagedFileError, match=r"cannot be read .Is a directory"):
        load_tree(path)
