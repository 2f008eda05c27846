"""Exported files give the same pictures, in one file, for any number of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from genlib import seed_everything
from genlib.export import Painter, export_onnx, export_weights, onnx_difference
from genlib.models.autoencoder import ConvAutoencoder
from genlib.models.gan import ConvGenerator, DenseGenerator
from genlib.models.vae import ConvVAE

CARD = {"model": "toy", "step": 3}


def painters() -> dict[str, tuple[nn.Module, int]]:
    seed_everything(0)
    return {
        "dense": (Painter(DenseGenerator(5, (8,))), 5),
        "conv": (Painter(ConvGenerator(6, 4, (3, 32, 32))), 6),
        "vae": (Painter(ConvVAE(3, 4), "sample"), 3),
        "autoencoder": (Painter(ConvAutoencoder(4, 4), "decode"), 4),
    }


@pytest.mark.parametrize("name", ["dense", "conv", "vae", "autoencoder"])
def test_onnx_paints_the_same(name: str, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    painter, latent = painters()[name]
    painter.eval()
    path = export_onnx(painter, latent, tmp_path / "model.onnx", CARD)
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    proto = onnx.load(path)
    onnx.checker.check_model(proto)
    assert json.loads({p.key: p.value for p in proto.metadata_props}["card"]) == CARD
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for n in (1, 2, 7):
        z = torch.randn(n, latent)
        (images,) = session.run(["images"], {"z": z.numpy()})
        with torch.no_grad():
            torch.testing.assert_close(torch.from_numpy(images), painter(z), atol=1e-5, rtol=1e-4)
    difference = onnx_difference(path, painter, latent)
    assert difference is not None
    assert difference < 1e-5
    with torch.no_grad():  # it does see a difference where there is one
        for weights in painter.parameters():
            weights.add_(0.1)
    changed = onnx_difference(path, painter, latent)
    assert changed is not None
    assert changed > 1e-3


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModuleNotFoundError, match="pip install onnx onnxscript"):
        export_onnx(painters()["dense"][0], 5, tmp_path / "model.onnx", CARD)
    assert not list(tmp_path.iterdir())


def test_without_onnxruntime_nothing_is_compared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert onnx_difference(tmp_path / "any.onnx", painters()["dense"][0], 5) is None


def test_pictures_stay_in_range() -> None:
    class Loud(nn.Module):
        def decode(self, y: torch.Tensor) -> torch.Tensor:
            return 3 * y

    assert Painter(Loud(), "decode")(torch.tensor([-1.0, 0.1, 1.0])).tolist() == pytest.approx(
        [0.0, 0.3, 1.0]
    )


def test_weights_carry_their_network_in_their_name(tmp_path: Path) -> None:
    from safetensors import safe_open

    networks = {"a": nn.Linear(2, 3), "b": nn.BatchNorm1d(3)}
    path = export_weights(networks, tmp_path / "w.safetensors", CARD)
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["card"]) == CARD
        assert torch.equal(file.get_tensor("a.weight"), networks["a"].weight)
        assert "b.running_mean" in file.keys()  # noqa: SIM118
