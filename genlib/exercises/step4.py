"""Exercise 4.2: one step of a discriminator, and what is to be seen before and after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from genlib.exercises.calling4 import call, judge, normal, same
from genlib.exercises.mistakes4 import discriminator_loss, generator_loss, wrong_judgements
from genlib.exercises.players4 import flat, gradients_in, image_players, judging
from genlib.exercises.report import Finding
from genlib.exercises.several import with_number
from genlib.exercises.trial import Wrong, agree

RATE = 0.5
_DETACH = (
    "`backward` went on through the images into the generator: use `generator(z).detach()`, or "
    "make the images under `torch.no_grad()`."
)


class Step:
    """One call of a discriminator's step on networks of its own.

    Args:
        leftover: a step of the generator has left gradients in both networks, as in training.
    """

    def __init__(self, leftover: bool) -> None:
        self.generator, self.discriminator = image_players()
        self.x, self.z = normal("x", 6, 1, 2, 3), normal("z", 6, 3)
        self.leftover = leftover
        if leftover:
            fake = self.generator(normal("earlier z", 6, 3))
            generator_loss(self.discriminator(fake)).mean().backward()
        self.optimizer = torch.optim.SGD(self.discriminator.parameters(), lr=RATE)
        self.weights = flat(self.generator.parameters())
        self.gradients = gradients_in(self.generator)
        self.averages = flat(self.generator.buffers())
        self.steps = 0
        self.noises: list[Any] = []  # what the generator was called with
        self.loss = torch.tensor(torch.nan)
        self.optimizer.register_step_post_hook(self._count)
        self.generator.register_forward_pre_hook(self._note)

    def play(self, fn: Any) -> Finding:
        """Call `fn`: does the discriminator move as it should?"""
        right, wrongs = self._gradients()
        before = flat(self.discriminator.parameters())
        self.loss = call(
            with_number(fn), self.generator, self.discriminator, self.optimizer, self.x, self.z,
            hint="Two forward passes, one `backward`, one `step`: return the mean loss.",
        )  # fmt: skip
        change = flat(self.discriminator.parameters()) - before
        moves: list[Wrong] = [(cause, -RATE * w) for cause, w in wrongs if w is not None]
        after = " after the generator's" if self.leftover else ""
        what = f"in a step{after}, the change of the discriminator's {len(change)} weights"
        found = judge(change, -RATE * right, moves, what)
        if not self.steps and bool(change.any()):
            cause = "Move the weights with the `optimizer` that is given: `optimizer.step()`."
            return Finding(False, "the weights moved, but `optimizer` made no step", cause)
        return found if found.ok else replace(found, cause=self._seen(change, found.cause))

    def returned(self) -> Finding:
        """Is the loss that is returned the one that was lowered?"""
        generator, discriminator = image_players()
        with torch.no_grad():
            fake = generator(self.z)
            logits = discriminator(self.x), discriminator(fake)
            late = discriminator_loss(self.discriminator(self.x), self.discriminator(fake))
        right = discriminator_loss(*logits).mean()
        wrongs: list[Wrong] = [
            ("That is the loss after the step: return the one that was lowered.", late.mean()),
            ("You returned the sum over the batch: return the mean.", len(self.x) * right),
            *((cause, w.mean()) for cause, w in wrong_judgements(*logits) if w is not None),
        ]  # fmt: skip
        value = self.loss.detach().double()
        value = value.reshape(()) if value.numel() == 1 else value
        found = judge(value, right, wrongs, "the loss that you return")
        cause = found.cause or "Return one number: the mean over the batch."
        return found if found.ok else replace(found, cause=cause)

    def generator_kept(self) -> Finding:
        """Has the generator the weights, gradients and mode that it had?"""
        if not torch.equal(flat(self.generator.parameters()), self.weights):
            cause = "`optimizer` holds the discriminator's parameters only: what else moved them?"
            return Finding(False, "the generator's weights have changed", cause)
        now, before = gradients_in(self.generator), self.gradients
        if before is None and now is not None and bool(now.any()):
            seen = f"the generator has gradients after your step, of norm {now.norm().item():.3g}"
            more = " No weight of it has moved yet; its own `backward` would add to them."
            return Finding(False, seen, _DETACH + more)
        if before is not None and (now is None or not bool(now.any())):
            cause = "Let none arise instead of clearing them afterwards: detach the images."
            return Finding(False, "the generator had gradients, and your step cleared them", cause)
        if before is not None and now is not None and not agree(now, before):
            return Finding(False, "your step changed the generator's gradients", _DETACH)
        if not all(p.requires_grad for p in self.generator.parameters()):
            cause = "`requires_grad_(False)` stays until it is undone; `no_grad()` ends by itself."
            return Finding(False, "the generator's weights ask for no gradients any more", cause)
        if not all(m.training for m in (*self.generator.modules(), *self.discriminator.modules())):
            return Finding(False, "a network was left in inference mode", "Leave `eval()` out.")
        seen = "the generator keeps its weights and its gradients"
        if not self.leftover and not torch.equal(flat(self.generator.buffers()), self.averages):
            seen += (
                " (the running averages of its batch normalisation moved, as in every forward "
                "pass in training mode: that is no step, and does no harm)"
            )
        return Finding(True, seen)

    def _gradients(self) -> tuple[Tensor, list[Wrong]]:
        """What should move the discriminator, and what would by mistake."""
        with torch.no_grad():
            fake = image_players()[0](self.z)
            tested = image_players()[0].eval()(self.z)
        right, wrongs = judging(self.discriminator, self.x, fake)
        two_steps = "That is two steps: the optimiser is to move once."
        wrongs += [
            ("The generator was in inference mode (`eval`): its batch normalisation then makes "
             "other images than in training.", judging(self.discriminator, self.x, tested)[0]),
            (two_steps, 2 * right),
            (two_steps, right + self._next(right, fake)),
            ("That is two steps, and the gradients were not cleared between them.",
             2 * right + self._next(right, fake)),
        ]  # fmt: skip
        earlier = gradients_in(self.discriminator)
        if earlier is not None:
            cause = (
                "The generator's own step had left gradients in the discriminator, and yours were "
                "added to them: clear them before `backward`; after the step is too late."
            )
            wrongs.append((cause, right + earlier))
        return right, wrongs

    def _next(self, right: Tensor, fake: Tensor) -> Tensor:
        """The gradient after one right step."""
        moved = image_players()[1]
        parameters = list(moved.parameters())
        with torch.no_grad():
            for p, g in zip(parameters, right.split([p.numel() for p in parameters]), strict=True):
                p.sub_(RATE * g.view_as(p))
        return judging(moved, self.x, fake)[0]

    def _seen(self, change: Tensor, cause: str) -> str:
        """A better cause where more was seen than the weights."""
        if not bool(change.any()):
            if not self.steps:
                return "No weight has moved: `optimizer.step()` is missing."
            if gradients_in(self.discriminator) is None:
                return (
                    "The optimiser stepped, and there was no gradient: first `zero_grad`, then "
                    "`backward`, then `step`."
                )
            return "`optimizer.step()` came before `backward`: it found no gradient."
        if cause.startswith("The term of the") and self.returned().ok:
            which = "generated" if "generated" in cause else "real"
            return (
                f"The loss has both terms, but no gradient comes from that of the {which} images: "
                "their logits are detached, or made under `no_grad`. Cut between the generator "
                "and its images, not behind the discriminator."
            )
        if not cause and not self.noises:
            return "The generator was not called: judge `generator(z)`."
        if not cause and not any(same(z, self.z) for z in self.noises):
            return "The generator was fed other noise: use the `z` that is given."
        if not cause and self.steps > 1:
            return f"The optimiser stepped {self.steps} times: it is to move once."
        return cause

    def _count(self, *_: Any) -> None:
        self.steps += 1

    def _note(self, _: Any, given: tuple[Any, ...]) -> None:
        self.noises.append(given[0])
