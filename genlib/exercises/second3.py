"""A second look at answers to chapter 3's exercises: gradients, laws, and which part is wrong."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from genlib.exercises import calling
from genlib.exercises.calling import gradients
from genlib.exercises.mistakes3 import latent_terms, negative_elbo
from genlib.exercises.report import Finding
from genlib.exercises.trial import agree

LOST = "It was cut off: look for `.detach()`, `.data`, `.item()`, `no_grad`."
ERRORS = {  # words of an error message, and what they point to
    "numpy()": "numpy carries no gradients: use torch's functions.",
    "converted to": "Use torch's function: `math` and `float` take single numbers.",
    "elements of std >= 0": "`log_var` is no standard deviation: it may be negative.",
    "parameter scale": "`log_var` is no standard deviation: it may be negative. And the noise is "
    "given: use `eps`.",
    "between 0 and 1": "`binary_cross_entropy` takes probabilities, and logits are none: use "
    "`binary_cross_entropy_with_logits`.",
    "Target size": "Flatten both or none: logits and x have one shape.",
    "parameter probs": "logits are no probabilities: `Bernoulli(logits=…)`.",
}
call = functools.partial(calling.call, errors=ERRORS)
normal = functools.partial(calling.normal, 3)


def judge_gradients(
    fn: Any, inputs: Mapping[str, Tensor], rights: Mapping[str, Tensor], *rest: Any,
    lost: str = LOST, wrong: str = f"Part of it was cut off, or counted twice. {LOST}",
) -> list[Finding]:  # fmt: skip
    """Whether the result's gradient is `rights[name]` at each input of that name."""
    leaves = {name: v.clone().requires_grad_(name in rights) for name, v in inputs.items()}
    value = call(fn, *(v * 1.0 for v in leaves.values()), *rest)
    grads = gradients(value, [leaves[name] for name in rights])
    findings = []
    for (name, right), grad in zip(rights.items(), grads, strict=True):
        if grad is None:
            findings.append(Finding(False, f"no gradient reaches {name}", lost))
        elif not agree(grad, right):
            findings.append(Finding(False, f"the gradient with respect to {name} is wrong", wrong))
        else:
            findings.append(Finding(True, f"the gradient with respect to {name} is right"))
    return findings


def unknown_sample(fn: Any, value: Tensor, mu: Tensor, log_var: Tensor, eps: Tensor) -> str:
    """What is behind a z that is none of the known mistakes: noise from elsewhere, perhaps."""
    torch.manual_seed(0)
    first, second = (call(fn, mu, log_var, eps) for _ in range(2))
    if torch.equal(first, second):
        if torch.equal(first, call(fn, mu, log_var, normal("other", *eps.shape))):
            return "`eps` is not used: z is the same for another ε."
        gaps = (value - mu) / eps - (0.5 * log_var).exp()  # where the wrong scale is farthest off
        at = tuple(int(i) for i in torch.unravel_index(gaps.abs().argmax(), eps.shape))
        scale, sigma = ((value - mu) / eps)[at].item(), math.exp(0.5 * log_var[at].item())
        if not agree(call(fn, mu, log_var, 2 * eps) - mu, 2 * (value - mu)):
            return ""  # not of the form μ + s · ε
        return (
            f"At {list(at)} you scale ε by {scale:.4g}, where σ = exp(log_var / 2) is {sigma:.4g}."
        )
    n, variance = 4_000, 9.0
    centre, logs = torch.zeros(n, 1).double(), torch.full((n, 1), math.log(variance)).double()
    spread = call(fn, centre, logs, centre).std().item()  # of ε = 0: its own noise only
    slips = {variance: "it is σ² and not σ", math.log(variance): "it is log σ² and not σ"}
    slip = next((text for width, text in slips.items() if abs(spread / width - 1) < 0.08), "")
    return (
        "One and the same ε gave two different z: the noise is drawn inside, as by `randn` or "
        "`Normal(…).sample()`, which also cuts off the gradient. Use the `eps` that is given."
        + (f" And its standard deviation is wrong too: {slip}." if slip else "")
    )


def which_term(
    fn: Any, value: Tensor, logits: Tensor, x: Tensor, mu: Tensor, log_var: Tensor
) -> str:
    """Which half of a loss is wrong in an unknown way; for q = N(0, I) the KL is 0."""
    zero = torch.zeros_like(mu)
    alone = call(fn, logits, x, zero, zero)
    if agree(alone, negative_elbo(logits, x, zero, zero)):
        return "With q = N(0, I), whose KL is 0, it is right: the mistake is in the KL."
    if alone.shape == value.shape and agree(value - alone, latent_terms(mu, log_var).sum(1)):
        return "The KL is right: the mistake is in the likelihood."
    return "Neither term is right: try each by itself."


def extreme_scales(fn: Any) -> Finding:
    """Whether σ is exp(log_var / 2) where it is tiny and where it is huge."""
    logs = torch.tensor([[-40.0, 40.0]]).double()
    z = call(fn, torch.zeros_like(logs), logs, torch.ones_like(logs))
    if z.shape == logs.shape and agree(z / (0.5 * logs).exp(), torch.ones_like(logs)):
        return Finding(True, "σ is right where log σ² is −40 or 40")
    got = _shown(z.detach().flatten()[:2])
    seen = f"for log σ² = −40 and 40 your σ are {got}, expected {_shown((0.5 * logs[0]).exp())}"
    return Finding(False, seen, "No clamp on `log_var`, and no ε added to σ or σ².")


def law_of_samples(fn: Any) -> Finding:
    """Whether many z have the mean μ and the standard deviation σ."""
    n, mu, sigma = 20_000, [-1.0, 2.0, 0.5], [0.5, 3.0, 0.01]
    means, logs = torch.tensor(mu).double(), 2 * torch.tensor(sigma).double().log()
    z = call(fn, means.repeat(n, 1), logs.repeat(n, 1), normal("many", n, 3))
    if z.shape != (n, 3):
        return Finding(False, f"for {n} rows, your z has shape {list(z.shape)}, expected {[n, 3]}")
    mean, std = z.detach().mean(0), z.detach().std(0)
    fine = bool(((mean - means).abs() <= 5 * std / n**0.5).all())
    fine = fine and agree(std / torch.tensor(sigma), torch.ones(3).double(), 0.03)
    seen = (
        f"over {n} draws, z has mean {_shown(mean)} for μ = {_shown(mu)} and standard deviation "
        f"{_shown(std)} for σ = {_shown(sigma)}"
    )
    cause = "Something is added to σ, or it is clamped: it is exp(log_var / 2), no more."
    return Finding(fine, seen, "" if fine else cause)


def bound_below(fn: Any) -> Finding:
    """Whether the bound rises with k to log p(x): z ~ N(0, 1), x|z ~ N(z, 1), a crude q(z|x)."""
    n, x, ks = 2_000, 1.5, (1, 10, 100)
    truth = -0.25 * x**2 - 0.5 * math.log(4 * math.pi)  # x ~ N(0, 2)
    z = normal("z", max(ks), n)  # of q(z|x) = N(0, 1); the posterior is N(x / 2, 1 / 2)
    log_q = -0.5 * z.square() - 0.5 * math.log(2 * math.pi)
    log_p = log_q - 0.5 * (x - z).square() - 0.5 * math.log(2 * math.pi)
    values = [call(fn, log_p[:k], log_q[:k]).detach() for k in ks]
    if any(value.shape != (n,) for value in values):
        return Finding(False, f"for {n} images, your bound has shape {list(values[0].shape)}")
    means = [value.mean().item() for value in values]
    fine = means[0] < means[1] < means[2] < truth + 0.01 and truth - means[2] < 0.05
    seen = f"on a model with log p(x) = {truth:.3f}, the mean of your bound is " + ", ".join(
        f"{mean:.3f} for k = {k}" for k, mean in zip(ks, means, strict=True)
    )
    cause = "It must rise with k and stay below log p(x): is any number typed into it?"
    return Finding(fine, seen, "" if fine else cause)


def half_collapsed(B: int, K: int) -> tuple[Tensor, Tensor]:
    """Latents 0, 2, … near the prior; one image there in all, one far away in latent 0."""
    active = (torch.arange(K) % 2).double()
    mu = normal("mu", B, K) * (0.35 + 1.3 * active) + 0.5 * active
    log_var = 0.25 * normal("log_var", B, K) - 2.4 * active
    mu[0, 0] = 1.2
    mu[1], log_var[1] = 0.1, 0.1
    return mu, log_var


def _shown(values: Tensor | list[float]) -> str:
    return "(" + ", ".join(f"{float(v):.3g}" for v in values) + ")"
