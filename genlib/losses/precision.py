"""Losses are computed in single precision, whatever the networks compute in."""

from __future__ import annotations

import torch
from torch import Tensor


def single(values: Tensor) -> Tensor:
    """`values` in single precision, or as they are if they have more digits.

    Under autocast a network emits numbers with 8 or 11 binary digits. A sum over hundreds of them,
    or the difference of two scores, needs more.
    """
    return values.to(torch.promote_types(values.dtype, torch.float32))
