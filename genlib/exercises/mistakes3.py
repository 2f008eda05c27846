"""Chapter 3's exercises, done right and done wrong: what a student's numbers are held against.

Each `wrong_*` lists likely mistakes with the value that the mistake gives for the same input.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.exercises.mistakes2 import wrong_priors
from genlib.exercises.trial import Wrong


def latent_terms(mu: Tensor, log_var: Tensor) -> Tensor:
    return 0.5 * (mu.square() + log_var.exp() - 1 - log_var)  # [B, K]; its sum over K is the KL


def negative_elbo(logits: Tensor, x: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    return _pixels(logits, x).sum(1) + latent_terms(mu, log_var).sum(1)  # -> [B]


def importance_weighted_bound(log_p_xz: Tensor, log_q_z: Tensor) -> Tensor:
    return _log_mean_exp(log_p_xz - log_q_z)  # [k, B] -> [B]


def free_bits_kl(mu: Tensor, log_var: Tensor, least: float) -> Tensor:
    return latent_terms(mu, log_var).mean(0).clamp(min=least).sum()  # [B, K] -> [K] -> []


def wrong_samples(mu: Tensor, log_var: Tensor, eps: Tensor) -> list[Wrong]:
    """Mistakes in z = μ + σ ⊙ ε with σ = exp(½ log σ²)."""
    sigma, variance = (0.5 * log_var).exp(), log_var.exp()
    right = mu + sigma * eps
    return [
        ("You scaled ε by exp(log_var), the variance: scale it by σ, its root.",
         mu + variance * eps),
        ("You scaled ε by `log_var` itself: it is a logarithm, and σ is exp(log_var / 2).",
         mu + log_var * eps),
        ("You scaled ε by log σ: take `exp` of it.", mu + 0.5 * log_var * eps),
        ("You took `log_var` for the variance: it is its logarithm, which may be negative. "
         "σ is exp(log_var / 2).", mu + log_var.abs().sqrt() * eps),
        ("You squared the variance: exp(log_var) is σ² already.", mu + variance.square() * eps),
        ("You halved exp(log_var): the half belongs inside, exp(log_var / 2).",
         mu + 0.5 * variance * eps),
        ("You took the root twice: exp(log_var / 2) is σ already.", mu + sigma.sqrt() * eps),
        ("You divided ε by `log_var`: multiply it by σ.", mu + eps / log_var),
        ("You divided ε by σ (or the exponent has the wrong sign): multiply it by exp(log_var / 2)"
         ".", mu + eps / sigma),
        ("You divided ε by σ² (or the exponent has the wrong sign): multiply it by "
         "exp(log_var / 2).", mu + eps / variance),
        ("You took softplus(log_var) for σ: that is another parametrisation. Here σ is "
         "exp(log_var / 2).", mu + F.softplus(log_var) * eps),
        ("You took a sigmoid of `log_var` for σ, which is never above 1: σ is exp(log_var / 2).",
         mu + torch.sigmoid(log_var) * eps),
        ("You took the absolute value of `log_var` for σ: σ is exp(log_var / 2).",
         mu + log_var.abs() * eps),
        ("The noise is subtracted. The law of z is the same, but not this z: it is μ + σ · ε.",
         mu - sigma * eps),
        ("μ is subtracted: it is μ + σ · ε.", sigma * eps - mu),
        ("μ is missing: add it.", sigma * eps),
        ("σ is missing: z has variance 1 for every `log_var`.", mu + eps),
        ("That is μ: ε is not used, and every z of an image is the same.", mu),
        ("You added σ without multiplying it by ε.", mu + sigma),
        ("You added σ and ε: multiply them.", mu + sigma + eps),
        ("You scaled μ too: σ multiplies ε only.", (mu + eps) * sigma),
        ("μ and σ have changed places.", sigma + mu * eps),
        ("mu and log_var have changed places.", log_var + (0.5 * mu).exp() * eps),
        ("You multiplied all three: add μ.", mu * sigma * eps),
        ("You took the absolute value of ε: z is then never below μ.", mu + sigma * eps.abs()),
        ("You squared ε: z is then never below μ.", mu + sigma * eps.square()),
        ("You divided ε by its norm: take it as it is.",
         mu + sigma * eps / eps.norm(dim=-1, keepdim=True)),
        ("One ε serves all images: each row has its own.", mu + sigma * eps[:1]),
        ("One ε serves all latents of an image: each has its own.", mu + sigma * eps[:, :1]),
        ("You averaged: return every z.", right.mean()),
        ("You averaged over the batch: return every z, [B, K].", right.mean(0)),
        ("You summed over the latents: return every z, [B, K].", right.sum(-1)),
        ("That is the logarithm of the normal density of z: return z.",
         -0.5 * eps.square() - 0.5 * log_var - 0.5 * math.log(2 * math.pi)),
    ]  # fmt: skip


def wrong_elbos(logits: Tensor, x: Tensor, mu: Tensor, log_var: Tensor) -> list[Wrong]:
    """Mistakes in −log p(x|z) + KL(q ‖ N(0, I)), `[B]`."""
    pixels, terms = _pixels(logits, x), latent_terms(mu, log_var)  # [B, D], [B, K]
    nll, kl = pixels.sum(1), terms.sum(1)
    (B, D), K = pixels.shape, terms.shape[1]
    flat, targets = logits.flatten(1), x.flatten(1)
    p = flat.sigmoid()
    error = (p - targets).square()
    likelihoods: list[Wrong] = [
        (f"You averaged the likelihood over the {D} pixels. The KL then weighs {D} times too much, "
         f"an accidental β of {D}: sum over the pixels.", pixels.mean(1)),
        ("You averaged the likelihood over pixels and batch (the default of "
         "`binary_cross_entropy_with_logits`): give `reduction=\"none\"`, and sum over the pixels "
         "of each image.", pixels.mean()),
        ("You summed the likelihood over the batch: sum over the pixels of each image.",
         pixels.sum()),
        ("You averaged the likelihood over the batch: keep one number per image.", nll.mean()),
        ("The sigmoid is applied twice: `…_with_logits` contains it.", _pixels(p, targets).sum(1)),
        ("logits and x have changed places in the cross-entropy.", _pixels(targets, flat).sum(1)),
        ("The sign of the likelihood is wrong: −log p(x|z) is never negative here.", -nll),
        ("That is the squared error: −log of a Bernoulli probability is a cross-entropy.",
         error.sum(1)),
        ("That is half the squared error: −log of a Bernoulli probability is a cross-entropy.",
         0.5 * error.sum(1)),
        (f"That is the squared error, averaged over the {D} pixels: take the cross-entropy, and "
         "sum over the pixels.", error.mean(1)),
        ("You took the squared error of the logits: they are no pixel values, and −log of a "
         "Bernoulli probability is a cross-entropy.", (flat - targets).square().sum(1)),
        ("The pixels that are 0 are left out: add (1 − x) · log(1 − p).",
         (targets * pixels).sum(1)),
        ("Only the pixels that are 0 count: add x · log p.", ((1 - targets) * pixels).sum(1)),
        ("x and 1 − x have changed places.", _pixels(flat, 1 - targets).sum(1)),
        ("The likelihood is in bits: use the natural logarithm.", nll / math.log(2)),
        ("That is the probability of x and not the logarithm of it.", (-nll).exp()),
    ]  # fmt: skip
    kls: list[Wrong] = [
        (f"You averaged the KL over the {K} latents: sum over them.", terms.mean(1)),
        ("The factor ½ of the KL is there twice.", 0.5 * kl),
        (f"The KL is divided by the number of pixels, a β of 1/{D}: both terms are sums.", kl / D),
        ("The KL is divided by the batch size: nothing is averaged over the batch here.", kl / B),
        ("The KL is divided by the batch size and the number of pixels: both terms are sums.",
         kl / (B * D)),
        (f"The KL weighs {D} times too much, an accidental β of {D}: both terms are sums.", D * kl),
        (f"The KL weighs {K} times too much: both terms are sums.", K * kl),
        ("You averaged the KL over the batch: keep one number per image.", kl.mean()),
        ("You averaged the KL over everything: sum over the latents of each image.", terms.mean()),
        ("You summed the KL over the batch: sum over the latents of each image.", kl.sum()),
        ("mu and log_var have changed places.", latent_terms(log_var, mu).sum(1)),
        *((f"The KL is wrong. {cause}", value) for cause, value in wrong_priors(mu, log_var)
          if value is not None and value.shape == kl.shape),
    ]  # fmt: skip
    total = nll + kl
    return [
        ("That is the ELBO: asked is its negative, a loss.", -total),
        ("The sign of the KL is wrong: a loss adds it.", nll - kl),
        ("The KL is missing.", nll),
        ("The likelihood is missing: that is the KL alone.", kl),
        (f"You averaged over the {D} pixels and over the {K} latents: each term is a sum.",
         pixels.mean(1) + terms.mean(1)),
        (f"You divided by the number of pixels, {D}: each term is a sum.", total / D),
        *((cause, value + kl) for cause, value in likelihoods if value is not None),
        *((cause, nll + value) for cause, value in kls if value is not None),
        ("You returned the mean over the batch: return one number per image.", total.mean()),
        ("You returned the sum over the batch: return one number per image.", total.sum()),
        (f"You averaged over everything, pixels and latents included: an accidental β of {D} / {K}"
         ", and no number per image.", pixels.mean() + terms.mean()),
        (f"The likelihood is averaged over pixels and batch, the KL over the batch only: an "
         f"accidental β of {D}, and no number per image.", pixels.mean() + kl.mean()),
        ("The likelihood is averaged over pixels and batch, and the KL is summed over all: return "
         "one number per image.", pixels.mean() + terms.sum()),
        ("The likelihood is summed over the batch and the KL is averaged: return one number per "
         "image.", pixels.sum() + kl.mean()),
        ("You added [B, 1] and [B], which broadcasts to [B, B]: no `keepdim`.", nll[:, None] + kl),
        ("You added [B] and [B, 1], which broadcasts to [B, B]: no `keepdim`.", nll + kl[:, None]),
        ("The summed axis is left with length 1: no `keepdim` here.", total[:, None]),
    ]  # fmt: skip


def wrong_bounds(log_p_xz: Tensor, log_q_z: Tensor) -> list[Wrong]:
    """Mistakes in log (1/k) Σ p(x, z) / q(z|x), `[k, B] -> [B]`."""
    log_w = log_p_xz - log_q_z
    right, k = _log_mean_exp(log_w), log_w.shape[0]
    total = log_w.logsumexp(0)
    weights = log_w.softmax(0)
    reverse = _log_mean_exp(-log_w)
    upside_down = "The log-weight is upside down: it is log p(x, z) − log q(z|x)."
    return [
        ("That is the mean of the log-weights, the plain ELBO from k samples: take the logarithm "
         "of the mean weight.", log_w.mean(0)),
        ("−log k is missing: that is the logarithm of a sum, not of a mean.", total),
        ("log k is added: subtract it.", total + math.log(k)),
        ("You subtract k: the logarithm of 1/k is −log k.", total - k),
        ("You divided the logarithm by k: dividing inside of it subtracts log k.", total / k),
        ("You divided by the batch size: the mean is over the k samples.",
         total - math.log(log_w.shape[1])),
        (upside_down, reverse),
        ("The log-weight is upside down, and so is the sign of the result: that is the logarithm "
         "of the harmonic mean of the weights.", -reverse),
        (f"{upside_down} And −log k is missing.", (-log_w).logsumexp(0)),
        (f"{upside_down} And you took the mean of the logarithms.", -log_w.mean(0)),
        ("The sign is wrong: that is a loss, asked is the bound.", -right),
        ("The sign is wrong, and −log k is missing.", -total),
        ("log q(z|x) is missing: subtract it from log p(x, z).", _log_mean_exp(log_p_xz)),
        ("log p(x, z) is missing.", _log_mean_exp(log_q_z)),
        ("You added log q(z|x): subtract it.", _log_mean_exp(log_p_xz + log_q_z)),
        ("That is the quotient of two means: take the mean of the quotients p / q.",
         _log_mean_exp(log_p_xz) - _log_mean_exp(log_q_z)),
        ("The logarithm is missing: that is the mean weight.", right.exp()),
        ("The exponential is missing: the inputs are logarithms.", log_w.sum(0)),
        ("You weighed the log-weights by their softmax: that serves some gradients, but its value "
         "is not the bound, it is above it.", (weights * log_w).sum(0)),
        ("That is the largest log-weight: take the logarithm of the mean weight.", log_w.amax(0)),
        ("That is the median log-weight: take the logarithm of the mean weight.",
         log_w.median(0).values),
        ("That is the first sample's log-weight: use all k.", log_w[0]),
        ("That is in bits: use the natural logarithm.", right / math.log(2)),
        ("You averaged over the batch (axis 1): average over the k samples, axis 0.",
         log_w.logsumexp(1) - math.log(log_w.shape[1])),
        ("You summed over the batch (axis 1): average over the k samples, axis 0.",
         log_w.logsumexp(1)),
        ("You reduced the last axis, the batch: average over the k samples, axis 0.",
         log_w.mean(1)),
        ("You pooled the samples of all images: average over axis 0 only.",
         log_w.logsumexp((0, 1)) - math.log(log_w.numel())),
        ("You pooled the samples of all images: average over axis 0 only.",
         log_w.logsumexp((0, 1))),
        ("You returned the mean over the batch: return one number per image.", right.mean()),
        ("You returned the sum over the batch: return one number per image.", right.sum()),
        ("That is the mean of all log-weights: take, for each image, the logarithm of the mean "
         "weight.", log_w.mean()),
        ("These are the log-weights: take the logarithm of the mean weight.", log_w),
        ("These are the normalised weights: take the logarithm of the mean weight.", weights),
        ("The averaged axis is left with length 1: no `keepdim` here.", right[None]),
    ]  # fmt: skip


def wrong_free_bits(mu: Tensor, log_var: Tensor, least: float) -> list[Wrong]:
    """Mistakes in Σ_k max(least, mean over the batch of latent k's KL)."""
    terms = latent_terms(mu, log_var)  # [B, K]
    B, K = terms.shape
    per_latent, per_image = terms.mean(0), terms.sum(1)  # [K], [B]

    def floored(terms: Tensor) -> Tensor:
        return terms.mean(0).clamp(min=least).sum()

    square, variance, sigma = mu.square(), log_var.exp(), (0.5 * log_var).exp()
    as_log_sigma = 0.5 * (square + (2 * log_var).exp() - 1 - 2 * log_var)
    floor = per_latent.clamp(min=least)
    return [
        ("You applied the floor before the mean: average each latent's KL over the batch first.",
         terms.clamp(min=least).mean(0).sum()),
        ("You applied the floor to each image's KL: apply it to each latent's mean over the batch.",
         per_image.clamp(min=least).mean()),
        (f"You applied K · `least` = {K * least:.4g} to each image's KL: apply `least` to each "
         "latent's mean over the batch.", per_image.clamp(min=K * least).mean()),
        ("That is the plain KL, mean over the batch. There is no floor, or it is applied to the "
         "total, which is far above it: apply it to each latent.", per_image.mean()),
        ("That is the minimum: `least` is a floor, so take the maximum (`clamp(min=least)`).",
         per_latent.clamp(max=least).sum()),
        ("That is the minimum of the total and `least`: take the maximum, of each latent.",
         per_image.mean().clamp(max=least)),
        ("You averaged over the latents: sum over them.", floor.mean()),
        ("You subtracted the floor: a latent below it counts as `least`, not as 0.",
         (per_latent - least).clamp(min=0).sum()),
        ("Latents below the floor are left out: they count as `least`.",
         per_latent[per_latent > least].sum()),
        ("`least` is added to every latent: it is a floor, so take the larger of the two.",
         (per_latent + least).sum()),
        ("You summed over the batch before the floor: average over it.",
         terms.sum(0).clamp(min=least).sum()),
        ("You summed over the batch, with the floor for each image: average each latent over the "
         "batch, then apply the floor.", terms.clamp(min=least).sum()),
        ("You multiplied by the batch size: average over the batch, sum over the latents.",
         B * floor.sum()),
        ("The floor divides or multiplies by K: it is `least` for each latent.",
         per_latent.clamp(min=least / K).sum()),
        ("The sign is wrong: a KL is never negative.", -floor.sum()),
        ("The factor ½ of the KL is missing.", floored(2 * terms)),
        ("Every latent counts as `least`: the sign of the KL is wrong, or that of its log σ².",
         floored(-terms)),
        ("The KL is of the prior to q, the other direction.",
         floored(0.5 * ((1 + square) / variance - 1 + log_var))),
        ("You took `log_var` for log σ: the variance is exp(log_var).", floored(as_log_sigma)),
        ("You took `log_var` for the variance: it is its logarithm, use exp(log_var).",
         floored(0.5 * (square + log_var - 1 - log_var.abs().log()))),
        ("You used σ where σ² belongs: the variance is exp(log_var).",
         floored(0.5 * (square + sigma - 1 - log_var))),
        ("You subtract log σ where log σ² belongs: that is log_var itself.",
         floored(0.5 * (square + variance - 1 - 0.5 * log_var))),
        ("The −1 of the KL is missing.", floored(0.5 * (square + variance - log_var))),
        ("The term μ² is missing.", floored(0.5 * (variance - 1 - log_var))),
        ("mu and log_var have changed places.", floored(latent_terms(log_var, mu))),
        ("You averaged mu and log_var over the batch: average the KL.",
         latent_terms(mu.mean(0), log_var.mean(0)).clamp(min=least).sum()),
        ("Nothing is summed at the end: sum over the K latents.", floor),
        ("You summed over the latents and not over the batch's mean: average each latent over the "
         "batch, apply the floor, then sum.", per_image.clamp(min=least)),
        ("You summed over the latents, with the floor for each image: average each latent over the "
         "batch first.", terms.clamp(min=least).sum(1)),
        ("Nothing is averaged: average each latent over the batch, apply the floor, then sum.",
         terms.clamp(min=least)),
        ("That is the KL of each image, and there is no floor.", per_image),
        ("That is the KL of each latent, and there is no floor.", per_latent),
    ]  # fmt: skip


def _pixels(logits: Tensor, x: Tensor) -> Tensor:
    losses = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    return losses.flatten(1)  # [B, C, H, W] -> [B, D]


def _log_mean_exp(log_w: Tensor) -> Tensor:
    return log_w.logsumexp(0) - math.log(log_w.shape[0])  # [k, B] -> [B]
