"""Chapter 1's exercises, done right and done wrong: what a student's numbers are held against.

Each `wrong_*` lists likely mistakes with the value that the mistake gives for the same input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.exercises.report import Finding
from genlib.exercises.trial import Stop, Wrong, agree, attempt
from genlib.seeds import make_generator


def squared_error(r: Tensor, x: Tensor) -> Tensor:
    return (r - x).square().flatten(1).sum(1)  # [B, C, H, W] -> [B]


def wrong_reductions(r: Tensor, x: Tensor) -> list[Wrong]:
    d = r - x
    flat = d.flatten(1)  # [B, D]
    pixels = flat.shape[1]
    return [
        (f"You averaged over pixels: your value is the right one divided by {pixels}. "
         "Sum over the pixels.", flat.square().mean(1)),
        ("You returned one number for the batch, expected one per image: drop the final "
         "`.mean()`.", flat.square().sum(1).mean()),
        ("You returned one number for the batch, expected one per image: sum over the axes of "
         "the pixels only.", d.square().sum()),
        ("You averaged over images and pixels, as `F.mse_loss` does by default: expected one "
         "sum per image.", d.square().mean()),
        ("Nothing is summed: add up each image's pixels.", d.square()),
        ("Summed over the last axis only: also sum over channels and rows.", d.square().sum(-1)),
        ("The channel axis is left: also sum over it.", d.square().sum((2, 3))),
        ("Axes of length 1 are left: no `keepdim` here.",
         d.square().sum((1, 2, 3), keepdim=True)),
        ("You summed over the images (axis 0): sum over all other axes.", d.square().sum(0)),
        ("You summed before squaring: errors of opposite sign cancel.", flat.sum(1).square()),
        ("The differences are not squared.", flat.sum(1)),
        ("The differences are not squared.", -flat.sum(1)),
        ("You took absolute values instead of squares.", flat.abs().sum(1)),
        ("You took the square root: the exercise asks for the sum itself.", flat.norm(dim=1)),
        ("Your value is half the right one: there is no factor 1/2 here.",
         flat.square().sum(1) / 2),
    ]  # fmt: skip


def _same(h: Tensor) -> Tensor:
    return h


def tied(
    y: Tensor, weights: list[Tensor], biases: list[Tensor], *,
    order: int = -1, transposed: bool = True, bias: float = 1.0, bias_order: int = 1,
    first: Callable[[Tensor], Tensor] = _same, inner: Callable[[Tensor], Tensor] = torch.relu,
    last: Callable[[Tensor], Tensor] = _same,
) -> Tensor:  # fmt: skip
    h = first(y)
    for i, (w, b) in enumerate(zip(weights[::order], biases[::bias_order], strict=True)):
        h = F.linear(h, w.T if transposed else w, bias * b)
        h = inner(h) if i < len(weights) - 1 else last(h)
    return h


def wrong_decoders(y: Tensor, weights: list[Tensor], biases: list[Tensor]) -> list[Wrong]:
    mistakes: list[tuple[str, dict[str, Any]]] = [
        ("There is a ReLU after the last layer: logits may be negative.", {"last": torch.relu}),
        ("There is a sigmoid after the last layer: return logits, the loss applies it.",
         {"last": torch.sigmoid}),
        ("The ReLU between the layers is missing.", {"inner": _same}),
        ("The ReLU is applied to the code y too: it stands between layers only.",
         {"first": torch.relu}),
        ("Between the layers stands a sigmoid, not a ReLU.", {"inner": torch.sigmoid}),
        ("Between the layers stands a tanh, not a ReLU.", {"inner": torch.tanh}),
        ("The biases are missing.", {"bias": 0.0}),
        ("The weights are used in the encoder's order: the decoder starts with the last.",
         {"order": 1}),
        ("The weights are not transposed: `F.linear` multiplies by W.T, so pass it `W.T`, or "
         "write `h @ W`.", {"transposed": False}),
        ("The weights are used in the encoder's order and not transposed: that is the encoder.",
         {"order": 1, "transposed": False}),
        ("The biases are reversed: they come in the decoder's order already.",
         {"bias_order": -1}),
    ]  # fmt: skip
    return [(c, attempt(lambda o=o: tied(y, weights, biases, **o)).value) for c, o in mistakes]


def _axes(x: Tensor) -> Tensor:
    _, _, vh = torch.linalg.svd(x, full_matrices=False)
    return cast(Tensor, vh)  # [N, D] -> [D, D], the largest first


def pca(x_train: Tensor, x: Tensor, k: int) -> Tensor:
    mean = x_train.mean(0)
    v = _axes(x_train - mean)[:k]  # [k, D]
    return (x - mean) @ v.T @ v + mean


def wrong_pcas(x_train: Tensor, x: Tensor, k: int) -> list[Wrong]:
    mean, own, grand, std = x_train.mean(0), x.mean(0), x_train.mean(), x_train.std(0)
    axes, raw = _axes(x_train - mean), _axes(x_train)
    v, u, low, columns = axes[:k], raw[:k], axes[-k:], axes[:, :k].T  # [k, D] each
    scaled = _axes((x_train - mean) / std)[:k]
    centred = x - mean
    wrongs: list[Wrong] = [
        ("You centred x with the mean of x, not of x_train: a new image must not choose it.",
         (x - own) @ v.T @ v + own),
        ("You centred x with its own mean and added back that of x_train: use x_train's twice.",
         (x - own) @ v.T @ v + mean),
        ("You added back the mean of x; add that of x_train.", centred @ v.T @ v + own),
        ("The components are those of x: find them from x_train.", pca(x, x, k)),
        ("Nothing is centred: subtract x_train's mean before the SVD, and from x.",
         x @ u.T @ u),
        ("The SVD is of x_train without centring: subtract its mean first.",
         centred @ u.T @ u + mean),
        ("You did not centre x before projecting it.", x @ v.T @ v + mean),
        ("x is not centred: subtract x_train's mean, and add it back.", x @ v.T @ v),
        ("The mean is not added back at the end.", centred @ v.T @ v),
        ("The mean is one number: take it per pixel, `x_train.mean(0)`.",
         (lambda w: (x - grand) @ w.T @ w + grand)(_axes(x_train - grand)[:k])),
        (f"You used {k + 1} components, not k = {k}.", pca(x_train, x, k + 1)),
        (f"You used {k - 1} components, not k = {k}.", pca(x_train, x, k - 1)),
        ("You used the k smallest components: `eigh` sorts upwards, take the last k.",
         centred @ low.T @ low + mean),
        ("You took columns of `Vh`: its rows are the components, `Vh[:k]`.",
         centred @ columns.T @ columns + mean),
        ("You divided by the standard deviation: that is the PCA of other data.",
         (centred / std) @ scaled.T @ scaled * std + mean),
        ("These are the codes: map them back with the components and add the mean.",
         centred @ v.T),
        ("You returned the reconstruction of x_train, not of x.", pca(x_train, x_train, k)),
        ("x is returned as it came: nothing is projected.", x),
    ]  # fmt: skip
    fixed = [(f"k is fixed at {n} in your code: use the argument.", pca(x_train, x, n))
             for n in range(1, 12) if n != k]  # fmt: skip
    return [*wrongs, *fixed]


class Recorder(nn.Module):
    """A model that is easy to tell from the identity, and remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.5))
        self.inputs: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.inputs.append(x.detach().clone())
        return self.scale * x.flip(-1) + 0.1


def noisy_input(value: Tensor, model: Recorder, x: Tensor, std: float) -> Tensor:
    """The noisy images that the model was given.

    Raises:
        Stop: it was given none.
    """
    if not model.inputs:
        raise Stop(Finding(False, "the model was never called", "Reconstruct with `model(noisy)`."))
    shapes = [list(seen.shape) for seen in model.inputs if seen.shape != x.shape]
    if shapes:
        symptom = f"the model was given images of shape {shapes[0]}, x has {list(x.shape)}"
        raise Stop(Finding(False, symptom, "Keep the images' shape; reduce only the errors."))
    noisy = [seen for seen in model.inputs if not torch.equal(seen, x)]
    if noisy:
        return noisy[-1]
    noise, r = std * torch.randn(x.shape, generator=make_generator(0, "noise")), Recorder()(x)
    causes: list[Wrong] = [
        ("The noise is added to the reconstruction: add it to x, before the model.",
         squared_error(r + noise, x)),
        ("The roles are swapped: reconstruct from the noisy image, compare with the clean one.",
         squared_error(r, x + noise)),
        ("No noise was added at all: this is the loss of a plain autoencoder.",
         squared_error(r, x)),
    ]  # fmt: skip
    cause = next((c for c, wrong in causes if wrong is not None and agree(value, wrong)), "")
    cause = cause or "Give it `x + noise_std * noise`."
    raise Stop(Finding(False, "the model was given the clean images", cause))


def judge_noise(noise: Tensor, std: float) -> Finding:
    """Whether `noise` `[B, C, H, W]` is Gaussian, independent everywhere, of deviation `std`."""
    size, mean = noise.std().item(), noise.mean().item()
    unit = (noise - mean) / max(size, 1e-12)
    asked = f"for noise_std = {std:g} the noise has mean {mean:.3g} and deviation {size:.3g}"
    tests: list[tuple[bool, str]] = [
        (agree(noise[0], noise[1]),
         "All images received the same noise: draw it in the shape of the batch."),
        (noise.flatten(1).std(1).max().item() < 0.01 * size,
         "Each image received one number for all its pixels: draw it in the shape of x."),
        (noise.min().item() >= 0,
         "`torch.rand` is uniform on [0, 1): Gaussian noise is `torch.randn`."),
        (abs(size / std**2 - 1) < 0.05, "You scaled by the variance, noise_std squared."),
        (abs(size / std**0.5 - 1) < 0.05, "You scaled by the square root of noise_std."),
        (abs(size - 1) < 0.05, "The noise is not multiplied by noise_std."),
        (abs(size / std - 1) > 0.05 or abs(mean) > 0.05 * std,
         f"Expected mean 0 and deviation {std:g}: `noise_std * randn`."),
        (abs(unit.pow(4).mean().item() - 3) > 0.4,
         "It is not Gaussian: `torch.randn` draws the standard normal."),
    ]  # fmt: skip
    cause = next((text for failed, text in tests if failed), "")
    return Finding(not cause, asked, cause)
