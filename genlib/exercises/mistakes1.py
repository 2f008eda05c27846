"""Chapter 1's exercises, done right and done wrong: what a student's numbers are held against.

Each `wrong_*` lists likely mistakes with the value that the mistake gives for the same input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.exercises.trial import Wrong, attempt


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
        ("Your value is twice the right one: there is no factor 2 here.",
         2 * flat.square().sum(1)),
        ("You took the difference of the squares: square the difference.",
         (r.square() - x.square()).flatten(1).sum(1)),
        ("Only the first channel counts: sum over all of them.",
         d[:, 0].square().sum((1, 2)) if d.shape[1] > 1 else None),
        ("The last axis is left: sum over it too.", d.square().sum((1, 2))),
    ]  # fmt: skip


def _same(h: Tensor) -> Tensor:
    return h


def tied(
    y: Tensor, weights: list[Tensor], biases: list[Tensor], *,
    order: int = -1, transposed: bool = True, bias: float = 1.0, bias_order: int = 1,
    late: bool = False, last_bias: float = 1.0,
    first: Callable[[Tensor], Tensor] = _same, inner: Callable[[Tensor], Tensor] = torch.relu,
    last: Callable[[Tensor], Tensor] = _same,
) -> Tensor:  # fmt: skip
    h = first(y)
    for i, (w, b) in enumerate(zip(weights[::order], biases[::bias_order], strict=True)):
        is_last = i == len(weights) - 1
        b = bias * (last_bias if is_last else 1.0) * b
        h = F.linear(h, w.T if transposed else w, None if late else b)
        h = last(h) if is_last else inner(h)
        h = h + b if late else h
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
        ("Between the layers stands a leaky ReLU, not a ReLU.", {"inner": F.leaky_relu}),
        ("Between the layers stands a GELU, not a ReLU.", {"inner": F.gelu}),
        ("Between the layers stands a softplus, not a ReLU.", {"inner": F.softplus}),
        ("There is a tanh after the last layer: nothing comes after it.", {"last": torch.tanh}),
        ("The biases are added after the ReLU: they belong before it.", {"late": True}),
        ("The bias of the last layer is missing.", {"last_bias": 0.0}),
        ("The biases are subtracted: add them.", {"bias": -1.0}),
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
    centred, sizes = x - mean, torch.linalg.svdvals(x_train - mean)[:k]
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
        ("That is the mean of x_train alone: nothing is projected.", mean.expand_as(x)),
        ("That is what is lost, x less its reconstruction: return the reconstruction.",
         x - pca(x_train, x, k)),
        ("The mean is added twice.", pca(x_train, x, k) + mean),
        ("Mean and components are those of x_train and x together: learn from x_train alone.",
         pca(torch.cat([x_train, x]), x, k)),
        ("You took the SVD of x: learn the components from x_train.",
         (lambda w: centred @ w.T @ w + mean)(_axes(centred)[:k])),
        ("You multiplied by the singular values: the axes have length 1, and stay so.",
         centred @ v.T * sizes @ v + mean),
        ("You divided by the singular values: that whitens. Project and map back only.",
         centred @ v.T / sizes @ v + mean),
        ("You left out the first component: they begin at 0, `Vh[:k]`.",
         (lambda w: centred @ w.T @ w + mean)(axes[1 : k + 1])),
        ("You centred each vector with the mean of its own numbers: the mean is over x_train's "
         "vectors, `mean(0)`.", _by_rows(x_train, x, k)),
        ("You centred with the median: PCA takes the mean.",
         (lambda m: (lambda w: (x - m) @ w.T @ w + m)(_axes(x_train - m)[:k]))
         (x_train.median(0).values)),
    ]  # fmt: skip
    fixed = [(f"k is fixed at {n} in your code: use the argument.", pca(x_train, x, n))
             for n in range(1, 12) if n != k]  # fmt: skip
    return [*wrongs, *fixed]


def _by_rows(x_train: Tensor, x: Tensor, k: int) -> Tensor:
    own = x.mean(1, keepdim=True)
    v = _axes(x_train - x_train.mean(1, keepdim=True))[:k]
    return (x - own) @ v.T @ v + own
