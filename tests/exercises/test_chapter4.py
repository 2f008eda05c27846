"""Each check of chapter 4, on right answers in several spellings and on wrong ones by name."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from genlib import losses
from genlib.exercises import (
    check_discriminator_loss,
    check_discriminator_step,
    check_generator_loss,
    check_minibatch_features,
    check_round,
    mistakes4,
)
from genlib.models.diversity import MinibatchDiscrimination
from tests.exercises.reports import Answers, said

cross_entropy = F.binary_cross_entropy_with_logits


def bce(logits, label, reduction="none"):
    return cross_entropy(logits, torch.full_like(logits, label), reduction=reduction)


def plain_entropy(logits, label):
    labels = torch.full_like(logits, label)
    return F.binary_cross_entropy(logits.sigmoid(), labels, reduction="none")


# 4.1 the discriminator's loss


def judge_softplus(real_logits, fake_logits):
    return F.softplus(-real_logits) + F.softplus(fake_logits)


def judge_cross_entropy(real_logits, fake_logits):
    return bce(real_logits, 1.0) + bce(fake_logits, 0.0)


def judge_log_sigmoid(real_logits, fake_logits):
    return -(F.logsigmoid(real_logits) + F.logsigmoid(-fake_logits))


def judge_log_sum_exp(real_logits, fake_logits):
    zero = torch.zeros_like(real_logits)
    return torch.logaddexp(zero, -real_logits) + torch.logaddexp(zero, fake_logits)


def judge_by_hand(real_logits, fake_logits):
    def minus_log_sigmoid(logits):
        return (-logits).clamp(min=0) + torch.log1p(torch.exp(-logits.abs()))

    return minus_log_sigmoid(real_logits) + minus_log_sigmoid(-fake_logits)


def judge_two_classes(real_logits, fake_logits):
    logits = torch.cat([real_logits, fake_logits])
    classes = torch.stack([logits, torch.zeros_like(logits)], 1)  # [2B, 2]: real, generated
    labels = torch.arange(2).repeat_interleave(len(real_logits))
    return F.cross_entropy(classes, labels, reduction="none").unflatten(0, (2, -1)).sum(0)


JUDGE_RIGHT = [
    judge_softplus,
    judge_cross_entropy,
    judge_log_sigmoid,
    judge_log_sum_exp,
    judge_by_hand,
    judge_two_classes,
    losses.discriminator_loss,
]


@pytest.mark.parametrize("fn", JUDGE_RIGHT)
def test_judge_right(fn):
    report = check_discriminator_loss(fn)
    assert report, str(report)


def where_overflows(real_logits, fake_logits):
    def softplus(logits):
        return torch.where(logits > 0, logits + (-logits).exp().log1p(), logits.exp().log1p())

    return softplus(-real_logits) + softplus(fake_logits)


def of_beliefs(formula):
    return lambda real, fake: formula(real.sigmoid(), fake.sigmoid())


JUDGE_WRONG = {
    "labels are swapped, or the two arguments are": lambda r, f: judge_softplus(f, r),
    "swapped": lambda r, f: bce(r, 0.0) + bce(f, 1.0),
    "Generated images have label 1": lambda r, f: bce(r, 1.0) + bce(f, 1.0),
    "Real images have label 0": lambda r, f: bce(r, 0.0) + bce(f, 0.0),
    "which a discriminator raises": lambda r, f: F.logsigmoid(r) + F.logsigmoid(-f),
    "sign of the generated": lambda r, f: F.softplus(-r) - F.softplus(f),
    "sign of the real": lambda r, f: F.softplus(f) - F.softplus(-r),
    "term of the generated images is missing": lambda r, f: F.softplus(-r),
    "term of the real images is missing": lambda r, f: F.softplus(f),
    "half of it": lambda r, f: 0.5 * judge_softplus(r, f),
    "That is the generator's loss": lambda r, f: F.softplus(-f),
    "generator's part of the game": lambda r, f: F.logsigmoid(-f),
    "sigmoid is taken twice": of_beliefs(judge_cross_entropy),
    "in the term of the real": lambda r, f: judge_cross_entropy(r.sigmoid(), f),
    "in the term of the generated": lambda r, f: judge_cross_entropy(r, f.sigmoid()),
    "logarithm is missing: that is a sum": of_beliefs(lambda r, f: 1 - r + f),
    "logarithm is missing: that is a difference": of_beliefs(lambda r, f: f - r),
    "least-squares": losses.least_squares_discriminator_loss,
    "squared error of the logits": lambda r, f: (r - 1) ** 2 + f**2,
    "squared error of the probabilities": of_beliefs(lambda r, f: (r - 1) ** 2 + f**2),
    "hinge": losses.hinge_discriminator_loss,
    "critic's loss": lambda r, f: f - r,
    "in bits": lambda r, f: judge_softplus(r, f) / math.log(2),
    "difference of the logits: each": lambda r, f: F.softplus(f - r),
    "no smoothing here": lambda r, f: losses.discriminator_loss(r, f, smoothing=0.1),
    "multiplied the two": lambda r, f: F.softplus(-r) * F.softplus(f),
    "both are judged right": of_beliefs(lambda r, f: r * (1 - f)),
    "mean over the batch": lambda r, f: judge_softplus(r, f).mean(),
    "sum over the batch": lambda r, f: judge_softplus(r, f).sum(),
    "real and generated images together": lambda r, f: cross_entropy(
        torch.cat([r, f]), torch.cat([torch.ones_like(r), torch.zeros_like(f)])
    ),
    "averaged the real images' term": lambda r, f: bce(r, 1.0, "mean") + bce(f, 0.0),
    "averaged the generated images' term": lambda r, f: bce(r, 1.0) + bce(f, 0.0, "mean"),
    "one after the other": lambda r, f: torch.cat([F.softplus(-r), F.softplus(f)]),
    "beside each other": lambda r, f: torch.stack([F.softplus(-r), F.softplus(f)]),
    "broadcasting made [B, B]": lambda r, f: judge_softplus(r[:, None], f),
    "last axis of length 1": lambda r, f: judge_softplus(r, f)[:, None],
    "takes probabilities": lambda r, f: F.binary_cross_entropy(r, torch.ones_like(r)) + f,
    "A logit is no probability": lambda r, f: -(r.log() + (1 - f).log()),
    "use `softplus`": of_beliefs(lambda r, f: -(r.log() + (1 - f).log())),
    "no ε gives back": of_beliefs(lambda r, f: -((r + 1e-8).log() + (1 - f + 1e-8).log())),
    "for logits of ±300": lambda r, f: plain_entropy(r, 1.0) + plain_entropy(f, 0.0),
    "exp(300) is infinite": lambda r, f: (1 + (-r).exp()).log() + (1 + f.exp()).log(),
    "±300, your loss": lambda r, f: judge_softplus(r.clamp(-80, 80), f.clamp(-80, 80)),
    "0 · ∞": where_overflows,
    "gradient with respect to real_logits of ±300": where_overflows,
    "no gradient reaches real_logits": lambda r, f: judge_softplus(r.detach(), f),
    "no gradient reaches fake_logits": lambda r, f: judge_softplus(r, f.data),
    "counted twice": lambda r, f: judge_softplus(r, f) + f - f.detach(),
    "it changed the tensors": lambda r, f: judge_softplus(r, f.mul_(2)),
    "numpy carries no gradients": lambda r, f: np.log1p(np.exp(-r.numpy())),
    "chooses for each number": lambda r, f: f if r > 0 else r,
}  # fmt: skip


@pytest.mark.parametrize("cause", JUDGE_WRONG)
def test_judge_names_the_cause(cause):
    assert said(check_discriminator_loss(JUDGE_WRONG[cause]), cause)


# 4.1 the generator's loss


PERSUADE_RIGHT = [
    lambda fake_logits: F.softplus(-fake_logits),
    lambda fake_logits: bce(fake_logits, 1.0),
    lambda fake_logits: -F.logsigmoid(fake_logits),
    lambda fake_logits: F.softplus(fake_logits) - fake_logits,
    losses.generator_loss,
]


@pytest.mark.parametrize("fn", PERSUADE_RIGHT)
def test_persuade_right(fn):
    report = check_generator_loss(fn)
    assert report, str(report)


PERSUADE_WRONG = {
    "saturating loss": losses.saturating_generator_loss,
    "the discriminator's term": lambda f: bce(f, 0.0),
    "that is log σ(l), and a generator": F.logsigmoid,
    "sigmoid is taken twice": lambda f: bce(f.sigmoid(), 1.0),
    "that is −σ(l)": lambda f: -f.sigmoid(),
    "that is 1 − σ(l)": lambda f: 1 - f.sigmoid(),
    "the discriminator's belief": torch.sigmoid,
    "hinge game": losses.hinge_generator_loss,
    "the logit itself": lambda f: 1.0 * f,
    "least-squares": losses.least_squares_generator_loss,
    "squared error of the logit": lambda f: (f - 1) ** 2,
    "squared error of the probability": lambda f: (f.sigmoid() - 1) ** 2,
    "the discriminator's hinge": lambda f: F.relu(1 - f),
    "in bits": lambda f: F.softplus(-f) / math.log(2),
    "half of it": lambda f: F.softplus(-f) / 2,
    "smoothing is for the discriminator": lambda f: bce(f, 0.9),
    "added the discriminator's term": lambda f: bce(f, 1.0) + bce(f, 0.0),
    "take the logarithm": lambda f: 1 / f.sigmoid(),
    "mean over the batch: return": lambda f: bce(f, 1.0, "mean"),
    "sum over the batch": lambda f: bce(f, 1.0, "sum"),
    "of the saturating loss": lambda f: F.logsigmoid(-f).mean(),
    "last axis of length 1": lambda f: F.softplus(-f)[:, None],
    "use `softplus`": lambda f: -f.sigmoid().log(),
    "for logits of ±300": lambda f: plain_entropy(f, 1.0),
    "exp(300) is infinite": lambda f: (1 + (-f).exp()).log(),
    "0 · ∞": lambda f: torch.where(f < 0, f.exp().log1p() - f, (-f).exp().log1p()),
    "no gradient reaches fake_logits": lambda f: F.softplus(-f.detach()),
    "gradient with respect to fake_logits is wrong": lambda f: (
        F.softplus(-f).detach() + F.logsigmoid(-f) - F.logsigmoid(-f).detach()
    ),
    "take single numbers": lambda f: math.log1p(math.exp(-f)),
    "it changed the tensors": lambda f: F.softplus(f.neg_()),
}


@pytest.mark.parametrize("cause", PERSUADE_WRONG)
def test_persuade_names_the_cause(cause):
    assert said(check_generator_loss(PERSUADE_WRONG[cause]), cause)


# 4.2 a discriminator's step


def step_detach(generator, discriminator, optimizer, x, z):
    fake = generator(z).detach()
    loss = judge_softplus(discriminator(x), discriminator(fake)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def step_no_grad(generator, discriminator, optimizer, x, z):
    optimizer.zero_grad(set_to_none=False)
    with torch.no_grad():
        fake = generator(z)
    real_loss = bce(discriminator(x), 1.0, "mean")
    real_loss.backward()
    fake_loss = bce(discriminator(fake), 0.0, "mean")
    fake_loss.backward()  # two backwards add up
    optimizer.step()
    return (real_loss + fake_loss).item()


def step_grad(generator, discriminator, optimizer, x, z):
    weights = list(discriminator.parameters())
    logits = discriminator(torch.cat([x, generator(z)]))
    loss = judge_log_sigmoid(*logits.chunk(2)).mean()
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = gradient
    optimizer.step()
    return loss.detach()


def step_inputs(generator, discriminator, optimizer, x, z):
    discriminator.zero_grad()
    loss = judge_softplus(discriminator(x), discriminator(generator(z))).mean()
    loss.backward(inputs=list(discriminator.parameters()))
    optimizer.step()
    return loss.item()


def step_frozen(generator, discriminator, optimizer, x, z):
    generator.requires_grad_(False)
    loss = judge_softplus(discriminator(x), discriminator(generator(z))).mean()
    generator.requires_grad_(True)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach().reshape(1)


def step_closure(generator, discriminator, optimizer, x, z):
    fake = generator(z).detach()

    def closure():
        optimizer.zero_grad()
        loss = judge_softplus(discriminator(x), discriminator(fake)).mean()
        loss.backward()
        return loss

    return optimizer.step(closure)


STEP_RIGHT = [step_detach, step_no_grad, step_grad, step_inputs, step_frozen, step_closure]


@pytest.mark.parametrize("fn", STEP_RIGHT)
def test_step_right(fn):
    report = check_discriminator_step(fn)
    assert report, str(report)
    assert "running averages" in str(report)


def step(loss=lambda real, fake: judge_softplus(real, fake).mean(), *, fake=None, order="zbs",
         told=lambda loss: loss, real=lambda x, fake: x, after=lambda *a: None):  # fmt: skip
    """A step with one thing changed; `order` is of zero_grad, backward, step."""

    def fn(generator, discriminator, optimizer, x, z):
        made = generator(z).detach() if fake is None else fake(generator, x, z)
        value = loss(discriminator(real(x, made)), discriminator(made))
        for letter in order:
            {"z": optimizer.zero_grad, "b": lambda: value.backward(retain_graph=True),
             "s": optimizer.step}[letter]()  # fmt: skip
        after(generator, discriminator)
        return told(value)

    return fn


def one_optimizer_for_both(generator, discriminator, optimizer, x, z):
    optimizer.add_param_group({"params": list(generator.parameters())})
    loss = judge_softplus(discriminator(x), discriminator(generator(z))).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def images_without_their_logits(generator, discriminator, optimizer, x, z):
    with torch.no_grad():
        fake = discriminator(generator(z))
    loss = judge_softplus(discriminator(x), fake).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def in_inference_mode(generator, x, z):
    images = generator.eval()(z).detach()
    generator.train()
    return images


def clears_the_generator(generator, discriminator, optimizer, x, z):
    loss = judge_softplus(discriminator(x), discriminator(generator(z))).mean()
    generator.zero_grad()
    optimizer.zero_grad()
    loss.backward()
    generator.zero_grad()
    optimizer.step()
    return loss


def loss_after_the_step(generator, discriminator, optimizer, x, z):
    step_detach(generator, discriminator, optimizer, x, z)
    with torch.no_grad():
        return judge_softplus(discriminator(x), discriminator(generator(z))).mean()


def two_steps(generator, discriminator, optimizer, x, z):
    step_detach(generator, discriminator, optimizer, x, z)
    return step_detach(generator, discriminator, optimizer, x, z)


def two_steps_without_clearing(generator, discriminator, optimizer, x, z):
    optimizer.zero_grad()
    fake = generator(z).detach()
    for _ in range(2):
        loss = judge_softplus(discriminator(x), discriminator(fake)).mean()
        loss.backward()
        optimizer.step()
    return loss


def three_steps(*inputs):
    two_steps(*inputs)
    return step_detach(*inputs)


def own_noise(generator, x, z):
    return generator(torch.randn_like(z)).detach()


def leaves(what):
    return step(after=what)


def stays_in_inference_mode(generator, discriminator):
    generator.eval()


def moves_the_generator(generator, discriminator):
    with torch.no_grad():
        next(generator.parameters()).add_(0.1)


def judge_as_real(real, fake):
    return (F.softplus(-real) + F.softplus(-fake)).mean()


STEP_WRONG = {
    "the generator has gradients after your step": step(fake=lambda g, x, z: g(z)),
    "`generator(z).detach()`, or make": step(fake=lambda g, x, z: 1.0 * g(z)),
    "the generator's weights have changed": one_optimizer_for_both,
    "what else moved them": leaves(moves_the_generator),
    "your step cleared them": clears_the_generator,
    "after the step is too late": step(order="bsz"),
    "were added to them": step(order="bs"),
    "`optimizer.step()` is missing": step(order="zb"),
    "there was no gradient: first": step(order="bzs"),
    "came before `backward`": step(order="zsb"),
    "labels are swapped": step(lambda r, f: judge_softplus(f, r).mean()),
    "what the generator wants": step(judge_as_real),
    "That is the generator's loss": step(lambda r, f: F.softplus(-f).mean()),
    "generator's part of the game": step(lambda r, f: F.logsigmoid(-f).mean()),
    "a discriminator raises": step(lambda r, f: -judge_softplus(r, f).mean()),
    "term of the generated images is missing": step(lambda r, f: F.softplus(-r).mean()),
    "term of the real images is missing": step(lambda r, f: F.softplus(f).mean()),
    "logits are detached": step(lambda r, f: judge_softplus(r, f.detach()).mean()),
    "that of the real images": step(lambda r, f: judge_softplus(r.detach(), f).mean()),
    "not behind the discriminator": images_without_their_logits,
    "half of it": step(lambda r, f: judge_softplus(r, f).mean() / 2),
    "summed the loss over the batch": step(lambda r, f: judge_softplus(r, f).sum()),
    "sigmoid is taken twice": step(lambda r, f: judge_softplus(r.sigmoid(), f.sigmoid()).mean()),
    "hinge": step(lambda r, f: losses.hinge_discriminator_loss(r, f).mean()),
    "data stand in for the generated": step(fake=lambda g, x, z: x),
    "generated images stand in": step(real=lambda x, fake: fake),
    "(`eval`)": step(fake=in_inference_mode),
    "left in inference mode": leaves(stays_in_inference_mode),
    "ask for no gradients any more": leaves(lambda g, d: g.requires_grad_(False)),
    "two steps: the optimiser is to move once": two_steps,
    "That is two steps": step(order="zbss"),
    "not cleared between": two_steps_without_clearing,
    "stepped 3 times": three_steps,
    "use the `z` that is given": step(fake=own_noise),
    "The generator was not called": step(fake=lambda g, x, z: torch.ones_like(x)),
    "Nothing in the loss carries a gradient": step(
        lambda r, f: judge_softplus(r, f).mean().detach()
    ),
    "loss after the step": loss_after_the_step,
    "Return one number": step(
        lambda r, f: judge_softplus(r, f).mean(), told=lambda loss: loss.repeat(3)
    ),
    "the loss that you return is off": step(told=lambda loss: 2 * loss),
    "take its mean": step(judge_softplus),
    "lack `return`": step(told=lambda loss: None),
    "it changed the tensors": step(real=lambda x, fake: x.mul_(1.1)),
}


@pytest.mark.parametrize("cause", STEP_WRONG)
def test_step_names_the_cause(cause):
    assert said(check_discriminator_step(STEP_WRONG[cause]), cause)


# 4.3 minibatch discrimination


def features_broadcast(m):
    return (-(m[:, None] - m).abs().sum(-1)).exp().sum(1) - 1


def features_distances(m):
    rows = m.transpose(0, 1)  # [kernels, B, dim]
    near = (-torch.cdist(rows, rows, p=1)).exp()
    return (near.sum(2) - near.diagonal(dim1=1, dim2=2)).T


def features_loop(m):
    o = []
    for i in range(len(m)):
        others = torch.cat([m[:i], m[i + 1 :]])
        o.append((-(others - m[i]).abs().sum(2)).exp().sum(0))
    return torch.stack(o)


def features_masked(m):
    distance = torch.linalg.vector_norm(m.unsqueeze(1) - m.unsqueeze(0), ord=1, dim=-1)
    return (distance.neg().exp() * (1 - torch.eye(len(m), dtype=m.dtype))[..., None]).sum(0)


def features_library(m):
    _, kernels, dim = m.shape
    layer = MinibatchDiscrimination(kernels * dim, kernels, dim)
    layer.compare = nn.Identity()
    return layer(m.flatten(1))[:, kernels * dim :].to(m.dtype)


FEATURES_RIGHT = [
    features_broadcast,
    features_distances,
    features_loop,
    features_masked,
    features_library,
]


@pytest.mark.parametrize("fn", FEATURES_RIGHT)
def test_features_right(fn):
    report = check_minibatch_features(fn)
    assert report, str(report)


def near_by(distance, *, own=0.0):
    """The sum over j ≠ i of exp(−distance), from the gaps `[B, B, kernels, dim]`."""

    def fn(m):
        others = (1 - (1 - own) * torch.eye(len(m), dtype=m.dtype))[..., None]
        return (others * (-distance(m[:, None] - m)).exp()).sum(1)

    return fn


def of_distance(formula):
    return lambda m: formula((m[:, None] - m).abs().sum(-1))


def root_of_squares(m):
    """Of the others only, so that it fails for copies alone."""
    o = []
    for i in range(len(m)):
        gaps = torch.cat([m[:i], m[i + 1 :]]) - m[i]
        o.append((-gaps.square().sqrt().sum(2)).exp().sum(0))
    return torch.stack(o)


FEATURES_WRONG = {
    "j = i, is counted": near_by(lambda g: g.abs().sum(-1), own=1.0),
    "averaged over all j": of_distance(lambda d: (-d).exp().mean(1)),
    "averaged over the others": lambda m: features_broadcast(m) / (len(m) - 1),
    "divided by the batch size": lambda m: features_broadcast(m) / len(m),
    "Euclidean distance, ‖·‖₂: asked": near_by(lambda g: g.norm(dim=-1)),
    "Euclidean distance, ‖·‖₂, and j = i": near_by(lambda g: g.norm(dim=-1), own=1.0),
    "distance is squared: asked": near_by(lambda g: g.square().sum(-1)),
    "as in a Gaussian": near_by(lambda g: g.square().sum(-1) / 2),
    "You squared ‖·‖₁": near_by(lambda g: g.abs().sum(-1).square()),
    "largest of the absolute": near_by(lambda g: g.abs().amax(-1)),
    "over the 3 numbers of a row": near_by(lambda g: g.abs().mean(-1)),
    "absolute value is missing": near_by(lambda g: g.sum(-1)),
    "absolute value of the sum": near_by(lambda g: g.sum(-1).abs()),
    "minus sign is missing: exp": near_by(lambda g: -g.abs().sum(-1)),
    "minus sign is missing, and j = i": near_by(lambda g: -g.abs().sum(-1), own=1.0),
    "that is a sum of distances": of_distance(lambda d: d.sum(1)),
    "minus the sum of distances": of_distance(lambda d: -d.sum(1)),
    "that is the mean distance": of_distance(lambda d: d.mean(1)),
    "exp of minus the summed": of_distance(lambda d: (-d.sum(1)).exp()),
    "exp of minus the mean": of_distance(lambda d: (-d.mean(1)).exp()),
    "then summed over the row": lambda m: (
        ((-(m[:, None] - m).abs()).exp().sum(-1)).sum(1) - m.shape[-1]
    ),
    "softmax over j, which sums": of_distance(lambda d: (-d).softmax(1).sum(1)),
    "share of the others": of_distance(
        lambda d: (-d).softmax(1).sum(1) - (-d).softmax(1).diagonal().T
    ),
    "softmax over the kernels": lambda m: features_broadcast(m).softmax(1),
    "sum over the kernels: the": lambda m: F.normalize(features_broadcast(m), p=1, dim=1),
    "come later": of_distance(
        lambda d: ((-d).exp() * torch.ones(len(d), len(d)).triu(1)[..., None]).sum(1)
    ),
    "come before": of_distance(
        lambda d: ((-d).exp() * torch.ones(len(d), len(d)).tril(-1)[..., None]).sum(1)
    ),
    "both of its samples": lambda m: features_broadcast(m) / 2,
    "1 − exp(−distance): asked": of_distance(lambda d: (1 - (-d).exp()).sum(1)),
    "1 is subtracted twice": lambda m: features_loop(m) - 1,
    "powers of 2": of_distance(lambda d: (2.0**-d).sum(1) - 1),
    "one step too many": lambda m: features_broadcast(m).log(),
    "nearness is positive": lambda m: -features_broadcast(m),
    "Only the nearest": of_distance(
        lambda d: ((-d).exp() - torch.eye(len(d))[..., None]).amax(1)
    ),
    "rows of one sample with each other: row": lambda m: (
        (-(m[:, :, None] - m[:, None]).abs().sum(-1)).exp().sum(2) - 1
    ),
    "kernels and dim have changed places: sum": near_by(lambda g: g.abs().sum(2)),
    "changed places, and j = i": near_by(lambda g: g.abs().sum(2), own=1.0),
    "distances of all kernels": lambda m: (
        (-(m[:, None] - m).abs().sum((-1, -2))).exp().sum(1) - 1
    ),
    "summed over the kernels: each": lambda m: features_broadcast(m).sum(1),
    "averaged over the kernels": lambda m: features_broadcast(m).mean(1),
    "Nothing is summed over j": of_distance(lambda d: (-d).exp()),
    "not summed over the row": lambda m: (-(m[:, None] - m).abs()).exp().sum(1) - 1,
    "axes are turned": lambda m: features_broadcast(m).T,
    "over all pairs": lambda m: features_broadcast(m).sum(0),
    "summed everything": lambda m: features_broadcast(m).sum(),
    "return the sums only": lambda m: torch.cat([m.flatten(1), features_broadcast(m)], 1),
    "is left": lambda m: features_broadcast(m)[None],
    "which is 1 for a copy": of_distance(lambda d: ((-d).exp() * (d > 0)).sum(1)),
    "a single sample": lambda m: features_broadcast(m) + (len(m) == 1),
    "no gradient reaches m": lambda m: features_broadcast(m.detach()),
    "both samples of a pair": lambda m: (-(m[:, None] - m.detach()).abs().sum(-1)).exp().sum(1) - 1,
    "with respect to m is wrong": near_by(lambda g: g.square().sqrt().sum(-1)),
    "in a batch of copies, is wrong": root_of_squares,
    "a square root NaN": root_of_squares,
    "off: ": lambda m: 1.1 * features_broadcast(m),
    "it changed the tensors": lambda m: features_broadcast(m.mul_(2)),
    "numpy": lambda m: features_broadcast(m).numpy(),
}  # fmt: skip


@pytest.mark.parametrize("cause", FEATURES_WRONG)
def test_features_names_the_cause(cause):
    assert said(check_minibatch_features(FEATURES_WRONG[cause]), cause)


# 4.4 a round without a bug: the printed ones first


def round_a(generator, discriminator, g_optimizer, d_optimizer, x, rng):
    z = torch.randn(len(x), generator.latent, generator=rng)
    fake = generator(z)
    g_optimizer.zero_grad()
    d_optimizer.zero_grad()
    judged = F.softplus(-discriminator(x)) + F.softplus(discriminator(fake))
    judged.mean().backward()
    d_optimizer.step()
    persuaded = F.softplus(-discriminator(generator(z)))
    persuaded.mean().backward()
    g_optimizer.step()
    with torch.no_grad():
        return generator(torch.randn(z.shape, generator=rng))


def round_b(generator, discriminator, g_optimizer, d_optimizer, x, rng):
    def belief(images):
        return torch.sigmoid(discriminator(images))

    def noise():
        return 1 - 2 * torch.rand(len(x), generator.latent, generator=rng)

    real, made = torch.ones(len(x)), torch.zeros(len(x))
    with torch.no_grad():
        fake = generator(noise())
    d_loss = cross_entropy(belief(x), real) + cross_entropy(belief(fake), made)
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_optimizer.zero_grad()
    cross_entropy(belief(generator(noise())), real).backward()
    g_optimizer.step()
    with torch.no_grad():
        return generator(-noise())


def round_c(generator, discriminator, g_optimizer, d_optimizer, x, rng):
    def noise(n):
        return torch.rand(n, generator.latent, generator=rng)

    fake = generator(2 * noise(len(x)) - 1)
    judged = F.logsigmoid(discriminator(x))
    judged = judged + F.logsigmoid(-discriminator(fake.detach()))
    d_optimizer.zero_grad()
    (-judged).mean().backward()
    d_optimizer.step()
    persuaded = F.logsigmoid(discriminator(fake))
    g_optimizer.zero_grad()
    (-persuaded).mean().backward()
    g_optimizer.step()
    return generator(noise(len(x))).detach()


def own_prior(generator, n, rng):
    return generator.noise(n, rng)


def normal_prior(generator, n, rng):
    return torch.randn(n, generator.latent, generator=rng)


def unit_prior(generator, n, rng):
    return torch.rand(n, generator.latent, generator=rng)


def mean_judged(real, fake):
    return judge_softplus(real, fake).mean()


def mean_persuaded(fake):
    return F.softplus(-fake).mean()


def a_round(judge=mean_judged, persuade=mean_persuaded, *, prior=own_prior, sampling=None,
            detach=True, d_clear=True, g_clear="late", d_moves=1, g_moves=1, reuse=False,
            g_detach=False, shown=lambda images: images):  # fmt: skip
    """A round with one thing changed."""

    def fn(generator, discriminator, g_optimizer, d_optimizer, x, rng):
        z = prior(generator, len(x), rng)
        images = generator(z)
        fake = images.detach() if detach else images
        if d_clear:
            d_optimizer.zero_grad()
        if g_clear == "early":
            g_optimizer.zero_grad()
        judge(discriminator(x), discriminator(fake)).backward(retain_graph=True)
        for _ in range(d_moves):
            d_optimizer.step()
        if g_clear == "late":
            g_optimizer.zero_grad()
        images = images if reuse else generator(z)
        persuade(discriminator(images.detach() if g_detach else images)).backward()
        for _ in range(g_moves):
            g_optimizer.step()
        with torch.no_grad():
            return shown(generator((sampling or prior)(generator, len(x), rng)))

    return fn


def generator_first(generator, discriminator, g_optimizer, d_optimizer, x, rng):
    z = generator.noise(len(x), rng)
    g_optimizer.zero_grad()
    mean_persuaded(discriminator(generator(z))).backward()
    g_optimizer.step()
    d_optimizer.zero_grad()
    mean_judged(discriminator(x), discriminator(generator(z).detach())).backward()
    d_optimizer.step()
    return generator(generator.noise(len(x), rng)).detach()


def both_at_once(generator, discriminator, g_optimizer, d_optimizer, x, rng):
    z = generator.noise(len(x), rng)
    d_optimizer.zero_grad()
    persuade = mean_persuaded(discriminator(generator(z)))
    mean_judged(discriminator(x), discriminator(generator(z).detach())).backward()
    weights = list(generator.parameters())
    gradients = torch.autograd.grad(persuade, weights)
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient
    d_optimizer.step()
    g_optimizer.step()
    return generator(generator.noise(len(x), rng)).detach()


def samples_of_the_losses(generator, discriminator, g_optimizer, d_optimizer, x, rng):
    before = []
    hook = generator.register_forward_hook(lambda m, given, images: before.append(images.detach()))
    a_round()(generator, discriminator, g_optimizer, d_optimizer, x, rng)
    hook.remove()
    return before[0]


def stale_logits(generator, discriminator, g_optimizer, d_optimizer, x, rng):
    fake = generator(generator.noise(len(x), rng))
    logits = discriminator(fake)
    d_optimizer.zero_grad()
    mean_judged(discriminator(x), logits).backward(retain_graph=True)
    d_optimizer.step()
    mean_persuaded(logits).backward()
    g_optimizer.step()
    return fake.detach()


def graph_gone(generator, discriminator, g_optimizer, d_optimizer, x, rng):
    fake = generator(generator.noise(len(x), rng)) * 1.0
    mean_judged(discriminator(x), discriminator(fake**2)).backward()
    mean_persuaded(discriminator(fake**2)).backward()
    return fake.detach()


def repaired(round_):
    """The printed round's solution, as in the chapter."""
    return {
        "a": a_round(prior=normal_prior, g_clear="early"),
        "a, cleared instead": a_round(prior=normal_prior, detach=False),
        "b": a_round(lambda r, f: bce(r, 1.0, "mean") + bce(f, 0.0, "mean"),
                     lambda f: bce(f, 1.0, "mean")),
        "c, U[-1, 1]": a_round(lambda r, f: -(F.logsigmoid(r) + F.logsigmoid(-f)).mean(),
                               lambda f: -F.logsigmoid(f).mean(), reuse=True),
        "c, U[0, 1]": a_round(prior=unit_prior, reuse=True),
    }[round_]  # fmt: skip


ROUNDS = ["a", "a, cleared instead", "b", "c, U[-1, 1]", "c, U[0, 1]"]


@pytest.mark.parametrize("name", ROUNDS)
def test_round_right(name):
    report = check_round(repaired(name))
    assert report, str(report)


ROUND_WRONG = {
    "Two gradients move your generator": round_a,
    "Detach the images in that loss": a_round(detach=False, g_clear="early"),
    "sigmoid is taken twice": round_b,
    "where the players move, z is from -": round_c,
    "Draw z from one law everywhere": a_round(sampling=normal_prior),
    "for the samples, z is from 0.0": a_round(sampling=unit_prior),
    "labels are swapped": a_round(lambda r, f: mean_judged(f, r)),
    "what the generator wants": a_round(lambda r, f: judge_as_real(r, f)),
    "a discriminator raises": a_round(lambda r, f: -mean_judged(r, f)),
    "term of the generated images is missing": a_round(lambda r, f: F.softplus(-r).mean()),
    "half of it": a_round(lambda r, f: mean_judged(r, f) / 2),
    "You summed the loss": a_round(lambda r, f: judge_softplus(r, f).sum()),
    "saturating loss": a_round(persuade=lambda f: F.logsigmoid(-f).mean()),
    "the discriminator's term": a_round(persuade=lambda f: F.softplus(f).mean()),
    "summed the generator's loss": a_round(persuade=lambda f: F.softplus(-f).sum()),
    "The sigmoid is taken twice: these": a_round(persuade=lambda f: mean_persuaded(f.sigmoid())),
    "does not require grad": a_round(g_detach=True, persuade=lambda f: mean_persuaded(f.detach())),
    "The generator did not move": a_round(g_detach=True),
    "is its `step` missing": a_round(g_moves=0),
    "The discriminator did not move": a_round(d_moves=0),
    "optimiser stepped twice": a_round(g_moves=2),
    "discriminator's optimiser stepped twice": a_round(d_moves=2),
    "left in the discriminator's gradients": a_round(d_clear=False),
    "left in the generator's gradients": a_round(g_clear=""),
    "take the logits again": both_at_once,
    "The generator moved before": generator_first,
    "compute them again after its step": stale_logits,
    "a sigmoid before the logarithm": a_round(
        lambda r, f: plain_entropy(r, 1.0).mean() + plain_entropy(f, 0.0).mean()
    ),
    "sure and wrong": a_round(lambda r, f: -(r.sigmoid().log() + (1 - f.sigmoid()).log()).mean()),
    "sure and right": a_round(persuade=lambda f: plain_entropy(f, 1.0).mean()),
    "Draw them at the end": samples_of_the_losses,
    "samples are [B, 3] here": a_round(shown=lambda images: images.mean()),
    "changed after it was drawn": a_round(shown=lambda images: images * torch.tensor([1, 1, 2])),
    "`generator.latent` is the length": a_round(
        prior=lambda g, n, rng: torch.rand(n, 5, generator=rng)
    ),
    "Pass `generator=rng`": a_round(prior=lambda g, n, rng: torch.randn(n, g.latent)),
    "lack `return`": a_round(shown=lambda images: None),
    "it changed the tensors": lambda g, d, go, do, x, rng: a_round()(g, d, go, do, x.mul_(2), rng),
}


@pytest.mark.parametrize("cause", ROUND_WRONG)
def test_round_names_the_cause(cause):
    assert said(check_round(ROUND_WRONG[cause]), cause)


# all five

BANKS = {
    "judge": (
        check_discriminator_loss,
        lambda *a: [*mistakes4.wrong_judgements(*a), *mistakes4.wrong_pair_shapes(*a)],
        [(7,)] * 2,
    ),
    "persuade": (
        check_generator_loss,
        lambda *a: [*mistakes4.wrong_persuasions(*a), *mistakes4.wrong_image_shapes(*a)],
        [(7,)],
    ),
    "features": (check_minibatch_features, mistakes4.wrong_features, [(6, 4, 3)]),
}
KNOWN = [
    pytest.param(name, i, id=f"{name}-{i}")
    for name, (_, bank, shapes) in BANKS.items()
    for i in range(len(bank(*(torch.ones(shape) for shape in shapes))))
]


@pytest.mark.parametrize(("name", "i"), KNOWN)
def test_no_known_mistake_passes_for_another(name, i):
    check, bank, shapes = BANKS[name]
    asked = []

    def answer(*inputs):
        asked.append(bank(*inputs)[i])
        return asked[-1][1]

    report = check((lambda a: answer(a)) if len(shapes) == 1 else (lambda a, b: answer(a, b)))
    assert said(report, asked[0][0])


CHECKS = {
    check_discriminator_loss: "2 arguments",
    check_generator_loss: "1 arguments",
    check_discriminator_step: "5 arguments",
    check_minibatch_features: "1 arguments",
    check_round: "6 arguments",
}


@pytest.mark.parametrize("check", CHECKS)
def test_stubs_are_not_attempted_and_nonsense_is_reported(check):
    assert check(lambda *a: ...).verdict == "Not attempted yet"
    assert said(check(lambda a, b, c: a), "cannot be called", CHECKS[check])
    assert said(check(lambda *a: 1 / 0), "ZeroDivisionError")
    assert said(check(torch.zeros(3)), "not a function")


# the bank: test_bank.py asks of every check

BANK = {
    check_discriminator_loss: Answers(JUDGE_RIGHT, JUDGE_WRONG),
    check_generator_loss: Answers(PERSUADE_RIGHT, PERSUADE_WRONG),
    check_discriminator_step: Answers(STEP_RIGHT, STEP_WRONG),
    check_minibatch_features: Answers(FEATURES_RIGHT, FEATURES_WRONG),
    check_round: Answers([repaired(name) for name in ROUNDS], ROUND_WRONG),
}
