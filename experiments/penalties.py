"""Gradient penalties as published code has them: six mistakes, three variants, and what tells them.

All have the arguments of `genlib.losses.gradient_penalty` and return one number per image, so that
`wgan_gp_players(…, penalise=…)` trains with them. Where published code takes one mean over
everything, the mean over the `[B]` returned here is the same number. They go through
`torch.autograd.grad`, as that code does, and not through `torch.func.grad`, which refuses networks
that count their batches.

`PROPERTIES` are tests of one line each. The right penalty has all of them; each mistake lacks the
one that stands under its name.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib import make_generator
from genlib.losses import gradient_penalty
from genlib.losses.adversarial import Critic, Penalty


def by_autograd(critic: Critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """The right one, by `torch.autograd.grad`: for critics that hold batch normalisation."""
    return (_norm(_slope(critic, _between(x, fake, eps))) - 1).square()


# Six mistakes


def norm_per_pixel(critic: Critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """`norm(dim=1)` of `[B, C, H, W]`: a norm over the channels of each pixel, wanted to be 1.

    The norm over all H · W pixels is then wanted to be √(H · W): 28 for 28×28. For points `[B, D]`
    there is no mistake, which is where such code was tried.
    """
    norms = _slope(critic, _between(x, fake, eps)).norm(dim=1)  # [B, C, H, W] -> [B, H, W]
    return (norms - 1).square().flatten(1).mean(dim=1) if norms.ndim > 1 else (norms - 1).square()


def normal_eps(critic: Critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """ε from N(0, 1), `randn` for `rand`: two of three x̂ lie outside their two images.

    The numbers from U[0, 1) are turned into normal ones by the inverse of the normal distribution.
    """
    return by_autograd(critic, x, fake, torch.special.ndtri(eps.clamp(1e-6, 1 - 1e-6)))


def eps_per_pixel(critic: Critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """ε of the shape of x: x̂ is a mosaic of both images and lies on no line between them.

    In many dimensions all x̂ then lie about as far from the one image as from the other. Drawn for
    each image from a generator that its number in `eps` seeds.
    """
    seeds = (eps.double().flatten() * 2**40).long().tolist()
    each = [torch.rand(x.shape[1:], generator=torch.Generator().manual_seed(s)) for s in seeds]
    return by_autograd(critic, x, fake, torch.stack(each).to(x))  # ε: [B, C, H, W]


def eps_one(critic: Critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """ε = 1: x̂ is the image of the data. Between the two sets any slope is free.

    At the data a slope of 1 is wanted, where R1 wants 0.
    """
    return by_autograd(critic, x, fake, torch.ones_like(eps))


def batch_norm(critic: Critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """Batch normalisation in the critic, here in front of it: scores depend on the whole batch.

    The gradient of their sum is no image's own slope. To train with the mistake, give a critic of
    `norm="batch"` and `by_autograd`.
    """
    return by_autograd(
        lambda u: critic(F.batch_norm(u, None, None, training=True)), x, fake, eps
    )  # fmt: skip


def root_without_floor(critic: Critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """√(Σ g²) written out: its gradient at g = 0 is 0 / 0, where that of `norm` is 0.

    One image of slope exactly 0, as ReLU units make it, and all weights are NaN.
    """
    slope = _slope(critic, _between(x, fake, eps)).flatten(1)
    return (slope.square().sum(dim=1).sqrt() - 1).square()


# Three variants for ablations


def shared_eps(critic: Critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """One ε for the whole batch: right on average over batches, and noisier."""
    return by_autograd(critic, x, fake, eps.flatten()[:1].expand(len(x)))


def norm_of_batch(critic: Critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """One norm over all images: a slope of 1/√B each is wanted. The same number for each image."""
    slope = _slope(critic, _between(x, fake, eps))
    return (slope.norm() - 1).square().expand(len(x))


def in_inference_mode(critic: Critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """The critic in `eval` mode while it is punished, in `train` mode for its scores.

    With batch normalisation these are two functions, and only one of them is held to slope 1.
    """
    if not isinstance(critic, nn.Module) or not critic.training:
        return by_autograd(critic, x, fake, eps)
    critic.eval()
    try:
        return by_autograd(critic, x, fake, eps)
    finally:
        critic.train()


MISTAKES: dict[str, Penalty] = {
    "norm per pixel": norm_per_pixel,
    "ε from N(0, 1)": normal_eps,
    "ε per pixel": eps_per_pixel,
    "ε = 1": eps_one,
    "batch norm": batch_norm,
    "root without floor": root_without_floor,
}
SEVEN: dict[str, Penalty] = {"right": gradient_penalty, **MISTAKES}
VARIANTS: dict[str, Penalty] = {
    "shared ε": shared_eps,
    "norm of the batch": norm_of_batch,
    "inference mode": in_inference_mode,
}


# What the right one has


def _unit_slope_is_free(penalty: Penalty, x: Tensor, fake: Tensor, eps: Tensor) -> bool:
    root = x[0].numel() ** 0.5
    return bool((penalty(lambda u: u.flatten(1).sum(dim=1) / root, x, fake, eps) < 1e-6).all())


def _stays_between(penalty: Penalty, x: Tensor, fake: Tensor, eps: Tensor) -> bool:
    """Between black and white no x̂ is longer than white, √D."""
    ones, most = torch.ones_like(x), (x[0].numel() ** 0.5 - 1) ** 2
    return bool((penalty(_half_square, ones, 0 * ones, eps) < most + 1e-3).all())


def _stays_on_the_line(penalty: Penalty, x: Tensor, fake: Tensor, eps: Tensor) -> bool:
    """Between black and white all pixels of x̂ are equal: a critic of their differences is flat."""
    ones = torch.ones_like(x)
    return torch.allclose(penalty(_half_variance, ones, 0 * ones, eps), torch.ones(len(x)))


def _fakes_matter(penalty: Penalty, x: Tensor, fake: Tensor, eps: Tensor) -> bool:
    now, then = (penalty(_half_square, x, made, eps) for made in (fake, 1 - fake))
    return not torch.allclose(now, then)


def _others_do_not(penalty: Penalty, x: Tensor, fake: Tensor, eps: Tensor) -> bool:
    others = [torch.cat([1 - v[:-1], v[-1:]]) for v in (x, fake, eps)]
    now, then = penalty(_half_square, x, fake, eps), penalty(_half_square, *others)
    return torch.allclose(now[-1], then[-1])


def _flat_is_no_nan(penalty: Penalty, x: Tensor, fake: Tensor, eps: Tensor) -> bool:
    weight = torch.zeros(x[0].numel(), requires_grad=True)
    penalty(lambda u: u.flatten(1) @ weight, x, fake, eps).sum().backward()
    return weight.grad is not None and bool(weight.grad.isfinite().all())


Property = Callable[[Penalty, Tensor, Tensor, Tensor], bool]
PROPERTIES: dict[str, tuple[str, Property]] = {  # by the mistake that lacks it
    "norm per pixel": ("a critic of slope 1 pays nothing", _unit_slope_is_free),
    "ε from N(0, 1)": ("x̂ lies between its two images", _stays_between),
    "ε per pixel": ("x̂ lies on their line", _stays_on_the_line),
    "ε = 1": ("generated images matter", _fakes_matter),
    "batch norm": ("other images do not", _others_do_not),
    "root without floor": ("a flat critic gets a gradient that is finite", _flat_is_no_nan),
}


def verdicts(penalty: Penalty, shape: tuple[int, ...] = (4, 3, 8, 8)) -> dict[str, bool]:
    """Whether a penalty has each of the `PROPERTIES`, by the names of the mistakes."""
    generator = make_generator(0, "penalties")
    x, fake = (torch.rand(shape, generator=generator) for _ in range(2))
    eps = torch.linspace(0.02, 0.98, shape[0])
    return {name: test(penalty, x, fake, eps) for name, (_, test) in PROPERTIES.items()}


def _between(x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    weight = eps if eps.shape == x.shape else eps.reshape(-1, *[1] * (x.ndim - 1))
    return torch.lerp(fake, x, weight).requires_grad_()


def _slope(critic: Critic, x_hat: Tensor) -> Tensor:
    return torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)[0]


def _norm(slope: Tensor) -> Tensor:
    return slope.flatten(1).norm(dim=1)  # [B, ...] -> [B]


def _half_square(u: Tensor) -> Tensor:
    """A critic whose slope at u is u."""
    return 0.5 * u.square().flatten(1).sum(dim=1)


def _half_variance(u: Tensor) -> Tensor:
    """A critic whose slope at u is u less its mean."""
    u = u.flatten(1)
    return 0.5 * (u - u.mean(dim=1, keepdim=True)).square().sum(dim=1)
