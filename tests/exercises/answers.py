"""Answers in the forms that students give them, with a switch for what may be wrong."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Independent, MultivariateNormal, Normal, kl_divergence

softplus = F.softplus


def error(r, x):
    return (r - x).square().flatten(1).sum(1)


def drawn(x, generator):
    return torch.randn(x.shape, generator=generator)


def tied(y, weights, biases, inner=torch.relu, last=lambda h: h, late=False):
    for i, (w, b) in enumerate(zip(reversed(weights), biases, strict=True)):
        y = y @ w + (0 if late else b)
        y = inner(y) if i + 1 < len(biases) else last(y)
        y = y + b if late else y
    return y


def in_place(y, weights, biases):
    return tied(y.relu_(), weights, biases)


def setting_items(y, weights, biases):
    for i, w in enumerate(weights):
        weights[i] = w.clone()
    return tied(y, weights, biases)


def one_by_one(model, x, std, generator):
    return torch.cat([error(model((a + std * drawn(a, generator))[None]), a[None]) for a in x])


def in_inference_mode(model, x, std, generator):
    return error(model.eval()(x + std * drawn(x, generator)), x)


def kl(p, q):
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum(-1)


def kl_to_prior(mu, log_var):
    return 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum(1)


def kl_of_covariances(mu, log_var):
    q = MultivariateNormal(mu, torch.diag_embed(log_var.exp()))
    p = MultivariateNormal(torch.zeros_like(mu), torch.eye(mu.shape[1], dtype=mu.dtype))
    return kl_divergence(q, p)


def z(mu, log_var, eps):
    return mu + (log_var / 2).exp() * eps


def nll(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)


def terms(mu, log_var):
    return 0.5 * (mu.square() + log_var.exp() - 1 - log_var)


def by_distributions(logits, x, mu, log_var):
    prior = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    q = Independent(Normal(mu, (log_var / 2).exp()), 1)
    return kl_divergence(q, prior) - Independent(Bernoulli(logits=logits), 3).log_prob(x)


def judged(real, fake):
    return softplus(-real) + softplus(fake)


def without_optimizer(generator, discriminator, optimizer, x, noise):
    loss = judged(discriminator(x), discriminator(generator(noise).detach())).mean()
    parameters = list(discriminator.parameters())
    rate = optimizer.param_groups[0]["lr"]
    for p, g in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        p.data -= rate * g
    return loss.detach()


def gan_round(law, d_steps=1, cut=True):
    def play(generator, discriminator, g_optimizer, d_optimizer, x, rng):
        fake = generator(law(len(x), generator.latent, rng))
        for _ in range(d_steps):
            d_optimizer.zero_grad()
            judged(
                discriminator(x), discriminator(fake.detach() if cut else fake)
            ).mean().backward()
            d_optimizer.step()
        g_optimizer.zero_grad()
        softplus(-discriminator(fake)).mean().backward()
        g_optimizer.step()
        with torch.no_grad():
            return generator(law(len(x), generator.latent, rng))

    return play


def normal(n, latent, rng):
    return torch.randn(n, latent, generator=rng)


def always_the_same(n, latent, rng):
    return torch.randn(n, latent, generator=torch.Generator().manual_seed(0))


def slopes(f, points, away):
    scores = f(points)
    rise, apart = (scores[:, None] - scores).abs(), torch.cdist(points, points) > 0
    return (rise / away(torch.cdist(points, points)))[apart].max()


def penalty(critic, x, fake, eps, at=None):
    eps = eps[:, None, None, None]
    x_hat = (eps * x + (1 - eps) * fake if at is None else at(eps, x, fake)).requires_grad_()
    (slope,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square()


def asking_of_x(critic, x, fake, eps):
    x.requires_grad_()
    return penalty(critic, x, fake, eps, at=lambda e, x, f: (e * x + (1 - e) * f).detach())


def critic_loss(real, made, norms, weight):
    return (made - real + weight * (norms - 1).square()).mean()


def three(mu, log_var, features, rebuilt_features, real, rebuilt, sampled, gamma):
    likeness = (features - rebuilt_features).square().sum(1) / 2
    return (
        kl_to_prior(mu, log_var) + likeness,
        gamma * likeness + softplus(-rebuilt) + softplus(-sampled),
        softplus(-real) + softplus(rebuilt) + softplus(sampled),
    )


def by_density(*inputs):
    """The encoder's loss with Gaussian densities, whose constant is taken off again."""
    mu, log_var, features, rebuilt_features = inputs[:4]
    log_p = Normal(rebuilt_features, 1.0).log_prob(features).sum(1)
    constant = features.shape[1] * 0.5 * math.log(2 * math.pi)
    return (kl_to_prior(mu, log_var) - log_p - constant, *three(*inputs)[1:])


def fixed_gamma(*inputs):
    return three(*inputs[:-1], 0.3)


def direction(mu, has):
    return mu[has].mean(0) - mu[~has].mean(0)


def drawing_codes(mu, log_var, has, strength):
    codes = mu + (log_var / 2).exp() * torch.randn_like(mu)
    return codes + strength * (~has)[:, None] * direction(codes, has)


def frechet(a, b, overlap):
    A, B = torch.cov(a.T), torch.cov(b.T)
    return (a.mean(0) - b.mean(0)).square().sum() + A.trace() + B.trace() - 2 * overlap(A @ B)


def shares(real, fake, k, inside=torch.le):
    radius = torch.cdist(real, real).fill_diagonal_(torch.inf).kthvalue(k).values
    found = inside(torch.cdist(real, fake), radius[:, None])
    return found.double().sum(0).mean() / k, found.any(1).double().mean()


def copies(samples, train, held_out):
    to_train, to_held = (torch.cdist(samples, v).amin(1) for v in (train, held_out))
    nearest = torch.minimum(to_train, to_held).argsort()[: len(samples) // 10]
    share, chance = (to_train < to_held)[nearest].double().mean().item(), len(train)
    chance /= len(train) + len(held_out)
    return share > chance + 3 * math.sqrt(chance * (1 - chance) / len(nearest))
