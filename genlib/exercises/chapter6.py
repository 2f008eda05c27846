"""Checks of chapter 6's exercises: three losses, who gets which gradient, latent arithmetic."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from genlib.exercises.calling import call, gradients, judge, normal, same
from genlib.exercises.mistakes6 import (
    Seen,
    add_attribute,
    decoder_loss,
    discriminator_loss,
    encoder_loss,
    wrong_arithmetic,
    wrong_decoder_losses,
    wrong_discriminator_losses,
    wrong_encoder_losses,
)
from genlib.exercises.report import Finding
from genlib.exercises.several import call_several
from genlib.exercises.step6 import Step
from genlib.exercises.trial import agree, check, compare

_LOSSES = {
    "encoder": (encoder_loss, wrong_encoder_losses),
    "decoder": (decoder_loss, wrong_decoder_losses),
    "discriminator": (discriminator_loss, wrong_discriminator_losses),
}
_FLOWS = {  # where each loss's gradient must go on
    "encoder": ("mu", "log_var", "rebuilt_features"),
    "decoder": ("rebuilt_features", "rebuilt", "sampled"),
    "discriminator": ("real", "rebuilt", "sampled"),
}
_LOST = "It was cut off: look for `.detach()`, `.data`, `.item()`, `no_grad`."
_ROUNDED = (
    "In single precision σ(300) is 1 and exp(300) is infinite: use `softplus`, `logsigmoid` or "
    "`binary_cross_entropy_with_logits`."
)
_LOSS_ERRORS = {  # words of an error message, and what they point to
    "between 0 and 1": "`binary_cross_entropy` takes probabilities, and logits are none: use "
    "`binary_cross_entropy_with_logits`.",
    "must match the size of tensor": "A sum over latents or features is missing: each term is [B].",
    "numpy()": "numpy carries no gradients: use torch's functions.",
    "converted to": "Use torch's function: `math` and `float` take single numbers.",
}
_CODE_ERRORS = {
    "must match the size of tensor": "`has` is [N] and codes are [N, K]: `has[:, None]`, or an "
    "index, `mu[has]`.",
    "leaf Variable": "Work on a copy: `codes = mu.clone()`.",
    "not supported": "`has` is bool: `~has` is its contrary.",
    "Boolean value of Tensor": "`if` takes one truth: index with `has`, or use `torch.where`.",
}
_several = functools.partial(call_several, names=tuple(_LOSSES), errors=_LOSS_ERRORS)


@check("Exercise 6.1, three losses")
def check_vae_gan_losses(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(mu, log_var, features, rebuilt_features, real, rebuilt, sampled, gamma)`.

    It returns the losses of encoder, decoder and discriminator, `[B]` each: KL + likeness,
    γ · likeness + the non-saturating loss of both generated images, and the logistic loss. Also
    looked at: gradients, and logits of ±300 in single precision.
    """
    hint = "Each loss has one number per image, [B]: sum over latents and features, `sum(dim=1)`."
    for sizes, gamma in (((5, 3, 4), 0.3), ((1, 2, 7), 2.0), ((4, 4, 4), 0.3)):
        s = _seen(*sizes)
        values = _several(fn, *s, gamma, hint=hint)
        for (name, (right, wrongs)), value in zip(_LOSSES.items(), values, strict=True):
            what = f"for B = {sizes[0]}, your {name}'s loss"
            found = judge(value, right(s, gamma), wrongs(s, gamma), what, hint)
            findings.append(found)
            if not found.ok:
                swapped = any(agree(value, f(s, gamma)) for f, _ in _LOSSES.values())
                order = "Return the losses in the order encoder, decoder, discriminator."
                findings[-1] = replace(found, cause=order if swapped else found.cause)
                return
    for name in _LOSSES:
        findings.append(_flows(fn, name))
        if not findings[-1].ok:
            return
    findings.append(_sure(fn))


@check("Exercise 6.2, one step of three networks")
def check_routing(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(encoder, decoder, discriminator, optimizers, x, eps, z_prior, gamma)`, one step.

    Each network moves by the gradient of its own mean loss, all three taken before any weight
    moves; the three losses are returned, `[3]`. Looked at twice in a row, since the first step may
    leave gradients behind.
    """
    trial = Step()
    for _ in range(2):
        findings.extend(trial.findings(fn))
        if not all(found.ok for found in findings):
            return


@check("Exercise 6.3, latent arithmetic")
def check_attribute(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(mu, log_var, has, strength)`: codes `[N, K]`, the attribute added where it lacks.

    `mu` and `log_var` are what an encoder gives for N images, `has` `[N]` says which of them have
    the attribute. Also looked at: an attribute that shifts codes by a known vector.
    """
    hint = "`mu[has]` are the codes of the images with the attribute, `mu[~has]` of the others."
    for size, K, strength in ((9, 4, 0.8), (7, 3, 1.5)):
        mu, log_var, has = _codes(size, K)
        value = call(fn, mu, log_var, has, strength, hint=hint, errors=_CODE_ERRORS)
        what = f"for codes of shape {[size, K]}, your result"
        right = add_attribute(mu, log_var, has, strength)
        wrongs = wrong_arithmetic(mu, log_var, has, strength)
        found = judge(value, right, wrongs, what, f"Return the codes, {[size, K]}.")
        if (
            not found.ok
            and not found.cause
            and not same(call(fn, mu, log_var, has, strength, hint=hint), value)
        ):
            drawn = (
                "Called twice it gives two results: draw no codes, the means `mu` are the codes."
            )
            found = replace(found, cause=drawn)
        findings.append(found)
        if not found.ok:
            return
    shift = torch.tensor([3.0, 0.0, -1.0]).double()
    faces = normal(6, "faces", 6, 3)
    mu, has = torch.cat([faces, faces + shift]), torch.arange(12) >= 6
    value = call(fn, mu, torch.zeros_like(mu), has, 1.0, hint=hint, errors=_CODE_ERRORS)
    what = "where each code with the attribute is one without it, moved by a vector, your result"
    findings.append(compare(value, torch.cat([mu[6:], mu[6:]]), [], what))


def _seen(B: int, K: int, F: int) -> Seen:
    """Different numbers in every place, likeness and GAN losses of the same order."""
    logits = (1.5 * normal(6, name, B) + 0.3 for name in ("real", "rebuilt", "sampled"))
    return Seen(
        normal(6, "mu", B, K), 0.7 * normal(6, "log_var", B, K) - 0.4, normal(6, "seen", B, F),
        normal(6, "rebuilt seen", B, F), *logits,
    )  # fmt: skip


def _flows(fn: Any, name: str) -> Finding:
    """Whether the gradient of one loss is right at all that must carry it."""
    i = list(_LOSSES).index(name)
    mine, own = (Seen(*(v.clone().requires_grad_() for v in _seen(4, 3, 5))) for _ in range(2))
    value = _several(fn, *(v * 1.0 for v in mine), 0.3)[i]
    places = _FLOWS[name]
    got = gradients(value, [getattr(mine, place) for place in places])
    right = gradients(_LOSSES[name][0](own, 0.3), [getattr(own, place) for place in places])
    for place, grad, want in zip(places, got, right, strict=True):
        if grad is None:
            return Finding(False, f"no gradient of the {name}'s loss reaches {place}", _LOST)
        if want is None or not agree(grad, want):
            seen = f"the gradient of the {name}'s loss at {place} is wrong"
            return Finding(False, seen, f"Part of it was cut off, or counted twice. {_LOST}")
    return Finding(True, f"the gradient of the {name}'s loss is right at {', '.join(places)}")


def _sure(fn: Any) -> Finding:
    """Logits of ±300 in single precision: finite losses, and gradients that are not lost."""
    signs = torch.tensor([[1.0, -1, -1], [-1, 1, 1]])  # the discriminator is right, then wrong
    ones, (real, rebuilt, sampled) = torch.ones(2, 3), 300 * signs.T
    s = Seen(ones, -ones, ones, 0 * ones, *(v.clone().requires_grad_() for v in
                                           (real, rebuilt, sampled)))  # fmt: skip
    values = _several(fn, *s, 0.3)
    for (name, (loss, _)), value in zip(_LOSSES.items(), values, strict=True):
        found = compare(value, loss(s, 0.3), [], f"for logits of ±300, your {name}'s loss")
        if not found.ok:
            return replace(found, cause=_ROUNDED)
        if name == "encoder":
            continue
        places = [s.rebuilt, s.sampled]
        for grad, want in zip(gradients(value, places), gradients(loss(s, 0.3), places),
                              strict=True):  # fmt: skip
            if grad is None or want is None or not agree(grad, want):
                seen = f"for logits of ±300, the gradient of your {name}'s loss is wrong"
                return Finding(False, seen, _ROUNDED)
    return Finding(True, "logits of ±300 give finite losses, and gradients")


def _codes(size: int, K: int) -> tuple[Tensor, Tensor, Tensor]:
    """Codes off the origin, a third of them with the attribute."""
    has = torch.arange(size) % 3 == 1
    mu = normal(6, "codes", size, K) + 0.6
    return mu + 0.7 * has[:, None] * torch.arange(1, K + 1), normal(6, "spread", size, K), has
