"""Chapter 4's two players at their smallest: what a right move does to weights, and a wrong one."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from genlib.exercises.mistakes4 import (
    discriminator_loss,
    generator_loss,
    wrong_judgements,
    wrong_persuasions,
)
from genlib.exercises.trial import Wrong
from genlib.models.noise import Generator
from genlib.seeds import make_generator


class TinyGenerator(Generator):
    """Emits `[B, 3]`: two numbers that it learns, the same for every z, and the first number of z.

    The discriminator looks at the first two. So no gradient depends on the noise, and what a round
    does to the weights is known; the third number tells from which z a sample was made.
    """

    def __init__(self, shift: Tensor) -> None:
        super().__init__(8, "uniform")
        self.shift = nn.Parameter(shift.clone())  # [2]
        self.given: list[Tensor] = []  # every z so far

    def forward(self, z: Tensor) -> Tensor:
        self.given.append(z.detach().clone())
        # Multiplied, so that a second `backward` through one graph fails as in larger networks.
        return torch.cat([self.shift * torch.ones(len(z), 2), z[:, :1]], dim=1)


class TinyDiscriminator(nn.Module):
    """The logit is linear in the first two numbers of `x [B, 3]`."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone())  # [2]
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :2] @ self.weight + self.bias  # [B, 3] -> [B]


def image_players() -> tuple[nn.Module, nn.Module]:
    """A generator of 1×2×3 images, with batch normalisation, and their discriminator; in double."""
    generator = nn.Sequential(
        nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Unflatten(1, (1, 2, 3))
    )
    discriminator = nn.Sequential(
        nn.Flatten(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1), nn.Flatten(0)
    )
    for name, player in (("generator", generator), ("discriminator", discriminator)):
        player.double()
        source = make_generator(0, "exercise 4", name)
        with torch.no_grad():
            for weight in player.parameters():
                weight.copy_(torch.randn(weight.shape, generator=source, dtype=weight.dtype))
    return generator, discriminator


def flat(tensors: Iterable[Tensor]) -> Tensor:
    """All numbers of `tensors` in one vector, a copy."""
    return torch.cat([t.detach().flatten() for t in tensors]).clone()


def gradients_in(module: nn.Module) -> Tensor | None:
    """What `.grad` holds, as one vector; None where no parameter has any."""
    parameters = list(module.parameters())
    if all(p.grad is None for p in parameters):
        return None
    return flat(torch.zeros_like(p) if p.grad is None else p.grad for p in parameters)


def gradient_of(loss: Tensor, module: nn.Module) -> Tensor:
    """The gradient of a scalar at the module's parameters, as one vector."""
    parameters = list(module.parameters())
    grads = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    pairs = zip(grads, parameters, strict=True)
    return flat(torch.zeros_like(p) if g is None else g for g, p in pairs)


def judging(discriminator: nn.Module, x: Tensor, fake: Tensor) -> tuple[Tensor, list[Wrong]]:
    """The gradient that should move the discriminator, and those of likely mistakes."""

    def of(loss: Tensor) -> Tensor:
        return gradient_of(loss.mean(), discriminator)

    fake = fake.detach()
    real, made = discriminator(x), discriminator(fake)
    right = of(discriminator_loss(real, made))
    wrongs: list[Wrong] = [
        (cause, of(value)) for cause, value in wrong_judgements(real, made) if value is not None
    ]
    wrongs += [
        ("You summed the loss over the batch: take the mean.", len(x) * right),
        ("The images of the data stand in for the generated ones: judge `generator(z)`.",
         of(discriminator_loss(real, real))),
        ("The generated images stand in for those of the data: judge `x`.",
         of(discriminator_loss(made, made))),
    ]  # fmt: skip
    return right, wrongs


def persuading(
    discriminator: nn.Module, generator: nn.Module, fake: Tensor
) -> tuple[Tensor, list[Wrong]]:
    """The gradient that should move the generator, and those of likely mistakes."""
    logits = discriminator(fake)
    right = gradient_of(generator_loss(logits).mean(), generator)
    wrongs: list[Wrong] = [
        (cause, gradient_of(value.mean(), generator))
        for cause, value in wrong_persuasions(logits)
        if value is not None
    ]
    total = "You summed the generator's loss over the batch: take the mean."
    return right, [*wrongs, (total, len(fake) * right)]
