"""Each check of chapter 2, on right answers in several spellings and on wrong ones by name."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Categorical, Independent, Normal, kl_divergence

from genlib import divergences
from genlib.exercises import check_estimator, check_js, check_kl, check_kl_to_prior
from tests.exercises.reports import Answers, said


def naive(p, q):
    return (p * (p / q).log()).sum(-1)


# 2.1 KL


def kl_xlogy(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(1)


def kl_masked_rows(p, q):
    rows = []
    for a, b in zip(p, q, strict=True):
        seen = a > 0
        rows.append((a[seen] * (a[seen].log() - b[seen].log())).sum())
    return torch.stack(rows)


def kl_torch(p, q):
    return kl_divergence(Categorical(p), Categorical(q))


def kl_where(p, q):
    safe_p, safe_q = torch.where(p > 0, p, 1.0), torch.where(p > 0, q, 1.0)
    return torch.einsum("bk,bk->b", p, safe_p.log() - safe_q.log())


KL_RIGHT = [kl_xlogy, kl_masked_rows, kl_where, kl_torch, divergences.kl]


@pytest.mark.parametrize("fn", KL_RIGHT)
def test_kl_right(fn):
    report = check_kl(fn)
    assert report, str(report)


def plus_eps(p, q, e=1e-5):
    return naive(p + e, q + e)


def in_place(p, q):
    p += 1e-30
    return naive(p, q)


KL_WRONG = {
    "KL(q‖p), the other direction": lambda p, q: kl_xlogy(q, p),
    "sign is wrong": lambda p, q: -kl_xlogy(p, q),
    "weighed by q": lambda p, q: (q * (p / q).log()).sum(-1),
    "not weighed by p": lambda p, q: (p / q).log().sum(-1),
    "in bits": lambda p, q: (p * (p / q).log2()).sum(-1),
    "cross-entropy": lambda p, q: -(p * q.log()).sum(-1),
    "averaged over the 4": lambda p, q: (p * (p / q).log()).mean(-1),
    "drop the final `.mean()`": lambda p, q: naive(p, q).mean(),
    "Nothing is summed": lambda p, q: p * (p / q).log(),
    "no `keepdim`": lambda p, q: (p * (p / q).log()).sum(-1, keepdim=True),
    "axis 0": lambda p, q: (p * (p / q).log()).sum(0),
    "absolute values": lambda p, q: (p * (p / q).log()).abs().sum(-1),
    "Jensen–Shannon": divergences.js,
    "both directions": lambda p, q: kl_xlogy(p, q) + kl_xlogy(q, p),
    "0 · log 0 is NaN": naive,
    "An ε or a clamp": plus_eps,
    "must cost infinity": lambda p, q: (p * (p.clamp(1e-30) / q.clamp(1e-30)).log()).sum(-1),
    "changed the tensors": in_place,
    "no gradient reaches q": lambda p, q: kl_xlogy(p, q.detach()),
    "numpy": lambda p, q: kl_xlogy(p, q).detach().numpy(),
    "lack `return`": lambda p, q: None,
}


@pytest.mark.parametrize("cause", KL_WRONG)
def test_kl_names_the_cause(cause):
    assert said(check_kl(KL_WRONG[cause]), cause)


def test_kl_a_large_epsilon_is_named():
    assert said(check_kl(lambda p, q: plus_eps(p, q, 1e-2)), "expected")
    assert said(check_kl(lambda p, q: (p * ((p + 1e-9) / (q + 1e-9)).log()).sum(-1)), "ε")


def test_kl_a_mask_on_q_hides_the_infinity():
    def masking(p, q):
        seen = (p > 0) & (q > 0)
        return torch.where(seen, torch.xlogy(p, p) - torch.xlogy(p, q.clamp(1e-300)), 0).sum(-1)

    assert said(check_kl(masking), "must cost infinity")


# 2.2 Gaussian KL


def prior_formula(mu, log_var):
    return -0.5 * torch.sum(1 + log_var - mu**2 - log_var.exp(), dim=1)


def prior_torch(mu, log_var):
    q = Normal(mu, torch.exp(0.5 * log_var))
    return kl_divergence(Independent(q, 1), Independent(Normal(mu * 0, 1.0), 1))


PRIOR_RIGHT = [prior_formula, prior_torch, divergences.kl_to_standard_normal]


@pytest.mark.parametrize("fn", PRIOR_RIGHT)
def test_prior_right(fn):
    report = check_kl_to_prior(fn)
    assert report, str(report)


def prior(square=None, variance=None, log=None, factor=0.5, reduce=lambda t: t.sum(-1), one=1):
    def fn(mu, log_var):
        a = mu**2 if square is None else square(mu)
        b = log_var.exp() if variance is None else variance(log_var)
        c = log_var if log is None else log(log_var)
        return reduce(factor * (a + b - one - c))

    return fn


PRIOR_WRONG = {
    "factor ½ is missing": prior(factor=1),
    "sign is wrong: KL": prior(factor=-0.5),
    "sign is wrong, and the factor": prior(factor=-1),
    "the other direction": lambda m, s: 0.5 * ((1 + m**2) / s.exp() - 1 + s).sum(-1),
    "for log σ: the variance": prior(variance=lambda s: (2 * s).exp(), log=lambda s: 2 * s),
    "variance already": prior(variance=lambda s: s.exp() ** 2),
    "used σ where σ² belongs": prior(variance=lambda s: (0.5 * s).exp()),
    "for the variance: it is its logarithm": prior(
        variance=lambda s: s, log=lambda s: s.abs().log()
    ),
    "for the standard deviation": prior(variance=lambda s: s**2, log=lambda s: (s**2).log()),
    "subtract log σ where": prior(log=lambda s: 0.5 * s),
    "added log σ²": prior(log=lambda s: -s),
    "−1 is missing": prior(one=0),
    "counted once": lambda m, s: 0.5 * ((m**2 + s.exp() - s).sum(-1) - 1),
    "μ is not squared": prior(square=lambda m: m),
    "term μ² is missing": prior(square=lambda m: 0 * m),
    "term log σ² is missing": prior(log=lambda s: 0 * s),
    "averaged over the 3": prior(reduce=lambda t: t.mean(-1)),
    "drop the final `.mean()`": prior(reduce=lambda t: t.sum(-1).mean()),
    "Nothing is summed": prior(reduce=lambda t: t),
    "averaged over everything": prior(reduce=lambda t: t.mean()),
    "no gradient reaches log_var": lambda m, s: prior_formula(m, s.detach()),
    "no gradient reaches mu": lambda m, s: prior_formula(m.detach(), s),
}


@pytest.mark.parametrize("cause", PRIOR_WRONG)
def test_prior_names_the_cause(cause):
    assert said(check_kl_to_prior(PRIOR_WRONG[cause]), cause)


def test_prior_variance_as_is_gives_nan_and_is_still_named():
    fn = prior(variance=lambda s: s, log=lambda s: s.log())
    assert said(check_kl_to_prior(fn), "NaN", "log_var")


# 2.3 Jensen–Shannon


def js_entropies(p, q):
    def h(v):
        return -torch.xlogy(v, v).sum(-1)

    return h((p + q) / 2) - (h(p) + h(q)) / 2


def js_kls(p, q):
    m = (p + q) / 2
    return 0.5 * kl_where(p, m) + 0.5 * kl_where(q, m)


JS_RIGHT = [js_entropies, js_kls, divergences.js]


@pytest.mark.parametrize("fn", JS_RIGHT)
def test_js_right(fn):
    report = check_js(fn)
    assert report, str(report)


def js_of(m, weight=0.5, swap=False):
    def fn(p, q):
        a = m(p, q)
        pairs = ((a, p), (a, q)) if swap else ((p, a), (q, a))
        return weight * sum(kl_xlogy(*pair) for pair in pairs)

    return fn


def half(p, q):
    return (p + q) / 2


JS_WRONG = {
    "factor ½ before": js_of(half, 1),
    "compared with p + q: the average": js_of(lambda p, q: p + q),
    "and the factor ½ is missing": js_of(lambda p, q: p + q, 1),
    "Only KL(p‖m)": lambda p, q: kl_xlogy(p, half(p, q)),
    "Only ½ KL(p‖m)": lambda p, q: kl_xlogy(p, half(p, q)) / 2,
    "directions are reversed": js_of(half, swap=True),
    "mean of KL(p‖q) and KL(q‖p)": lambda p, q: (kl_xlogy(p, q) + kl_xlogy(q, p)) / 2,
    "KL(p‖q) + KL(q‖p)": lambda p, q: kl_xlogy(p, q) + kl_xlogy(q, p),
    "That is KL(p‖q).": kl_xlogy,
    "square root": lambda p, q: js_kls(p, q).sqrt(),
    "in bits": lambda p, q: js_kls(p, q) / math.log(2),
    "geometric mean": js_of(lambda p, q: (p * q).sqrt()),
    "drop the final `.mean()`": lambda p, q: js_kls(p, q).mean(),
    "NaN": lambda p, q: (naive(p, half(p, q)) + naive(q, half(p, q))) / 2,
    "An ε": lambda p, q: js_kls(p + 1e-5, q + 1e-5),
    "no gradient reaches q": lambda p, q: js_kls(p, q.detach()),
    "gradient with respect to q is wrong": lambda p, q: (
        0.5 * kl_where(p, half(p, q).detach()) + 0.5 * kl_where(q, half(p, q).detach()) * 0.5
        + (js_kls(p, q) - 0.5 * kl_where(p, half(p, q)) - 0.25 * kl_where(q, half(p, q))).detach()
    ),
}  # fmt: skip


@pytest.mark.parametrize("cause", JS_WRONG)
def test_js_names_the_cause(cause):
    assert said(check_js(JS_WRONG[cause]), cause)


# 2.4 estimator


def k3_plain(log_p, log_q):
    r = (log_q - log_p).exp()
    return (r - 1) - r.log()


ESTIMATOR_RIGHT = [k3_plain, divergences.k3]


@pytest.mark.parametrize("fn", ESTIMATOR_RIGHT)
def test_estimator_right(fn):
    report = check_estimator(fn)
    assert report, str(report)


def of_u(formula):
    return lambda log_p, log_q: formula(log_q - log_p)


ESTIMATOR_WRONG = {
    "That is k1": of_u(lambda u: -u),
    "−k1": of_u(lambda u: u),
    "That is k2": of_u(lambda u: u**2 / 2),
    "squared log ratio: neither": of_u(lambda u: u**2),
    "clipped k1": of_u(lambda u: torch.relu(-u)),
    "absolute value of k1": of_u(lambda u: u.abs()),
    "upside down: the samples": of_u(lambda u: (-u).exp() - 1 + u),
    "the right way up in the logarithm": of_u(lambda u: (-u).exp() - 1 - u),
    "The −1 is missing": of_u(lambda u: u.exp() - u),
    "sign is wrong": of_u(lambda u: u + 1 - u.exp()),
    "log is added": of_u(lambda u: u.exp() - 1 + u),
    "r − 1 alone": of_u(lambda u: u.exp() - 1),
    "for samples of q": of_u(lambda u: u.exp() * u - (u.exp() - 1)),
    "returned the mean": of_u(lambda u: (u.exp() - 1 - u).mean()),
    "returned the sum": of_u(lambda u: (u.exp() - 1 - u).sum()),
    "no gradient reaches log_q": lambda a, b: k3_plain(a, b.detach()),
    "of your values are negative": of_u(lambda u: -u * 1.1),
}


@pytest.mark.parametrize("cause", ESTIMATOR_WRONG)
def test_estimator_names_the_cause(cause):
    assert said(check_estimator(ESTIMATOR_WRONG[cause]), cause)


@pytest.mark.parametrize("check", [check_kl, check_kl_to_prior, check_js, check_estimator])
def test_stubs_are_not_attempted_and_nonsense_is_reported(check):
    assert check(lambda a, b: ...).verdict == "Not attempted yet"
    assert said(check(lambda a: a), "cannot be called", "2 arguments")
    assert said(check(lambda a, b: 1 / 0), "ZeroDivisionError")
    assert said(check(torch.zeros(3)), "not a function")


# the bank: test_bank.py asks of every check

BANK = {
    check_kl: Answers(KL_RIGHT, KL_WRONG),
    check_kl_to_prior: Answers(PRIOR_RIGHT, PRIOR_WRONG),
    check_js: Answers(JS_RIGHT, JS_WRONG),
    check_estimator: Answers(ESTIMATOR_RIGHT, ESTIMATOR_WRONG),
}
