"""Answers that students might give and the banks of the chapters have not, right and wrong.

Each was tried against a check that was thought to be complete; some of them passed then, or were
refused, or were taken for another mistake.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.distributions import (
    Bernoulli,
    Categorical,
    Normal,
    kl_divergence,
)

from genlib import exercises as e
from tests.exercises.answers import (
    always_the_same,
    asking_of_x,
    by_density,
    by_distributions,
    copies,
    critic_loss,
    direction,
    drawing_codes,
    drawn,
    error,
    fixed_gamma,
    frechet,
    gan_round,
    in_inference_mode,
    in_place,
    judged,
    kl,
    kl_of_covariances,
    kl_to_prior,
    nll,
    normal,
    one_by_one,
    penalty,
    setting_items,
    shares,
    slopes,
    terms,
    three,
    tied,
    without_optimizer,
    z,
)
from tests.exercises.reports import said

RIGHT = [
    (e.check_tied_decoder, lambda y, encoder_weights, biases: tied(y, encoder_weights, biases)),
    (e.check_denoising_loss, one_by_one),
    (e.check_kl, lambda p, q: kl_divergence(Categorical(probs=p), Categorical(probs=q))),
    (e.check_kl, lambda p, q: (p * (p.log() - q.log())).nansum(-1)),
    (e.check_kl_to_prior, kl_of_covariances),
    (e.check_js, lambda p, q: 0.5 * (kl(p, (p + q) / 2) + kl(q, (p + q) / 2))),
    (e.check_estimator, lambda log_p, log_q: torch.expm1(log_q - log_p) + log_p - log_q),
    (e.check_reparameterize, lambda m, v, eps: torch.addcmul(m, (v / 2).exp(), eps)),
    (e.check_negative_elbo, by_distributions),
    (e.check_importance_weighted_bound, lambda p, q: torch.logcumsumexp(p - q, 0)[-1]
     - math.log(len(p))),
    (e.check_free_bits, lambda m, v, least: (F.relu(terms(m, v).mean(0) - least) + least).sum()),
    (e.check_discriminator_loss, lambda r, f: -Bernoulli(logits=r).log_prob(torch.ones_like(r))
     - Bernoulli(logits=f).log_prob(torch.zeros_like(f))),
    (e.check_round, gan_round(normal)),
    (e.check_lipschitz, lambda f, p: np.float64(slopes(f, p, lambda d: d))),
    (e.check_gradient_penalty, penalty),
    (e.check_critic_loss, lambda r, m, n, w: (m[:, None] - r + w * (n - 1).square()).mean()),
    (e.check_vae_gan_losses, by_density),
    (e.check_vae_gan_losses, lambda *a: torch.stack(three(*a))),
    (e.check_attribute, lambda mu, log_var, has, strength: mu + strength * torch.einsum(
        "n,k->nk", (~has).double(), direction(mu, has))),
    (e.check_frechet, lambda a, b: float(frechet(a, b, lambda m: torch.linalg.eigvals(m).sqrt()
                                                 .real.sum()))),
    (e.check_density_coverage, lambda *a: torch.stack(shares(*a))),
    (e.check_memoriser, lambda *a: np.bool_(copies(*a))),
]  # fmt: skip


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_a_right_answer_passes(check, answer):
    report = check(answer)
    assert report, str(report)


WRONG = [
    (e.check_tied_decoder, "no gradient reaches the code y",
     lambda y, *rest: tied(y.detach(), *rest)),
    (e.check_tied_decoder, "into the caller's code", in_place),
    (e.check_tied_decoder, "`weights[i] = …`", setting_items),
    (e.check_tied_decoder, "added after the ReLU", lambda *a: tied(*a, late=True)),
    (e.check_tied_decoder, "a leaky ReLU", lambda *a: tied(*a, inner=F.leaky_relu)),
    (e.check_tied_decoder, "nothing comes after it", lambda *a: tied(*a, last=torch.tanh)),
    (e.check_denoising_loss, "left in inference mode", in_inference_mode),
    (e.check_denoising_loss, "its own reconstruction",
     lambda m, x, s, g: error(m(m(x + s * drawn(x, g))), x)),
    (e.check_denoising_loss, "take no absolute value",
     lambda m, x, s, g: error(m(x + s * drawn(x, g).abs()), x)),
    (e.check_denoising_loss, "multiplied by the image",
     lambda m, x, s, g: error(m(x * (1 + s * drawn(x, g))), x)),
    (e.check_denoising_loss, "a second noisy image",
     lambda m, x, s, g: error(m(x + s * drawn(x, g)), x + s * drawn(x, g))),
    (e.check_kl, "wants log q", lambda p, q: F.kl_div(q, p, reduction="none").sum(-1)),
    (e.check_kl, "took a softmax", lambda p, q: kl(p.softmax(-1), q.softmax(-1))),
    (e.check_kl, "two entropies", lambda p, q: (p * p.log() - q * q.log()).sum(-1)),
    (e.check_kl_to_prior, "subtracted μ²",
     lambda m, v: -0.5 * (1 + v + m.square() - v.exp()).sum(1)),
    (e.check_kl_to_prior, "A standard deviation is positive",
     lambda m, v: kl_divergence(Normal(m, v), Normal(0.0, 1.0)).sum(1)),
    (e.check_js, "the entropies", lambda p, q: torch.special.entr((p + q) / 2).sum(-1)
     - torch.special.entr(p).sum(-1) - torch.special.entr(q).sum(-1)),
    (e.check_js, "the larger of the two",
     lambda p, q: torch.maximum(kl(p, (p + q) / 2), kl(q, (p + q) / 2))),
    (e.check_estimator, "repeated the mean of k1",
     lambda p, q: (p - q).mean().expand(len(p))),
    (e.check_estimator, "The 1 is added", lambda p, q: (q - p).exp() + 1 - (q - p)),
    (e.check_reparameterize, "No clamp", lambda m, v, eps: z(m, v.clamp(-20, 20), eps)),
    (e.check_reparameterize, "no ε added", lambda m, v, eps: m + (v.exp() + 1e-8).sqrt() * eps),
    (e.check_negative_elbo, "−log of a Gaussian density",
     lambda g, x, m, v: kl_to_prior(m, v) - Normal(g, 1.0).log_prob(x).flatten(1).sum(1)),
    (e.check_negative_elbo, "no factor ½", lambda g, x, m, v: (nll(g, x) + kl_to_prior(m, v)) / 2),
    (e.check_importance_weighted_bound, "not added after", lambda p, q: (
        (p - q - (p - q).amax(0)).exp().mean(0).log())),
    (e.check_free_bits, "the other way round",
     lambda m, v, c: terms(m, v).mean(1).clamp(min=c).sum()),
    (e.check_free_bits, "convert nothing",
     lambda m, v, c: terms(m, v).mean(0).clamp(min=c * math.log(2)).sum()),
    (e.check_discriminator_loss, "0.1 for generated",
     lambda r, f: judged(r, f) + 0.1 * r - 0.1 * f),
    (e.check_discriminator_loss, "you took σ(1 − l)",
     lambda r, f: -F.logsigmoid(r) - F.logsigmoid(1 - f)),
    (e.check_generator_loss, "exp(−l): −log σ(l)", lambda f: (-f).exp()),
    (e.check_discriminator_step, "`optimizer` made no step", without_optimizer),
    (e.check_minibatch_features, "its neighbour in the batch",
     lambda m: (-(m - m.roll(1, 0)).abs().sum(-1)).exp()),
    (e.check_minibatch_features, "another precision", lambda m: torch.einsum(
        "ijk,ij->ik", (-(m[:, None] - m).abs().sum(-1)).exp(), 1 - torch.eye(len(m)))),
    (e.check_round, "seeds `rng`, or a generator of its own", gan_round(always_the_same)),
    (e.check_round, "made 2 steps", gan_round(normal, d_steps=2)),
    (e.check_round, "first `backward`", gan_round(normal, cut=False)),
    (e.check_wasserstein, "the pairing of W₂", lambda x, y: min(
        ((x - y[list(p)]).norm(dim=1) for p in __import__("itertools").permutations(range(len(x)))),
        key=lambda d: float(d.square().sum())).mean()),
    (e.check_lipschitz, "or it is clamped", lambda f, p: slopes(f, p, lambda d: d.clamp(min=0.5))),
    (e.check_lipschitz, "or it is clamped", lambda f, p: slopes(f, p, lambda d: d + 1e-5)),
    (e.check_gradient_penalty, "use the ε given",
     lambda c, x, f, eps: penalty(c, x, f, torch.rand_like(eps))),
    (e.check_gradient_penalty, "asks for gradients now", asking_of_x),
    (e.check_gradient_penalty, "the slope between x and fake", lambda c, x, f, eps: (
        (c(x) - c(f)).abs() / (x - f).flatten(1).norm(dim=1) - 1).square()),
    (e.check_critic_loss, "λ is fixed at 10", lambda r, m, n, w: critic_loss(r, m, n, 10.0)),
    (e.check_critic_loss, "real scores are missing",
     lambda r, m, n, w: critic_loss(0 * r, m, n, w)),
    (e.check_critic_loss, "generated scores are missing",
     lambda r, m, n, w: critic_loss(r, 0 * m, n, w)),
    (e.check_critic_loss, "absolute value of the distance", lambda r, m, n, w: (
        (m - r).abs() + w * (n - 1).square()).mean()),
    (e.check_vae_gan_losses, "γ is fixed", fixed_gamma),
    (e.check_attribute, "draw no codes", drawing_codes),
    (e.check_attribute, "Keep the order", lambda m, v, has, s: torch.cat(
        [m[has], m[~has] + s * direction(m, has)])),
    (e.check_attribute, "served as numbers", lambda m, v, has, s: m + s * (~has)[:, None]
     * (m[has.long()].mean(0) - m[~has.long()].mean(0))),
    (e.check_frechet, "`eigvalsh` reads one half", lambda a, b: frechet(
        a, b, lambda m: torch.linalg.eigvalsh(m).clamp(min=0).sqrt().sum())),
    (e.check_frechet, "singular values", lambda a, b: frechet(
        a, b, lambda m: torch.linalg.svdvals(m).sqrt().sum())),
    (e.check_precision_recall, "k is fixed", lambda r, f, k: e.chapter7.precision_recall(r, f, 3)),
    (e.check_density_coverage, "includes its edge", lambda *a: shares(*a, inside=torch.lt)),
    (e.check_density_coverage, "percentages", lambda *a: [100 * v for v in shares(*a)]),
    (e.check_memoriser, "no of copies", lambda *a: not copies(*a)),
    (e.check_memoriser, "it returned float, no yes or no", lambda *a: 0.7),
]  # fmt: skip


@pytest.mark.parametrize(("check", "words", "answer"), WRONG)
def test_a_wrong_answer_is_caught_by_name(check, words, answer):
    assert said(check(answer), words)
