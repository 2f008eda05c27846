"""Chapter 5's exercises, done right and done wrong: what a student's numbers are held against.

Each `wrong_*` lists likely mistakes with the value that the mistake gives for the same input.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import torch
from torch import Tensor

from genlib.exercises.trial import Wrong

Critic = Callable[[Tensor], Tensor]


def gradient_penalty(critic: Critic, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    return (_norms(_slope(critic, _between(x, fake, eps))) - 1).square()  # -> [B]


def critic_loss(real: Tensor, made: Tensor, norms: Tensor, weight: float) -> Tensor:
    return (made - real + weight * (norms - 1).square()).mean()  # [B] three times -> []


def wasserstein(x: Tensor, y: Tensor) -> Tensor:
    """W₁ by trying every pairing, for up to 7 points."""
    every = [(x - y[list(order)]).norm(dim=1).mean() for order in permutations(range(len(y)))]
    return torch.stack(every).min()  # [n, D] twice -> []


def largest_slope(f: Critic, points: Tensor) -> Tensor:
    return _slopes(f, points).max()  # [n, D] -> []


def wrong_penalties(critic: Critic, x: Tensor, fake: Tensor, eps: Tensor) -> list[Wrong]:
    """Mistakes in (‖∇ critic(x̂)‖ − 1)², `[B]`, for images `[B, C, H, W]`."""
    slope = _slope(critic, _between(x, fake, eps))
    norms, right = _norms(slope), gradient_penalty(critic, x, fake, eps)
    channels = (slope.norm(dim=1) - 1).square()  # [B, H, W]
    pixel = (
        "You took the norm over the channels of each pixel, `norm(dim=1)` of [B, C, H, W]: flatten "
        "first, the norm is over all values of an image."
    )
    one = "You averaged over the batch: return one number per image, [B]."
    last = eps.expand(x.shape) if x.shape[-1] == len(eps) else None
    return [
        (pixel, channels), (pixel, channels.mean()), (pixel, channels.flatten(1).mean(1)),
        (pixel, channels.flatten(1).sum(1)),
        (one, right.mean()), ("You summed over the batch: return one number per image.",
                              right.sum()),
        ("You took one norm over the whole batch: each image has its own.",
         (slope.norm() - 1).square()),
        ("You took the norm of the mean gradient: each image has its own norm.",
         (slope.mean(0).norm() - 1).square()),
        ("You averaged the norms before taking off 1: a critic too steep here and too flat there "
         "would pay nothing.", (norms.mean() - 1).square()),
        ("1 is not subtracted: that wants a slope of 0.", norms.square()),
        ("The norm less 1 is not squared: a flat critic would be paid.", norms - 1),
        ("You took the absolute value of the norm less 1: square it.", (norms - 1).abs()),
        ("The root is missing: you took 1 off the squared norm.", (norms.square() - 1).square()),
        ("You took 1 off before the norm: ‖∇ − 1‖ is not ‖∇‖ − 1.",
         (slope - 1).flatten(1).square().sum(1)),
        ("That is the one-sided penalty: slopes below 1 pay here too.",
         (norms - 1).clamp(min=0).square()),
        ("ε and 1 − ε have changed places: x̂ = ε x + (1 − ε) fake.",
         gradient_penalty(critic, fake, x, eps)),
        ("The gradient is taken at the images of the data: take it at x̂.",
         gradient_penalty(critic, x, x, eps)),
        ("The gradient is taken at the generated images: take it at x̂.",
         gradient_penalty(critic, fake, fake, eps)),
        ("You took the middle of each pair for x̂: use `eps`.",
         gradient_penalty(critic, x, fake, 0 * eps + 0.5)),
        ("One ε serves the whole batch: each image has its own.",
         gradient_penalty(critic, x, fake, eps[:1].expand(len(x)))),
        ("ε of shape [B] was broadcast along the last axis: each column of pixels has its own, and "
         "x̂ lies on no line. Reshape it to [B, 1, 1, 1].",
         None if last is None else (_norms(_slope(critic, torch.lerp(fake, x, last))) - 1)
         .square()),
        ("x̂ = x + ε (x − fake) lies beyond x: it is fake + ε (x − fake).",
         gradient_penalty(critic, x, fake, 1 + eps)),
        ("You took the largest value of the gradient for its norm.",
         (slope.flatten(1).abs().amax(1) - 1).square()),
        ("You summed the absolute values: the norm is the root of the sum of squares.",
         (slope.flatten(1).abs().sum(1) - 1).square()),
        ("You took the root of the mean of the squares: sum them.",
         (slope.flatten(1).square().mean(1).sqrt() - 1).square()),
        ("You summed the gradient's values without squaring them.",
         (slope.flatten(1).sum(1) - 1).square()),
        ("You multiplied by λ = 10: return the penalty alone.", 10 * right),
        ("The factor ½ is not in the penalty.", 0.5 * right),
        ("x̂ = ε x lacks the generated image: add (1 − ε) fake.",
         gradient_penalty(critic, x, 0 * fake, eps)),
        ("That is the slope between x and fake: the penalty is on the gradient at x̂.",
         ((critic(x) - critic(fake)).abs() / _norms(x - fake) - 1).square()),
        ("You took the gradient with respect to fake, which is 1 − ε times that at x̂.",
         ((1 - eps) * norms - 1).square()),
        ("You took the gradient with respect to x, which is ε times that at x̂.",
         (eps * norms - 1).square()),
        ("Something is added under the root: it moves every slope.",
         ((norms.square() + 1e-3).sqrt() - 1).square()),
        ("An axis of length 1 is left: return one number per image, [B].", right[:, None]),
        ("The gradient was divided by the batch size: take that of the sum of the scores, or ones "
         "for `grad_outputs`, not of their mean.", (norms / len(x) - 1).square()),
    ]  # fmt: skip


def wrong_critic_losses(real: Tensor, made: Tensor, norms: Tensor, weight: float) -> list[Wrong]:
    """Mistakes in the mean of made − real + λ (norm − 1)², `[]`."""
    penalty, right = (norms - 1).square(), critic_loss(real, made, norms, weight)
    gap = made - real
    parts: list[Wrong] = [
        ("The sign of the distance is wrong: the critic wants real scores high and generated ones "
         "low, and a loss is lowered.", (weight * penalty - gap).mean()),
        ("The penalty is missing.", gap.mean()),
        ("There is no factor ½ before the penalty.", (gap + weight / 2 * penalty).mean()),
        ("λ is fixed at 10 in your code: use `weight`.", (gap + 10 * penalty).mean()),
        ("λ is squared with the norm: it multiplies the square.",
         (gap + (weight * (norms - 1)).square()).mean()),
        ("λ multiplies the norm: it multiplies the square of the norm less 1.",
         (gap + (weight * norms - 1).square()).mean()),
        ("You took 1 off the squared norm and squared nothing: it is (norm − 1)².",
         (gap + weight * (norms.square() - 1)).mean()),
        ("The signs are wrong: that is what the critic raises. A loss is lowered.", -right),
        ("Only the largest penalty counts: take the mean.", gap.mean() + weight * penalty.max()),
        ("You took the absolute value of the distance: where the critic has the sides wrong, it "
         "must be told.", (gap.abs() + weight * penalty).mean()),
        ("You divided by B − 1: a mean over the batch divides by B.",
         right * len(real) / (len(real) - 1) if len(real) > 1 else None),
        ("The distance is missing.", (weight * penalty).mean()),
        ("The sign of the penalty is wrong: a loss adds what shall become small.",
         (gap - weight * penalty).mean()),
        ("λ is not used: it multiplies the penalty.", (gap + penalty).mean()),
        ("λ multiplies the distance too: it weighs the penalty alone.",
         (weight * (gap + penalty)).mean()),
        ("You divided by λ: multiply the penalty by it.", (gap + penalty / weight).mean()),
        ("You averaged the norms before taking off 1: the mean comes last.",
         gap.mean() + weight * (norms.mean() - 1).square()),
        ("1 is not subtracted from the norms.", (gap + weight * norms.square()).mean()),
        ("The norm less 1 is not squared.", (gap + weight * (norms - 1)).mean()),
        ("You took 1 off the squared norms: they are norms, their difference from 1 is squared.",
         (gap + weight * (norms.square() - 1).square()).mean()),
        ("You took the absolute value of the norm less 1: square it.",
         (gap + weight * (norms - 1).abs()).mean()),
        ("That has the one-sided penalty: norms below 1 pay here too.",
         (gap + weight * (norms - 1).clamp(min=0).square()).mean()),
        ("You took the absolute value of the distance: where the critic has the sides wrong, it "
         "must be told.", (weight * penalty - gap.abs()).mean()),
        ("The distance is squared: it enters as it is.", (gap.square() + weight * penalty).mean()),
        ("You added both means of the scores: subtract the real one.",
         (made + real + weight * penalty).mean()),
        ("The real scores are missing.", (made + weight * penalty).mean()),
        ("The generated scores are missing.", (weight * penalty - real).mean()),
        ("That is a GAN's logistic loss: a critic's scores are no logits and go in as they are.",
         (torch.nn.functional.softplus(made) + torch.nn.functional.softplus(-real)
          + weight * penalty).mean()),
        ("A sigmoid is taken of the scores: a critic's scores are no logits and go in as they are.",
         (made.sigmoid() - real.sigmoid() + weight * penalty).mean()),
        ("That is the hinge loss: a critic's scores go in as they are.",
         ((1 + made).clamp(min=0) + (1 - real).clamp(min=0) + weight * penalty).mean()),
        ("That is the generator's loss.", -made.mean()),
        ("You summed over the batch: take the mean.", right * len(real)),
        ("The distance is summed over the batch, the penalty averaged: average both.",
         gap.sum() + weight * penalty.mean()),
        ("The distance is averaged over the batch, the penalty summed: average both.",
         gap.mean() + weight * penalty.sum()),
        ("Return one number: the mean over the batch comes last.", gap + weight * penalty),
        ("The result is left with length 1: return a number of shape [].", right[None]),
    ]  # fmt: skip
    return parts


def wrong_wassersteins(x: Tensor, y: Tensor) -> list[Wrong]:
    """Mistakes in W₁ between `x` and `y`, both `[n, D]`; result `[]`."""
    every = torch.cdist(x, y)  # [n, n]
    pairings = [list(order) for order in permutations(range(len(y)))]
    costs = torch.stack([(x - y[order]).norm(dim=1) for order in pairings])  # [n!, n]
    squares = costs.square().mean(1).min()
    city = torch.stack([(x - y[order]).abs().sum(1).mean() for order in pairings]).min()
    alone = torch.stack([a.sort().values - b.sort().values for a, b in zip(x.T, y.T, strict=True)])
    right = costs.mean(1).min()
    whole = "You took one norm over all pairs: take each pair's, `norm(dim=1)`, then the mean."
    longest = "That is one way, the longest: take the mean over the pairs of the cheapest pairing."
    return [
        ("You paired the points in the order they came: find the pairing that costs least.",
         (x - y).norm(dim=1).mean()),
        ("Every point went to its nearest: several may have gone to one. Each point of y takes "
         "exactly one of x.", every.amin(1).mean()),
        ("Every point of y took its nearest: several may have taken one. Each point of x goes to "
         "exactly one of y.", every.amin(0).mean()),
        ("That is the mean of both directions to the nearest, the Chamfer distance: each point is "
         "paired exactly once.", 0.5 * (every.amin(1).mean() + every.amin(0).mean())),
        ("Both directions to the nearest, added: that is the Chamfer distance. Each point is "
         "paired exactly once.", every.amin(1).mean() + every.amin(0).mean()),
        ("You averaged over all pairs, or all pairings: that is the plan that moves everything "
         "everywhere. Take the cheapest pairing.", every.mean()),
        ("You summed over the pairs: each point has mass 1/n, so take the mean.",
         right * len(x)),
        ("That is the square of W₂: take distances, not their squares.", squares),
        ("That is W₂: take distances, not the root of the mean square.", squares.sqrt()),
        ("You added the differences of the coordinates: the distance is Euclidean.", city),
        ("You averaged over the coordinates too: the distance is their Euclidean norm.",
         city / x.shape[1]),
        ("You sorted each coordinate by itself: a point's coordinates move together.",
         alone.norm(dim=0).mean()),
        ("You sorted each coordinate by itself and added: a point's coordinates move together.",
         alone.abs().mean(1).sum()),
        ("That is the distance between the means.", (x.mean(0) - y.mean(0)).norm()),
        ("You took the pairing that costs most.", costs.mean(1).max()),
        (longest, costs.amax(1).min()),
        (longest, torch.maximum(every.amin(1).max(), every.amin(0).max())),  # Hausdorff
        ("That is the shortest of all distances.", every.min()),
        ("That is the pairing of W₂, which need not be the cheapest for distances.",
         costs.mean(1)[costs.square().mean(1).argmin()]),
        ("You sorted both sets by one coordinate: that finds the best pairing on a line only.",
         (x[x[:, 0].argsort()] - y[y[:, 0].argsort()]).norm(dim=1).mean()),
        ("You took all coordinates as numbers on one line: a point's coordinates move together.",
         (x.flatten().sort().values - y.flatten().sort().values).abs().mean()),
        (whole, costs.square().sum(1).sqrt().min()),
        (whole, costs.square().sum(1).sqrt().min() / len(x)),
        ("You took norms over the points, `norm(dim=0)`: a distance is over the coordinates.",
         torch.stack([(x - y[order]).norm(dim=0).mean() for order in pairings]).min()),
        ("Only turns of the list were tried: try every pairing.",
         torch.stack([(x - y.roll(k, 0)).norm(dim=1).mean() for k in range(len(x))]).min()),
        ("You averaged the squares of all coordinates: take distances, √Σ over the coordinates.",
         squares / x.shape[1]),
        ("There is no factor ½ here.", right / 2),
        ("The result is left with length 1: return a number of shape [].", right[None]),
        ("Return one number, the mean over the pairs.", costs[costs.mean(1).argmin()]),
    ]  # fmt: skip


def wrong_slopes(f: Critic, points: Tensor) -> list[Wrong]:
    """Mistakes in the largest |f(a) − f(b)| / ‖a − b‖ over all pairs of points `[n, D]`."""
    scores = f(points)
    rise, away = (scores[:, None] - scores).abs(), torch.cdist(points, points)
    slopes = _slopes(f, points)
    off = away > 0
    city = (points[:, None] - points).abs().sum(2)
    first = (scores[0] - scores[1:]).abs() / (points[0] - points[1:]).norm(dim=1)
    next_ = (scores[1:] - scores[:-1]).abs() / (points[1:] - points[:-1]).norm(dim=1)
    gradient = torch.func.grad(lambda u: f(u).sum())(points).norm(dim=1)
    return [
        ("You averaged: one steep pair is enough, take the largest.", slopes[off].mean()),
        ("You averaged: one steep pair is enough, take the largest.", slopes.mean()),
        ("That is the smallest slope.", slopes[off].min()),
        ("You divided the distance by the rise: it is the other way round.",
         (away / rise)[off].max()),
        ("You took the largest rise and the largest distance of different pairs: divide pair by "
         "pair.", rise.max() / away.max()),
        ("You took the largest rise and the smallest distance of different pairs: divide pair by "
         "pair.", rise.max() / away[off].min()),
        ("That is the largest rise: divide by the distance.", rise.max()),
        ("Only neighbours in the list were compared: take all pairs.",
         next_[next_.isfinite()].max()),
        ("Only pairs with the first point were compared: take all pairs.",
         first[first.isfinite()].max()),
        ("You added the differences of the coordinates: the distance is Euclidean.",
         torch.where(off, rise / city, 0.0).max()),
        ("The distance is squared.", torch.where(off, rise / away.square(), 0.0).max()),
        ("The root is missing: that is the square of the slope.", slopes.square().max()),
        ("Something is added to the distance: leave out the pairs at distance 0 instead.",
         (rise / (away + 1e-1)).max()),
        ("That is the largest gradient norm at the points: the exercise asks for slopes between "
         "pairs, which need no gradient.", gradient.max()),
        ("Something is added to the distance: leave out the pairs at distance 0 instead.",
         (rise / (away + 1e-3)).max()),
        ("You took the largest difference of a coordinate: the distance is Euclidean.",
         torch.where(off, rise / (points[:, None] - points).abs().amax(2), 0.0).max()),
        ("The slopes to the origin were taken: take those between pairs of points.",
         (scores.abs() / points.norm(dim=1).clamp(min=1e-9)).max()),
        ("That is the median slope: one steep pair is enough, take the largest.",
         slopes[off].median()),
        ("You divided 1 by it: the slope is rise over distance.", 1 / slopes.max()),
        ("Each pair is counted twice, or doubled: take the largest slope itself.",
         2 * slopes.max()),
        ("Return one number, the largest over all pairs.", slopes),
        ("Return one number: you took the largest for each point.", slopes.amax(1)),
        ("The result is left with length 1: return a number of shape [].", slopes.max()[None]),
    ]  # fmt: skip


def _between(x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    return torch.lerp(fake, x, eps.reshape(-1, *[1] * (x.ndim - 1)))


def _slope(critic: Critic, x_hat: Tensor) -> Tensor:
    return torch.func.grad(lambda u: critic(u).sum())(x_hat)


def _norms(slope: Tensor) -> Tensor:
    return slope.flatten(1).norm(dim=1)  # [B, ...] -> [B]


def _slopes(f: Critic, points: Tensor) -> Tensor:
    """`[n, n]`, 0 on the diagonal and for points that coincide."""
    scores, away = f(points), torch.cdist(points, points)
    return torch.where(away > 0, (scores[:, None] - scores).abs() / away, 0.0)
