"""Checks of chapter 3's exercises: the variational autoencoder."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch

from genlib.exercises.bounds3 import (
    free_bits_kl,
    importance_weighted_bound,
    wrong_bounds,
    wrong_free_bits,
)
from genlib.exercises.calling import judge
from genlib.exercises.mistakes3 import latent_terms, negative_elbo, wrong_elbos, wrong_samples
from genlib.exercises.report import Finding
from genlib.exercises.second3 import (
    LOST,
    bound_below,
    call,
    extreme_scales,
    half_collapsed,
    judge_gradients,
    law_of_samples,
    normal,
    unknown_sample,
    which_term,
)
from genlib.exercises.trial import agree, check, compare

_LOGITS = (
    "Compute from the logits: `binary_cross_entropy_with_logits`. A sigmoid rounds to 0 or 1 here, "
    "and its logarithm is lost."
)
_UNDERFLOW = (
    "exp(−10000) is 0 on a computer, and exp(10000) is infinite: use `torch.logsumexp`, or "
    "subtract each image's largest log-weight before `exp` and add it after `log`. No ε."
)


@check("Exercise 3.1, the reparameterization trick")
def check_reparameterize(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(mu, log_var, eps)`, z = μ + σ ⊙ ε, all of shape `[B, K]`.

    Also looked at: gradients at mu and log_var, mean and spread of many z, that eps alone is the
    noise, and that all three stay as they were.
    """
    hint = "z has the shape of mu, log_var and eps, and is made of these three only."
    for shape in ((5, 3), (1, 4)):
        mu, log_var, eps = normal("mu", *shape), normal("log_var", *shape), normal("eps", *shape)
        value = call(fn, mu, log_var, eps, hint=hint)
        what = f"for mu, log_var and eps of shape {list(shape)}, your z"
        right, wrongs = mu + (0.5 * log_var).exp() * eps, wrong_samples(mu, log_var, eps)
        nan = "`log_var` may be negative, and then has no root and no logarithm. Take its `exp`."
        found = judge(value, right, wrongs, what, nan=nan, shape="Return one z for each ε.")
        if not found.ok and not found.cause and value.shape == right.shape:
            found = replace(found, cause=unknown_sample(fn, value, mu, log_var, eps))
        findings.append(found)
        if not found.ok:
            return
    sigma = (0.5 * log_var).exp()
    rights = {"mu": torch.ones_like(mu), "log_var": 0.5 * sigma * eps}
    lost = f"{LOST} `Normal(…).sample()` cuts it off too."
    findings.extend(judge_gradients(fn, {"mu": mu, "log_var": log_var}, rights, eps, lost=lost))
    for look in (law_of_samples, extreme_scales):
        if all(found.ok for found in findings):
            findings.append(look(fn))


@check("Exercise 3.2, the negative ELBO")
def check_negative_elbo(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(logits, x, mu, log_var)`, −log p(x|z) + KL(q(z|x) ‖ N(0, I)) of each image, nats.

    `logits` and `x` are `[B, C, H, W]`, x binary, `mu` and `log_var` `[B, K]`, the result `[B]`.
    Also looked at: the KL is 0 for q = N(0, I), large logits, gradients at logits, mu and log_var.
    """
    hint = "[B, C, H, W] becomes [B] by `flatten(1).sum(1)`, and [B, K] by `sum(1)`."
    for shape, K in (((5, 1, 3, 2), 4), ((3, 2, 2, 4), 2)):
        logits, mu = 1.5 * normal("logits", *shape), 1.2 * normal("mu", shape[0], K)
        log_var, x = normal("log_var", shape[0], K), (normal("x", *shape) > 0.3).double()
        value = call(fn, logits, x, mu, log_var, hint=hint)
        right, wrongs = negative_elbo(logits, x, mu, log_var), wrong_elbos(logits, x, mu, log_var)
        what = f"for logits and x of shape {list(shape)}, mu and log_var {[shape[0], K]}, your loss"
        nan = (
            "A logarithm was taken of something negative: logits are no probabilities, and "
            "`log_var` is a logarithm already."
        )
        found = judge(value, right, wrongs, what, nan=nan, shape=hint)
        if not found.ok and not found.cause:
            found = replace(found, cause=which_term(fn, value, logits, x, mu, log_var))
        findings.append(found)
        if not found.ok:
            return
    zero = torch.zeros_like(mu)
    nll = negative_elbo(logits, x, zero, zero)
    value = call(fn, logits, x, zero, zero, hint=hint)
    found = compare(value, nll, [], "where q is the prior, so that its KL is 0, your loss")
    cause = "Nothing but the likelihood's term is left there."
    findings.append(found if found.ok else replace(found, cause=cause))
    if not found.ok:
        return
    extreme, x = torch.full((2, 1, 2, 2), 300.0).double(), torch.ones(2, 1, 2, 2).double()
    extreme[0, 0, 0, 0] = extreme[1, 0, 1, 1] = -300.0  # one pixel surely wrong: 300 nats
    value = call(fn, extreme, x, zero[:2], zero[:2], hint=hint)
    found = compare(value, negative_elbo(extreme, x, zero[:2], zero[:2]), [],
                    "for logits of ±300, your loss")  # fmt: skip
    findings.append(found if found.ok else replace(found, cause=_LOGITS))
    if not found.ok:
        return
    x = (normal("x", *shape) > 0.3).double()
    leaves = {"logits": logits, "x": x, "mu": mu, "log_var": log_var}
    rights = {"logits": logits.sigmoid() - x, "mu": mu, "log_var": 0.5 * log_var.expm1()}
    findings.extend(judge_gradients(fn, leaves, rights))


@check("Exercise 3.3, an importance-weighted bound")
def check_importance_weighted_bound(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(log_p_xz, log_q_z)`, log (1/k) Σ p(x, z) / q(z|x), `[k, B]` twice to `[B]`, nats.

    Also looked at: log-weights of ±10,000, k = 1, gradients, and, for a model whose log p(x) is
    known, that the bound rises with k and stays below.
    """
    hint = "Average over the k samples (axis 0): one number per image is left."
    for k, B in ((5, 3), (8, 2), (1, 3)):
        log_p, log_q = normal("log_p", k, B) - 4, 0.8 * normal("log_q", k, B) - 2.5
        value = call(fn, log_p, log_q, hint=hint)
        right, wrongs = importance_weighted_bound(log_p, log_q), wrong_bounds(log_p, log_q)
        what = f"for k = {k} samples and {B} images, your bound"
        found = judge(value, right, wrongs, what, shape=hint)
        if not found.ok and not found.cause:
            gap = (value - right).detach()
            off = gap.mean().item()
            if bool(((gap - off).abs() < 1e-3).all()):
                same = f"It is off by the same {off:+.4g} for every image: subtract log k = "
                found = replace(found, cause=f"{same}{math.log(k):.4g}, k read off the shape.")
            elif agree(call(fn, log_p[:1], log_q[:1]), log_p[0] - log_q[0]):
                found = replace(found, cause="For k = 1 it is right: look at the mean over k.")
            else:
                found = replace(
                    found, cause="Already for k = 1 it is not log p(x, z) − log q(z|x)."
                )
        findings.append(found)
        if not found.ok:
            return
    log_q = normal("log_q", 4, 3)
    log_p = normal("log_p", 4, 3) + torch.tensor([-10_000.0, 10_000.0, -300.0])
    value, right = call(fn, log_p, log_q), importance_weighted_bound(log_p, log_q)
    found = compare(value, right, [], "for log-weights near −10000, 10000 and −300, your bound")
    if found.ok:  # next to 10000 an error of several nats would pass
        far = int((value - right).abs().argmax())
        if abs(value[far].item() - right[far].item()) > 0.02:
            symptom = f"your bound is {value[far].item():.6g}, expected {right[far].item():.6g}"
            found = Finding(False, symptom)
    findings.append(found if found.ok else replace(found, cause=_UNDERFLOW))
    if not found.ok:
        return
    log_p, log_q = normal("log_p", 4, 3), normal("log_q", 4, 3)
    w = (log_p - log_q).softmax(0)
    leaves = {"log_p_xz": log_p, "log_q_z": log_q}
    weighed = f"Each sample's gradient is weighed by its normalised weight. {LOST}"
    rights = {"log_p_xz": w, "log_q_z": -w}
    findings.extend(judge_gradients(fn, leaves, rights, wrong=weighed))
    if all(found.ok for found in findings):
        findings.append(bound_below(fn))


@check("Exercise 3.4, free bits")
def check_free_bits(fn: Any, findings: list[Finding]) -> None:
    """Judge `fn(mu, log_var, least)`, Σ_k max(least, mean over the batch of latent k's KL), nats.

    `mu` and `log_var` are `[B, K]`, `least` is a number, the result is one number, of shape `[]`.
    Also looked at: no floor (`least = 0`), and gradients: 0 below the floor, unchanged above it.
    """
    hint = "Average each latent's KL over the batch, apply the floor, sum: one number is left."
    nan = "A logarithm was taken of something negative: `log_var` is a logarithm already."
    for B, K, least in ((6, 4, 0.4), (5, 7, 0.25)):
        mu, log_var = half_collapsed(B, K)
        value = call(fn, mu, log_var, least, hint=hint)
        right, wrongs = free_bits_kl(mu, log_var, least), wrong_free_bits(mu, log_var, least)
        what = f"for mu and log_var of shape {[B, K]} and least = {least}, your result"
        found = judge(value, right, wrongs, what, nan=nan, shape=hint)
        if not found.ok and not found.cause:
            plain = agree(call(fn, mu, log_var, 0.0), free_bits_kl(mu, log_var, 0.0))
            where = (
                "the mistake is in the floor" if plain else "the mistake is not in the floor alone"
            )
            seen = f"With least = 0 your result is {'' if plain else 'not '}the plain KL: {where}."
            found = replace(found, cause=seen)
        findings.append(found)
        if not found.ok:
            return
    value, right = call(fn, mu, log_var, 0.0), latent_terms(mu, log_var).sum(1).mean()
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
    findings.extend(judge_gradients(fn, {"mu": mu, "log_var": log_var}, rights, least, wrong=wrong))
