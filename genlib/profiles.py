"""How much to compute, and where: the profiles `smoke`, `cpu` and `gpu`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, TypeVar, cast, get_args

if TYPE_CHECKING:
    import torch

Profile = Literal["smoke", "cpu", "gpu"]
T = TypeVar("T")


def profile() -> Profile:
    """The profile in force: `GENLIB_PROFILE`, else `gpu` where CUDA is there, else `cpu`.

    `smoke` is for tests (seconds), `cpu` for a laptop (minutes), `gpu` for Colab and up.

    Raises:
        ValueError: `GENLIB_PROFILE` names no profile.
    """
    import torch

    name = os.environ.get("GENLIB_PROFILE", "").strip().lower()
    if not name:
        return "gpu" if torch.cuda.is_available() else "cpu"
    if name not in get_args(Profile):
        raise ValueError(
            f"GENLIB_PROFILE is {name!r}; set it to one of {', '.join(get_args(Profile))}, "
            "or unset it to let genlib choose."
        )
    return cast(Profile, name)


def budget(*, smoke: T, cpu: T, gpu: T) -> T:
    """The value for the profile in force, with all three in the reader's sight.

    >>> steps = budget(smoke=30, cpu=2_000, gpu=20_000)
    """
    return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[profile()]


def pick_device() -> torch.device:
    """CUDA where it is there and the profile is not held to the CPU, else the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() and profile() != "cpu" else "cpu")
