"""Checks of chapter 4's exercises: the GAN's losses, its two moves, and a look at variety."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from genlib.exercises.calling import gradients
from genlib.exercises.calling4 import call, judge, normal
from genlib.exercises.mistakes4 import (
    discriminator_loss,
    generator_loss,
    minibatch_features,
    wrong_features,
    wrong_image_shapes,
    wrong_judgements,
    wrong_pair_shapes,
    wrong_persuasions,
)
from genlib.exercises.report import Finding
from genlib.exercises.round4 import Round
from genlib.exercises.step4 import Step
from genlib.exercises.trial import agree, check, compare

_LOST = "It was cut off: look for `.detach()`, `.data`, `.item()`, `no_grad`."
_ROUNDED = (
    "In single precision σ(300) is 1 and exp(300) is infinite, and no ε gives back what is lost: "
    "use `softplus`, `logsigmoid` or `binary_cross_entropy_with_logits`."
)
_BRANCHES = (
    "`torch.where` computes both branches: where exp overflows in the one that is not taken, its "
    "gradient is 0 · ∞, not a number. Take exp of −|l|, or use `softplus`."
)


@check("Exercise 4.1, the discriminator's loss")
def check_discriminator_loss(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(real_logits, fake_logits)`, −log σ(l_real) − log(1 − σ(l_fake)), `[B]` each, nats.

    Also looked at: logits of ±300 in single precision, and gradients there and elsewhere.
    """
    for B in (7, 1):
        inputs = 1.5 * normal("real", B) + 0.4, 1.5 * normal("fake", B) - 0.3
        wrongs = [*wrong_judgements(*inputs), *wrong_pair_shapes(*inputs)]
        value = call(fn, *inputs, hint="One number per pair of a real and a generated image: [B].")
        what = f"for logits of shape [{B}], your loss"
        findings.append(judge(value, discriminator_loss(*inputs), wrongs, what))
        if not findings[-1].ok:
            return
    sure = 300 * torch.tensor([1.0, -1, 1, -1]), 300 * torch.tensor([-1.0, -1, 1, 1])
    _on_logits(fn, ("real_logits", "fake_logits"), inputs, sure, discriminator_loss, findings)


@check("Exercise 4.1, the generator's loss")
def check_generator_loss(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(fake_logits)`, the non-saturating −log σ(l_fake), `[B]` to `[B]`, in nats.

    Also looked at: logits of ±300 in single precision, and gradients there and elsewhere.
    """
    for B in (7, 1):
        fake = 1.5 * normal("fake", B) - 0.3
        value = call(fn, fake, hint="One number per generated image: [B].")
        wrongs = [*wrong_persuasions(fake), *wrong_image_shapes(fake)]
        findings.append(
            judge(value, generator_loss(fake), wrongs, f"for logits of shape [{B}], your loss")
        )
        if not findings[-1].ok:
            return
    sure = (300 * torch.tensor([1.0, -1]),)
    _on_logits(fn, ("fake_logits",), (fake,), sure, generator_loss, findings)


@check("Exercise 4.2, a discriminator's step")
def check_discriminator_step(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(generator, discriminator, optimizer, x, z)`, one step of the discriminator alone.

    `optimizer` holds the discriminator's parameters; the mean loss is returned. Looked at: where
    the discriminator moves, what is returned, and that the generator keeps its weights and its
    gradients, once when nothing is left over from before and once when the generator's own step
    has left gradients in both.
    """
    for leftover in (False, True):
        trial = Step(leftover)
        findings.append(trial.play(fn))
        if findings[-1].ok:
            findings += [trial.returned(), trial.generator_kept()]
        if not all(found.ok for found in findings):
            return


@check("Exercise 4.3, minibatch discrimination")
def check_minibatch_features(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(m)`, o_ib = Σ_{j≠i} exp(−‖M_ib − M_jb‖₁), `[B, kernels, dim]` to `[B, kernels]`.

    Also looked at: a batch of one, a batch of copies, gradients.
    """
    hint = "Differences of all pairs, [B, B, kernels, dim], then two sums: [B, kernels] is left."
    for B, kernels, dim in ((6, 4, 3), (5, 3, 3)):
        m = 0.5 * normal("m", B, kernels, dim)
        value = call(fn, m, hint=hint)
        what = f"for m of shape {[B, kernels, dim]}, your result"
        found = judge(value, minibatch_features(m), wrong_features(m), what)
        if not found.ok and not found.cause and value.shape != (B, kernels):
            found = replace(found, cause=hint)
        findings.append(found)
        if not found.ok:
            return
    cases = {
        "a single sample, which has no others": (m[:1], torch.zeros(1, 3).double()),
        "five copies of one sample": (m[:1].repeat(5, 1, 1), torch.full((5, 3), 4.0).double()),
    }
    for name, (rows, right) in cases.items():
        found = compare(call(fn, rows, hint=hint), right, [], f"for {name}, your result")
        cause = "Each other sample adds exp(−distance), which is 1 for a copy; no other, nothing."
        findings.append(found if found.ok else replace(found, cause=cause))
        if not found.ok:
            return
    pull = f"Each number pulls at both samples of a pair. {_LOST}"
    root = "At distance 0 it is 0: `abs` has that gradient, a square root NaN."
    for name, rows, wrong in (
        ("m", m, pull),
        ("m, in a batch of copies,", m[:1].repeat(5, 1, 1), root),
    ):
        findings.extend(_gradients(fn, minibatch_features, {name: rows}, wrong=wrong))
        if not findings[-1].ok:
            return


@check("Exercise 4.4, a round without a bug")
def check_round(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(generator, discriminator, g_optimizer, d_optimizer, x, rng)`, a round of a GAN.

    The discriminator moves by the mean logistic loss, then the generator by the non-saturating
    one, against the discriminator that has moved; returned are samples for the strip. Looked at:
    both moves, twice in a row, and where the discriminator is sure; the noise; the samples.
    """
    trial = Round()
    for _ in range(2):  # what the first leaves behind shows in the second
        findings.extend(trial.findings(fn))
        if not all(found.ok for found in findings):
            return
    findings.append(trial.source(fn))
    for player in ("discriminator", "generator"):
        if all(found.ok for found in findings):
            findings.extend(Round(sure=player).findings(fn))


def _on_logits(
    fn: Any, names: Sequence[str], inputs: Sequence[Tensor], sure: Sequence[Tensor],
    right: Callable[..., Tensor], findings: list[Finding],
) -> None:  # fmt: skip
    """Gradients at moderate logits, then values and gradients at logits of ±300."""
    findings.extend(_gradients(fn, right, dict(zip(names, inputs, strict=True))))
    if not all(found.ok for found in findings):
        return
    found = compare(call(fn, *sure), right(*sure), [], "for logits of ±300, your loss")
    findings.append(found if found.ok else replace(found, cause=_ROUNDED))
    if found.ok:
        named = {f"{name} of ±300": v for name, v in zip(names, sure, strict=True)}
        findings.extend(_gradients(fn, right, named, wrong=_BRANCHES))


def _gradients(
    fn: Any, right: Callable[..., Tensor], inputs: dict[str, Tensor],
    wrong: str = f"Part of it was cut off, or counted twice. {_LOST}",
) -> list[Finding]:  # fmt: skip
    """Whether the gradient of the result's sum is that of `right` at each input."""
    mine, own = ([v.clone().requires_grad_() for v in inputs.values()] for _ in range(2))
    value = call(fn, *(v * 1.0 for v in mine))
    wanted = torch.autograd.grad(right(*own).sum(), own)
    findings = []
    for name, grad, want in zip(inputs, gradients(value, mine), wanted, strict=True):
        if grad is None:
            findings.append(Finding(False, f"no gradient reaches {name}", _LOST))
        elif not agree(grad, want):
            findings.append(Finding(False, f"the gradient with respect to {name} is wrong", wrong))
        else:
            findings.append(Finding(True, f"the gradient with respect to {name} is right"))
    return findings
