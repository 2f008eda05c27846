"""Randomness with a name: every random number of a run comes from its seed and a purpose."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def make_generator(
    seed: int, *purpose: str | int, device: torch.device | str = "cpu"
) -> torch.Generator:
    """A generator whose state depends on `(seed, purpose)` alone.

    Two purposes give unrelated streams, so drawing one more noise sample does not change which
    images come next. The mix is a hash, not `seed + 1`: neighbouring seeds share nothing.

    >>> noise = make_generator(0, "noise")
    """
    import torch

    words = "/".join(str(part) for part in (seed, *purpose))
    digest = hashlib.blake2b(words.encode(), digest_size=8).digest()
    generator = torch.Generator(device=device)
    generator.manual_seed(int.from_bytes(digest, "little") >> 1)  # torch takes 63 bits
    return generator


def seed_everything(seed: int) -> None:
    """Seed Python's and torch's global generators (weight initialisation and dropout use these)."""
    import torch

    random.seed(seed)
    torch.manual_seed(seed)
