"""Exercises 3.3 and 3.4, done right and done wrong: what a student's numbers are held against.

Each `wrong_*` lists likely mistakes with the value that the mistake gives for the same input.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genlib.exercises.mistakes3 import latent_terms
from genlib.exercises.trial import Wrong


def importance_weighted_bound(log_p_xz: Tensor, log_q_z: Tensor) -> Tensor:
    return _log_mean_exp(log_p_xz - log_q_z)  # [k, B] -> [B]


def free_bits_kl(mu: Tensor, log_var: Tensor, least: float) -> Tensor:
    return latent_terms(mu, log_var).mean(0).clamp(min=least).sum()  # [B, K] -> [K] -> []


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
        ("That is the last sample's log-weight: use all k.", log_w[-1]),
        ("The largest log-weight was subtracted before `exp` and not added after `log`.",
         right - log_w.amax(0)),
        ("You subtract log k to another base: use the natural logarithm.", total - math.log2(k)),
        ("You subtract log k to another base: use the natural logarithm.", total - math.log10(k)),
        ("You divided the logarithms: the quotient of p and q has their difference.",
         _log_mean_exp(log_p_xz / log_q_z)),
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
         "total or to sums over the batch, which are far above it: apply it to each latent's mean.",
         per_image.mean()),
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
        ("You averaged over the latents and summed over the batch: it is the other way round.",
         terms.mean(1).clamp(min=least).sum()),
        ("That is the distance of each latent's KL to `least`: it is a floor, so take the larger.",
         (per_latent - least).abs().sum()),
        ("That is the distance of the total KL to `least`: it is a floor for each latent.",
         (per_image.mean() - least).abs()),
        ("You took a soft maximum: the floor is the larger of the two.",
         torch.logaddexp(per_latent, torch.full_like(per_latent, least)).sum()),
        ("You took each latent's median over the batch: average it.",
         terms.median(0).values.clamp(min=least).sum()),
        ("`least` is in nats, as the KL is: convert nothing.",
         per_latent.clamp(min=least * math.log(2)).sum()),
        ("You divided by B − 1: a mean over the batch divides by B.",
         (terms.sum(0) / (B - 1)).clamp(min=least).sum()),
        ("The floor counts once for all latents below it: each counts as `least`.",
         per_latent[per_latent > least].sum() + least),
        ("An axis of length 1 is left: one number is left after the sum, of shape [].",
         floor.sum()[None]),
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


def _log_mean_exp(log_w: Tensor) -> Tensor:
    return log_w.logsumexp(0) - math.log(log_w.shape[0])  # [k, B] -> [B]
