"""Chapter 7's exercises, done right and done wrong: what a student's numbers are held against.

Each `wrong_*` lists likely mistakes with the value that the mistake gives for the same input.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genlib.exercises.trial import Wrong


def frechet(a: Tensor, b: Tensor) -> Tensor:
    return (a.mean(0) - b.mean(0)).square().sum() + _spread(a.T.cov(), b.T.cov())  # -> []


def precision_recall(real: Tensor, fake: Tensor, k: int) -> Tensor:
    """Precision and recall, `[2]`."""
    return _pair(real, fake, _radius(real, k), _radius(fake, k))


def density_coverage(real: Tensor, fake: Tensor, k: int) -> Tensor:
    """Density and coverage, `[2]`."""
    return _shares(_away(real, fake), _radius(real, k), k)


def wrong_frechets(a: Tensor, b: Tensor) -> list[Wrong]:
    """Mistakes in ‖μ_a − μ_b‖² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½) of `[N, D]` and `[M, D]`; `[]`."""
    A, B, D = a.T.cov(), b.T.cov(), a.shape[1]
    apart, right = a.mean(0) - b.mean(0), frechet(a, b)
    shift, traces, product = apart.square().sum(), A.trace() + B.trace(), A @ B
    overlap = 0.5 * (traces - _spread(A, B))  # tr (Σ_a Σ_b)^½
    single = (
        "You took the root of each entry: the root of a matrix, multiplied by itself, gives the "
        "matrix. Take roots of eigenvalues."
    )
    biased = [v.T.cov(correction=0) for v in (a, b)]
    moments = [v.T @ v / len(v) for v in (a, b)]
    return [
        ("The root is missing: that is the trace of Σ_a Σ_b.",
         shift + traces - 2 * product.trace()),
        (single, shift + traces - 2 * product.abs().sqrt().trace()),
        (single, shift + traces - 2 * product.clamp(min=0).sqrt().trace()),
        (single, shift + traces - 2 * (A.abs().sqrt() @ B.abs().sqrt()).trace()),
        ("The root of the trace is not the trace of the root.",
         shift + traces - 2 * product.trace().sqrt()),
        ("You multiplied the roots of Σ_a and Σ_b and took the trace: it is that of the root of "
         "their product, and the two agree only where the covariances commute.",
         shift + traces - 2 * (_root(A) @ _root(B)).trace()),
        ("Only variances are compared: the covariances between features are left out.",
         shift + (A.diag().sqrt() - B.diag().sqrt()).square().sum()),
        ("You took the determinant's root: the trace is asked.",
         shift + traces - 2 * product.det().clamp(min=0).sqrt()),
        ("The distance of the means is not squared.", shift.sqrt() + traces - 2 * overlap),
        ("The squared differences of the means are averaged over the features: sum them.",
         shift / D + traces - 2 * overlap),
        ("The means are missing.", traces - 2 * overlap),
        ("The covariances are missing, or cancel.", shift),
        ("The factor 2 before the root is missing.", shift + traces - overlap),
        ("The sign before the root is wrong.", shift + traces + 2 * overlap),
        ("The root is missing altogether: that is the sum of the traces.", shift + traces),
        ("That is the root of the distance: in squared units of the features it is called Fréchet "
         "distance.", right.sqrt()),
        ("Covariances divide by N − 1 here, as `torch.cov` does: yours divide by N.",
         shift + _spread(*biased)),
        ("You did not divide by N − 1: that is the scatter.",
         shift + _spread(A * (len(a) - 1), B * (len(b) - 1))),
        ("The means were not subtracted before the covariances.", shift + _spread(*moments)),
        ("You took correlations: the features' units count.",
         shift + _spread(a.T.corrcoef(), b.T.corrcoef())),
        ("That is the squared difference of the covariances: it has other units.",
         shift + (A - B).square().sum()),
        ("You averaged over the D features: take the trace.", shift + _spread(A, B) / D),
        ("You averaged over the D features: sum.", right / D),
        ("You compared one set with itself.", 0 * right),
        ("`eigvalsh` reads one half of a symmetric matrix, and the product of two covariances is "
         "not symmetric: `eigvals(…).real`, or √Σ_a Σ_b √Σ_a.",
         shift + traces - 2 * torch.linalg.eigvalsh(product).clamp(min=0).sqrt().sum()),
        ("The singular values of the product are not its eigenvalues: take those.",
         shift + traces - 2 * torch.linalg.svdvals(product).sqrt().sum()),
        ("You summed all entries: the trace sums the diagonal.",
         shift + A.sum() + B.sum() - 2 * _matrix_root(product).sum()),
        ("The covariances got a little extra on their diagonals: leave it out.",
         shift + _spread(A + 1e-3 * torch.eye(D), B + 1e-3 * torch.eye(D))),
        ("You scaled each vector to length 1: the features go in as they are.",
         (lambda u, v: (u.mean(0) - v.mean(0)).square().sum() + _spread(u.T.cov(), v.T.cov()))
         (a / a.norm(dim=1, keepdim=True), b / b.norm(dim=1, keepdim=True))),
        ("There is no factor ½ here.", right / 2),
        ("The result is left with length 1: return one number.", right[None]),
    ]  # fmt: skip


def wrong_precisions(real: Tensor, fake: Tensor, k: int) -> list[Wrong]:
    """Mistakes in precision and recall, `[2]`, of `[N, D]` and `[M, D]`."""
    right, away = precision_recall(real, fake, k), _away(real, fake)  # [N, M]
    r, f = _radius(real, k), _radius(fake, k)
    in_real, in_fake = away <= r[:, None], away <= f
    own_real, own_fake = (torch.cdist(v, v).square() for v in (real, fake))
    every = torch.cat([real, fake])
    mixed = torch.cdist(every, every).kthvalue(k + 1).values
    other = (
        "A ball reaches to neighbours of its own set: yours reaches to the k-th nearest of the "
        "other."
    )
    mean = "Every ball has its own radius: you took one for all."
    return [
        ("Precision and recall have changed places.", right.flip(0)),
        ("The vector itself counts as its first neighbour, at distance 0: leave it out, so that "
         "the radius is the k-th smallest distance to the others.",
         _pair(real, fake, _radius(real, k - 1), _radius(fake, k - 1))),
        ("The radius is that of neighbour k + 1.",
         _pair(real, fake, _radius(real, k + 1), _radius(fake, k + 1))),
        ("The balls are around the wrong set: precision asks whether a fake vector lies in a ball "
         "around a real one, with the radius of the real one.",
         torch.stack([_share(in_fake.any(0)), _share(in_real.any(1))])),
        ("For precision you divided by the number of real vectors, for recall by that of the fake "
         "ones: it is the other way round.",
         torch.stack([in_real.any(0).sum() / len(real), in_fake.any(1).sum() / len(fake)])),
        ("You counted the balls that have someone in them: for precision count the fake vectors "
         "that lie in a ball, for recall the real ones. (The share of real balls is coverage.)",
         torch.stack([_share(in_real.any(1)), _share(in_fake.any(0))])),
        ("A vector must lie in one ball, no matter which: you ask for all of them.",
         torch.stack([_share(in_real.all(0)), _share(in_fake.all(1))])),
        ("A vector may lie in any ball: you looked only at that of its nearest neighbour.",
         torch.stack([_nearest_only(away, r), _nearest_only(away.T, f)])),
        ("You averaged over all pairs: one ball is enough.",
         torch.stack([_share(in_real), _share(in_fake)])),
        ("You counted the balls that a vector lies in: in one or in ten, it counts once. (Over k, "
         "that is density.)", torch.stack([in_real.double().sum(0).mean(),
                                           in_fake.double().sum(1).mean()])),
        ("You counted the balls that a vector lies in, over k: that is density.",
         torch.stack([in_real.double().sum(0).mean(), in_fake.double().sum(1).mean()]) / k),
        (mean, _pair(real, fake, r.mean().expand_as(r), f.mean().expand_as(f))),
        (mean, _pair(real, fake, r.median().expand_as(r), f.median().expand_as(f))),
        (mean, _pair(real, fake, r.max().expand_as(r), f.max().expand_as(f))),
        ("You took the mean distance to the k nearest: the ball reaches to the k-th.",
         _pair(real, fake, _mean_radius(real, k), _mean_radius(fake, k))),
        ("You took the nearest for the k-th nearest.",
         _pair(real, fake, _radius(real, 1), _radius(fake, 1))),
        ("You took the k-th farthest for the k-th nearest.",
         _pair(real, fake, own_real.sqrt().topk(k).values[:, -1],
               own_fake.sqrt().topk(k).values[:, -1])),
        ("k is fixed in your code: use the argument.",
         _pair(real, fake, _radius(real, 3), _radius(fake, 3))),
        ("You added the differences of the coordinates: the distance is Euclidean.",
         _city_pair(real, fake, k)),
        ("The radius is halved.", _pair(real, fake, r / 2, f / 2)),
        ("The radius is doubled.", _pair(real, fake, 2 * r, 2 * f)),
        ("You scaled each set by itself: distances between the sets then mean nothing.",
         _own_scale(real, fake, k)),
        (other, _pair(real, fake, away.kthvalue(k).values, away.T.kthvalue(k).values)),
        ("Both sets together gave the radii: the balls of a set reach to neighbours of that set.",
         _pair(real, fake, mixed[: len(real)], mixed[len(real) :])),
        ("A squared distance was compared with a radius that is not squared.",
         torch.stack([_share((away.square() <= r[:, None]).any(0)),
                      _share((away.square() <= f).any(1))])),
        ("A distance was compared with a squared radius.",
         _pair(real, fake, r.square(), f.square())),
        ("Those are counts: divide by the number of vectors.",
         torch.stack([in_real.any(0).double().sum(), in_fake.any(1).double().sum()])),
        ("Those are percentages: shares are asked.", 100 * right),
        ("That is what lies outside: 1 less precision, and 1 less recall.", 1 - right),
        ("Two precisions: for recall, fake balls are asked, and which real vectors lie in one.",
         right[:1].expand(2)),
        ("Two recalls: for precision, real balls are asked, and which fake vectors lie in one.",
         right[1:].expand(2)),
        ("That is precision and coverage: recall has balls around the fake vectors.",
         torch.stack([right[0], _share(in_real.any(1))])),
    ]  # fmt: skip


def wrong_densities(real: Tensor, fake: Tensor, k: int) -> list[Wrong]:
    """Mistakes in density and coverage, `[2]`, of `[N, D]` and `[M, D]`."""
    right, away = density_coverage(real, fake, k), _away(real, fake)  # [N, M]
    inside = away <= _radius(real, k)[:, None]
    density, coverage = right
    count = inside.double().sum()
    return [
        ("Density and coverage have changed places.", right.flip(0)),
        ("The vector itself counts as its first neighbour, at distance 0: leave it out, so that "
         "the radius is the k-th smallest distance to the others.",
         _shares(away, _radius(real, k - 1), k)),
        ("The radius is that of neighbour k + 1.", _shares(away, _radius(real, k + 1), k)),
        ("The balls are around the fake vectors: here they are around the real ones.",
         _shares(away.T, _radius(fake, k), k)),
        ("The division by k is missing in the density.", torch.stack([k * density, coverage])),
        ("Density is divided by the number of real vectors: divide by k and by the number of fake "
         "ones.", torch.stack([count / (k * len(real)), coverage])),
        ("Density is an average over all pairs: divide by k and by the number of fake vectors.",
         torch.stack([count / inside.numel(), coverage])),
        ("Density is a sum over the fake vectors: divide by their number.",
         torch.stack([count / k, coverage])),
        ("That is precision in place of density: count the balls that a fake vector lies in.",
         torch.stack([_share(inside.any(0)), coverage])),
        ("Density is cut off at 1: it may be above.",
         torch.stack([density.clamp(max=1), coverage])),
        ("That is precision in place of coverage: coverage counts real balls that have a fake "
         "vector in them.", torch.stack([density, _share(inside.any(0))])),
        ("That is recall in place of coverage: its balls are around the fake vectors, those of "
         "coverage around the real ones.",
         torch.stack([density, _share((away <= _radius(fake, k)).any(1))])),
        ("Coverage is a share of the real vectors: you divided by the number of fake ones.",
         torch.stack([density, inside.any(1).sum() / len(fake)])),
        ("Coverage asks for one fake vector in the ball, not for k.",
         torch.stack([density, _share(inside.sum(1) >= k)])),
        ("Coverage asks for one fake vector in the ball, not for all.",
         torch.stack([density, _share(inside.all(1))])),
        ("You took the largest radius for all balls: each has its own.",
         _shares(away, _radius(real, k).max().expand(len(real)), k)),
        ("You took the mean radius for all balls: each has its own.",
         _shares(away, _radius(real, k).mean().expand(len(real)), k)),
        ("A distance was compared with a squared radius.",
         _shares(away, _radius(real, k).square(), k)),
        ("A squared distance was compared with a radius that is not squared.",
         _shares(away.square(), _radius(real, k), k)),
        ("k is fixed in your code: use the argument.",
         _shares(away, _radius(real, 3), 3)),
        ("You took k + 1 for k, in the radius and in the division.",
         _shares(away, _radius(real, k + 1), k + 1)),
        ("Density is an average over all pairs, over k: divide by k and by the number of fake "
         "vectors.", torch.stack([count / (k * inside.numel()), coverage])),
        ("That is precision over k in place of density: count the balls that a fake vector lies "
         "in.", torch.stack([_share(inside.any(0)) / k, coverage])),
        ("Coverage is divided by k: only density is.", torch.stack([density, coverage / k])),
        ("Density is a mean over the fake vectors: you took the median.",
         torch.stack([inside.double().sum(0).median() / k, coverage])),
        ("Those are counts: divide by the numbers of vectors, and density by k.",
         torch.stack([count, inside.any(1).double().sum()])),
        ("Those are percentages: shares are asked.", 100 * right),
        ("Those are precision and recall.", precision_recall(real, fake, k)),
    ]  # fmt: skip


def _root(cov: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(cov)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T  # [D, D]


def _matrix_root(product: Tensor) -> Tensor:
    """Of a product of two covariances, whose eigenvalues are real."""
    values, vectors = torch.linalg.eig(product)
    return (vectors * values.real.clamp(min=0).sqrt() @ torch.linalg.inv(vectors)).real


def _spread(A: Tensor, B: Tensor) -> Tensor:
    """tr(A + B − 2 (A B)^½), whose root has the singular values of A^½ B^½ for eigenvalues."""
    return A.trace() + B.trace() - 2 * torch.linalg.svdvals(_root(A) @ _root(B)).sum()


def _away(a: Tensor, b: Tensor) -> Tensor:
    """Distances by subtraction: a radius equals the distance that it was taken from."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def _radius(vectors: Tensor, k: int) -> Tensor:
    """To the k-th nearest of the others, `[N, D] -> [N]`; 0 for k = 0."""
    return _away(vectors, vectors).kthvalue(k + 1).values  # the vector itself comes first


def _mean_radius(vectors: Tensor, k: int) -> Tensor:
    return torch.cdist(vectors, vectors).topk(k + 1, largest=False).values[:, 1:].mean(1)


def _pair(real: Tensor, fake: Tensor, real_radius: Tensor, fake_radius: Tensor) -> Tensor:
    away = _away(real, fake)  # [N, M]
    in_real, in_fake = away <= real_radius[:, None], away <= fake_radius
    return torch.stack([_share(in_real.any(0)), _share(in_fake.any(1))])


def _city_pair(real: Tensor, fake: Tensor, k: int) -> Tensor:
    def radius(v: Tensor) -> Tensor:
        return torch.cdist(v, v, p=1).kthvalue(k + 1).values

    away = torch.cdist(real, fake, p=1)
    in_real, in_fake = away <= radius(real)[:, None], away <= radius(fake)
    return torch.stack([_share(in_real.any(0)), _share(in_fake.any(1))])


def _own_scale(real: Tensor, fake: Tensor, k: int) -> Tensor:
    a, b = ((v - v.mean(0)) / v.std(0) for v in (real, fake))
    return precision_recall(a, b, k)


def _shares(away: Tensor, radius: Tensor, k: int) -> Tensor:
    inside = away <= radius[:, None]  # [N, M]
    return torch.stack([inside.double().sum(0).mean() / k, _share(inside.any(1))])


def _nearest_only(away: Tensor, radius: Tensor) -> Tensor:
    value, number = away.min(0)
    return _share(value <= radius[number])


def _share(found: Tensor) -> Tensor:
    return found.double().mean()
