"""A network for the page: its file, read back and run by other code, gives the model's images."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib import seed_everything, zoo
from genlib.export import Painter
from genlib.models.autoencoder import ConvAutoencoder, DenseAutoencoder
from genlib.models.classifier import SmallClassifier
from genlib.models.gan import ConvGenerator, DenseGenerator, UnpaddedGenerator
from genlib.models.vae import ConvVAE, DenseVAE, GaussianVAE
from genlib.models.vae_gan import VAEGAN
from genlib.page_export import page_network

REFERENCES = {
    "ae2-fashion-mnist": "decode",
    "vae2-fashion-mnist": "sample",
    "vae10-fashion-mnist": "sample",
    "vae-gan-faces": "sample",
    "gan-faces": "forward",
    "vae-fashion-mnist": "sample",
}


def read(script: bytes) -> tuple[str, dict[str, Any]]:
    """The name and the network of a script."""
    text = script.decode("ascii")  # a page opened from disk may guess another encoding
    assert text.startswith("genlib.receive(")
    assert text.endswith(");\n")
    name, network = json.loads(f"[{text[len('genlib.receive(') : -3]}]")
    return name, network


def unpack(packed: dict[str, Any]) -> Tensor:
    kind = {16: "<f2", 32: "<f4"}[packed["bits"]]
    return torch.tensor(np.frombuffer(base64.b64decode(packed["data"]), kind).astype(np.float32))


def run(network: dict[str, Any], z: Tensor) -> Tensor:
    """What the page computes, written anew from the file's description."""
    x = z
    for layer in network["layers"]:
        kind = layer["kind"]
        if kind in ("linear", "transposed", "convolution"):
            weight = unpack(layer["weight"])
            bias = unpack(layer["bias"]) if "bias" in layer else None
        if kind == "linear":
            x = F.linear(x.flatten(1), weight.view(layer["out"], layer["in"]), bias)
        elif kind == "transposed":
            weight = weight.view(layer["in"], layer["out"], layer["kernel"], layer["kernel"])
            sizes = (layer["stride"], layer["padding"], layer["output_padding"])
            x = F.conv_transpose2d(x, weight, bias, *sizes)
        elif kind == "convolution":
            weight = weight.view(layer["out"], layer["in"], layer["kernel"], layer["kernel"])
            x = F.conv2d(x, weight, bias, layer["stride"], layer["padding"])
        elif kind == "scale":
            shape = (-1, *[1] * (x.dim() - 2))
            x = x * unpack(layer["scale"]).view(shape) + unpack(layer["shift"]).view(shape)
        elif kind == "shape":
            x = x.reshape(len(x), *layer["shape"])
        elif kind == "leaky":
            x = torch.where(x > 0, x, layer["slope"] * x)
        else:
            x = {
                "tanh": torch.tanh,
                "sigmoid": torch.sigmoid,
                "clamp": lambda x: x.clamp(0, 1),
                "rescale": lambda x: (x + 1) / 2,
            }[kind](x)  # fmt: skip
    return x


def untrained() -> dict[str, tuple[nn.Module, str, int]]:
    """A model, the method that paints with it, and the length of its code; in training mode."""
    seed_everything(0)
    return {
        "dense autoencoder": (DenseAutoencoder(5, (8,)), "decode", 5),
        "convolutional autoencoder": (ConvAutoencoder(4, 4), "decode", 4),
        "dense VAE": (DenseVAE(3, (8,), activation="tanh"), "sample", 3),
        "Gaussian VAE": (GaussianVAE(3, (8,)), "sample", 3),
        "convolutional VAE": (ConvVAE(3, 4, norm="batch"), "sample", 3),
        "dense generator": (DenseGenerator(5, (8,)), "forward", 5),
        "norm after": (ConvGenerator(6, 4, (3, 32, 32), place="after"), "forward", 6),
        "VAE-GAN": (VAEGAN(6, 4, (3, 32, 32)), "sample", 6),
        "unpadded generator": (UnpaddedGenerator(6, 4), "forward", 6),
    }


@pytest.mark.parametrize("name", untrained())
def test_a_model_painted_by_other_code(name: str) -> None:
    model, method, latent = untrained()[name]
    for module in model.modules():  # norms that do something
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.running_mean, module.running_var, module.weight, module.bias):
                assert values is not None
                nn.init.uniform_(values, 0.5, 2)
    title, network = read(page_network(model, name, {"seed": 0}))
    assert title == name
    assert network["card"] == {"seed": 0}
    assert network["input"] == latent
    assert all(module.training for module in model.modules()), "the export changed the mode"
    z = 2 * torch.randn(7, latent)
    with torch.no_grad():
        expected = Painter(model.eval(), method)(z)
    assert network["output"] == list(expected.shape[1:])
    assert expected.std() > 0.01
    torch.testing.assert_close(run(network, z), expected, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_model_loses_nothing(name: str) -> None:
    model = zoo.load(name)
    _, network = read(page_network(model, name, zoo.card(name)))
    for layer in network["layers"]:
        for part in ("weight", "bias"):
            assert layer.get(part, {"bits": 16})["bits"] == 16, "it should take half the room"
    z = torch.randn(5, network["input"])
    with torch.no_grad():
        expected = Painter(model, REFERENCES[name])(z)
    torch.testing.assert_close(run(network, z), expected, atol=3e-6, rtol=1e-5)


def test_any_sequence_of_known_layers() -> None:
    seed_everything(1)
    layers = nn.Sequential(
        nn.Linear(3, 2 * 6 * 6),
        nn.Tanh(),
        nn.Unflatten(1, (2, 6, 6)),
        nn.Sequential(nn.Conv2d(2, 5, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(5)),
        nn.LeakyReLU(0.3),
        nn.Dropout(0.5),
        nn.ConvTranspose2d(5, 2, 3, stride=2, padding=1, output_padding=1),
        nn.Flatten(),
        nn.Linear(72, 12),
        nn.BatchNorm1d(12, affine=False),
        nn.Sigmoid(),
    )
    with torch.no_grad():
        layers(torch.randn(50, 3))  # running statistics
    _, network = read(page_network(layers, "x"))
    assert network["output"] == [12]
    assert network["layers"][0]["weight"]["bits"] == 32, "these weights do not fit 16 bits"
    z = torch.randn(6, 3)
    with torch.no_grad():
        torch.testing.assert_close(run(network, z), layers.eval()(z), atol=1e-6, rtol=1e-5)


def test_the_name_is_quoted() -> None:
    name = 'a "b" β'
    assert read(page_network(nn.Sequential(nn.Linear(1, 1)), name))[0] == name


CONV = nn.Conv2d(2, 2, 3)
BEFORE = (nn.Linear(3, 2 * 6 * 6), nn.Unflatten(1, (2, 6, 6)))


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (nn.GroupNorm(1, 2), "a page cannot run the layer GroupNorm"),
        (nn.Upsample(scale_factor=2), "cannot run the layer Upsample"),
        (nn.Conv2d(2, 2, 3, dilation=2), "no dilation"),
        (nn.Conv2d(2, 2, 3, groups=2), "one group"),
        (nn.Conv2d(2, 2, 3, padding_mode="circular"), "zeros as padding"),
        (nn.Conv2d(2, 2, (3, 5)), "square kernels"),
        (nn.Conv2d(2, 2, 3, padding="same"), "cannot run the layer"),
        (nn.BatchNorm2d(2, track_running_stats=False), "keeps no running mean"),
    ],
)
def test_a_layer_that_the_page_cannot_run_is_named(layer: nn.Module, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        page_network(nn.Sequential(*BEFORE, layer), "x")


def test_what_is_no_decoder_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no decoder is known of a SmallClassifier.*Sequential"):
        page_network(SmallClassifier(), "x")
    with pytest.raises(ValueError, match="begins with Conv2d; a network of the page begins"):
        page_network(nn.Sequential(CONV), "x")


def test_a_picture_may_go_in() -> None:
    """An nn.Unflatten in front says of how many numbers."""
    model = nn.Sequential(nn.Unflatten(1, (2, 6, 5)), nn.Conv2d(2, 3, 3), nn.Flatten())
    _, network = read(page_network(model, "x"))
    assert network["input"] == 60
    assert network["output"] == [36]
    assert [layer["kind"] for layer in network["layers"]] == ["shape", "convolution"]


def test_broken_weights_are_refused() -> None:
    layer = nn.Linear(2, 2)
    nn.init.constant_(layer.weight, torch.nan)
    with pytest.raises(ValueError, match="not finite"):
        page_network(nn.Sequential(layer), "x")
