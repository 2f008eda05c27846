"""Checks of chapter 1's exercises: autoencoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from genlib.exercises.mistakes1 import (
    pca,
    squared_error,
    tied,
    wrong_decoders,
    wrong_pcas,
    wrong_reductions,
)
from genlib.exercises.noise1 import Recorder, judge_noise, noisy_input, wrong_denoisings
from genlib.exercises.report import Finding
from genlib.exercises.trial import Stop, agree, attempt, check, compare, value_of
from genlib.seeds import make_generator

_LOST = "It was cut off: look for `.detach()`, `.data`, `.item()`, `no_grad`."


@check("Exercise 1.1, squared error")
def check_squared_error(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(r, x)`, the squared error summed over each image's pixels.

    `r` and `x` are `[B, C, H, W]`, the result `[B]`; unequal shapes must raise ValueError.
    Also looked at: the gradient with respect to `r`, and that both stay as they were.
    """
    for shape in ((5, 1, 28, 28), (1, 1, 28, 28), (4, 3, 8, 8)):
        leaf, x = _normal("r", *shape).requires_grad_(), _normal("x", *shape)
        r, before = leaf * 1.0, [leaf.detach(), x.clone()]
        value = value_of(fn, r, x, hint=f"Both shapes are {list(shape)} here, nothing to "
                         "refuse: sum over all axes but the first.")  # fmt: skip
        _unchanged([r, x], before, "`x -= r` writes into the caller's images: use `r - x`.")
        right, what = squared_error(r, x), f"for r and x of shape {list(shape)}, your result"
        findings.append(compare(value, right, wrong_reductions(r, x), what))
        if not findings[-1].ok:
            break
    else:
        (grad,) = _gradients(value, [leaf])
        fine = grad is not None and agree(grad, 2 * (r - x))
        seen = "the gradient with respect to r is " + ("2 (r - x)" if fine else "lost")
        findings.append(Finding(fine, seen, "" if fine else _LOST))
    for r_shape, x_shape in (((5, 28, 28), (5, 1, 28, 28)), ((1, 1, 28, 28), (5, 1, 28, 28))):
        r, x = _normal("r", *r_shape), _normal("x", *x_shape)
        findings.append(_refusal(attempt(fn, r, x).error, r, x))
        if not findings[-1].ok:
            return  # the second would only say the same again


@check("Exercise 1.2, tied decoder")
def check_tied_decoder(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(y, encoder_weights, biases)`, a decoder on the encoder's own weights.

    `y` is `[B, K]`; the weights are a list of `[out, in]` in the encoder's order, the biases a
    list in the decoder's; the result is `[B, 784]` logits, with ReLU between layers only.
    Also looked at: two depths, gradients at every weight, and that the lists stay as they were.
    """
    for sizes in ((784, 256, 128, 20), (784, 64, 20)):
        y, weights, biases = _encoder(*sizes)
        code, given, given_biases = y.clone(), list(weights), list(biases)
        shapes = ", ".join(str(list(w.shape)) for w in weights)
        try:
            value = value_of(fn, code, given, given_biases)
        except Stop as stop:
            if stop.finding is None:
                raise
            cause = _tied_mistake(fn) or (
                f"The weights come as {shapes}: the decoder uses the last first, each transposed."
            )
            raise Stop(replace(stop.finding, cause=stop.finding.cause or cause)) from None
        same = [a is b for a, b in zip([*given, *given_biases], [*weights, *biases], strict=False)]
        if not all(same) or len(same) != 2 * len(weights):
            raise Stop(
                Finding(False, "it changed the caller's list",
                        "`weights.reverse()`, `.pop()` and `weights[i] = …` work in place: use "
                        "`reversed(weights)`.")
            )  # fmt: skip
        _unchanged([code], [y], "`y.relu_()`, `y += …` write into the caller's code: use `y + …`.")
        right = tied(y, weights, biases)
        findings.append(
            compare(value, right, wrong_decoders(y, weights, biases),
                    f"with encoder weights {shapes}, your result")
        )  # fmt: skip
        if not findings[-1].ok:
            if value.shape != right.shape and not findings[-1].cause:
                findings[-1] = replace(findings[-1], cause=_tied_mistake(fn))
            return
    code = y.clone().requires_grad_()
    value, right = (
        value_of(fn, code * 1.0, list(weights), list(biases)),
        tied(code, weights, biases),
    )
    names = [f"{kind}[{i}]" for kind in ("encoder_weights", "biases") for i in range(len(weights))]
    leaves = [*weights, *biases]
    at_code, *got = _gradients(value, [code, *leaves])
    if at_code is None:
        cause = f"The encoder that made it could not learn. {_LOST}"
        findings.append(Finding(False, "no gradient reaches the code y", cause))
        return
    want = _gradients(right, leaves)
    pairs = zip(names, got, want, strict=True)
    lost = [name for name, g, w in pairs if g is None or w is None or not agree(g, w)]
    if lost:
        findings.append(
            Finding(False, f"the gradient is missing or wrong at {', '.join(lost)}",
                    "The weights must be used themselves: `.detach()`, `.data`, `torch.tensor(W)` "
                    "and `nn.Parameter(W.T)` make copies that are no longer tied.")
        )  # fmt: skip
    else:
        findings.append(Finding(True, "gradients reach every encoder weight and every bias"))


@check("Exercise 1.3, PCA")
def check_pca(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(x_train, x, k)`, the reconstruction of x from k principal components of x_train.

    `x_train` is `[N, D]`, `x` and the result `[M, D]`. Tried for two k; x has another mean.
    """
    spread = torch.tensor([9, 6, 0.9, 0.8, 0.2, 0.17, 0.14, 0.12, 0.1, 0.08, 0.06, 0.04])
    basis = torch.linalg.qr(_normal("basis", 12, 12))[0]
    centre = 4 * _normal("centre", 12)
    x_train = _normal("train", 40, 12) * spread @ basis.T + centre  # [N, D]
    x = _normal("new", 7, 12) * spread.clamp(min=0.5) @ basis.T + centre + 3  # [M, D]
    for k in (4, 2):
        before = [x_train.clone(), x.clone()]
        value = value_of(
            fn, x_train, x, k, hint="x_train is [40, 12], x [7, 12], and the result [7, 12]. The "
            "components are the rows of `Vh`: `Vh[:k].T` takes [7, 12] to [7, k]."
        )  # fmt: skip
        _unchanged([x_train, x], before, "`x -= mean` works in place: write `x = x - mean`.")
        right = pca(x_train, x, k)
        what = f"with x_train [40, 12], x [7, 12] and k = {k}, your result"
        findings.append(compare(value, right, wrong_pcas(x_train, x, k), what))
        if not findings[-1].ok:
            return


@check("Exercise 1.4, denoising loss")
def check_denoising_loss(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(model, x, noise_std, generator)`, the denoising autoencoder's loss `[B]`.

    The squared error, summed over pixels, between the clean `x` `[B, C, H, W]` and the model's
    reconstruction of `x` plus Gaussian noise. Any way to draw the noise from the generator counts.
    Looked at: what the model was given, the noise's law and origin, the loss, the gradient.
    """
    x = 0.3 + 0.4 * torch.rand(32, 1, 28, 28, generator=make_generator(0, "x"))  # never clamped
    before, std = x.clone(), 0.05

    def run(generator: torch.Generator, std: float = std) -> tuple[Tensor, Recorder]:
        model = Recorder()
        value = value_of(
            fn, model, x, std, generator,
            hint="`torch.randn(x.shape, generator=generator)` draws from a generator.",
        )  # fmt: skip
        _unchanged([x], [before], "`x += noise` writes into the clean images: use `x + noise`.")
        if not model.training:
            cause = "`eval()` stays after the call: leave the model's mode to the training loop."
            raise Stop(Finding(False, "the model was left in inference mode", cause))
        return value, model

    value, model = run(make_generator(0, "noise"))
    noisy = noisy_input(value, model, x, std)
    right, wrongs = squared_error(Recorder()(noisy), x), wrong_denoisings(noisy, x, std)
    findings.append(compare(value, right, wrongs, "your loss"))
    if not findings[-1].ok:
        return
    (grad,) = _gradients(value, [model.scale])
    fine = grad is not None
    seen = f"the gradient {'reaches' if fine else 'does not reach'} the model's parameters"
    findings.append(Finding(fine, seen, "" if fine else _LOST))
    findings.append(judge_noise(noisy - x, std, x))
    if not findings[-1].ok:
        return

    def noise_of(generator: torch.Generator, std: float = std) -> Tensor:
        torch.manual_seed(int(torch.randint(1 << 30, ())))  # a global draw differs every time
        value, model = run(generator, std)
        return noisy_input(value, model, x, std) - x

    other = judge_noise(noise_of(make_generator(0, "noise"), 0.02), 0.02, x)
    generator = make_generator(0, "noise")
    first, second = noise_of(generator), noise_of(generator)
    if not other.ok:
        findings.append(other)
    elif not agree(first, noisy - x):
        findings.append(
            Finding(False, "two generators with one seed gave different noise",
                    "The noise does not come from the generator: pass `generator=generator`.")
        )  # fmt: skip
    elif agree(first, second) or agree(first, noise_of(make_generator(0, "other"))):
        findings.append(
            Finding(False, "every call gave the same noise",
                    "The function seeds the generator, or one of its own: only draw from it.")
        )  # fmt: skip
    else:
        findings.append(Finding(True, "the noise comes from the generator, fresh in each call"))


def _normal(name: str, *shape: int) -> Tensor:
    return torch.randn(shape, generator=make_generator(0, "exercise", name))


def _unchanged(after: Sequence[Tensor], before: Sequence[Tensor], cause: str) -> None:
    if not all(torch.equal(a, b) for a, b in zip(after, before, strict=True)):
        raise Stop(Finding(False, "it changed the tensors it was given", cause))


def _gradients(value: Tensor, inputs: list[Tensor]) -> Sequence[Tensor | None]:
    if not value.requires_grad:
        return [None] * len(inputs)
    grads = attempt(lambda: torch.autograd.grad(value.sum(), inputs, allow_unused=True))
    return [None] * len(inputs) if grads.error else list(grads.value)


def _refusal(error: BaseException | None, r: Tensor, x: Tensor) -> Finding:
    shapes = f"r {list(r.shape)} against x {list(x.shape)}"
    if isinstance(error, ValueError):
        return Finding(True, f"it refuses {shapes}")
    if error is None:
        cause = (
            f"`r - x` broadcasts to {list((r - x).shape)}, so images are compared with others' "
            "reconstructions. First of all raise ValueError if `r.shape != x.shape`."
        )
        return Finding(False, f"it accepted {shapes}", cause)
    extra = " (an `assert` is skipped under `python -O`)" if type(error) is AssertionError else ""
    return Finding(
        False, f"for {shapes} it raised {type(error).__name__}",
        f"Raise ValueError{extra}, with a message that names both shapes.",
    )  # fmt: skip


def _encoder(*sizes: int) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """A batch of codes, weights in encoder order `[out, in]`, biases in decoder order."""
    weights = [
        (_normal(f"w{i}", b, a) / b**0.5).requires_grad_()
        for i, (a, b) in enumerate(pairwise(sizes))
    ]
    biases = [_normal(f"b{i}", size).requires_grad_() for i, size in enumerate(sizes[-2::-1])]
    return _normal("y", 5, sizes[-1]), weights, biases


def _tied_mistake(fn: Any) -> str:
    """Which mistake `fn` makes where no shape can give it away: on square weights."""
    y, weights, biases = _encoder(6, 6, 6, 6)
    value = attempt(fn, y, list(weights), list(biases)).value
    if not isinstance(value, Tensor):
        return ""
    return compare(value, tied(y, weights, biases), wrong_decoders(y, weights, biases), "").cause
