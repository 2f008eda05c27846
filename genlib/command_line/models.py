"""The models of the course by name: what `python -m genlib train MODEL` builds.

Adding one is a function in `single_loss.py` or `games.py` and a line in `MODELS`. The keyword
arguments of the function are the model's options on the command line, with their defaults; an
option that it does not take is refused for it. Its docstring is what `--help` says of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from genlib.command_line.built import Built, Shape
from genlib.command_line.games import gan, vae_gan, wgan, wgan_gp
from genlib.command_line.single_loss import (
    autoencoder,
    conditional_vae,
    denoising_autoencoder,
    iwae,
    vae,
)


class Entry(NamedTuple):
    """How a model is built, the size of its batches, and whether it is told labels.

    One that is takes the number of classes as one more argument.
    """

    build: Callable[..., Built]
    batch_size: int
    labelled: bool = False

    @property
    def defaults(self) -> dict[str, Any]:
        """The model's own options with their defaults, from the signature of its function."""
        parameters = inspect.signature(self.build).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    @property
    def summary(self) -> str:
        return inspect.getdoc(self.build) or ""


MODELS = {
    "autoencoder": Entry(autoencoder, 128),
    "denoising-autoencoder": Entry(denoising_autoencoder, 128),
    "vae": Entry(vae, 128),
    "iwae": Entry(iwae, 128),
    "conditional-vae": Entry(conditional_vae, 128, labelled=True),
    "gan": Entry(gan, 128),
    "wgan": Entry(wgan, 64),
    "wgan-gp": Entry(wgan_gp, 64),
    "vae-gan": Entry(vae_gan, 64),
}


def pick_network(shape: Shape) -> str:
    """Convolutions for colour and for large images, dense layers for 28×28 grey."""
    return "conv" if shape[0] == 3 or max(shape) > 32 else "dense"
