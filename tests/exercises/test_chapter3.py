"""Each check of chapter 3, on right answers in several spellings and on wrong ones by name."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from genlib import divergences, losses
from genlib.exercises import (
    bounds3,
    check_free_bits,
    check_importance_weighted_bound,
    check_negative_elbo,
    check_reparameterize,
    mistakes3,
)
from tests.exercises.reports import Answers, said

# 3.1 reparameterization


def sample_plain(mu, log_var, eps):
    return mu + torch.exp(0.5 * log_var) * eps


def sample_root(mu, log_var, eps):
    return torch.addcmul(mu, log_var.exp().sqrt(), eps)


def sample_quantile(mu, log_var, eps):
    return Normal(mu, torch.exp(log_var / 2)).icdf(Normal(0.0, 1.0).cdf(eps))


def sample_matrix(mu, log_var, eps):
    scale = torch.diag_embed((log_var / 2).exp())  # [B, K, K]
    return mu + (scale @ eps[..., None]).squeeze(-1)


def sample_rows(mu, log_var, eps):
    rows = zip(mu, log_var, eps, strict=True)
    return torch.stack([m + math.e ** (0.5 * s) * e for m, s, e in rows])


SAMPLE_RIGHT = [
    sample_plain,
    sample_root,
    sample_quantile,
    sample_matrix,
    sample_rows,
    losses.reparameterize,
]


@pytest.mark.parametrize("fn", SAMPLE_RIGHT)
def test_sample_right(fn):
    report = check_reparameterize(fn)
    assert report, str(report)


def sigma_is(scale):
    return lambda mu, log_var, eps: mu + scale(log_var) * eps


def own_noise(scale):
    return lambda mu, log_var, eps: mu + scale(log_var) * torch.randn_like(mu)


def seeded_noise(mu, log_var, eps):
    torch.manual_seed(7)
    return mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)


def sample_in_place(mu, log_var, eps):
    return log_var.mul_(0.5).exp_().mul_(eps).add_(mu)


def writes_into_mu(mu, log_var, eps):
    mu += torch.exp(0.5 * log_var) * eps
    return mu


def no_grad_sigma(mu, log_var, eps):
    with torch.no_grad():
        sigma = torch.exp(0.5 * log_var)
    return mu + sigma * eps


SAMPLE_WRONG = {
    "exp(log_var), the variance": sigma_is(torch.exp),
    "by `log_var` itself": sigma_is(lambda s: s),
    "by log σ": sigma_is(lambda s: 0.5 * s),
    "no root and no logarithm": sigma_is(torch.sqrt),
    "for the variance: it is its logarithm": sigma_is(lambda s: s.abs().sqrt()),
    "exp(log_var) is σ² already": sigma_is(lambda s: s.exp() ** 2),
    "the half belongs inside": sigma_is(lambda s: 0.5 * s.exp()),
    "root twice": sigma_is(lambda s: (0.25 * s).exp()),
    "divided ε by `log_var`": sigma_is(lambda s: 1 / s),
    "divided ε by σ (or": sigma_is(lambda s: (-0.5 * s).exp()),
    "divided ε by σ² (or": sigma_is(lambda s: (-s).exp()),
    "softplus": sigma_is(F.softplus),
    "sigmoid": sigma_is(torch.sigmoid),
    "noise is subtracted": sigma_is(lambda s: -(0.5 * s).exp()),
    "μ is subtracted": lambda m, s, e: (0.5 * s).exp() * e - m,
    "μ is missing": lambda m, s, e: (0.5 * s).exp() * e,
    "σ is missing": lambda m, s, e: m + e,
    "That is μ": lambda m, s, e: m + 0 * s * e,
    "without multiplying it by ε": lambda m, s, e: m + (0.5 * s).exp(),
    "scaled μ too": lambda m, s, e: (m + e) * (0.5 * s).exp(),
    "μ and σ have changed places": lambda m, s, e: (0.5 * s).exp() + m * e,
    "mu and log_var have changed places": lambda m, s, e: sample_plain(s, m, e),
    "absolute value of ε": lambda m, s, e: sample_plain(m, s, e.abs()),
    "One ε serves all images": lambda m, s, e: sample_plain(m, s, e[0]),
    "One ε serves all latents": lambda m, s, e: sample_plain(m, s, e[:, :1]),
    "You averaged: return every z": lambda m, s, e: sample_plain(m, s, e).mean(),
    "logarithm of the normal density": lambda m, s, e: Normal(m, (0.5 * s).exp()).log_prob(
        sample_plain(m, s, e)
    ),
    "the noise is drawn inside": own_noise(lambda s: (0.5 * s).exp()),
    "is wrong too: it is σ² and not σ": own_noise(torch.exp),
    "is wrong too: it is log σ²": own_noise(lambda s: s),
    "which also cuts off the gradient": lambda m, s, e: Normal(m, (0.5 * s).exp()).sample(),
    "Use the `eps` that is given": lambda m, s, e: Normal(m, (0.5 * s).exp()).rsample(),
    "`eps` is not used": seeded_noise,
    "may be negative. And the noise is given": lambda m, s, e: Normal(m, s).rsample(),
    "no standard deviation: it may be negative": lambda m, s, e: torch.normal(m, s),
    "no gradient reaches mu": lambda m, s, e: sample_plain(m.detach(), s, e),
    "no gradient reaches log_var": lambda m, s, e: sample_plain(m, s.data, e),
    "no_grad": no_grad_sigma,
    "`Normal(…).sample()` cuts it off": lambda m, s, e: sample_plain(m, s, e).detach(),
    "gradient with respect to log_var is wrong": lambda m, s, e: sample_plain(
        m, 0.5 * s + 0.5 * s.detach(), e
    ),
    "it changed the tensors": sample_in_place,
    "An operation in place (`x += …`": writes_into_mu,
    "you scale ε by": sigma_is(lambda s: (0.5 * s).exp() + 0.1),
    "off: ": sigma_is(lambda s: (0.5 * s).exp().clamp(max=1.1)),
    "Something is added to σ": sigma_is(lambda s: (0.5 * s).exp() + 4e-4),
    "or it is clamped": sigma_is(lambda s: (0.5 * s.clamp(min=-4)).exp()),
    "Return one z for each ε": lambda m, s, e: sample_plain(m, s, e)[None],
    "numpy carries no gradients": lambda m, s, e: torch.from_numpy(
        m.numpy() + np.exp(s.numpy() / 2) * e.numpy()
    ),
    "`math` and `float` take single numbers": lambda m, s, e: m + math.exp(0.5 * s) * e,
    "lack `return`": lambda m, s, e: None,
}


@pytest.mark.parametrize("cause", SAMPLE_WRONG)
def test_sample_names_the_cause(cause):
    assert said(check_reparameterize(SAMPLE_WRONG[cause]), cause)


def test_sample_reports_mean_and_spread_of_many_draws():
    text = str(check_reparameterize(sample_plain))
    assert "over 20000 draws" in text
    assert "for μ = (-1, 2, 0.5)" in text
    assert "for σ = (0.5, 3, 0.01)" in text


# 3.2 the negative ELBO


def elbo_plain(logits, x, mu, log_var):
    nll = F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)
    return nll - 0.5 * torch.sum(1 + log_var - mu**2 - log_var.exp(), dim=1)


def elbo_softplus(logits, x, mu, log_var):
    nll = (F.softplus(logits) - x * logits).sum(dim=(1, 2, 3))
    return nll + 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(-1)


def elbo_torch(logits, x, mu, log_var):
    log_p = Independent(Bernoulli(logits=logits), 3).log_prob(x)
    q = Independent(Normal(mu, torch.exp(0.5 * log_var)), 1)
    return kl_divergence(q, Independent(Normal(torch.zeros_like(mu), 1.0), 1)) - log_p


def elbo_rows(logits, x, mu, log_var):
    return torch.stack([
        F.binary_cross_entropy_with_logits(a, b, reduction="sum")
        + 0.5 * (m @ m + (s.exp() - 1 - s).sum())
        for a, b, m, s in zip(logits, x, mu, log_var, strict=True)
    ])  # fmt: skip


def elbo_library(logits, x, mu, log_var):
    return losses.bernoulli_nll(logits, x) + divergences.kl_to_standard_normal(mu, log_var)


ELBO_RIGHT = [elbo_plain, elbo_softplus, elbo_torch, elbo_rows, elbo_library]


@pytest.mark.parametrize("fn", ELBO_RIGHT)
def test_elbo_right(fn):
    report = check_negative_elbo(fn)
    assert report, str(report)


def terms_of(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var)


def pixels_of(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1)


def loss(likelihood=lambda n: n.sum(1), kl=lambda t: t.sum(1)):
    """The loss with another reduction of the pixels `[B, D]` or of the terms `[B, K]`."""
    return lambda logits, x, mu, log_var: (
        likelihood(pixels_of(logits, x)) + kl(terms_of(mu, log_var))
    )


def with_kl(kl):
    return lambda logits, x, mu, log_var: pixels_of(logits, x).sum(1) + kl(mu, log_var)


def with_nll(nll):
    return lambda logits, x, mu, log_var: nll(logits, x) + terms_of(mu, log_var).sum(1)


ELBO_WRONG = {
    "an accidental β of 6: sum over the pixels": loss(lambda n: n.mean(1)),
    "the default of": with_nll(F.binary_cross_entropy_with_logits),
    "summed the likelihood over the batch": loss(lambda n: n.sum()),
    "averaged the likelihood over the batch": loss(lambda n: n.sum(1).mean()),
    "sigmoid is applied twice": with_nll(lambda a, x: pixels_of(a.sigmoid(), x).sum(1)),
    "logits and x have changed places": with_nll(lambda a, x: pixels_of(x, a).sum(1)),
    "sign of the likelihood": loss(lambda n: -n.sum(1)),
    "That is the squared error:": with_nll(
        lambda a, x: (a.sigmoid() - x).square().flatten(1).sum(1)
    ),
    "squared error, averaged over the 6 pixels": with_nll(
        lambda a, x: (a.sigmoid() - x).square().flatten(1).mean(1)
    ),
    "squared error of the logits": with_nll(lambda a, x: (a - x).square().flatten(1).sum(1)),
    "pixels that are 0 are left out": with_nll(lambda a, x: (x * F.softplus(-a)).flatten(1).sum(1)),
    "x and 1 − x": with_nll(lambda a, x: pixels_of(a, 1 - x).sum(1)),
    "likelihood is in bits": loss(lambda n: n.sum(1) / math.log(2)),
    "That is the ELBO: asked": lambda *a: -elbo_plain(*a),
    "sign of the KL is wrong: a loss adds it": loss(kl=lambda t: -t.sum(1)),
    "KL is missing": loss(kl=lambda t: 0),
    "likelihood is missing": loss(lambda n: 0),
    "averaged the KL over the 4 latents": loss(kl=lambda t: t.mean(1)),
    "over the 6 pixels and over the 4 latents": loss(lambda n: n.mean(1), lambda t: t.mean(1)),
    "divided by the number of pixels, 6": lambda *a: elbo_plain(*a) / a[1][0].numel(),
    "a β of 1/6": lambda a, x, m, s: loss(kl=lambda t: t.sum(1) / x[0].numel())(a, x, m, s),
    "KL is divided by the batch size:": loss(kl=lambda t: t.sum(1) / len(t)),
    "batch size and the number of pixels": lambda a, x, m, s: (
        loss(kl=lambda t: t.sum(1) / x.numel())(a, x, m, s)
    ),
    "KL weighs 6 times too much": lambda a, x, m, s: (
        loss(kl=lambda t: t.sum(1) * x[0].numel())(a, x, m, s)
    ),
    "averaged the KL over the batch": loss(kl=lambda t: t.sum(1).mean()),
    "averaged the KL over everything": loss(kl=lambda t: t.mean()),
    "summed the KL over the batch": loss(kl=lambda t: t.sum()),
    "factor ½ is missing": loss(kl=lambda t: 2 * t.sum(1)),
    "factor ½ of the KL is there twice": loss(kl=lambda t: 0.5 * t.sum(1)),
    "the other direction": with_kl(lambda m, s: terms_reverse(m, s).sum(1)),
    "`log_var` for log σ": with_kl(
        lambda m, s: 0.5 * (m**2 + (2 * s).exp() - 1 - 2 * s).sum(1)
    ),
    "it is its logarithm, use exp(log_var)": with_kl(
        lambda m, s: 0.5 * (m**2 + s - 1 - s.abs().log()).sum(1)
    ),
    "for the standard deviation": with_kl(
        lambda m, s: 0.5 * (m**2 + s**2 - 1 - (s**2).log()).sum(1)
    ),
    "used σ where σ² belongs": with_kl(lambda m, s: 0.5 * (m**2 + (s / 2).exp() - 1 - s).sum(1)),
    "`log_var` is a logarithm already": with_kl(lambda m, s: 0.5 * (m**2 + s - 1 - s.log()).sum(1)),
    "log σ where log σ² belongs": with_kl(lambda m, s: (terms_of(m, s) + s / 4).sum(1)),
    "−1 is missing": with_kl(lambda m, s: (terms_of(m, s) + 0.5).sum(1)),
    "μ is not squared": with_kl(lambda m, s: 0.5 * (m + s.exp() - 1 - s).sum(1)),
    "mu and log_var have changed places": with_kl(lambda m, s: terms_of(s, m).sum(1)),
    "mean over the batch: return one": lambda *a: elbo_plain(*a).mean(),
    "sum over the batch: return one": lambda *a: elbo_plain(*a).sum(),
    "averaged over everything": loss(lambda n: n.mean(), lambda t: t.mean()),
    "the KL over the batch only": loss(lambda n: n.mean(), lambda t: t.sum(1).mean()),
    "the KL is summed over all": loss(lambda n: n.mean(), lambda t: t.sum()),
    "added [B, 1] and [B]": loss(lambda n: n.sum(1, keepdim=True)),
    "added [B] and [B, 1]": loss(kl=lambda t: t.sum(1, keepdim=True)),
    "left with length 1": loss(lambda n: n.sum(1, keepdim=True), lambda t: t.sum(1, keepdim=True)),
    "takes probabilities": with_nll(
        lambda a, x: F.binary_cross_entropy(a, x, reduction="none").flatten(1).sum(1)
    ),
    "logits are no probabilities: `Bernoulli": with_nll(
        lambda a, x: -Bernoulli(a).log_prob(x).flatten(1).sum(1)
    ),
    "logits are no probabilities, and": with_nll(
        lambda a, x: -(x * a.log() + (1 - x) * (1 - a).log()).flatten(1).sum(1)
    ),
    "one shape": with_nll(
        lambda a, x: F.binary_cross_entropy_with_logits(a.flatten(1), x, reduction="none").sum(1)
    ),
    "`flatten(1).sum(1)`": with_nll(
        lambda a, x: F.binary_cross_entropy_with_logits(a, x, reduction="none").sum(1)
    ),
    "the mistake is in the KL": loss(kl=lambda t: t.square().sum(1)),
    "the mistake is in the likelihood": loss(lambda n: 1.3 * n.sum(1)),
    "Neither term is right": loss(lambda n: n.mean(1), lambda t: 2 * t.sum(1)),
    "Nothing but the likelihood's term": with_kl(
        lambda m, s: terms_of(m, s).sum(1) + (m == 0).all(1) * 0.5
    ),
    "for logits of ±300": with_nll(
        lambda a, x: F.binary_cross_entropy(a.sigmoid(), x, reduction="none").flatten(1).sum(1)
    ),
    "its logarithm is lost": with_nll(
        lambda a, x: -Bernoulli(a.sigmoid()).log_prob(x).flatten(1).sum(1)
    ),
    "no gradient reaches log_var": lambda a, x, m, s: elbo_plain(a, x, m, s.detach()),
    "no gradient reaches mu": lambda a, x, m, s: elbo_plain(a, x, m.detach(), s),
    "no gradient reaches logits": lambda a, x, m, s: elbo_plain(a.detach(), x, m, s),
    "it changed the tensors": lambda a, x, m, s: elbo_plain(a, x, m, s.mul_(1.5)),
}  # fmt: skip


def terms_reverse(mu, log_var):
    return 0.5 * ((1 + mu**2) / log_var.exp() - 1 + log_var)


@pytest.mark.parametrize("cause", ELBO_WRONG)
def test_elbo_names_the_cause(cause):
    assert said(check_negative_elbo(ELBO_WRONG[cause]), cause)


# 3.3 the importance-weighted bound


def bound_logsumexp(log_p_xz, log_q_z):
    log_w = log_p_xz - log_q_z
    return torch.logsumexp(log_w, dim=0) - math.log(len(log_w))


def bound_shifted(log_p_xz, log_q_z):
    log_w = log_p_xz - log_q_z
    top = log_w.max(dim=0).values
    return top + torch.log(torch.mean(torch.exp(log_w - top), dim=0))


def bound_shifted_detached(log_p_xz, log_q_z):
    log_w = log_p_xz - log_q_z
    top = log_w.detach().amax(0, keepdim=True)
    return ((log_w - top).exp().mean(0, keepdim=True).log() + top).squeeze(0)


def bound_added_in_turn(log_p_xz, log_q_z):
    total = log_p_xz[0] - log_q_z[0]
    for p, q in zip(log_p_xz[1:], log_q_z[1:], strict=True):
        total = torch.logaddexp(total, p - q)
    return total - math.log(log_p_xz.shape[0])


def bound_library(log_p_xz, log_q_z):
    return losses.importance_bound(log_p_xz - log_q_z)


BOUND_RIGHT = [
    bound_logsumexp,
    bound_shifted,
    bound_shifted_detached,
    bound_added_in_turn,
    bound_library,
]


@pytest.mark.parametrize("fn", BOUND_RIGHT)
def test_bound_right(fn):
    report = check_importance_weighted_bound(fn)
    assert report, str(report)


def of_w(formula):
    return lambda log_p_xz, log_q_z: formula(log_p_xz - log_q_z)


def log_mean_exp(log_w, dim=0):
    return log_w.logsumexp(dim) - math.log(log_w.shape[dim])


def shifted_by_the_largest_of_all(log_w):
    return (log_w - log_w.max()).exp().mean(0).log() + log_w.max()


BOUND_WRONG = {
    "the plain ELBO": of_w(lambda w: w.mean(0)),
    "−log k is missing: that is the logarithm": of_w(lambda w: w.logsumexp(0)),
    "log k is added": of_w(lambda w: w.logsumexp(0) + math.log(len(w))),
    "You subtract k": of_w(lambda w: w.logsumexp(0) - len(w)),
    "divided the logarithm by k": of_w(lambda w: w.logsumexp(0) / len(w)),
    "divided by the batch size": of_w(lambda w: w.logsumexp(0) - math.log(w.shape[1])),
    "subtract log k = 1.609": of_w(lambda w: w.logsumexp(0) - math.log(50)),
    "subtract log k = 2.079": of_w(lambda w: w.logsumexp(0) - math.log(5)),
    "upside down: it is log p(x, z)": of_w(lambda w: log_mean_exp(-w)),
    "the harmonic mean": of_w(lambda w: -log_mean_exp(-w)),
    "And −log k is missing": of_w(lambda w: (-w).logsumexp(0)),
    "mean of the logarithms": of_w(lambda w: (-w).mean(0)),
    "The sign is wrong: that is a loss": of_w(lambda w: -log_mean_exp(w)),
    "log q(z|x) is missing": lambda p, q: log_mean_exp(p) + 0 * q.sum(),
    "log p(x, z) is missing": lambda p, q: log_mean_exp(q),
    "You added log q(z|x)": lambda p, q: log_mean_exp(p + q),
    "quotient of two means": lambda p, q: log_mean_exp(p) - log_mean_exp(q),
    "The logarithm is missing": of_w(lambda w: w.exp().mean(0)),
    "The exponential is missing": of_w(lambda w: w.sum(0)),
    "by their softmax": of_w(lambda w: (w.softmax(0).detach() * w).sum(0)),
    "largest log-weight: take": of_w(lambda w: w.max(0).values),
    "first sample's": of_w(lambda w: w[0]),
    "in bits": of_w(lambda w: w.exp().mean(0).log2()),
    "averaged over the batch (axis 1)": of_w(lambda w: log_mean_exp(w, 1)),
    "summed over the batch (axis 1)": of_w(lambda w: w.logsumexp(1)),
    "reduced the last axis": of_w(lambda w: w.mean(-1)),
    "pooled the samples": of_w(lambda w: log_mean_exp(w.flatten())),
    "mean over the batch: return one": of_w(lambda w: log_mean_exp(w).mean()),
    "sum over the batch: return one": of_w(lambda w: log_mean_exp(w).sum()),
    "These are the log-weights": of_w(lambda w: w),
    "normalised weights: take": of_w(lambda w: w.softmax(0)),
    "no `keepdim`": of_w(lambda w: w.exp().mean(0, keepdim=True).log()),
    "use `torch.logsumexp`": of_w(lambda w: w.exp().mean(0).log()),
    "No ε": of_w(lambda w: (w.exp().mean(0) + 1e-30).log()),
    "is infinite": lambda p, q: (p.exp() / q.exp()).mean(0).log(),
    "each image's largest": of_w(shifted_by_the_largest_of_all),
    "near −10000": of_w(lambda w: log_mean_exp(w.clamp(min=-80))),
    "NaN or infinite": of_w(lambda w: w.softmax(0).sub(1).log().sum(0)),
    "no gradient reaches log_q_z": lambda p, q: bound_logsumexp(p, q.detach()),
    "no gradient reaches log_p_xz": lambda p, q: bound_logsumexp(p.detach(), q),
    "weighed by its normalised weight": of_w(
        lambda w: log_mean_exp(w).detach() + w.mean(0) - w.mean(0).detach()
    ),
    "it changed the tensors": lambda p, q: log_mean_exp(p.sub_(q)),
    "look at the mean over k": of_w(lambda w: w.exp().mean(0).sqrt().log() + 0.5 * w.mean(0)),
    "Already for k = 1": of_w(lambda w: log_mean_exp(2 * w)),
    "any number typed into it": of_w(lambda w: log_mean_exp(w[:8])),
    "one number per image is left": of_w(lambda w: log_mean_exp(w)[None, None]),
}


@pytest.mark.parametrize("cause", BOUND_WRONG)
def test_bound_names_the_cause(cause):
    assert said(check_importance_weighted_bound(BOUND_WRONG[cause]), cause)


def test_bound_is_shown_to_rise_to_log_p():
    text = str(check_importance_weighted_bound(bound_logsumexp))
    assert "on a model with log p(x) = -1.828" in text
    assert "for k = 100" in text


# 3.4 free bits


def bits_clamp(mu, log_var, least):
    return terms_of(mu, log_var).mean(0).clamp(min=least).sum()


def bits_maximum(mu, log_var, least):
    kl = terms_of(mu, log_var).mean(dim=0)
    return torch.maximum(kl, torch.full_like(kl, least)).sum()


def bits_relu(mu, log_var, least):
    return (least + F.relu(terms_of(mu, log_var).mean(0) - least)).sum()


def bits_python(mu, log_var, least):
    return sum(max(kl, torch.tensor(least)) for kl in terms_of(mu, log_var).mean(0))


def bits_library(mu, log_var, least):
    return losses.free_bits(divergences.kl_per_dimension(mu, log_var), least).sum()


BITS_RIGHT = [bits_clamp, bits_maximum, bits_relu, bits_python, bits_library]


@pytest.mark.parametrize("fn", BITS_RIGHT)
def test_bits_right(fn):
    report = check_free_bits(fn)
    assert report, str(report)


def bits(formula):
    return lambda mu, log_var, least: formula(terms_of(mu, log_var), least)


def bits_of(terms):
    return lambda mu, log_var, least: terms(mu, log_var).mean(0).clamp(min=least).sum()


BITS_WRONG = {
    "floor before the mean": bits(lambda t, f: t.clamp(min=f).mean(0).sum()),
    "floor to each image's KL": bits(lambda t, f: t.sum(1).clamp(min=f).mean()),
    "K · `least` = 1.6": bits(lambda t, f: t.sum(1).clamp(min=f * t.shape[1]).mean()),
    "There is no floor": bits(lambda t, f: t.sum(1).mean()),
    "applied to the total": bits(lambda t, f: t.sum(1).mean().clamp(min=f)),
    "That is the minimum: `least` is a floor": bits(lambda t, f: t.mean(0).clamp(max=f).sum()),
    "minimum of the total": bits(lambda t, f: t.sum(1).mean().clamp(max=f)),
    "averaged over the latents": bits(lambda t, f: t.mean(0).clamp(min=f).mean()),
    "subtracted the floor": bits(lambda t, f: F.relu(t.mean(0) - f).sum()),
    "below the floor are left out": bits(lambda t, f: F.threshold(t.mean(0), f, 0.0).sum()),
    "`least` is added": bits(lambda t, f: (t.mean(0) + f).sum()),
    "summed over the batch before": bits(lambda t, f: t.sum(0).clamp(min=f).sum()),
    "with the floor for each image: average each": bits(lambda t, f: t.clamp(min=f).sum()),
    "multiplied by the batch size": bits(lambda t, f: len(t) * t.mean(0).clamp(min=f).sum()),
    "divides or multiplies by K": bits(lambda t, f: t.mean(0).clamp(min=f / t.shape[1]).sum()),
    "The sign is wrong": bits(lambda t, f: -t.mean(0).clamp(min=f).sum()),
    "factor ½": bits_of(lambda m, s: 2 * terms_of(m, s)),
    "Every latent counts as `least`": bits_of(lambda m, s: -terms_of(m, s)),
    "of its log σ²": bits_of(lambda m, s: terms_of(m, s) + s),
    "other direction": bits_of(terms_reverse),
    "for log σ: the variance": bits_of(lambda m, s: 0.5 * (m**2 + (2 * s).exp() - 1 - 2 * s)),
    "for the variance: it is its logarithm": bits_of(
        lambda m, s: 0.5 * (m**2 + s - 1 - s.abs().log())
    ),
    "`log_var` is a logarithm already": bits_of(lambda m, s: 0.5 * (m**2 + s - 1 - s.log())),
    "used σ where": bits_of(lambda m, s: 0.5 * (m**2 + (s / 2).exp() - 1 - s)),
    "log σ where log σ² belongs": bits_of(lambda m, s: terms_of(m, s) + s / 4),
    "−1 of the KL is missing": bits_of(lambda m, s: terms_of(m, s) + 0.5),
    "μ² is missing": bits_of(lambda m, s: terms_of(0 * m, s)),
    "changed places": lambda m, s, f: bits_clamp(s, m, f),
    "averaged mu and log_var": lambda m, s, f: bits_clamp(m.mean(0)[None], s.mean(0)[None], f),
    "Nothing is summed": bits(lambda t, f: t.mean(0).clamp(min=f)),
    "not over the batch's mean": bits(lambda t, f: t.sum(1).clamp(min=f)),
    "average each latent over the batch first": bits(lambda t, f: t.clamp(min=f).sum(1)),
    "Nothing is averaged": bits(lambda t, f: t.clamp(min=f)),
    "KL of each image, and there is no floor": bits(lambda t, f: t.sum(1)),
    "KL of each latent, and there is no floor": bits(lambda t, f: t.mean(0)),
    "one number is left": bits(lambda t, f: t.mean(0).clamp(min=f).sum()[None]),
    "the mistake is in the floor": bits(lambda t, f: t.mean(0).clamp(min=f**2).sum()),
    "not in the floor alone": bits(lambda t, f: 1.3 * t.mean(0).clamp(min=f).sum()),
    "must be the plain KL": bits(lambda t, f: t.mean(0).clamp(min=max(f, 0.25)).sum()),
    "for least = 0": bits(lambda t, f: t.mean(0).clamp(min=f or 0.3).sum()),
    "which is what makes these nats free": bits(
        lambda t, f: (t.mean(0) + (f - t.mean(0)).clamp(min=0).detach()).sum()
    ),
    "nothing is detached here": bits(
        lambda t, f: (t.mean(0).clamp(min=f).detach() + t.mean(0) - t.mean(0).detach()).sum()
    ),
    "no gradient reaches log_var": lambda m, s, f: bits_clamp(m, s.detach(), f),
    "no gradient reaches mu": lambda m, s, f: bits_clamp(m.detach(), s, f),
    "turn a tensor into a number": lambda m, s, f: float(bits_clamp(m, s, f)),
    "it changed the tensors": lambda m, s, f: bits_clamp(m, s.mul_(2), f),
}  # fmt: skip


@pytest.mark.parametrize("cause", BITS_WRONG)
def test_bits_names_the_cause(cause):
    assert said(check_free_bits(BITS_WRONG[cause]), cause)


# all four

BANKS = {
    "reparameterize": (check_reparameterize, mistakes3.wrong_samples, [(5, 3)] * 3),
    "elbo": (check_negative_elbo, mistakes3.wrong_elbos, [(5, 1, 3, 2)] * 2 + [(5, 4)] * 2),
    "bound": (check_importance_weighted_bound, bounds3.wrong_bounds, [(5, 3)] * 2),
    "bits": (check_free_bits, bounds3.wrong_free_bits, [(5, 3), (5, 3), ()]),
}
KNOWN = [
    pytest.param(name, i, id=f"{name}-{i}")
    for name, (_, bank, shapes) in BANKS.items()
    for i in range(len(bank(*(torch.ones(shape) for shape in shapes))))
]
# Not told from another mistake by their values: the first name of the two is given.
TWINS = {
    "The KL is wrong. The sign is wrong: KL is never negative.": "a loss adds it",
    "The KL is wrong. You averaged over the 4 entries of a row: sum over them.": "the 4 latents",
    "The KL is wrong. You took `log_var` for the variance: it is its logarithm, use "
    "exp(log_var).": "`log_var`",  # by its root and logarithm, NaN
}


@pytest.mark.parametrize(("name", "i"), KNOWN)
def test_no_known_mistake_passes_for_another(name, i):
    check, bank, shapes = BANKS[name]
    asked = []

    def answer(*inputs):
        asked.append(bank(*inputs)[i])
        return asked[-1][1]

    arguments = {2: lambda a, b: answer(a, b), 3: lambda a, b, c: answer(a, b, c),
                 4: lambda a, b, c, d: answer(a, b, c, d)}  # fmt: skip
    report = check(arguments[len(shapes)])
    cause = asked[0][0]
    assert said(report, TWINS.get(cause, cause))


CHECKS = {
    check_reparameterize: "3 arguments",
    check_negative_elbo: "4 arguments",
    check_importance_weighted_bound: "2 arguments",
    check_free_bits: "3 arguments",
}


@pytest.mark.parametrize("check", CHECKS)
def test_stubs_are_not_attempted_and_nonsense_is_reported(check):
    assert check(lambda *a: ...).verdict == "Not attempted yet"
    assert said(check(lambda a: a), "cannot be called", CHECKS[check])
    assert said(check(lambda *a: 1 / 0), "ZeroDivisionError")
    assert said(check(torch.zeros(3)), "not a function")


# the bank: test_bank.py asks of every check

BANK = {
    check_reparameterize: Answers(SAMPLE_RIGHT, SAMPLE_WRONG),
    check_negative_elbo: Answers(ELBO_RIGHT, ELBO_WRONG),
    check_importance_weighted_bound: Answers(BOUND_RIGHT, BOUND_WRONG),
    check_free_bits: Answers(BITS_RIGHT, BITS_WRONG),
}
