"""Each check of chapter 6, on right answers in several spellings and on wrong ones by name."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from genlib import divergences, latent, losses
from genlib.exercises import (
    check_attribute,
    check_routing,
    check_vae_gan_losses,
    mistakes6,
    step6,
)
from tests.exercises.reports import Answers, said

CHECKS = {check_vae_gan_losses: 8, check_routing: 8, check_attribute: 4}


@pytest.mark.parametrize("check", CHECKS)
def test_no_check_ever_raises(check):
    assert not check(lambda *_: ...).attempted
    assert said(check(lambda *_: None), "lack `return`")
    assert said(check(lambda *_: 1 / 0), "ZeroDivisionError")
    assert said(check(lambda: 0), "cannot be called", f"{CHECKS[check]} arguments")
    assert said(check(3), "not a function")
    assert said(check(lambda *_: torch.zeros(())), "")
    assert said(check(lambda *_: (torch.zeros(()), "x", None)), "")


# 6.1 three losses


def three(
    prior=lambda mu, log_var: 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1),
    likeness=lambda f, r: 0.5 * ((f - r) ** 2).sum(1),
    encoder=lambda kl, like, gamma: kl + like,
    fooling=lambda rebuilt, sampled: F.softplus(-rebuilt) + F.softplus(-sampled),
    judging=lambda real, a, b: F.softplus(-real) + F.softplus(a) + F.softplus(b),
    decoder=lambda like, fool, gamma: gamma * like + fool,
):
    """The three losses, with something else in one place."""

    def fn(mu, log_var, features, rebuilt_features, real, rebuilt, sampled, gamma):
        kl, like = prior(mu, log_var), likeness(features, rebuilt_features)
        fool = fooling(rebuilt, sampled)
        return encoder(kl, like, gamma), decoder(like, fool, gamma), judging(real, rebuilt, sampled)

    return fn


def by_library(mu, log_var, features, rebuilt_features, real, rebuilt, sampled, gamma):
    like = 0.5 * losses.squared_error(rebuilt_features, features)
    fooling = losses.generator_loss(rebuilt) + losses.generator_loss(sampled)
    judging = losses.discriminator_loss(real, rebuilt) + F.softplus(sampled)
    return [divergences.kl_to_standard_normal(mu, log_var) + like, gamma * like + fooling, judging]


def by_torch(mu, log_var, features, rebuilt_features, real, rebuilt, sampled, gamma):
    q = torch.distributions.Normal(mu, (0.5 * log_var).exp())
    p = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    kl = torch.distributions.kl_divergence(q, p).sum(1)
    like = 0.5 * F.mse_loss(rebuilt_features, features.detach(), reduction="none").sum(1)

    def entropy(logits, label):
        target = torch.full_like(logits, label)
        return F.binary_cross_entropy_with_logits(logits, target, reduction="none")

    return (
        kl + like,
        gamma * like + entropy(rebuilt, 1.0) + entropy(sampled, 1.0),
        entropy(real, 1.0) + entropy(rebuilt, 0.0) + entropy(sampled, 0.0),
    )


LOSSES_RIGHT = [three(), by_library, by_torch]


@pytest.mark.parametrize("fn", LOSSES_RIGHT)
def test_losses_right(fn):
    report = check_vae_gan_losses(fn)
    assert report, str(report)


def naive(*inputs):
    return three(
        fooling=lambda a, b: -a.sigmoid().log() - b.sigmoid().log(),
        judging=lambda r, a, b: (
            -r.sigmoid().log() - (1 - a.sigmoid()).log() - (1 - b.sigmoid()).log()
        ),
    )(*inputs)


LOSSES_WRONG = {
    "γ weighs likeness in the decoder's loss alone": three(encoder=lambda kl, m, g: kl + g * m),
    "γ is missing": three(decoder=lambda m, f, g: m + f),
    "KL term is averaged over the K": three(
        prior=lambda m, v: 0.5 * (m**2 + v.exp() - 1 - v).mean(1)
    ),
    "Likeness is averaged over the features: sum it, as": three(
        likeness=lambda f, r: 0.5 * ((f - r) ** 2).mean(1)
    ),
    "The prior sample is missing: both": three(
        judging=lambda r, a, b: F.softplus(-r) + F.softplus(a)
    ),
    "The reconstruction is missing: both": three(
        judging=lambda r, a, b: F.softplus(-r) + F.softplus(b)
    ),
    "The prior sample is missing: the decoder": three(fooling=lambda a, b: F.softplus(-a)),
    "the saturating loss": three(fooling=lambda a, b: -F.softplus(a) - F.softplus(b)),
    "The sign of likeness is wrong": three(decoder=lambda m, f, g: f - g * m),
    "that is the bound": three(encoder=lambda kl, m, g: -kl - m),
    "γ weighs the whole loss": three(decoder=lambda m, f, g: g * (m + f)),
    "The factor ½ of likeness": three(likeness=lambda f, r: ((f - r) ** 2).sum(1)),
    "averaged over the batch": lambda *a: tuple(v.mean() for v in three()(*a)),
    "in the order encoder, decoder": lambda *a: three()(*a)[::-1],
    "Return 3 values": lambda *a: sum(three()(*a)),
    "it returned 2 values": lambda *a: three()(*a)[:2],
    "no gradient of the encoder's loss reaches rebuilt_features": three(
        encoder=lambda kl, m, g: kl + m.detach()
    ),
    "no gradient of the decoder's loss reaches rebuilt_features": three(
        decoder=lambda m, f, g: g * m.detach() + f
    ),
    "no gradient of the decoder's loss reaches sampled": three(
        fooling=lambda a, b: F.softplus(-a) + F.softplus(-b.detach())
    ),
    "In single precision": naive,
    "it changed the tensors": lambda *a: three()(a[0].mul_(2), *a[1:]),
}


@pytest.mark.parametrize("cause", LOSSES_WRONG)
def test_losses_name_the_cause(cause):
    assert said(check_vae_gan_losses(LOSSES_WRONG[cause]), cause)


# 6.2 routing


def passed(E, G, D, x, eps, z_prior, gamma):
    """The three mean losses of one pass."""
    s = step6.Networks(E, G, D).look(x, eps, z_prior)
    return [loss(s, gamma).mean() for loss in step6.LOSSES]


def assigned(E, G, D, optimizers, x, eps, z_prior, gamma):
    found = passed(E, G, D, x, eps, z_prior, gamma)
    for model, loss in zip((E, G, D), found, strict=True):
        weights = list(model.parameters())
        for p, g in zip(weights, torch.autograd.grad(loss, weights, retain_graph=True),
                        strict=True):  # fmt: skip
            p.grad = g
    for optimizer in optimizers:
        optimizer.step()
    return torch.stack(found).detach()


def with_inputs(E, G, D, optimizers, x, eps, z_prior, gamma):
    """One network after the other, in the only order that works."""
    found = passed(E, G, D, x, eps, z_prior, gamma)
    for model, loss, optimizer in zip((E, G, D), found, optimizers, strict=True):
        optimizer.zero_grad()
        loss.backward(inputs=list(model.parameters()), retain_graph=True)
        optimizer.step()
    return torch.stack(found)


def cleared_in_between(E, G, D, optimizers, x, eps, z_prior, gamma):
    """Plain backward, each network's gradients put aside before the next."""
    found = passed(E, G, D, x, eps, z_prior, gamma)
    kept = []
    for model, loss in zip((E, G, D), found, strict=True):
        for other in (E, G, D):
            other.zero_grad()
        loss.backward(retain_graph=True)
        kept.append([p.grad.clone() for p in model.parameters()])
    for model, grads, optimizer in zip((E, G, D), kept, optimizers, strict=True):
        for p, g in zip(model.parameters(), grads, strict=True):
            p.grad = g
        optimizer.step()
    return torch.stack(found)


def three_passes(E, G, D, optimizers, x, eps, z_prior, gamma):
    """A pass for each network with the others' images detached; no step before the last pass."""
    for optimizer in optimizers:
        optimizer.zero_grad()
    found = []
    for i, model in enumerate((E, G, D)):
        found.append(passed(E, G, D, x, eps, z_prior, gamma)[i])
        for p, g in zip(model.parameters(),
                        torch.autograd.grad(found[-1], list(model.parameters())),
                        strict=True):  # fmt: skip
            p.grad = g
    for optimizer in optimizers:
        optimizer.step()
    return torch.stack([v.detach() for v in found])


RIGHT_STEPS = [assigned, with_inputs, cleared_in_between, three_passes]


@pytest.mark.parametrize("fn", RIGHT_STEPS)
def test_routing_right(fn):
    report = check_routing(fn)
    assert report, str(report)


def all_at_once(E, G, D, optimizers, x, eps, z_prior, gamma):
    found = torch.stack(passed(E, G, D, x, eps, z_prior, gamma))
    for optimizer in optimizers:
        optimizer.zero_grad()
    found.sum().backward()
    for optimizer in optimizers:
        optimizer.step()
    return found.detach()


def never_cleared(E, G, D, optimizers, x, eps, z_prior, gamma):
    found = passed(E, G, D, x, eps, z_prior, gamma)
    for model, loss in zip((E, G, D), found, strict=True):
        loss.backward(inputs=list(model.parameters()), retain_graph=True)
    for optimizer in optimizers:
        optimizer.step()
    return torch.stack(found)


def backwards(order, clear=True):
    """Plain backward of the losses in this order, each network cleared before its own or not."""

    def fn(E, G, D, optimizers, x, eps, z_prior, gamma):
        found = passed(E, G, D, x, eps, z_prior, gamma)
        for optimizer in optimizers:
            optimizer.zero_grad()
        for i in order:
            if clear:
                optimizers[i].zero_grad()
            found[i].backward(retain_graph=True)
        for optimizer in optimizers:
            optimizer.step()
        return torch.stack(found)

    return fn


def one_by_one(order):
    """A new pass for each network, after the ones before it have moved."""

    def fn(E, G, D, optimizers, x, eps, z_prior, gamma):
        kept = passed(E, G, D, x, eps, z_prior, gamma)
        for i in order:
            loss = passed(E, G, D, x, eps, z_prior, gamma)[i]
            optimizers[i].zero_grad()
            loss.backward(inputs=list((E, G, D)[i].parameters()))
            optimizers[i].step()
        return torch.stack(kept)

    return fn


def moved_too_early(E, G, D, optimizers, x, eps, z_prior, gamma):
    found = passed(E, G, D, x, eps, z_prior, gamma)
    for i in (2, 1, 0):
        optimizers[i].zero_grad()
        found[i].backward(inputs=list((E, G, D)[i].parameters()), retain_graph=True)
        optimizers[i].step()
    return torch.stack(found)


def with_losses(change, only=None):
    """A right step on losses that `change(s, losses)` has altered, or with one optimiser left."""

    def fn(E, G, D, optimizers, x, eps, z_prior, gamma):
        s = step6.Networks(E, G, D).look(x, eps, z_prior)
        right = [loss(s, gamma) for loss in step6.LOSSES]
        for model, loss in zip((E, G, D), change(s, right), strict=True):
            weights = list(model.parameters())
            grads = torch.autograd.grad(
                loss.mean(), weights, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            for p, g in zip(weights, grads, strict=True):
                p.grad = g
        for i, optimizer in enumerate(optimizers):
            if only is None or i in only:
                optimizer.step()
        return torch.stack([v.mean() for v in right]).detach()

    return fn


def swap(i, loss):
    """The three losses with the i-th made anew from what was seen and from all three."""
    return lambda s, right: [loss(s, right) if j == i else v for j, v in enumerate(right)]


ROUTING_WRONG = {
    "All three losses move your encoder": all_at_once,
    "was added to this one: clear": never_cleared,
    "The decoder's loss moves your encoder too": backwards((0, 1), clear=False),
    "The encoder's loss moves your decoder too": with_losses(swap(1, lambda s, v: v[0] + v[1])),
    "The losses of both": with_losses(swap(2, lambda s, v: v[0] + v[1])),
    "The decoder's loss moves your discriminator too": with_losses(
        swap(2, lambda s, v: v[1] + v[2])
    ),
    "The encoder's loss moves your decoder too: its": backwards((2, 1, 0)),
    "Likeness moves your discriminator": with_losses(
        swap(2, lambda s, v: v[2] + mistakes6.likeness(s))
    ),
    "Your encoder gets the GAN loss on": with_losses(
        swap(0, lambda s, v: v[0] + F.softplus(-s.rebuilt))
    ),
    "No gradient of likeness reaches your encoder": with_losses(
        swap(0, lambda s, v: mistakes6.kl(s))
    ),
    "No gradient of likeness reaches your decoder": with_losses(
        swap(1, lambda s, v: F.softplus(-s.rebuilt) + F.softplus(-s.sampled))
    ),
    "γ is missing in your decoder": with_losses(
        swap(1, lambda s, v: v[1] + 0.7 * mistakes6.likeness(s))
    ),
    "The prior samples are missing": with_losses(
        swap(2, lambda s, v: F.softplus(-s.real) + F.softplus(s.rebuilt))
    ),
    "Your decoder is moved by the encoder's": with_losses(swap(1, lambda s, v: v[0])),
    "The discriminator did not move": with_losses(lambda s, v: v, only=(0, 1)),
    "your decoder was taken after the encoder had moved": one_by_one((0, 1, 2)),
    "your encoder was taken after the decoder and discriminator": one_by_one((2, 1, 0)),
    "Take all three gradients first": moved_too_early,
    "summed over the batch": with_losses(lambda s, v: [len(s.mu) * u for u in v]),
    "the three mean losses as one tensor": lambda *a: assigned(*a).sum(),
}


@pytest.mark.parametrize("cause", ROUTING_WRONG)
def test_routing_names_the_cause(cause):
    assert said(check_routing(ROUTING_WRONG[cause]), cause)


def test_losses_after_the_step_are_told():
    def late(*a):
        assigned(*a)
        E, G, D, _, *batch = a
        return torch.stack(passed(E, G, D, *batch))

    assert said(check_routing(late), "losses after the step")


def test_frozen_weights_are_told():
    def frozen(*a):
        value = assigned(*a)
        a[2].requires_grad_(False)
        return value

    assert said(check_routing(frozen), "discriminator ask for no gradients")


def test_a_graph_that_is_gone_is_told():
    def fn(E, G, D, optimizers, x, eps, z_prior, gamma):
        for model, loss in zip((E, G, D), passed(E, G, D, x, eps, z_prior, gamma), strict=True):
            loss.backward(inputs=list(model.parameters()))
        return torch.zeros(3)

    assert said(check_routing(fn), "retain_graph=True")


# 6.3 latent arithmetic


def added(vector=None, where=None, by_strength=True):
    def fn(mu, log_var, has, strength):
        v = mu[has].mean(0) - mu[~has].mean(0) if vector is None else vector(mu, log_var, has)
        codes = mu.clone()
        chosen = ~has if where is None else where(has)
        codes[chosen] += (strength if by_strength else 1) * v
        return codes

    return fn


def by_library_direction(mu, log_var, has, strength):
    return mu + strength * (~has)[:, None] * latent.class_direction(mu, has)


ARITHMETIC_RIGHT = [added(), by_library_direction, mistakes6.add_attribute]


@pytest.mark.parametrize("fn", ARITHMETIC_RIGHT)
def test_arithmetic_right(fn):
    report = check_attribute(fn)
    assert report, str(report)


ATTRIBUTE_WRONG = {
    "The sign is wrong": added(lambda m, v, h: m[~h].mean(0) - m[h].mean(0)),
    "added the vector to all images": added(where=lambda h: h | True),
    "those that lack it are to get it": added(where=lambda h: h),
    "difference of sums": added(lambda m, v, h: m[h].sum(0) - m[~h].sum(0)),
    "normalised": added(lambda m, v, h: F.normalize(m[h].mean(0) - m[~h].mean(0), dim=0)),
    "medians": added(lambda m, v, h: m[h].median(0).values - m[~h].median(0).values),
    "all that faces share": added(lambda m, v, h: m[h].mean(0)),
    "the mean of all images": added(lambda m, v, h: m[h].mean(0) - m.mean(0)),
    "`log_var` says how unsure": added(lambda m, v, h: v[h].mean(0) - v[~h].mean(0)),
    "`strength` is not used": added(by_strength=False),
    "divided by the number of all": added(lambda m, v, h: (m * (2 * h[:, None] - 1.0)).mean(0)),
    "average over images": added(lambda m, v, h: m[h].mean() - m[~h].mean()),
    "that is the attribute vector": lambda m, v, h, s: m[h].mean(0) - m[~h].mean(0),
    "got the mean code of those": lambda m, v, h, s: torch.where(h[:, None], m, m[h].mean(0)),
    "it changed the tensors": lambda m, v, h, s: m.add_(s * (m[h].mean(0) - m[~h].mean(0))),
    "Return all N codes": lambda m, v, h, s: added()(m, v, h, s)[~h],
}


@pytest.mark.parametrize("cause", ATTRIBUTE_WRONG)
def test_attribute_names_the_cause(cause):
    assert said(check_attribute(ATTRIBUTE_WRONG[cause]), cause)


# all

SEEN = mistakes6.Seen(*(torch.rand(s) for s in ((4, 2), (4, 2), (4, 3), (4, 3), (4,), (4,), (4,))))
LOSS_BANKS = (
    mistakes6.wrong_encoder_losses,
    mistakes6.wrong_decoder_losses,
    mistakes6.wrong_discriminator_losses,
)
KNOWN = [
    pytest.param(place, i, id=f"{place}-{i}")
    for place, bank in enumerate(LOSS_BANKS)
    for i in range(len(bank(SEEN, 0.5)))
]


@pytest.mark.parametrize(("place", "i"), KNOWN)
def test_no_known_loss_passes_for_another(place, i):
    asked = []

    def student(*inputs):
        *seen, gamma = inputs
        values = list(three()(*inputs))
        asked.append(LOSS_BANKS[place](mistakes6.Seen(*seen), gamma)[i])
        values[place] = asked[-1][1]
        return values

    # A loss in the place of another is told by its place first.
    others = "Return the losses in the order"
    report = check_vae_gan_losses(student)
    assert said(report, asked[0][0]) or said(report, others)


ARITHMETIC = mistakes6.wrong_arithmetic(
    torch.rand(4, 2), torch.rand(4, 2), torch.tensor([True, True, False, False]), 1.0
)


@pytest.mark.parametrize("i", range(len(ARITHMETIC)))
def test_no_known_arithmetic_passes_for_another(i):
    asked = []

    def student(*inputs):
        asked.append(mistakes6.wrong_arithmetic(*inputs)[i])
        return asked[-1][1]

    assert said(check_attribute(student), asked[0][0])


def test_the_library_agrees_with_what_answers_are_held_against():
    seen = mistakes6.Seen(*(v.double() for v in SEEN))
    for mine, theirs in zip(
        (f(seen, 0.3) for f in step6.LOSSES), by_library(*seen, 0.3), strict=True
    ):
        torch.testing.assert_close(mine, theirs)
    has = torch.tensor([True, False, False, True])
    torch.testing.assert_close(
        mistakes6.add_attribute(seen.mu, seen.log_var, has, 1.0)[~has] - seen.mu[~has],
        latent.class_direction(seen.mu, has).expand(2, 2),
    )


# the bank: test_bank.py asks of every check

BANK = {
    check_vae_gan_losses: Answers(LOSSES_RIGHT, LOSSES_WRONG),
    check_routing: Answers(RIGHT_STEPS, ROUTING_WRONG),
    check_attribute: Answers(ARITHMETIC_RIGHT, ATTRIBUTE_WRONG),
}
