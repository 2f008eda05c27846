"""Take a trained model elsewhere: ONNX for other programs, safetensors for other Python."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genlib.files import write_atomic
from genlib.seeds import make_generator


class Painter(nn.Module):
    """The part of a model that turns codes `z [B, latent]` into images `[B, C, H, W]` in [0, 1].

    Args:
        model: the network.
        method: the name of its method that does so.
    """

    def __init__(self, model: nn.Module, method: str = "forward") -> None:
        super().__init__()
        self.model, self.method = model, method

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = getattr(self.model, self.method)(z)
        return images.clamp(0, 1)


def export_onnx(painter: nn.Module, latent: int, path: Path, card: Mapping[str, Any]) -> Path:
    """Write `painter` as one ONNX file with input `z` [batch, latent] and output `images`.

    The number of images is free. The card goes into the file's metadata.

    Args:
        painter: from codes to images, in evaluation mode.
        latent: length of a code.
        path: the file; it appears whole or not at all.
        card: what is known of the model, as plain values.

    Raises:
        ModuleNotFoundError: onnx or onnxscript is not installed; the message names the command.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  # torch's exporter is written with it
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"ONNX export needs {error.name}, which is not installed: pip install onnx onnxscript"
        ) from error
    z = torch.zeros(2, latent, device=next(painter.parameters()).device)  # 0 and 1 would be fixed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the exporter's own future
        program = torch.onnx.export(
            painter, (z,), dynamo=True, verbose=False, input_names=["z"], output_names=["images"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )  # fmt: skip
    assert program is not None
    proto = program.model_proto
    onnx.helper.set_model_props(proto, {"card": json.dumps(dict(card))})
    write_atomic(path, proto.SerializeToString())  # weights inside: one file
    return path


@torch.no_grad()
def onnx_difference(path: Path, painter: nn.Module, latent: int, n: int = 5) -> float | None:
    """The largest difference of a pixel between onnxruntime and PyTorch over `n` random codes.

    None where onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return None
    z = torch.randn(n, latent, generator=make_generator(0, "export"))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (images,) = session.run(["images"], {"z": z.numpy()})
    expected = painter(z.to(next(painter.parameters()).device)).cpu()
    return float((torch.from_numpy(images) - expected).abs().max())


def export_weights(networks: Mapping[str, nn.Module], path: Path, card: Mapping[str, Any]) -> Path:
    """Write plain weights as safetensors: `NETWORK.PARAMETER` each, and the card as metadata.

    Args:
        networks: by name, such as "generator".
        path: the file; it appears whole or not at all.
        card: what is known of the model, as plain values.
    """
    from safetensors.torch import save

    weights = {
        f"{name}.{key}": value.detach().cpu().contiguous()
        for name, network in networks.items()
        for key, value in network.state_dict().items()
    }
    write_atomic(path, save(weights, metadata={"card": json.dumps(dict(card))}))
    return path
