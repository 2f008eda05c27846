"""A tree of plain values and tensors as JSON text plus a flat dictionary of tensors, and back.

Nothing that is loaded can run code, as a pickle can. What JSON lacks is written as a dictionary
with one key that begins with `$`: tensors, tuples, and dictionaries whose keys are no text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genlib.files import write_atomic

Tensors = dict[str, Tensor]


class DamagedFileError(ValueError):
    """A file is not what was written; the message says how that shows."""


def save_tree(path: Path, tree: Mapping[str, Any]) -> None:
    """Write `tree` as one safetensors file: whole or not at all.

    Raises:
        TypeError: something in the tree is neither a tensor nor a plain value.
        OSError: it could not be written; an older file of that name is as it was.
    """
    write_atomic(path, packed(tree))


def packed(tree: Mapping[str, Any]) -> bytes:
    """What `save_tree` writes.

    The values that are no tensors travel as JSON in the file's metadata, with a hash of everything.
    Its header has room for 100 MB, so long lists of numbers should be arrays.

    Raises:
        TypeError: something in the tree is neither a tensor nor a plain value.
    """
    from safetensors.torch import save

    tensors: Tensors = {}
    text = json.dumps(_pack(tree, "", tensors))
    return save(tensors, metadata={"state": text, "hash": _hash(text, tensors)})


def load_tree(path: Path) -> dict[str, Any]:
    """What `save_tree` wrote.

    Raises:
        DamagedFileError: it was cut short, altered, or is something else, such as a pickle.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise DamagedFileError(f"{path.name} {_what_is_wrong(path)}") from error
    if "state" not in metadata or "hash" not in metadata:
        raise DamagedFileError(f"{path.name} holds tensors, but was not written by genlib")
    if _hash(metadata["state"], tensors) != metadata["hash"]:
        raise DamagedFileError(f"{path.name} was altered after it was written (its hash differs)")
    tree: dict[str, Any] = _unpack(json.loads(metadata["state"]), tensors)
    return tree


def _what_is_wrong(path: Path) -> str:
    """With a file that is no safetensors file."""
    try:
        with path.open("rb") as raw:
            head = raw.read(9)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    # In a safetensors file a `{` follows the header's length, 8 bytes that may be anything.
    if head[:2] == b"PK" or (head[:1] == b"\x80" and head[8:] != b"{"):
        return (
            "is a pickle (as torch.save writes it). Loading one can run any code, so it is not "
            "opened"
        )
    return "is cut short or no safetensors file" if head else "is empty"


def _pack(value: Any, place: str, tensors: Tensors) -> Any:
    """The JSON form of `value`; its tensors go into `tensors` under their place in the tree."""
    if isinstance(value, np.ndarray):
        return {"$array": _pack(torch.from_numpy(value), place, tensors)["$tensor"]}
    if isinstance(value, Tensor):
        while place in tensors:  # {"a.b": …} beside {"a": {"b": …}}
            place += "'"
        # A copy: tensors that overlap in memory, or change while they are written, are refused.
        tensors[place] = value.detach().to("cpu", copy=True).contiguous()
        return {"$tensor": place}
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, bool | int | float | str):
                raise TypeError(f"{place} has the key {key!r}, which a checkpoint cannot hold")
        items = [
            (key, _pack(item, f"{place}.{key}".lstrip("."), tensors)) for key, item in value.items()
        ]
        if all(isinstance(key, str) and not key.startswith("$") for key, _ in items):
            return dict(items)
        return {"$dict": items}
    if isinstance(value, list | tuple):
        inner = [_pack(item, f"{place}.{i}".lstrip("."), tensors) for i, item in enumerate(value)]
        return {"$tuple": inner} if isinstance(value, tuple) else inner
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{place} is a {type(value).__name__}, which a checkpoint cannot hold")


def _unpack(value: Any, tensors: Tensors) -> Any:
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "$tensor" in value:
        return tensors[value["$tensor"]]
    if "$array" in value:
        return tensors[value["$array"]].numpy()
    if "$tuple" in value:
        return tuple(_unpack(item, tensors) for item in value["$tuple"])
    if "$dict" in value:
        return {key: _unpack(item, tensors) for key, item in value["$dict"]}
    return {key: _unpack(item, tensors) for key, item in value.items()}


def _hash(text: str, tensors: Tensors) -> str:
    """Of the JSON text and every tensor's name, type, shape and bytes."""
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
