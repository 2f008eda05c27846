"""Chapter 6's exercises, done right and done wrong: what a student's numbers are held against.

Each `wrong_*` lists likely mistakes with the value that the mistake gives for the same input.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.exercises.trial import Wrong


class Seen(NamedTuple):
    """What one pass through encoder, decoder and discriminator shows."""

    mu: Tensor  # [B, K]
    log_var: Tensor  # [B, K]
    features: Tensor  # of the image, [B, F]
    rebuilt_features: Tensor  # of its reconstruction, [B, F]
    real: Tensor  # logits of the image, the reconstruction and a prior sample, [B] each
    rebuilt: Tensor
    sampled: Tensor


def kl(s: Seen) -> Tensor:
    return 0.5 * (s.mu.square() + s.log_var.exp() - 1 - s.log_var).sum(1)  # [B]


def likeness(s: Seen) -> Tensor:
    return 0.5 * (s.features - s.rebuilt_features).square().sum(1)  # [B]


def encoder_loss(s: Seen, gamma: float) -> Tensor:
    del gamma  # the decoder's affair
    return kl(s) + likeness(s)


def decoder_loss(s: Seen, gamma: float) -> Tensor:
    return gamma * likeness(s) + F.softplus(-s.rebuilt) + F.softplus(-s.sampled)


def discriminator_loss(s: Seen, gamma: float) -> Tensor:
    del gamma
    return F.softplus(-s.real) + F.softplus(s.rebuilt) + F.softplus(s.sampled)


def add_attribute(mu: Tensor, log_var: Tensor, has: Tensor, strength: float) -> Tensor:
    del log_var
    return torch.where(has[:, None], mu, mu + strength * _direction(mu, has))  # [N, K]


def wrong_encoder_losses(s: Seen, gamma: float) -> list[Wrong]:
    """Mistakes in KL + likeness, `[B]`."""
    prior, like, right = kl(s), likeness(s), encoder_loss(s, gamma)
    gap = s.features - s.rebuilt_features
    fooling = F.softplus(-s.rebuilt) + F.softplus(-s.sampled)
    return [
        ("γ weighs likeness in the decoder's loss alone: the encoder takes likeness as it is.",
         prior + gamma * like),
        ("γ weighs nothing in the encoder's loss, and in the decoder's it weighs likeness.",
         gamma * prior + like),
        ("The KL term is averaged over the K latent dimensions: sum it. The average weighs it with "
         "1/K, and codes are free to leave the prior.", prior / s.mu.shape[1] + like),
        ("Likeness is averaged over the features: sum it, as the log of a product of densities is "
         "a sum.", prior + like / gap.shape[1]),
        ("Likeness is averaged over the features: sum it, and halve it.",
         prior + gap.square().mean(1)),
        ("Likeness is averaged over features and batch, as `F.mse_loss` does: give "
         "`reduction=\"none\"`, sum over the features, and halve it.", prior + gap.square().mean()),
        ("The KL term is averaged over the batch too: keep one number per image.",
         prior.mean() / s.mu.shape[1] + like if len(prior) > 1 else None),
        ("The factor ½ of the KL term is there twice.", prior / 2 + like),
        ("The constant of the Gaussian, ½ log 2π for each feature, is left out here.",
         right + gap.shape[1] * 0.5 * math.log(2 * math.pi)),
        ("You added [B, 1] and [B], which broadcasts to [B, B]: no `keepdim`.",
         prior[:, None] + like if len(prior) > 1 else None),
        ("KL and likeness are both averaged over their dimensions: sum them.",
         prior / s.mu.shape[1] + like / gap.shape[1]),
        ("The KL term is missing.", like), ("Likeness is missing.", prior),
        ("The encoder gets the GAN loss too: in the paper it does not, since a code is to describe "
         "its image, not to please the discriminator.", right + fooling),
        ("The encoder gets the GAN loss of its reconstructions: in the paper it gets none.",
         right + F.softplus(-s.rebuilt)),
        ("Likeness is what the encoder lowers: its sign is wrong.", prior - like),
        ("The KL term is lowered: its sign is wrong.", like - prior),
        ("The signs are wrong: that is the bound, which is raised. A loss is lowered.", -right),
        ("The factor ½ of likeness is missing: −log N(a; b, I) is ½ ‖a − b‖² + const.",
         prior + 2 * like),
        ("The factor ½ of the KL term is missing.", 2 * prior + like),
        ("The factor ½ is missing, in both terms.", 2 * right),
        ("Likeness is the squared distance: you took the distance.",
         prior + gap.norm(dim=1)),
        ("Likeness is half the squared distance: you took half the distance.",
         prior + 0.5 * gap.norm(dim=1)),
        ("Likeness sums absolute values: that is the log of a Laplace density, asked is the "
         "Gaussian.", prior + gap.abs().sum(1)),
        ("exp(log_var) is σ² already: you squared it again.",
         0.5 * (s.mu.square() + (2 * s.log_var).exp() - 1 - s.log_var).sum(1) + like),
        ("You took `log_var` for log σ: it is log σ².",
         0.5 * (s.mu.square() + (2 * s.log_var).exp() - 1 - 2 * s.log_var).sum(1) + like),
        ("−1 is missing in the KL term.", prior + like + 0.5 * s.mu.shape[1]),
        *_shapes(right),
    ]  # fmt: skip


def wrong_decoder_losses(s: Seen, gamma: float) -> list[Wrong]:
    """Mistakes in γ · likeness + the non-saturating loss of both generated images, `[B]`."""
    like, right = gamma * likeness(s), decoder_loss(s, gamma)
    a, b = F.softplus(-s.rebuilt), F.softplus(-s.sampled)
    saturating = -F.softplus(s.rebuilt) - F.softplus(s.sampled)
    return [
        ("γ is missing: it weighs likeness in the decoder's loss.", likeness(s) + a + b),
        ("γ weighs the GAN loss: it weighs likeness.", likeness(s) + gamma * (a + b)),
        ("γ weighs the whole loss: it weighs likeness alone.", gamma * (likeness(s) + a + b)),
        ("You divided by γ: multiply likeness by it.", likeness(s) / gamma + a + b),
        ("γ is squared.", gamma * like + a + b),
        ("γ is a weight of likeness alone, and no share: the GAN loss has no 1 − γ.",
         like + (1 - gamma) * (a + b)),
        ("γ is a weight of likeness alone, and no share: there is no 1 − γ.",
         (1 - gamma) * likeness(s) + gamma * (a + b)),
        ("γ is fixed in your code: use `gamma`.",
         0.3 * likeness(s) + a + b),
        ("The GAN loss is averaged over the batch (the default of `binary_cross_entropy_with_"
         "logits`): give `reduction=\"none\"`.",
         like + a.mean() + b.mean() if len(a) > 1 else None),
        ("That is likeness less the discriminator's whole loss: asked is −log σ(l) of both "
         "generated images.", like + saturating - F.softplus(-s.real)),
        ("The GAN loss is there twice.", like + 2 * (a + b)),
        ("Likeness is missing: reconstructions would only have to look real.", a + b),
        ("The GAN loss is missing.", like),
        ("The prior sample is missing: the decoder makes two images, and both are to look real.",
         like + a),
        ("The reconstruction is missing in the GAN loss: the decoder makes two images, and both "
         "are to look real.", like + b),
        ("The GAN loss is averaged over the two generated images: add the two.",
         like + (a + b) / 2),
        ("That is the saturating loss, log(1 − σ(l)): where the discriminator is sure, it has "
         "almost no gradient. Take −log σ(l).", like + saturating),
        ("That lowers the discriminator's terms: the decoder wants −log σ(l) of its images.",
         like - saturating),
        ("The sign of the GAN loss is wrong.", like - a - b),
        ("The sign of likeness is wrong: it shall become small.", a + b - like),
        ("The sign is wrong: a loss is lowered.", -right),
        ("The image's own logit is no affair of the decoder, which did not make it.",
         right + F.softplus(s.real)),
        ("The image's own logit is no affair of the decoder, which did not make it.",
         right + F.softplus(-s.real)),
        ("The KL term does not depend on the decoder: it is the encoder's.", right + kl(s)),
        ("Likeness is averaged over the features: sum it, γ is its weight.",
         like / s.features.shape[1] + a + b),
        ("The factor ½ of likeness is missing: −log N(a; b, I) is ½ ‖a − b‖² + const.",
         2 * like + a + b),
        ("The sigmoid is taken twice: these are logits, and a loss on logits contains it.",
         like + F.softplus(-s.rebuilt.sigmoid()) + F.softplus(-s.sampled.sigmoid())),
        ("That is a critic's loss: asked is −log of a probability.",
         like - s.rebuilt - s.sampled),
        *_shapes(right),
    ]  # fmt: skip


def wrong_discriminator_losses(s: Seen, gamma: float) -> list[Wrong]:
    """Mistakes in the logistic loss of an image and of two generated ones, `[B]`."""
    right = discriminator_loss(s, gamma)
    r, a, b = F.softplus(-s.real), F.softplus(s.rebuilt), F.softplus(s.sampled)
    return [
        ("The prior sample is missing: both of the decoder's images count as generated.", r + a),
        ("The reconstruction is missing: both of the decoder's images count as generated.",
         r + b),
        ("The two generated images are averaged: add both terms.", r + (a + b) / 2),
        ("The image is weighed double, to make up for two generated ones: the paper has each term "
         "once.", 2 * r + a + b),
        ("The term of the image is missing.", a + b),
        ("Likeness is in it: the discriminator would lower it by making its features the same for "
         "all images.", right + likeness(s)),
        ("Likeness is in it, weighed with γ: the discriminator would lower it by making its "
         "features the same for all images.", right + gamma * likeness(s)),
        ("Likeness is subtracted: the discriminator gets the GAN loss alone.",
         right - gamma * likeness(s)),
        ("The labels are swapped: the image has label 1, what the decoder makes has 0.",
         F.softplus(s.real) + F.softplus(-s.rebuilt) + F.softplus(-s.sampled)),
        ("The reconstruction has label 1: it was made by the decoder, so its label is 0.",
         r + F.softplus(-s.rebuilt) + b),
        ("The prior sample has label 1: its label is 0.", r + a + F.softplus(-s.sampled)),
        ("The image has label 0: its label is 1.", F.softplus(s.real) + a + b),
        ("The sign is wrong: that is the value, which a discriminator raises. A loss is lowered.",
         -right),
        ("That is the decoder's GAN loss.", F.softplus(-s.rebuilt) + F.softplus(-s.sampled)),
        ("The sigmoid is taken twice: these are logits, and a loss on logits contains it.",
         F.softplus(-s.real.sigmoid()) + F.softplus(s.rebuilt.sigmoid())
         + F.softplus(s.sampled.sigmoid())),
        ("That is a critic's loss: asked is −log of a probability.",
         s.rebuilt + s.sampled - s.real),
        ("That is the mean of the three terms: add them.", right / 3),
        ("That is the hinge loss: asked is −log of a probability.",
         F.relu(1 - s.real) + F.relu(1 + s.rebuilt) + F.relu(1 + s.sampled)),
        *_shapes(right),
    ]  # fmt: skip


def wrong_arithmetic(mu: Tensor, log_var: Tensor, has: Tensor, strength: float) -> list[Wrong]:
    """Mistakes in adding an attribute to the codes `[N, K]` of images that lack it."""
    right, v = add_attribute(mu, log_var, has, strength), _direction(mu, has)
    present, lacking = mu[has], mu[~has]
    drawn = (mu + (0.5 * log_var).exp(), log_var, torch.cat([mu, log_var], 1))

    def moved(by: Tensor) -> Tensor:
        return torch.where(has[:, None], mu, mu + strength * by)

    log_of = (
        "`log_var` says how unsure the encoder is, not where the code lies: the attribute vector "
        "comes from `mu`."
    )
    return [
        ("The sign is wrong: with less without. This takes the attribute away.", moved(-v)),
        ("You added the vector to all images: those that have the attribute stay as they are.",
         mu + strength * v),
        ("You added it to the images that have the attribute: those that lack it are to get it.",
         torch.where(has[:, None], mu + strength * v, mu)),
        ("You took the vector off the images that have the attribute: those that lack it are to "
         "get it.", torch.where(has[:, None], mu - strength * v, mu)),
        ("That is a difference of sums: the groups differ in size, so take means.",
         moved(present.sum(0) - lacking.sum(0))),
        ("Both sums are divided by the number of all images: each group has its own.",
         moved((present.sum(0) - lacking.sum(0)) / len(mu))),
        ("You normalised the vector: its length says how far apart the groups are.",
         moved(v / v.norm())),
        ("You took medians: asked are means.",
         moved(present.median(0).values - lacking.median(0).values)),
        ("You took the mean code of the images with the attribute: subtract that of the images "
         "without, or all that faces share is added once more.", moved(present.mean(0))),
        ("You subtracted the mean of all images: subtract that of the images without.",
         moved(present.mean(0) - mu.mean(0))),
        ("You subtracted the mean of all images without the attribute from that of all images: "
         "the first is that of the images with it.", moved(mu.mean(0) - lacking.mean(0))),
        ("Every image without the attribute got the mean code of those with it: add the vector to "
         "its own code, or nothing of it is left.",
         torch.where(has[:, None], mu, present.mean(0).expand_as(mu))),
        ("Every image without the attribute got the same code: add the vector to its own.",
         torch.where(has[:, None], mu, (strength * v).expand_as(mu))),
        ("`strength` is not used, or cut off at 1.", torch.where(has[:, None], mu, mu + v)),
        ("You compared the first image with the attribute with the first one without: take the "
         "means over all.", moved(present[0] - lacking[0])),
        ("There is no factor ½ here.", moved(v / 2)),
        ("You divided the vector by the codes' deviations: add it as it is.",
         moved(v / mu.std(0))),
        ("You weighed the codes by how sure the encoder is: asked are plain means of `mu`.",
         moved(_weighed(mu, log_var, has) - _weighed(mu, log_var, ~has))),
        ("You scaled the codes: add the vector to them.",
         torch.where(has[:, None], mu, mu * (1 + strength))),
        ("`has` served as numbers: 0 and 1 pick the first two rows. Keep it bool, or use "
         "`has.bool()`.", moved(_direction(mu, has.long()))),
        ("The images with the attribute were moved too, the other way: they stay as they are.",
         torch.where(has[:, None], mu - strength * v, mu + strength * v)),
        ("The images are in another order: those with the attribute come first. Keep the order.",
         torch.cat([present, lacking + strength * v])),
        ("The images are in another order: those without the attribute come first. Keep the order.",
         torch.cat([lacking + strength * v, present])),
        ("You divided by `strength`: multiply by it.",
         torch.where(has[:, None], mu, mu + v / strength)),
        ("You multiplied the codes too: `strength` weighs the vector alone.",
         torch.where(has[:, None], mu, strength * (mu + v))),
        ("You went part of the way to the mean of the images with the attribute: add the same "
         "vector to each code.",
         torch.where(has[:, None], mu, mu + strength * (present.mean(0) - mu))),
        ("You averaged over the K numbers of a code: average over images, `mean(0)`.",
         moved((present.mean() - lacking.mean()).expand(mu.shape[1]))),
        (log_of, moved(_direction(drawn[0], has))),
        (log_of, moved(_direction(drawn[1], has))),
        (log_of, moved(_direction(drawn[1].exp(), has))),
        (log_of, torch.where(has[:, None], mu, drawn[0] + strength * v)),
        ("Return all N codes, also those that stay: [N, K].", right[~has]),
        ("Return the codes: that is the attribute vector.", v),
        ("Return the codes, [N, K]: that is the vector, times `strength`.", strength * v),
        ("Return the codes, not what is added to them.", right - mu),
    ]  # fmt: skip


def _weighed(mu: Tensor, log_var: Tensor, chosen: Tensor) -> Tensor:
    weights = (-log_var[chosen]).exp()
    return (weights * mu[chosen]).sum(0) / weights.sum(0)  # [K]


def _direction(mu: Tensor, has: Tensor) -> Tensor:
    return mu[has].mean(0) - mu[~has].mean(0)  # [N, K] -> [K]


def _shapes(right: Tensor) -> list[Wrong]:
    return [
        ("You averaged over the batch: return one number per image, [B].", right.mean()),
        ("You summed over the batch: return one number per image, [B].", right.sum()),
    ]
