"""Exercise 1.4: a model that remembers what it was given, and what is to be seen in the noise."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from genlib.exercises.mistakes1 import squared_error, wrong_reductions
from genlib.exercises.report import Finding
from genlib.exercises.trial import Stop, Wrong, agree
from genlib.seeds import make_generator


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
    if sum(map(len, model.inputs)) == len(x) and model.inputs[0].shape[1:] == x.shape[1:]:
        model.inputs = [torch.cat(model.inputs)]  # a loop over the images is as right
    shapes = [list(seen.shape) for seen in model.inputs if seen.shape != x.shape]
    if shapes:
        symptom = f"the model was given images of shape {shapes[0]}, x has {list(x.shape)}"
        raise Stop(Finding(False, symptom, "Keep the images' shape; reduce only the errors."))
    noisy = [seen for seen in model.inputs if not torch.equal(seen, x)]
    if any(agree(later, Recorder()(seen)) for seen, later in pairwise(model.inputs)):
        cause = "Reconstruct once: `model(noisy)`."
        raise Stop(Finding(False, "the model was given its own reconstruction", cause))
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


def wrong_denoisings(noisy: Tensor, x: Tensor, std: float) -> list[Wrong]:
    """Losses of the model's reconstruction of `noisy` that are not those against the clean `x`."""
    r, noise = Recorder()(noisy), noisy - x
    source = make_generator(0, "noise")
    torch.randn(x.shape, generator=source)
    second = std * torch.randn(x.shape, generator=source)
    return [
        ("You compared the reconstruction with the noisy image; compare it with the clean x.",
         squared_error(r, noisy)),
        ("You compared the reconstruction with a second noisy image; compare it with the clean x.",
         squared_error(r, x + second)),
        ("You compared the noisy image with the clean one; the model's output is not used.",
         squared_error(noisy, x)),
        ("You compared with the model's output for the clean x; compare with x itself.",
         squared_error(r, Recorder()(x))),
        ("You compared the model's output with the noise: this model gives images; compare it with "
         "the clean x.", squared_error(r, noise)),
        ("You compared the model's output with the noise: this model gives images; compare it with "
         "the clean x.", squared_error(r, noise / std)),
        ("You took what the noise adds to the loss: return the loss itself.",
         squared_error(r, x) - squared_error(Recorder()(x), x)),
        *wrong_reductions(r, x),
    ]  # fmt: skip


def judge_noise(noise: Tensor, std: float, x: Tensor) -> Finding:
    """Whether `noise` `[B, C, H, W]` is Gaussian, independent everywhere, of deviation `std`."""
    size, mean = noise.std().item(), noise.mean().item()
    unit = (noise - mean) / max(size, 1e-12)
    asked = f"for noise_std = {std:g} the noise has mean {mean:.3g} and deviation {size:.3g}"
    tests: list[tuple[bool, str]] = [
        (agree(noise[0], noise[1]),
         "All images received the same noise: draw it in the shape of the batch."),
        (noise.flatten(1).std(1).max().item() < 0.01 * size,
         "Each image received one number for all its pixels: draw it in the shape of x."),
        (noise.min().item() >= 0 and noise.max().item() > 1.5 * std,
         "The noise is never negative: take no absolute value, and no square, of it."),
        (noise.min().item() >= 0,
         "`torch.rand` is uniform on [0, 1): Gaussian noise is `torch.randn`."),
        (abs(size / std**2 - 1) < 0.05, "You scaled by the variance, noise_std squared."),
        (abs(size / std**0.5 - 1) < 0.05, "You scaled by the square root of noise_std."),
        (abs(size - 1) < 0.05, "The noise is not multiplied by noise_std."),
        (abs((noise / x).std().item() / std - 1) < 0.02 < abs(size / std - 1),
         "The noise is multiplied by the image: add it, of one deviation in every pixel."),
        (abs(size / std - 1) > 0.05 or abs(mean) > 0.05 * std,
         f"Expected mean 0 and deviation {std:g}: `noise_std * randn`."),
        (abs(unit.pow(4).mean().item() - 3) > 0.4,
         "It is not Gaussian: `torch.randn` draws the standard normal."),
    ]  # fmt: skip
    cause = next((text for failed, text in tests if failed), "")
    return Finding(not cause, asked, cause)
