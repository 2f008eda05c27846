"""Chapter 2's exercises, done right and done wrong: what a student's numbers are held against.

Each `wrong_*` lists likely mistakes with the value that the mistake gives for the same input.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genlib.exercises.trial import Wrong


def kl(p: Tensor, q: Tensor) -> Tensor:
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum(-1)  # [B, K] -> [B]


def _entropy(p: Tensor) -> Tensor:
    return torch.special.entr(p).sum(-1)


def js(p: Tensor, q: Tensor) -> Tensor:
    m = (p + q) / 2
    return (kl(p, m) + kl(q, m)) / 2


def wrong_reductions(terms: Tensor) -> list[Wrong]:
    """Mistakes in summing `terms` `[B, K]` to `[B]`."""
    return [
        (f"You averaged over the {terms.shape[-1]} entries of a row: sum over them.",
         terms.mean(-1)),
        ("You returned one number for the batch, expected one per row: drop the final `.mean()`.",
         terms.sum(-1).mean()),
        ("You returned one number for the batch: sum over the last axis only.", terms.sum()),
        ("You averaged over everything, as `.mean()` does: sum over the last axis.", terms.mean()),
        ("Nothing is summed: sum over the last axis.", terms),
        ("You summed over the batch (axis 0): sum over the last axis.", terms.sum(0)),
        ("The summed axis is left with length 1: no `keepdim` here.", terms.sum(-1, keepdim=True)),
    ]  # fmt: skip


def wrong_kls(p: Tensor, q: Tensor) -> list[Wrong]:
    right, terms = kl(p, q), p * (p / q).log()
    e = 1e-5
    return [
        ("That is KL(q‖p), the other direction: weigh by p.", kl(q, p)),
        ("The sign is wrong: it is log p − log q, that is log(p / q).", -right),
        ("You weighed by q: the mean is over outcomes of p.", (q * (p / q).log()).sum(-1)),
        ("The log ratio is not weighed by p.", (p / q).log().sum(-1)),
        ("That is in bits: use the natural logarithm.", right / math.log(2)),
        ("That is the cross-entropy H(p, q): subtract the entropy of p.", -(p * q.log()).sum(-1)),
        ("That is the entropy of p.", -(p * p.log()).sum(-1)),
        ("That is H(p) + H(p, q): subtract the entropy.", -(p * (p.log() + q.log())).sum(-1)),
        ("That is the Jensen–Shannon divergence.", js(p, q)),
        ("That is the sum of both directions.", kl(p, q) + kl(q, p)),
        ("Something is added to p and q that does not belong there: no ε.",
         ((p + e) * ((p + e) / (q + e)).log()).sum(-1)),
        ("You took absolute values: single terms may be negative.", terms.abs().sum(-1)),
        ("There is no factor ½ here.", right / 2),
        ("You took a softmax: p and q are probabilities already.",
         kl(p.softmax(-1), q.softmax(-1))),
        ("You took a softmax of q: it holds probabilities already.", kl(p, q.softmax(-1))),
        ("`F.kl_div` wants log q for its first argument, and p for its second.",
         (p * (p.log() - q)).sum(-1)),
        ("`F.kl_div` wants log q for its first argument, p for its second: you gave it p and q.",
         (q * (q.log() - p)).sum(-1)),
        ("That is a difference of two entropies: both logarithms are weighed by p.",
         (p * p.log() - q * q.log()).sum(-1)),
        ("That is the total variation, half the sum of |p − q|.", (p - q).abs().sum(-1) / 2),
        ("That is the sum of squared differences.", (p - q).square().sum(-1)),
        ("That is the χ² divergence.", ((p - q).square() / q).sum(-1)),
        *wrong_reductions(terms),
    ]  # fmt: skip


def wrong_priors(mu: Tensor, log_var: Tensor) -> list[Wrong]:
    """Mistakes in ½ Σ (μ² + σ² − 1 − log σ²)."""

    def total(square: Tensor, variance: Tensor, log: Tensor) -> Tensor:
        return 0.5 * (square + variance - 1 - log).sum(-1)

    square, variance, sigma = mu.square(), log_var.exp(), (0.5 * log_var).exp()
    terms = 0.5 * (square + variance - 1 - log_var)
    reverse = 0.5 * ((1 + square) / variance - 1 + log_var).sum(-1)
    return [
        ("The factor ½ is missing.", 2 * terms.sum(-1)),
        ("The sign is wrong: KL is never negative.", -terms.sum(-1)),
        ("The sign is wrong, and the factor ½ is missing.", -2 * terms.sum(-1)),
        ("That is KL(prior‖q), the other direction.", reverse),
        ("You took `log_var` for log σ: the variance is exp(log_var), not exp(2 · log_var).",
         total(square, (2 * log_var).exp(), 2 * log_var)),
        ("You squared exp(log_var): it is the variance already.",
         total(square, variance.square(), log_var)),
        ("You used σ where σ² belongs: the variance is exp(log_var).",
         total(square, sigma, log_var)),
        ("You took `log_var` for the variance: it is its logarithm, use exp(log_var).",
         total(square, log_var, log_var.abs().log())),
        ("You took `log_var` for the variance: it is its logarithm, use exp(log_var).",
         total(square, log_var, log_var.log())),
        ("You took `log_var` for the standard deviation: the variance is exp(log_var).",
         total(square, log_var.square(), log_var.square().log())),
        ("You subtract log σ where log σ² belongs: that is log_var itself.",
         total(square, variance, 0.5 * log_var)),
        ("You added log σ² instead of subtracting it.", total(square, variance, -log_var)),
        ("You subtracted μ²: add it.", total(-square, variance, log_var)),
        ("You subtracted σ²: add it.", total(square, -variance, log_var)),
        ("The 1 is added: subtract it.", 0.5 * (square + variance + 1 - log_var).sum(-1)),
        ("The factor ½ is at μ² alone: it belongs to the whole sum.",
         (0.5 * square + variance - 1 - log_var).sum(-1)),
        ("The factor ½ is missing at μ².", (square + 0.5 * (variance - 1 - log_var)).sum(-1)),
        ("You took |μ|: the KL has μ².", total(mu.abs(), variance, log_var)),
        ("The terms of the variance are missing: μ² is half the story.", 0.5 * square.sum(-1)),
        ("The logarithm of σ² is `log_var`: you took exp of it there too.",
         total(square, variance, variance)),
        ("You summed μ before squaring it.",
         0.5 * (mu.sum(-1).square() + (variance - 1 - log_var).sum(-1))),
        ("mu and log_var have changed places.",
         0.5 * (log_var.square() + mu.exp() - 1 - mu).sum(-1)),
        ("That is in bits: it is to be in nats.", terms.sum(-1) / math.log(2)),
        ("The −1 is missing: for μ = 0, σ = 1 the result must be 0.",
         0.5 * (square + variance - log_var).sum(-1)),
        ("The −1 is counted once and not for each dimension.",
         0.5 * ((square + variance - log_var).sum(-1) - 1)),
        ("μ is not squared.", total(mu, variance, log_var)),
        ("The term μ² is missing.", total(torch.zeros_like(mu), variance, log_var)),
        ("The term σ² is missing.", 0.5 * (square - 1 - log_var).sum(-1)),
        ("The term log σ² is missing.", 0.5 * (square + variance - 1).sum(-1)),
        *wrong_reductions(terms),
    ]  # fmt: skip


def wrong_jss(p: Tensor, q: Tensor) -> list[Wrong]:
    m, right = (p + q) / 2, js(p, q)
    geometric = (p * q).sqrt()
    terms = (p * (p / m).log() + q * (q / m).log()) / 2
    return [
        ("The factor ½ before the two KLs is missing.", 2 * right),
        ("You compared with p + q: the average is half of it.", right - math.log(2)),
        ("You compared with p + q, and the factor ½ is missing.", 2 * right - 2 * math.log(2)),
        ("Only KL(p‖m) is there: add KL(q‖m), and halve.", kl(p, m)),
        ("Only ½ KL(p‖m) is there: add ½ KL(q‖m).", kl(p, m) / 2),
        ("Only KL(q‖m) is there: add KL(p‖m), and halve.", kl(q, m)),
        ("The directions are reversed: p and q stand first, their average second.",
         (kl(m, p) + kl(m, q)) / 2),
        ("That is the mean of KL(p‖q) and KL(q‖p): compare each with the average m.",
         (kl(p, q) + kl(q, p)) / 2),
        ("That is KL(p‖q) + KL(q‖p): compare each with the average m.", kl(p, q) + kl(q, p)),
        ("That is KL(p‖q).", kl(p, q)),
        ("That is the square root, the Jensen–Shannon distance.", right.sqrt()),
        ("That is in bits: use the natural logarithm.", right / math.log(2)),
        ("The sign is wrong.", -right),
        ("You took the geometric mean of p and q: take the arithmetic one.",
         (kl(p, geometric) + kl(q, geometric)) / 2),
        ("You took the geometric mean of p and q: take the arithmetic one.",
         (lambda g: (kl(p, g) + kl(q, g)) / 2)(geometric / geometric.sum(-1, keepdim=True))),
        ("The factor ½ is there twice.", right / 2),
        ("You took the larger of the two KLs: take their mean.", torch.maximum(kl(p, m), kl(q, m))),
        ("You subtracted KL(q‖m): add it.", kl(p, m) - kl(q, m)),
        ("You multiplied the two KLs: take their mean.", kl(p, m) * kl(q, m)),
        ("log 2 is added: the average m has the factor ½ already.", right + math.log(2)),
        ("The factors ½ before the entropies of p and q are missing.",
         _entropy(m) - _entropy(p) - _entropy(q)),
        ("That is the total variation, half the sum of |p − q|.", (p - q).abs().sum(-1) / 2),
        *wrong_reductions(terms),
    ]  # fmt: skip


def wrong_estimators(log_p: Tensor, log_q: Tensor) -> list[Wrong]:
    u = log_q - log_p
    right = u.expm1() - u
    return [
        ("That is k1, the log ratio itself: unbiased, but it can be negative.", -u),
        ("That is −k1: the sign of the log ratio is reversed.", u),
        ("That is k2, half the squared log ratio: never negative, but biased.", u.square() / 2),
        ("That is the squared log ratio: neither k2 (it lacks ½) nor unbiased.", u.square()),
        ("You clipped k1 at 0: that is biased upwards.", (-u).clamp(min=0)),
        ("You took the absolute value of k1: that is biased upwards.", u.abs()),
        ("r is upside down: the samples are of p, so r = q / p.", (-u).expm1() + u),
        ("r is upside down in r − 1, and the right way up in the logarithm.", (-u).expm1() - u),
        ("The −1 is missing.", u.exp() - u),
        ("The sign is wrong: it is (r − 1) − log r.", -right),
        ("The log is added: it is (r − 1) − log r.", u.expm1() + u),
        ("That is r − 1 alone, whose mean is 0.", u.expm1()),
        ("That is r log r − (r − 1), for samples of q: these are samples of p.",
         u.exp() * u - u.expm1()),
        ("There is no factor ½ here.", right / 2),
        ("The 1 is added: it is (r − 1) − log r.", u.exp() + 1 - u),
        ("That is r, whose mean is 1 whatever p and q are.", u.exp()),
        ("r is a quotient of probabilities: take exp of log q − log p.",
         (log_q / log_p) - 1 - (log_q / log_p).log()),
        ("r is a quotient of probabilities: take exp of log q − log p.", log_q / log_p - 1 - u),
        ("k1 is weighed by p: the samples are of p already.", -log_p.exp() * u),
        ("You cut off large values: that is biased downwards.", right.clamp(max=1)),
        ("You repeated the mean: return each sample's own value.", right.mean().expand(len(u))),
        ("You repeated the mean of k1: return a value for each sample, never negative.",
         (-u).mean().expand(len(u))),
        ("You shifted k1 until it is nowhere negative: that is biased upwards.", u.max() - u),
        ("You returned the mean: return one value per sample.", right.mean()),
        ("You returned the sum: return one value per sample.", right.sum()),
    ]  # fmt: skip
