"""Losses of two networks that play against each other, one value per image.

A discriminator emits logits: its belief that an image is real is their sigmoid, which is never
taken here, because `log(sigmoid(l))` loses all digits where `softplus(−l)` keeps them. A critic
(Wasserstein GAN) emits scores without a scale of belief.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.losses.precision import single

Critic = Callable[[Tensor], Tensor]
Penalty = Callable[[Critic, Tensor, Tensor, Tensor], Tensor]  # critic, x, fake, eps -> [B]

# Half precision has no numbers below 6e-8. Where a critic is still nearly flat (slope 1e-6), the
# parts of its gradient are smaller than that and would be lost. So the scores are scaled up before
# the gradient is taken, and the norm is scaled down. A power of two changes exponents only: single
# precision gives the same bits. This one keeps slopes up to 255 within half precision's 65,504.
SCALE = 2.0**8


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0) -> Tensor:
    """−log σ(l_real) − log(1 − σ(l_fake)), the logistic loss of both kinds of image, in nats.

    Minus the discriminator's value in Goodfellow et al. 2014, equation 1. A discriminator that
    cannot tell pays 2 log 2 = 1.386.

    With `smoothing` s the target for images of the data is 1 − s instead of 1 (one-sided label
    smoothing, Salimans et al. 2016, section 3.4): a logit above log((1 − s)/s) costs more again.

    Args:
        real_logits: for images of the data, `[B]`.
        fake_logits: for generated images, `[B]`.
        smoothing: s, in [0, 1).

    Returns:
        `[B]`, the i-th real image paired with the i-th generated one.

    Raises:
        ValueError: the shapes differ, or `smoothing` is outside [0, 1).
    """
    _one_score_each("real_logits", real_logits, "fake_logits", fake_logits)
    _check_smoothing(smoothing)
    real, fake = single(real_logits), single(fake_logits)
    loss = F.softplus(-real) + F.softplus(fake)
    # (1 − s) softplus(−l) + s softplus(l), since softplus(l) = softplus(−l) + l
    return loss + smoothing * real if smoothing else loss


def generator_loss(fake_logits: Tensor) -> Tensor:
    """−log σ(l_fake), in nats: the non-saturating loss of Goodfellow et al. 2014, section 3.

    Its gradient is large where the discriminator is sure that the image is generated; that of
    `saturating_generator_loss` vanishes there.

    Args:
        fake_logits: the discriminator's logits for generated images, `[B]`.

    Returns:
        `[B]`.
    """
    return F.softplus(-single(fake_logits))


def saturating_generator_loss(fake_logits: Tensor) -> Tensor:
    """log(1 − σ(l_fake)), in nats: the generator's part of the minimax game's value.

    Goodfellow et al. 2014, equation 1. Its gradient in the logit is −σ(l_fake): almost none where
    the discriminator is sure that the image is generated, as it is early in training.

    Args:
        fake_logits: the discriminator's logits for generated images, `[B]`.

    Returns:
        `[B]`, never positive.
    """
    return -F.softplus(single(fake_logits))


def least_squares_discriminator_loss(
    real_scores: Tensor, fake_scores: Tensor, smoothing: float = 0.0
) -> Tensor:
    """½ (s_real − 1)² + ½ s_fake²: Mao et al. 2017, equation 9.

    Scores are taken as they are, without a sigmoid.

    Args:
        real_scores: for images of the data, `[B]`.
        fake_scores: for generated images, `[B]`.
        smoothing: the target for images of the data is 1 less this, in [0, 1).

    Returns:
        `[B]`.

    Raises:
        ValueError: the shapes differ, or `smoothing` is outside [0, 1).
    """
    _one_score_each("real_scores", real_scores, "fake_scores", fake_scores)
    _check_smoothing(smoothing)
    real, fake = single(real_scores), single(fake_scores)
    return 0.5 * (real - (1 - smoothing)).square() + 0.5 * fake.square()


def least_squares_generator_loss(fake_scores: Tensor) -> Tensor:
    """½ (s_fake − 1)²: Mao et al. 2017, equation 9.

    Args:
        fake_scores: the discriminator's scores for generated images, `[B]`.

    Returns:
        `[B]`.
    """
    return 0.5 * (single(fake_scores) - 1).square()


def hinge_discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """max(0, 1 − s_real) + max(0, 1 + s_fake): Lim & Ye 2017; Miyato et al. 2018, equation 16.

    Images that are on the right side by a margin of 1 have no more say.

    Args:
        real_scores: for images of the data, `[B]`.
        fake_scores: for generated images, `[B]`.

    Returns:
        `[B]`.

    Raises:
        ValueError: the shapes differ.
    """
    _one_score_each("real_scores", real_scores, "fake_scores", fake_scores)
    return F.relu(1 - single(real_scores)) + F.relu(1 + single(fake_scores))


def hinge_generator_loss(fake_scores: Tensor) -> Tensor:
    """−s_fake: Lim & Ye 2017; Miyato et al. 2018, equation 17.

    Args:
        fake_scores: the discriminator's scores for generated images, `[B]`.

    Returns:
        `[B]`.
    """
    return -single(fake_scores)


def gradient_norm(critic: Critic, x: Tensor) -> Tensor:
    """‖∇ critic(x)‖₂ of each image: how steep the critic is there, over all values of the image.

    Differentiable in the critic's weights, with gradient 0, not NaN, where the slope is 0. Right
    under autocast too, in bfloat16 and in half precision.

    Args:
        critic: from images to scores `[B]`, each from its own image alone: no batch normalisation.
        x: images `[B, ...]`, single or double precision.

    Returns:
        `[B]`.
    """
    # Scores of different images do not mix, so the gradient of their sum holds each image's own.
    # torch.func.grad, unlike torch.autograd.grad, lets torch.compile trace a loss that contains it.
    slope = torch.func.grad(lambda u: SCALE * single(critic(u)).sum())(x)
    return torch.linalg.vector_norm(slope.flatten(1), dim=1) / SCALE  # [B]


def gradient_penalty(
    critic: Critic, x: Tensor, fake: Tensor, eps: Tensor, one_sided: bool = False
) -> Tensor:
    """(‖∇ critic(x̂)‖₂ − 1)² at x̂ = ε x + (1 − ε) fake, a point between two images.

    Gulrajani et al. 2017, algorithm 1, lines 6 and 7. The norm and its precision are those of
    `gradient_norm`.

    Args:
        critic: as for `gradient_norm`.
        x: images of the data, `[B, ...]`, single or double precision.
        fake: generated images of the same shape, without a graph.
        eps: one number per pair from U[0, 1), `[B]` or `[B, 1, ...]`.
        one_sided: punish only norms above 1: max(0, ‖∇ critic(x̂)‖₂ − 1)² (there, section 4;
            Petzka et al. 2018). A Lipschitz constraint forbids no slope below 1.

    Returns:
        `[B]`.

    Raises:
        ValueError: `x` and `fake` differ in shape, or `eps` is not one number per image.
    """
    if x.shape != fake.shape:
        raise ValueError(
            f"images {list(x.shape)} and generated images {list(fake.shape)} differ in shape; "
            "a point between two of them needs pairs of equal shape."
        )
    if eps.shape[:1] != x.shape[:1] or eps.numel() != len(x):
        raise ValueError(
            f"eps has shape {list(eps.shape)}, expected one number per image, [{len(x)}]: with one "
            "per pixel, x̂ would not lie on the line between its two images."
        )
    eps = eps.to(x.dtype).reshape(-1, *[1] * (x.ndim - 1))  # [B] -> [B, 1, ...]
    x_hat = torch.lerp(fake.to(x.dtype), x, eps)
    excess = gradient_norm(critic, x_hat) - 1  # [B]
    return (F.relu(excess) if one_sided else excess).square()


def r1_penalty(critic: Critic, x: Tensor) -> Tensor:
    """½ ‖∇ critic(x)‖² at images of the data: times γ, R1 of Mescheder et al. 2018, equation 9.

    It wants a slope of 0 where the data are, not of 1 between the data and the generated images.
    There the critic is a GAN's discriminator and its score the logit.

    Args:
        critic, x: as for `gradient_norm`.

    Returns:
        `[B]`.
    """
    return 0.5 * gradient_norm(critic, x).square()


def critic_loss(
    critic: Critic, x: Tensor, fake: Tensor, eps: Tensor, penalty_weight: float = 10.0,
    penalise: Penalty = gradient_penalty,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """critic(fake) − critic(x) + λ · penalty: Gulrajani et al. 2017, algorithm 1, line 7.

    A function of tensors that compiles whole (`torch.compile(…, fullgraph=True)`).

    Args:
        critic, x, fake, eps: as for `gradient_penalty`.
        penalty_weight: λ.
        penalise: the penalty, a function of `critic`, `x`, `fake` and `eps` that returns `[B]`.

    Returns:
        `(total, distance, penalty)`, each `[B]`. The mean of `distance` = critic(x) − critic(fake)
        estimates the Wasserstein distance from below, up to the slope the critic is off by.

    Raises:
        ValueError: as for `gradient_penalty`, or the critic or the penalty does not return one
            number per image.
    """
    real, made = single(critic(x)), single(critic(fake))
    _one_score_each("critic(x)", real, "critic(fake)", made)
    distance = real - made
    penalty = penalise(critic, x, fake, eps)
    _one_score_each("critic(x)", real, "the penalty", penalty)
    return penalty_weight * penalty - distance, distance, penalty


def _one_score_each(name: str, real: Tensor, other: str, fake: Tensor) -> None:
    if real.ndim != 1 or real.shape != fake.shape:
        raise ValueError(
            f"{name} has shape {list(real.shape)} and {other} {list(fake.shape)}; expected one "
            "number per image, [B], in both. Squeeze a last dimension of 1 in the network."
        )


def _check_smoothing(smoothing: float) -> None:
    if not 0 <= smoothing < 1:
        raise ValueError(
            f"smoothing is {smoothing}; it is what the target for real images is lowered by, from "
            "0 to below 1: 0.1 is usual."
        )
