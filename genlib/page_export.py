"""Write a network as a script that a web page can load from disk and run by itself.

The script calls `genlib.receive(name, network)`, where `network` is plain data: a list of layers
with their weights. `book/_static/explorers/network.js` runs it.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from genlib.export import Painter
from genlib.models.autoencoder import ConvAutoencoder, DenseAutoencoder
from genlib.models.gan import ConvGenerator, DenseGenerator, UnpaddedGenerator
from genlib.models.vae import VAE, GaussianVAE
from genlib.models.vae_gan import VAEGAN

Layer = dict[str, Any]


class Clamp(nn.Module):
    """Values below 0 become 0, values above 1 become 1: where pixels are not squashed."""

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(0, 1)


class Rescale(nn.Module):
    """From [−1, 1] to [0, 1]: what follows a tanh."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * (x + 1)


def page_network(model: nn.Module, name: str, card: Mapping[str, Any] | None = None) -> bytes:
    """A network as a script for the page: codes `[B, K]` to images `[B, C, H, W]` in [0, 1].

    An `nn.Sequential` may do something else, such as read pictures: it takes `[B, K]` all the same,
    and an `nn.Unflatten` in front makes pictures of it.

    The script is `genlib.receive("NAME", {card, input, output, layers})`. Weights are little-endian
    numbers in base64: of 16 bits where that loses nothing, as with all reference models, else of
    32. Batch normalisation becomes what it is in evaluation: a scale and a shift for each channel.

    Args:
        model: a model of `genlib.models` with a decoder, a generator, or an `nn.Sequential` that
            begins with a linear layer or an `nn.Unflatten(1, shape)`.
        name: what the page shall call it.
        card: what is known of the model, as plain values.

    Raises:
        ValueError: no decoder is known of this model, or a layer is none that the page can run.
    """
    layers = [layer for part in painting(model) for layer in _unfolded(part)]
    first = next((layer for layer in layers if not isinstance(layer, nn.Flatten)), None)
    if isinstance(first, nn.Linear):
        size = first.in_features
    elif isinstance(first, nn.Unflatten):
        size = math.prod(int(side) for side in first.unflattened_size)
    else:
        raise ValueError(
            f"{name!r} begins with {type(first).__name__}; a network of the page begins with a "
            "linear layer or an nn.Unflatten, which say how long a code is"
        )
    weight = next(model.parameters())
    x = torch.zeros(1, size, dtype=weight.dtype, device=weight.device)
    written = []
    with torch.no_grad():
        for layer in layers:
            written += described(layer)
            x = _evaluated(layer, x)
    network = {
        "card": dict(card or {}),
        "input": size,
        "output": list(x.shape[1:]),
        "layers": written,
    }
    text = json.dumps(network, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return f"genlib.receive({json.dumps(name)}, {text});\n".encode()


def painting(model: nn.Module) -> list[nn.Module]:
    """The layers that turn codes into images in [0, 1], in order.

    Raises:
        ValueError: the model has no decoder that is known here.
    """
    if isinstance(model, nn.Sequential):
        return [model]
    if isinstance(model, Painter):
        return [*painting(model.model), Clamp()]
    if isinstance(model, DenseAutoencoder):
        return [model.decoder, nn.Unflatten(1, model.image_shape), Clamp()]
    if isinstance(model, ConvAutoencoder):
        return [model.decoder, Clamp()]
    if isinstance(model, VAE):
        return [model.decoder, Clamp() if isinstance(model, GaussianVAE) else nn.Sigmoid()]
    if isinstance(model, VAEGAN):
        return painting(model.decoder)
    if isinstance(model, DenseGenerator):
        return [model.body, nn.Sigmoid(), nn.Unflatten(1, model.image_shape)]
    if isinstance(model, ConvGenerator):
        return [model.body, nn.Sigmoid()]
    if isinstance(model, UnpaddedGenerator):
        return [model.body, nn.Tanh(), Rescale()]
    raise ValueError(
        f"no decoder is known of a {type(model).__name__}; give the layers that turn codes into "
        "images as an nn.Sequential"
    )


def described(layer: nn.Module) -> list[Layer]:
    """A layer as plain data: none where there is nothing to compute.

    Raises:
        ValueError: the page cannot run such a layer, or not with these settings.
    """
    if isinstance(layer, nn.Flatten | nn.Dropout | nn.Identity):
        return []  # values stay where they are
    for kind, describe in KINDS.items():
        if isinstance(layer, kind):
            return [describe(layer)]
    known = ", ".join(kind.__name__ for kind in KINDS)
    raise ValueError(
        f"a page cannot run the layer {layer}; it knows {known}. Write a `described` for it, "
        "and its sums in network.js"
    )


def packed(values: Tensor) -> Layer:
    """Numbers as base64 of little-endian float16 if that loses nothing, else float32."""
    flat = values.detach().cpu().float().flatten()
    if not bool(flat.isfinite().all()):
        raise ValueError("a weight is not finite; the model is broken, train it anew")
    half = flat.half()
    exact = torch.equal(half.float(), flat)
    kind, numbers = ("<f2", half) if exact else ("<f4", flat)
    data = numbers.numpy().astype(kind).tobytes()
    return {"bits": 16 if exact else 32, "data": base64.b64encode(data).decode()}


def _linear(layer: nn.Linear) -> Layer:
    return {"kind": "linear", "in": layer.in_features, "out": layer.out_features} | _weights(layer)


def _convolution(layer: nn.Conv2d | nn.ConvTranspose2d) -> Layer:
    transposed = isinstance(layer, nn.ConvTranspose2d)
    numbers = {
        "kernel": layer.kernel_size, "stride": layer.stride, "padding": layer.padding,
        "dilation": layer.dilation, "output_padding": layer.output_padding,
    }  # fmt: skip
    # Without a padding other than zeros and a number for each side, both sides being alike.
    alike = all(isinstance(pair, tuple) and len(set(pair)) == 1 for pair in numbers.values())
    plain = layer.groups == 1 and layer.padding_mode == "zeros"
    if not alike or not plain or numbers["dilation"] != (1, 1):
        raise ValueError(
            f"a page cannot run the layer {layer}: it knows convolutions with square kernels, "
            "zeros as padding, one group and no dilation"
        )
    sizes = {key: int(pair[0]) for key, pair in numbers.items() if key != "dilation"}
    if not transposed:
        del sizes["output_padding"]
    return {
        "kind": "transposed" if transposed else "convolution",
        "in": layer.in_channels, "out": layer.out_channels, **sizes, **_weights(layer),
    }  # fmt: skip


def _weights(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> Layer:
    bias = {} if layer.bias is None else {"bias": packed(layer.bias)}
    return {"weight": packed(layer.weight), **bias}


def _batch_norm(layer: nn.BatchNorm1d | nn.BatchNorm2d) -> Layer:
    """y = γ (x − m) / √(v + ε) + β, as one scale and one shift for each channel.

    Multiplied into the weights before it, the scale would cost them their 16 bits.
    """
    if layer.running_mean is None or layer.running_var is None:
        raise ValueError(f"{layer} keeps no running mean, so it needs a batch; a page has none")
    scale = (layer.running_var.double() + layer.eps).rsqrt()
    if layer.weight is not None:
        scale = scale * layer.weight.double()
    shift = -layer.running_mean.double() * scale
    if layer.bias is not None:
        shift = shift + layer.bias.double()
    return {"kind": "scale", "scale": packed(scale), "shift": packed(shift)}


def _unflatten(layer: nn.Unflatten) -> Layer:
    return {"kind": "shape", "shape": [int(size) for size in layer.unflattened_size]}


def _leaky(layer: nn.LeakyReLU) -> Layer:
    return {"kind": "leaky", "slope": layer.negative_slope}


KINDS: dict[type[nn.Module], Callable[[Any], Layer]] = {
    nn.Linear: _linear,
    nn.Conv2d: _convolution,
    nn.ConvTranspose2d: _convolution,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.Unflatten: _unflatten,
    nn.ReLU: lambda layer: {"kind": "leaky", "slope": 0.0},
    nn.LeakyReLU: _leaky,
    nn.Tanh: lambda layer: {"kind": "tanh"},
    nn.Sigmoid: lambda layer: {"kind": "sigmoid"},
    Clamp: lambda layer: {"kind": "clamp"},
    Rescale: lambda layer: {"kind": "rescale"},
}


def _unfolded(module: nn.Module) -> list[nn.Module]:
    if not isinstance(module, nn.Sequential):
        return [module]
    return [layer for part in module for layer in _unfolded(part)]


def _evaluated(layer: nn.Module, x: Tensor) -> Tensor:
    """The layer's output in evaluation mode, whatever mode it is in."""
    training = layer.training
    y: Tensor = layer.eval()(x)
    layer.train(training)
    return y
