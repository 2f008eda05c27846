"""Exercise 6.2: one step of a VAE-GAN, and which loss has moved which network."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from itertools import combinations, permutations
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.exercises.calling import call, judge, normal
from genlib.exercises.mistakes6 import (
    Seen,
    decoder_loss,
    discriminator_loss,
    encoder_loss,
    kl,
    likeness,
)
from genlib.exercises.players4 import flat, gradient_of, gradients_in
from genlib.exercises.report import Finding
from genlib.exercises.trial import Wrong, agree
from genlib.losses import generator_loss, saturating_generator_loss
from genlib.seeds import make_generator

NAMES = ("encoder", "decoder", "discriminator")
RATES = (0.25, 0.5, 0.375)
GAMMA = 0.3
LOSSES = (encoder_loss, decoder_loss, discriminator_loss)
ERRORS = {  # words of an error message, and what they point to
    "modified by an inplace": "A network has moved before a gradient that needs its old weights "
    "was taken. Take all three gradients first, then make the three steps; or take each with "
    "`torch.autograd.grad(loss, parameters, retain_graph=True)` or `backward(inputs=parameters, "
    "…)`, in the order encoder, decoder, discriminator.",
    "backward through the graph a second time": "The three losses share one pass: keep its graph "
    "for the next loss with `retain_graph=True`.",
    "does not require grad": "This loss has no graph: was the pass made under `no_grad`, or are "
    "the networks' weights frozen?",
    "appears to not have been used": "A loss does not depend on these parameters: does the "
    "network's own loss stand beside it?",
    "can be implicitly created": "Each loss has one number per image: take its mean.",
}


class Networks(NamedTuple):
    """The three, in the order of `NAMES`."""

    encoder: nn.Module
    decoder: nn.Module
    discriminator: nn.Module

    def look(self, x: Tensor, eps: Tensor, z_prior: Tensor) -> Seen:
        """One pass."""
        mu, log_var = self.encoder(x)
        features, real = self.discriminator(x)
        rebuilt = self.discriminator(self.decoder(mu + (0.5 * log_var).exp() * eps))
        return Seen(mu, log_var, features, rebuilt[0], real, rebuilt[1],
                    self.discriminator(self.decoder(z_prior))[1])  # fmt: skip


class _Two(nn.Module):
    """A body, and two things read off it: the encoder's and the discriminator's form."""

    def __init__(self, inner: nn.Module, one: nn.Module, other: nn.Module) -> None:
        super().__init__()
        self.inner, self.one, self.other = inner, one, other

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.inner(x)
        return self.one(hidden), self.other(hidden)


def networks() -> Networks:
    """For 1×2×3 images and z of length 3, in double precision."""
    body = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Tanh())
    made = Networks(
        _Two(body, nn.Linear(5, 3), nn.Linear(5, 3)),
        nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 6), nn.Unflatten(1, (1, 2, 3))),
        _Two(
            nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.Tanh()),
            nn.Identity(),
            nn.Sequential(nn.Linear(4, 1), nn.Flatten(0)),
        ),
    )
    for name, network in zip(NAMES, made, strict=True):
        network.double()
        source = make_generator(0, "exercise 6", name)
        with torch.no_grad():
            for weight in network.parameters():
                drawn = torch.randn(weight.shape, generator=source, dtype=weight.dtype)
                weight.copy_(0.7 * drawn)
    return made


class Step:
    """Steps of a student's function on networks of its own."""

    def __init__(self) -> None:
        self.networks = networks()
        self.optimizers = tuple(
            torch.optim.SGD(network.parameters(), lr=rate)
            for network, rate in zip(self.networks, RATES, strict=True)
        )
        self.steps = 0
        self.moves = [0, 0, 0]  # of the optimisers, in the last step
        for i, optimizer in enumerate(self.optimizers):
            optimizer.register_step_post_hook(functools.partial(self._count, i))

    def findings(self, fn: Any) -> list[Finding]:
        """What one step shows, up to the first network that moved wrongly."""
        self.steps, self.moves = self.steps + 1, [0, 0, 0]
        batch = [normal(6, f"{name} {self.steps}", *shape) for name, shape in
                 (("x", (7, 1, 2, 3)), ("eps", (7, 3)), ("z_prior", (7, 3)))]  # fmt: skip
        before = copy.deepcopy(self.networks)  # its `.grad` is not copied
        left = [gradients_in(network) for network in self.networks]
        weights = [flat(network.parameters()) for network in before]
        value = call(
            fn, *self.networks, self.optimizers, *batch, GAMMA, errors=ERRORS,
            hint="Three losses from one pass, three gradients, three steps.",
        )  # fmt: skip
        found = []
        for i, network in enumerate(self.networks):
            change = flat(network.parameters()) - weights[i]
            found.append(self._moved(i, change, left[i], before, batch))
            if not self.moves[i] and bool(change.any()):
                seen = f"the {NAMES[i]}'s weights moved, but its optimiser made no step"
                found[-1] = Finding(False, seen, "Move them with the `optimizers`: `step()`.")
            if not found[-1].ok:
                return found
        frozen = [n for n, net in zip(NAMES, self.networks, strict=True)
                  if not all(p.requires_grad for p in net.parameters())]  # fmt: skip
        if frozen:
            seen = f"after your step, weights of the {frozen[0]} ask for no gradients any more"
            return [*found, Finding(False, seen, "Undo `requires_grad_(False)` after use.")]
        if not all(net.training for net in self.networks):
            seen = "after your step, a network is in inference mode"
            return [*found, Finding(False, seen, "Leave `eval()` out.")]
        return [*found, self._returned(value, before, batch)]

    def _moved(
        self, i: int, change: Tensor, left: Tensor | None, before: Networks, batch: list[Tensor]
    ) -> Finding:
        """Did the network move by the gradient of its own loss, times its learning rate?"""
        s, name = before.look(*batch), NAMES[i]
        right = gradient_of(LOSSES[i](s, GAMMA).mean(), before[i])
        wrongs: list[Wrong] = [
            (cause, gradient_of(loss.mean(), before[i])) for cause, loss in _misled(i, s)
        ]
        total = "The loss is summed over the batch: take the mean."
        wrongs.append((total, len(batch[0]) * right))
        wrongs += [(cause, _late(i, moved, before, batch)) for cause, moved in _orders(i)]
        if left is not None and bool(left.any()):
            cause = (
                f"What was left in the {name}'s gradients was added to this one: clear them before "
                "each gradient of its own loss."
            )
            wrongs.append((cause, right + left))
        moves: list[Wrong] = [(cause, -RATES[i] * w) for cause, w in wrongs if w is not None]
        moves += [
            (f"The {name} did not move: is its `step` missing, or did no gradient reach it?",
             torch.zeros_like(change)),
            (f"The {name} stepped twice with one gradient.", -2 * RATES[i] * right),
        ]  # fmt: skip
        what = f"in step {self.steps}, the change of the {name}'s weights"
        return judge(change, -RATES[i] * right, moves, what)

    def _count(self, i: int, *_: Any) -> None:
        self.moves[i] += 1

    def _returned(self, value: Tensor, before: Networks, batch: list[Tensor]) -> Finding:
        """Are the losses that are returned those that were lowered?"""
        with torch.no_grad():
            first, last = before.look(*batch), self.networks.look(*batch)
        right, late = (torch.stack([f(s, GAMMA).mean() for f in LOSSES]) for s in (first, last))
        if agree(value.detach().double(), right):
            return Finding(True, "the losses that you return are those that were lowered")
        cause = "Return the three mean losses as one tensor: `torch.stack([…]).detach()`."
        late_cause = "Those are the losses after the step: return the ones that were lowered."
        return judge(value.detach().double(), right, [(late_cause, late)], "what you return", cause)


def _misled(i: int, s: Seen) -> list[tuple[str, Tensor]]:
    """Losses that move network `i` by mistake."""
    name, losses = NAMES[i], [f(s, GAMMA) for f in LOSSES]
    a, b = (j for j in range(3) if j != i)
    found = (_encoder_misled, _decoder_misled, _discriminator_misled)[i](s, losses[i])
    for j in (a, b):
        found += [
            (f"The {NAMES[j]}'s loss moves your {name} too: its gradient ran on through the images "
             f"or the features, and was added. Take it for the {NAMES[j]}'s parameters alone, or "
             "clear what it left.", losses[i] + losses[j]),
            (f"Your {name} is moved by the {NAMES[j]}'s loss in place of its own.", losses[j]),
        ]  # fmt: skip
    found += [
        (f"All three losses move your {name}: each network is to get the gradient of its own.",
         losses[0] + losses[1] + losses[2]),
        (f"The losses of both other networks move your {name}, in place of its own.",
         losses[a] + losses[b]),
    ]  # fmt: skip
    return found


_CUT = "Is something detached, or made under `no_grad`, that must carry it?"


def _encoder_misled(s: Seen, own: Tensor) -> list[tuple[str, Tensor]]:
    like = likeness(s)
    return [
        (f"No gradient of likeness reaches your encoder, only that of the KL term. {_CUT}", kl(s)),
        ("No gradient of the KL term reaches your encoder, only that of likeness.", like),
        ("γ weighs likeness in your encoder's loss: it weighs it in the decoder's alone.",
         kl(s) + GAMMA * like),
        ("Your encoder gets likeness twice over: the decoder's γ-fold was added to its own.",
         own + GAMMA * like),
        ("Your encoder gets the GAN loss on reconstructions: it is moved by the KL term and "
         "likeness alone.", own + generator_loss(s.rebuilt)),
    ]  # fmt: skip


def _decoder_misled(s: Seen, own: Tensor) -> list[tuple[str, Tensor]]:
    like = likeness(s)
    rebuilt, sampled = generator_loss(s.rebuilt), generator_loss(s.sampled)
    saturated = saturating_generator_loss(s.rebuilt) + saturating_generator_loss(s.sampled)
    return [
        (f"No gradient of likeness reaches your decoder, only that of the GAN loss. {_CUT}",
         rebuilt + sampled),
        ("No gradient of the GAN loss reaches your decoder, only that of likeness. Is the loss "
         "taken of detached images?", GAMMA * like),
        ("The GAN loss on reconstructions does not reach your decoder.", GAMMA * like + sampled),
        ("The GAN loss on prior samples does not reach your decoder.", GAMMA * like + rebuilt),
        (f"Nothing reaches your decoder but the GAN loss on prior samples. {_CUT}", sampled),
        ("γ is missing in your decoder's loss.", like + rebuilt + sampled),
        ("Your decoder has the saturating loss.", GAMMA * like + saturated),
    ]  # fmt: skip


def _discriminator_misled(s: Seen, own: Tensor) -> list[tuple[str, Tensor]]:
    real, rebuilt, sampled = (F.softplus(v) for v in (-s.real, s.rebuilt, s.sampled))
    constant = "It would learn features that are the same for all images."
    return [
        (f"Likeness moves your discriminator too: the encoder's loss ran on into it. {constant}",
         own + likeness(s)),
        (f"Likeness, weighed with γ, moves your discriminator too. {constant}",
         own + GAMMA * likeness(s)),
        ("The decoder's GAN loss moves your discriminator too, and pulls the other way.",
         own + generator_loss(s.rebuilt) + generator_loss(s.sampled)),
        ("The prior samples are missing in your discriminator's loss.", real + rebuilt),
        ("The reconstructions are missing in your discriminator's loss.", real + sampled),
        ("Only generated images move your discriminator.", rebuilt + sampled),
        ("Only images of the data move your discriminator.", real),
    ]  # fmt: skip


def _orders(i: int) -> list[tuple[str, Sequence[int]]]:
    """Which networks may have moved too early, one after the other, before network `i`."""
    others = [j for j in range(3) if j != i]
    found: list[tuple[str, Sequence[int]]] = []
    for n in (1, 2):
        for group in combinations(others, n):
            names = " and ".join(NAMES[j] for j in group)
            cause = (
                f"The gradient of your {NAMES[i]} was taken after the {names} had moved: take all "
                "three from one pass, before any weight moves."
            )
            found += [(cause, order) for order in permutations(group)]
    return found


def _late(i: int, order: Sequence[int], before: Networks, batch: list[Tensor]) -> Tensor:
    """The gradient at network `i` after those of `order` moved one by one, each by a new pass."""
    moved = copy.deepcopy(before)

    def gradient(j: int, loss: Callable[[Seen, float], Tensor]) -> Tensor:
        return gradient_of(loss(moved.look(*batch), GAMMA).mean(), moved[j])

    for j in order:
        step = gradient(j, LOSSES[j]).split([p.numel() for p in moved[j].parameters()])
        with torch.no_grad():
            for p, g in zip(moved[j].parameters(), step, strict=True):
                p.sub_(RATES[j] * g.view_as(p))
    return gradient(i, LOSSES[i])
