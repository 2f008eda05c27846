"""Reference models: trained networks that chapters share, in half precision, a few hundred KB each.

Each `NAME.safetensors` here was written by `python -m experiments.reference_models NAME`; data,
settings, seed, steps and scores stand in its metadata (`card`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import nn

from genlib.files import write_atomic
from genlib.models.autoencoder import (
    ConvAutoencoder,
    DenseAutoencoder,
    LinearAutoencoder,
    TiedAutoencoder,
)
from genlib.models.classifier import AttributeClassifier, SmallClassifier
from genlib.models.gan import ConvGenerator, DenseGenerator, UnpaddedGenerator
from genlib.models.vae import ConditionalVAE, ConvVAE, DenseVAE, GaussianVAE
from genlib.models.vae_gan import VAEGAN

FOLDER = Path(__file__).parent
MODELS = (
    VAEGAN,
    AttributeClassifier,
    ConditionalVAE,
    ConvAutoencoder,
    ConvGenerator,
    ConvVAE,
    DenseAutoencoder,
    DenseGenerator,
    DenseVAE,
    GaussianVAE,
    LinearAutoencoder,
    SmallClassifier,
    TiedAutoencoder,
    UnpaddedGenerator,
)


def available(folder: Path = FOLDER) -> list[str]:
    """Names of the models that are here."""
    return sorted(path.stem for path in folder.glob("*.safetensors"))


def card(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """What is known of a model: its class and settings, data, seed, steps, scores, command.

    Raises:
        FileNotFoundError: there is no model of that name.
        ValueError: the file is damaged or was not written by `save`.
    """
    from safetensors import SafetensorError, safe_open

    path = _path(name, folder)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged ({error}); restore it from the repository") from error
    if "card" not in metadata:
        raise ValueError(f"{path} holds weights but no card; was it written by genlib.zoo.save?")
    return dict(json.loads(metadata["card"]))


def load(name: str, folder: Path = FOLDER) -> nn.Module:
    """The model `name`, in single precision on the CPU, ready to evaluate.

    Raises:
        FileNotFoundError: there is no model of that name.
        ValueError: the file is damaged, or of a model that this genlib does not know or that has
            changed since.
    """
    from safetensors.torch import load_file

    made = card(name, folder)
    builders = {model.__name__: model for model in MODELS}
    if made["model"] not in builders:
        raise ValueError(
            f"{name!r} is a {made['model']}, which this genlib does not know; update genlib"
        )
    weights = load_file(_path(name, folder))
    try:
        model: nn.Module = builders[made["model"]](**made["settings"])
        model.load_state_dict(weights)  # copies into single precision
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"{name!r} does not fit this genlib's {made['model']} ({error}); remake it: "
            f"{made.get('command', 'its command is not known')}"
        ) from error
    return model.eval().requires_grad_(False)


def save(
    model: nn.Module,
    name: str,
    *,
    settings: dict[str, Any],
    card: dict[str, Any],
    folder: Path = FOLDER,
) -> Path:
    """Write `model` in half precision with its card.

    Args:
        model: a network of `genlib.models`.
        name: what `load` shall call it.
        settings: the constructor's keyword arguments.
        card: data, seed, steps, scores, command.
        folder: where to write.

    Returns:
        The file's path.
    """
    from safetensors.torch import save as to_bytes

    weights = {
        name: (value.half() if value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in model.state_dict().items()
    }
    content = {"model": type(model).__name__, "settings": settings, **card}
    path = folder / f"{name}.safetensors"
    write_atomic(path, to_bytes(weights, metadata={"card": json.dumps(content)}))
    return path


def _path(name: str, folder: Path) -> Path:
    path = folder / f"{name}.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            f"no reference model {name!r}; there is: {', '.join(available(folder)) or 'none'}"
        )
    return path
