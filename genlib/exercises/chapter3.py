"""Checks of chapter 3's exercises: the variational autoencoder."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from genlib.exercises.calling import call, gradients, judge, normal
from genlib.exercises.mistakes3 import (
    free_bits_kl,
    importance_weighted_bound,
    latent_terms,
    negative_elbo,
    wrong_bounds,
    wrong_elbos,
    wrong_free_bits,
    wrong_samples,
)
from genlib.exercises.report import Finding
from genlib.exercises.trial import agree, check, compare

_LOST = "It was cut off: look for `.detach()`, `.data`, `.item()`, `no_grad`."
_LOGITS = (
    "Compute from the logits: `binary_cross_entropy_with_logits`. A sigmoid rounds to 0 or 1 here, "
    "and its logarithm is lost."
)
_UNDERFLOW = (
    "exp(−10000) is 0 on a computer, and exp(10000) is infinite: use `torch.logsumexp`, or "
    "subtract each image's largest log-weight before `exp` and add it after `log`. No ε."
)
_ERRORS = {  # words of an error message, and what they point to
    "numpy()": "numpy carries no gradients: use torch's functions.",
    "converted to": "Use torch's function: `math` and `float` take single numbers.",
    "elements of std >= 0": "`log_var` is no standard deviation: it may be negative.",
    "parameter scale": "`log_var` is no standard deviation: it may be negative. And the noise is "
    "given: use `eps`.",
    "between 0 and 1": "`binary_cross_entropy` takes probabilities, and logits are none: use "
    "`binary_cross_entropy_with_logits`.",
    "Target size": "Flatten both or none: logits and x have one shape.",
    "parameter probs": "logits are no probabilities: `Bernoulli(logits=…)`.",
}
_call = functools.partial(call, errors=_ERRORS)
_normal = functools.partial(normal, 3)


@check("Exercise 3.1, the reparameterization trick")
def check_reparameterize(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(mu, log_var, eps)`, z = μ + σ ⊙ ε, all of shape `[B, K]`.

    Also looked at: gradients at mu and log_var, mean and spread of many z, that eps alone is the
    noise, and that all three stay as they were.
    """
    hint = "z has the shape of mu, log_var and eps, and is made of these three only."
    for shape in ((5, 3), (1, 4)):
        mu, log_var, eps = _normal("mu", *shape), _normal("log_var", *shape), _normal("eps", *shape)
        value = _call(fn, mu, log_var, eps, hint=hint)
        what = f"for mu, log_var and eps of shape {list(shape)}, your z"
        right, wrongs = mu + (0.5 * log_var).exp() * eps, wrong_samples(mu, log_var, eps)
        nan = "`log_var` may be negative, and then has no root and no logarithm. Take its `exp`."
        found = judge(value, right, wrongs, what, nan=nan, shape="Return one z for each ε.")
        if not found.ok and not found.cause and value.shape == right.shape:
            found = replace(found, cause=_unknown(fn, value, mu, log_var, eps))
        findings.append(found)
        if not found.ok:
            return
    sigma = (0.5 * log_var).exp()
    rights = {"mu": torch.ones_like(mu), "log_var": 0.5 * sigma * eps}
    lost = f"{_LOST} `Normal(…).sample()` cuts it off too."
    findings.extend(_gradients(fn, {"mu": mu, "log_var": log_var}, rights, eps, lost=lost))
    if all(found.ok for found in findings):
        findings.append(_law(fn))


@check("Exercise 3.2, the negative ELBO")
def check_negative_elbo(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(logits, x, mu, log_var)`, −log p(x|z) + KL(q(z|x) ‖ N(0, I)) of each image, nats.

    `logits` and `x` are `[B, C, H, W]`, x binary, `mu` and `log_var` `[B, K]`, the result `[B]`.
    Also looked at: the KL is 0 for q = N(0, I), large logits, gradients at logits, mu and log_var.
    """
    hint = "[B, C, H, W] becomes [B] by `flatten(1).sum(1)`, and [B, K] by `sum(1)`."
    for shape, K in (((5, 1, 3, 2), 4), ((3, 2, 2, 4), 2)):
        logits, mu = 1.5 * _normal("logits", *shape), 1.2 * _normal("mu", shape[0], K)
        log_var, x = _normal("log_var", shape[0], K), (_normal("x", *shape) > 0.3).double()
        value = _call(fn, logits, x, mu, log_var, hint=hint)
        right, wrongs = negative_elbo(logits, x, mu, log_var), wrong_elbos(logits, x, mu, log_var)
        what = f"for logits and x of shape {list(shape)}, mu and log_var {[shape[0], K]}, your loss"
        nan = (
            "A logarithm was taken of something negative: logits are no probabilities, and "
            "`log_var` is a logarithm already."
        )
        found = judge(value, right, wrongs, what, nan=nan, shape=hint)
        if not found.ok and not found.cause:
            found = replace(found, cause=_which_term(fn, value, logits, x, mu, log_var))
        findings.append(found)
        if not found.ok:
            return
    zero = torch.zeros_like(mu)
    nll = negative_elbo(logits, x, zero, zero)
    value = _call(fn, logits, x, zero, zero, hint=hint)
    found = compare(value, nll, [], "where q is the prior, so that its KL is 0, your loss")
    cause = "Nothing but the likelihood's term is left there."
    findings.append(found if found.ok else replace(found, cause=cause))
    if not found.ok:
        return
    extreme, x = torch.full((2, 1, 2, 2), 300.0).double(), torch.ones(2, 1, 2, 2).double()
    extreme[0, 0, 0, 0] = extreme[1, 0, 1, 1] = -300.0  # one pixel surely wrong: 300 nats
    value = _call(fn, extreme, x, zero[:2], zero[:2], hint=hint)
    found = compare(value, negative_elbo(extreme, x, zero[:2], zero[:2]), [],
                    "for logits of ±300, your loss")  # fmt: skip
    findings.append(found if found.ok else replace(found, cause=_LOGITS))
    if not found.ok:
        return
    x = (_normal("x", *shape) > 0.3).double()
    leaves = {"logits": logits, "x": x, "mu": mu, "log_var": log_var}
    rights = {"logits": logits.sigmoid() - x, "mu": mu, "log_var": 0.5 * log_var.expm1()}
    findings.extend(_gradients(fn, leaves, rights))


@check("Exercise 3.3, an importance-weighted bound")
def check_importance_weighted_bound(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(log_p_xz, log_q_z)`, log (1/k) Σ p(x, z) / q(z|x), `[k, B]` twice to `[B]`, nats.

    Also looked at: log-weights of ±10,000, k = 1, gradients, and, for a model whose log p(x) is
    known, that the bound rises with k and stays below.
    """
    hint = "Average over the k samples (axis 0): one number per image is left."
    for k, B in ((5, 3), (8, 2), (1, 3)):
        log_p, log_q = _normal("log_p", k, B) - 4, 0.8 * _normal("log_q", k, B) - 2.5
        value = _call(fn, log_p, log_q, hint=hint)
        right, wrongs = importance_weighted_bound(log_p, log_q), wrong_bounds(log_p, log_q)
        what = f"for k = {k} samples and {B} images, your bound"
        found = judge(value, right, wrongs, what, shape=hint)
        if not found.ok and not found.cause:
            gap = (value - right).detach()
            off = gap.mean().item()
            if bool(((gap - off).abs() < 1e-3).all()):
                same = f"It is off by the same {off:+.4g} for every image: subtract log k = "
                found = replace(found, cause=f"{same}{math.log(k):.4g}, k read off the shape.")
            elif agree(_call(fn, log_p[:1], log_q[:1]), log_p[0] - log_q[0]):
                found = replace(found, cause="For k = 1 it is right: look at the mean over k.")
            else:
                found = replace(
                    found, cause="Already for k = 1 it is not log p(x, z) − log q(z|x)."
                )
        findings.append(found)
        if not found.ok:
            return
    log_q = _normal("log_q", 4, 3)
    log_p = _normal("log_p", 4, 3) + torch.tensor([-10_000.0, 10_000.0, -300.0])
    value, right = _call(fn, log_p, log_q), importance_weighted_bound(log_p, log_q)
    found = compare(value, right, [], "for log-weights near −10000, 10000 and −300, your bound")
    if found.ok:  # next to 10000 an error of several nats would pass
        far = int((value - right).abs().argmax())
        if abs(value[far].item() - right[far].item()) > 0.02:
            symptom = f"your bound is {value[far].item():.6g}, expected {right[far].item():.6g}"
            found = Finding(False, symptom)
    findings.append(found if found.ok else replace(found, cause=_UNDERFLOW))
    if not found.ok:
        return
    log_p, log_q = _normal("log_p", 4, 3), _normal("log_q", 4, 3)
    w = (log_p - log_q).softmax(0)
    leaves = {"log_p_xz": log_p, "log_q_z": log_q}
    weighed = f"Each sample's gradient is weighed by its normalised weight. {_LOST}"
    rights = {"log_p_xz": w, "log_q_z": -w}
    findings.extend(_gradients(fn, leaves, rights, wrong=weighed))
    if all(found.ok for found in findings):
        findings.append(_below(fn))


@check("Exercise 3.4, free bits")
def check_free_bits(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(mu, log_var, least)`, Σ_k max(least, mean over the batch of latent k's KL), nats.

    `mu` and `log_var` are `[B, K]`, `least` is a number, the result is one number, of shape `[]`.
    Also looked at: no floor (`least = 0`), and gradients: 0 below the floor, unchanged above it.
    """
    hint = "Average each latent's KL over the batch, apply the floor, sum: one number is left."
    nan = "A logarithm was taken of something negative: `log_var` is a logarithm already."
    for B, K, least in ((6, 4, 0.4), (5, 7, 0.25)):
        mu, log_var = _half_collapsed(B, K)
        value = _call(fn, mu, log_var, least, hint=hint)
        right, wrongs = free_bits_kl(mu, log_var, least), wrong_free_bits(mu, log_var, least)
        what = f"for mu and log_var of shape {[B, K]} and least = {least}, your result"
        found = judge(value, right, wrongs, what, nan=nan, shape=hint)
        if not found.ok and not found.cause:
            plain = agree(_call(fn, mu, log_var, 0.0), free_bits_kl(mu, log_var, 0.0))
            where = (
                "the mistake is in the floor" if plain else "the mistake is not in the floor alone"
            )
            seen = f"With least = 0 your result is {'' if plain else 'not '}the plain KL: {where}."
            found = replace(found, cause=seen)
        findings.append(found)
        if not found.ok:
            return
    value, right = _call(fn, mu, log_var, 0.0), latent_terms(mu, log_var).sum(1).mean()
    found = compare(value, right, [], "for least = 0, which is no floor, your result")
    cause = "There it must be the plain KL, mean over the batch."
    findings.append(found if found.ok else replace(found, cause=cause))
    if not found.ok:
        return
    above = (latent_terms(mu, log_var).mean(0) > least).double()  # [K]
    rights = {"mu": above * mu / B, "log_var": above * 0.5 * log_var.expm1() / B}
    wrong = (
        "For a latent below the floor it must be 0, which is what makes these nats free, and for "
        "the others that of the KL. Compute on the KL itself; nothing is detached here."
    )
    findings.extend(_gradients(fn, {"mu": mu, "log_var": log_var}, rights, least, wrong=wrong))


def _gradients(
    fn: Any, inputs: Mapping[str, Tensor], rights: Mapping[str, Tensor], *rest: Any,
    lost: str = _LOST, wrong: str = f"Part of it was cut off, or counted twice. {_LOST}",
) -> list[Finding]:  # fmt: skip
    """Whether the result's gradient is `rights[name]` at each input of that name."""
    leaves = {name: v.clone().requires_grad_(name in rights) for name, v in inputs.items()}
    value = _call(fn, *(v * 1.0 for v in leaves.values()), *rest)
    grads = gradients(value, [leaves[name] for name in rights])
    findings = []
    for (name, right), grad in zip(rights.items(), grads, strict=True):
        if grad is None:
            findings.append(Finding(False, f"no gradient reaches {name}", lost))
        elif not agree(grad, right):
            findings.append(Finding(False, f"the gradient with respect to {name} is wrong", wrong))
        else:
            findings.append(Finding(True, f"the gradient with respect to {name} is right"))
    return findings


def _unknown(fn: Any, value: Tensor, mu: Tensor, log_var: Tensor, eps: Tensor) -> str:
    """What is behind a z that is none of the known mistakes: noise from elsewhere, perhaps."""
    torch.manual_seed(0)
    first, second = (_call(fn, mu, log_var, eps) for _ in range(2))
    if torch.equal(first, second):
        if torch.equal(first, _call(fn, mu, log_var, _normal("other", *eps.shape))):
            return "`eps` is not used: z is the same for another ε."
        at = tuple(int(i) for i in torch.unravel_index(eps.abs().argmax(), eps.shape))
        scale, sigma = ((value - mu) / eps)[at].item(), math.exp(0.5 * log_var[at].item())
        if not agree(_call(fn, mu, log_var, 2 * eps) - mu, 2 * (value - mu)):
            return ""  # not of the form μ + s · ε
        return (
            f"At {list(at)} you scale ε by {scale:.4g}, where σ = exp(log_var / 2) is {sigma:.4g}."
        )
    n, variance = 4_000, 9.0
    centre, logs = torch.zeros(n, 1).double(), torch.full((n, 1), math.log(variance)).double()
    spread = _call(fn, centre, logs, centre).std().item()  # of ε = 0: its own noise only
    slips = {variance: "it is σ² and not σ", math.log(variance): "it is log σ² and not σ"}
    slip = next((text for width, text in slips.items() if abs(spread / width - 1) < 0.08), "")
    return (
        "One and the same ε gave two different z: the noise is drawn inside, as by `randn` or "
        "`Normal(…).sample()`, which also cuts off the gradient. Use the `eps` that is given."
        + (f" And its standard deviation is wrong too: {slip}." if slip else "")
    )


def _which_term(
    fn: Any, value: Tensor, logits: Tensor, x: Tensor, mu: Tensor, log_var: Tensor
) -> str:
    """Which half of a loss is wrong in an unknown way; for q = N(0, I) the KL is 0."""
    zero = torch.zeros_like(mu)
    alone = _call(fn, logits, x, zero, zero)
    if agree(alone, negative_elbo(logits, x, zero, zero)):
        return "With q = N(0, I), whose KL is 0, it is right: the mistake is in the KL."
    if alone.shape == value.shape and agree(value - alone, latent_terms(mu, log_var).sum(1)):
        return "The KL is right: the mistake is in the likelihood."
    return "Neither term is right: try each by itself."


def _law(fn: Any) -> Finding:
    """Whether many z have the mean μ and the standard deviation σ."""
    n, mu, sigma = 20_000, [-1.0, 2.0, 0.5], [0.5, 3.0, 0.01]
    means, logs = torch.tensor(mu).double(), 2 * torch.tensor(sigma).double().log()
    z = _call(fn, means.repeat(n, 1), logs.repeat(n, 1), _normal("many", n, 3))
    if z.shape != (n, 3):
        return Finding(False, f"for {n} rows, your z has shape {list(z.shape)}, expected {[n, 3]}")
    mean, std = z.detach().mean(0), z.detach().std(0)
    fine = bool(((mean - means).abs() <= 5 * std / n**0.5).all())
    fine = fine and agree(std / torch.tensor(sigma), torch.ones(3).double(), 0.03)
    seen = (
        f"over {n} draws, z has mean {_shown(mean)} for μ = {_shown(mu)} and standard deviation "
        f"{_shown(std)} for σ = {_shown(sigma)}"
    )
    cause = "Something is added to σ, or it is clamped: it is exp(log_var / 2), no more."
    return Finding(fine, seen, "" if fine else cause)


def _below(fn: Any) -> Finding:
    """Whether the bound rises with k to log p(x): z ~ N(0, 1), x|z ~ N(z, 1), a crude q(z|x)."""
    n, x, ks = 2_000, 1.5, (1, 10, 100)
    truth = -0.25 * x**2 - 0.5 * math.log(4 * math.pi)  # x ~ N(0, 2)
    z = _normal("z", max(ks), n)  # of q(z|x) = N(0, 1); the posterior is N(x / 2, 1 / 2)
    log_q = -0.5 * z.square() - 0.5 * math.log(2 * math.pi)
    log_p = log_q - 0.5 * (x - z).square() - 0.5 * math.log(2 * math.pi)
    values = [_call(fn, log_p[:k], log_q[:k]).detach() for k in ks]
    if any(value.shape != (n,) for value in values):
        return Finding(False, f"for {n} images, your bound has shape {list(values[0].shape)}")
    means = [value.mean().item() for value in values]
    fine = means[0] < means[1] < means[2] < truth + 0.01 and truth - means[2] < 0.05
    seen = f"on a model with log p(x) = {truth:.3f}, the mean of your bound is " + ", ".join(
        f"{mean:.3f} for k = {k}" for k, mean in zip(ks, means, strict=True)
    )
    cause = "It must rise with k and stay below log p(x): is any number typed into it?"
    return Finding(fine, seen, "" if fine else cause)


def _half_collapsed(B: int, K: int) -> tuple[Tensor, Tensor]:
    """Latents 0, 2, … near the prior; one image there in all, one far away in latent 0."""
    active = (torch.arange(K) % 2).double()
    mu = _normal("mu", B, K) * (0.35 + 1.3 * active) + 0.5 * active
    log_var = 0.25 * _normal("log_var", B, K) - 2.4 * active
    mu[0, 0] = 1.2
    mu[1], log_var[1] = 0.1, 0.1
    return mu, log_var


def _shown(values: Tensor | list[float]) -> str:
    return "(" + ", ".join(f"{float(v):.3g}" for v in values) + ")"
