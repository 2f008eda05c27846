"""Exercises 3.1 and 3.2, done right and done wrong: what a student's numbers are held against.

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
        ("You multiplied μ by the noise too: add it, μ + σ · ε.", mu * (1 + sigma * eps)),
        ("You scaled ε by exp(log_var / 2) − 1: `exp`, not `expm1`.", mu + sigma.sub(1) * eps),
        ("You added all three: σ multiplies ε.", mu + log_var + eps),
        ("σ² is added too: z is μ + σ · ε, no more.", right + variance),
        ("You took tanh of z: return z itself.", right.tanh()),
        ("You took the absolute value of `log_var`: it may be negative, and σ is then below 1.",
         mu + (0.5 * log_var.abs()).exp() * eps),
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
        ("That is −log of a Gaussian density of the logits: the pixels are Bernoulli variables.",
         0.5 * (flat - targets).square().sum(1) + D * 0.5 * math.log(2 * math.pi)),
        ("That is −log of a Gaussian density: the pixels are Bernoulli variables.",
         0.5 * error.sum(1) + D * 0.5 * math.log(2 * math.pi)),
        ("That is the sum of absolute errors: −log of a Bernoulli probability is a cross-entropy.",
         (p - targets).abs().sum(1)),
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
        ("There is no factor ½ before the loss.", total / 2),
        ("You multiplied the two terms: add them.", nll * kl),
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


def _pixels(logits: Tensor, x: Tensor) -> Tensor:
    losses = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    return losses.flatten(1)  # [B, C, H, W] -> [B, D]
