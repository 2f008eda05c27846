"""The idx format of MNIST: a header that states the shape, then the raw bytes."""

from __future__ import annotations

import math
import struct

import numpy as np
import torch
from torch import Tensor

from genlib.data.errors import DataError

UNSIGNED_BYTE = 0x08  # the only one of the format's element types that images and labels use


def parse_idx(content: bytes, name: str) -> Tensor:
    """The uint8 tensor in an idx file's content.

    The header is two zero bytes, the element type, the number of dimensions, then each
    dimension as a big-endian 32-bit integer. Source: yann.lecun.com/exdb/mnist.

    Args:
        content: the whole (decompressed) file.
        name: the file's name, for errors.

    Raises:
        DataError: not an idx file of bytes, or its length is not what its header states.
    """
    if len(content) < 4 or content[:3] != bytes([0, 0, UNSIGNED_BYTE]):
        raise DataError(
            f"{name} is not an idx file of bytes: it begins with {content[:4].hex(' ')!r}, "
            "expected '00 00 08 ..'. Delete it and get it again."
        )
    header = 4 + 4 * content[3]
    if len(content) < header:
        raise DataError(f"{name} ends within its header. Delete it and get it again.")
    shape = struct.unpack(f">{content[3]}I", content[4:header])
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise DataError(
            f"{name} has {len(content):,} bytes, but its header {shape} asks for {expected:,}. "
            "It is truncated or damaged. Delete it and get it again."
        )
    pixels = np.frombuffer(content, np.uint8, offset=header).reshape(shape)
    return torch.from_numpy(pixels.copy())  # the copy is writable, as torch wants it
