"""Chapter 4's exercises, done right and done wrong: what a student's numbers are held against.

Each `wrong_*` lists likely mistakes with the value that the mistake gives for the same input.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.exercises.trial import Wrong

TWICE = "The sigmoid is taken twice: these are logits, and a loss on logits contains it."


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-real) + F.softplus(fake)  # [B]


def generator_loss(fake: Tensor) -> Tensor:
    return F.softplus(-fake)  # [B]


def minibatch_features(m: Tensor) -> Tensor:
    nearness = (-_distances(m)).exp()  # [B, B, kernels]
    return nearness.sum(1) - 1  # [B, kernels]; e⁰ = 1 is the sample itself


def wrong_judgements(real: Tensor, fake: Tensor) -> list[Wrong]:
    """Mistakes in −log σ(l_real) − log(1 − σ(l_fake)), per pair, `[B]`."""
    r, f = F.softplus(-real), F.softplus(fake)  # right
    r_as_fake, f_as_real = F.softplus(real), F.softplus(-fake)  # labelled the other way
    p_real, p_fake = real.sigmoid(), fake.sigmoid()
    twice_real, twice_fake = F.softplus(-p_real), F.softplus(p_fake)
    squares = (real - 1).square() + fake.square()
    probability_squares = (p_real - 1).square() + p_fake.square()
    return [
        ("The labels are swapped, or the two arguments are: real images have label 1, generated "
         "ones 0.", r_as_fake + f_as_real),
        ("Generated images have label 1, which is what the generator wants: here it is 0.",
         r + f_as_real),
        ("Real images have label 0: it is 1.", r_as_fake + f),
        ("The sign is wrong: that is the value, which a discriminator raises. A loss is lowered.",
         -r - f),
        ("The sign of the generated images' term is wrong: both terms are −log of a probability, "
         "and never negative.", r - f),
        ("The sign of the real images' term is wrong: both terms are −log of a probability, and "
         "never negative.", f - r),
        ("The sign is wrong, and generated images have label 1: here it is 0.", -r - f_as_real),
        ("The term of the generated images is missing: add −log(1 − σ(l_fake)).", r),
        ("The term of the real images is missing: add −log σ(l_real).", f),
        ("That is half of it, as a mean over real and generated images together gives: add the two "
         "terms.", (r + f) / 2),
        ("That is the generator's loss, −log σ(l_fake).", f_as_real),
        ("That is log(1 − σ(l_fake)), the generator's part of the game.", -f),
        (TWICE, twice_real + twice_fake),
        (f"{TWICE} It is so in the term of the real images.", twice_real + f),
        (f"{TWICE} It is so in the term of the generated images.", r + twice_fake),
        ("The logarithm is missing: that is a sum of probabilities.", 1 - p_real + p_fake),
        ("The logarithm is missing: that is a difference of probabilities.", p_fake - p_real),
        ("That is the least-squares loss: asked is −log of a probability.", squares / 2),
        ("That is the squared error of the logits: asked is −log of a probability.", squares),
        ("That is the squared error of the probabilities: asked is −log of a probability.",
         probability_squares),
        ("That is half the squared error of the probabilities: asked is −log of a probability.",
         probability_squares / 2),
        ("That is the hinge loss: asked is −log of a probability.",
         F.relu(1 - real) + F.relu(1 + fake)),
        ("That is a critic's loss, the difference of the scores: asked is −log of a probability.",
         fake - real),
        ("That is in bits: use the natural logarithm.", (r + f) / math.log(2)),
        ("That is a loss of the difference of the logits: each image is judged by itself.",
         F.softplus(fake - real)),
        ("The label of the real images is 0.9: no smoothing here.", r + 0.1 * real + f),
        ("Labels are 0.9 for real images and 0.1 for generated ones: no smoothing here.",
         r + 0.1 * real + f - 0.1 * fake),
        ("You took the larger of the two terms: add them.", torch.maximum(r, f)),
        ("1 − σ(l) is σ(−l): you took σ(1 − l).", r + F.softplus(fake - 1)),
        ("log(1 − σ(l)) is log σ(−l): you took 1 − log σ(l).", r - 1 - f_as_real),
        ("You took tanh of the logits first: they go in as they are.",
         F.softplus(-real.tanh()) + F.softplus(fake.tanh())),
        ("You multiplied the two terms: add them.", r * f),
        ("That is the probability that both are judged right: take −log of it.", (-r - f).exp()),
    ]  # fmt: skip


def wrong_pair_shapes(real: Tensor, fake: Tensor) -> list[Wrong]:
    """Mistakes in reducing the discriminator's loss: one number per pair is asked, `[B]`."""
    r, f = F.softplus(-real), F.softplus(fake)
    both = torch.cat([r, f])
    return [
        ("You returned the mean over the batch: return one number per pair, and let the training "
         "loop take the mean.", (r + f).mean()),
        ("You returned the sum over the batch: return one number per pair.", (r + f).sum()),
        ("You averaged over real and generated images together: return one number per pair, the "
         "sum of its two terms.", both.mean()),
        ("You averaged the real images' term over the batch (the default of `binary_cross_entropy_"
         "with_logits`): give `reduction=\"none\"`.", r.mean() + f),
        ("You averaged the generated images' term over the batch (the default of `binary_cross_"
         "entropy_with_logits`): give `reduction=\"none\"`.", r + f.mean()),
        ("The two terms stand one after the other: add them, pair by pair.", both),
        ("The two terms stand beside each other: add them, pair by pair.", torch.stack([r, f])),
        ("The two terms stand beside each other: add them, pair by pair.", torch.stack([r, f], 1)),
        ("You added [B, 1] and [B]: broadcasting made [B, B] of it, each real image with each "
         "generated one.", r[:, None] + f),
        ("You added [B] and [B, 1]: broadcasting made [B, B] of it, each generated image with each "
         "real one.", r + f[:, None]),
        ("A last axis of length 1 was added: return [B].", (r + f)[:, None]),
    ]  # fmt: skip


def wrong_persuasions(fake: Tensor) -> list[Wrong]:
    """Mistakes in −log σ(l_fake), per image, `[B]`."""
    right, judged, p = F.softplus(-fake), F.softplus(fake), fake.sigmoid()
    return [
        ("That is log(1 − σ(l)), the saturating loss: its gradient vanishes where the "
         "discriminator is sure. Asked is −log σ(l).", -judged),
        ("That is −log(1 − σ(l)), the discriminator's term: a generator that lowers it makes its "
         "images look less real. Its label is 1.", judged),
        ("The sign is wrong: that is log σ(l), and a generator that lowers it makes its images "
         "look less real.", -right),
        (TWICE, F.softplus(-p)),
        ("The logarithm is missing: that is −σ(l).", -p),
        ("The logarithm is missing: that is 1 − σ(l).", 1 - p),
        ("That is σ(l), the discriminator's belief: asked is −log of it.", p),
        ("That is −l, the loss of a critic or of the hinge game: asked is −log σ(l).", -fake),
        ("That is the logit itself: asked is −log σ(l).", fake),
        ("That is the least-squares loss: asked is −log σ(l).", (fake - 1).square() / 2),
        ("That is the squared error of the logit: asked is −log σ(l).", (fake - 1).square()),
        ("That is the squared error of the probability: asked is −log σ(l).", (p - 1).square()),
        ("That is half the squared error of the probability: asked is −log σ(l).",
         (p - 1).square() / 2),
        ("That is the discriminator's hinge, max(0, 1 − l): asked is −log σ(l).", F.relu(1 - fake)),
        ("That is in bits: use the natural logarithm.", right / math.log(2)),
        ("That is half of it: no mean with other terms.", right / 2),
        ("The label is 0.9: smoothing is for the discriminator, and not here.", right + 0.1 * fake),
        ("You added the discriminator's term to it: asked is −log σ(l) alone.", right + judged),
        ("That is 1/σ(l): take the logarithm of it.", right.exp()),
        ("That is exp(−l): −log σ(l) is log(1 + exp(−l)).", (-fake).exp()),
        (f"{TWICE} And the sign is wrong.", -F.softplus(-p)),
        ("That is max(0, −l), which has no gradient above 0: asked is −log σ(l).", F.relu(-fake)),
        ("There is no factor 2 here.", 2 * right),
        ("You divided by the batch size: return one number per image, and let the training loop "
         "take the mean.", right / len(fake) if len(fake) > 1 else None),
    ]  # fmt: skip


def wrong_image_shapes(fake: Tensor) -> list[Wrong]:
    """Mistakes in reducing the generator's loss: one number per image is asked, `[B]`."""
    right, saturating = F.softplus(-fake), -F.softplus(fake)
    return [
        ("You returned the mean over the batch: return one number per image, and let the training "
         "loop take the mean.", right.mean()),
        ("You returned the sum over the batch: return one number per image.", right.sum()),
        ("You returned the mean over the batch, and of the saturating loss: asked is −log σ(l), "
         "one number per image.", saturating.mean()),
        ("A last axis of length 1 was added: return [B].", right[:, None]),
    ]  # fmt: skip


def wrong_features(m: Tensor) -> list[Wrong]:
    """Mistakes in o_ib = Σ_{j≠i} exp(−‖M_ib − M_jb‖₁)."""
    B, _, dim = m.shape
    gap = m[:, None] - m  # [B, B, kernels, dim]
    size, near = gap.abs(), (-_distances(m)).exp()  # [B, B, kernels, dim], [B, B, kernels]
    distance, right = _distances(m), near.sum(1) - 1
    later = torch.ones(B, B, dtype=m.dtype).triu(1)[..., None]  # 1 where j > i
    others = 1 - torch.eye(B, dtype=m.dtype)[..., None]  # 1 where j ≠ i
    inside = (m[:, :, None] - m[:, None]).abs().sum(-1)  # [B, kernels, kernels]
    return [
        ("The sample itself, j = i, is counted: that adds e⁰ = 1 to every number. Leave it out.",
         near.sum(1)),
        ("You averaged over all j: sum over the others.", near.mean(1)),
        ("You averaged over the others, j ≠ i: sum over them.", right / (B - 1)),
        ("You divided by the batch size: sum over the others.", right / B),
        ("That is the Euclidean distance, ‖·‖₂: asked is the sum of absolute values, ‖·‖₁.",
         (others * (-gap.square().sum(-1).sqrt()).exp()).sum(1)),
        ("That is the Euclidean distance, ‖·‖₂, and j = i is counted: asked is ‖·‖₁ of the others.",
         (-gap.square().sum(-1).sqrt()).exp().sum(1)),
        ("The distance is squared: asked is the sum of absolute values, ‖·‖₁.",
         (others * (-gap.square().sum(-1)).exp()).sum(1)),
        ("The distance is squared and halved, as in a Gaussian: asked is ‖·‖₁.",
         (others * (-gap.square().sum(-1) / 2).exp()).sum(1)),
        ("You squared ‖·‖₁: take it as it is.", (others * (-distance.square()).exp()).sum(1)),
        ("You took the largest of the absolute values: sum them.",
         (others * (-size.amax(-1)).exp()).sum(1)),
        (f"You averaged the absolute values over the {dim} numbers of a row: sum them.",
         (others * (-distance / dim).exp()).sum(1)),
        ("The absolute value is missing: ‖·‖₁ is never negative.",
         (others * (-gap.sum(-1)).exp()).sum(1)),
        ("You took the absolute value of the sum: ‖·‖₁ is the sum of absolute values.",
         (others * (-gap.sum(-1).abs()).exp()).sum(1)),
        ("The minus sign is missing: exp(−distance) is large for near samples.",
         (others * distance.exp()).sum(1)),
        ("The minus sign is missing, and j = i is counted: exp(−distance) is large for near "
         "samples.", distance.exp().sum(1)),
        ("The exponential is missing: that is a sum of distances, large for far samples.",
         distance.sum(1)),
        ("The exponential is missing: that is minus the sum of distances.", -distance.sum(1)),
        ("The exponential is missing: that is the mean distance.", distance.mean(1)),
        ("You took exp of minus the summed distances: take exp for each j, then sum.",
         (-distance.sum(1)).exp()),
        ("You took exp of minus the mean distance: take exp for each j, then sum.",
         (-distance.mean(1)).exp()),
        ("You took exp of each number's distance and then summed over the row: sum the absolute "
         "values of a row first.", (others[..., None] * (-size).exp()).sum(-1).sum(1)),
        ("That is a softmax over j, which sums to 1 whatever the samples are: no division.",
         torch.ones_like(right)),
        ("A softmax over j, and the share of the others in it: no division.",
         1 - 1 / near.sum(1)),
        ("You took a softmax over the kernels at the end: the sums are asked as they are.",
         right.softmax(1)),
        ("You divided by the sum over the kernels: the sums are asked as they are.",
         right / right.sum(1, keepdim=True)),
        ("Only the samples that come later, j > i, are compared with: take all others.",
         (later * near).sum(1)),
        ("Only the samples that come before, j < i, are compared with: take all others.",
         (later * near).sum(0)),
        ("That is half of it: each sample compares itself with all others, so each pair counts for "
         "both of its samples.", right / 2),
        ("That is 1 − exp(−distance): asked is exp(−distance), large for near samples.",
         (1 - near).sum(1)),
        ("1 is subtracted twice, or subtracted though j = i was left out.", right - 1),
        ("That is in powers of 2: use exp.", (others * torch.exp2(-distance)).sum(1)),
        ("The logarithm is one step too many.", right.log()),
        ("You compared each sample with one other, its neighbour in the batch: take all others.",
         (-(m - m.roll(1, 0)).abs().sum(-1)).exp()),
        ("You compared each sample with one other, its neighbour in the batch: take all others.",
         (-(m - m.roll(-1, 0)).abs().sum(-1)).exp()),
        ("You compared each sample with the mean of the batch: take all others, one by one.",
         (-(m - m.mean(0)).abs().sum(-1)).exp()),
        ("Each pair is counted twice.", 2 * right),
        ("You compared all samples with the first one: each sample is compared with all others.",
         near[0]),
        ("All kernels have one number: each has its own distance.",
         ((-distance.sum(-1)).exp().sum(1) - 1)[:, None].expand_as(right)),
        ("The sign is wrong: nearness is positive.", -right),
        ("Only the nearest other sample counts: sum over all others.", (others * near).amax(1)),
        ("You compared the rows of one sample with each other: row b is compared with row b of "
         "the other samples.", (-inside).exp().sum(2) - 1),
        ("You compared the rows of one sample with each other, each with itself too: row b is "
         "compared with row b of the other samples.", (-inside).exp().sum(2)),
        ("kernels and dim have changed places: sum the absolute values over the last axis.",
         (others * (-size.sum(2)).exp()).sum(1)),
        ("kernels and dim have changed places, and j = i is counted: sum the absolute values over "
         "the last axis.", (-size.sum(2)).exp().sum(1)),
        ("The distances of all kernels are added: each kernel has its own number.",
         (others[..., 0] * (-distance.sum(-1)).exp()).sum(1)),
        ("You summed over the kernels: each kernel has its own number.", right.sum(1)),
        ("You averaged over the kernels: each kernel has its own number.", right.mean(1)),
        ("Nothing is summed over j: [B, B, kernels] becomes [B, kernels].", near),
        ("The absolute values are not summed over the row before exp.",
         (-size).exp().sum(1) - 1),
        ("The axes are turned around: return [B, kernels].", right.T),
        ("You summed over all pairs: one number for each sample and kernel.", right.sum(0)),
        ("You summed everything: one number for each sample and kernel.", right.sum()),
        ("The rows themselves stand before the sums: return the sums only.",
         torch.cat([m.flatten(1), right], 1)),
    ]  # fmt: skip


def _distances(m: Tensor) -> Tensor:
    return (m[:, None] - m).abs().sum(-1)  # [B, kernels, dim] -> [B, B, kernels]
