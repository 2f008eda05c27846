"""Ways through a latent space: lines, arcs, grids and directions. Decoders draw what lies there.

Everything is plain geometry on codes, and counting what was read off pictures before and after; no
model, no images, and noise only from a generator that comes from outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor


def straight_line(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """From `a` to `b` at equal steps, both ends included.

    Between two codes drawn from N(0, I) in many dimensions the middle is shorter than they are:
    by a factor of about √2 if they are independent. `great_circle` keeps the length.

    Args:
        a: where P paths begin, `[P, K]`.
        b: where they end, `[P, K]`.
        steps: points on each path, at least 2.

    Returns:
        `[steps, P, K]`.

    Raises:
        ValueError: other shapes, or fewer than two steps.
    """
    t = _along(a, b, steps)
    return torch.lerp(a, b, t)  # at t = 0 and 1 exactly a and b


def great_circle(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """From `a` to `b` along an arc around the origin (spherical interpolation, Shoemake 1985).

    z(t) = sin((1 − t) Ω) / sin Ω · a + sin(t Ω) / sin Ω · b, with Ω the angle between them. If they
    are of one length, so is every point. Codes with the same direction are joined by a straight
    line, to which the arc tends.

    Args:
        a: where P paths begin, `[P, K]`.
        b: where they end, `[P, K]`.
        steps: points on each path, at least 2.

    Returns:
        `[steps, P, K]`.

    Raises:
        ValueError: other shapes, fewer than two steps, a code at the origin, or two in opposite
            directions, between which no arc is the shortest.
    """
    t = _along(a, b, steps)
    lengths = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)  # [P, 1] each
    if bool((torch.minimum(*lengths) == 0).any()):
        raise ValueError("a code at the origin has no direction; use straight_line")
    u, v = a / lengths[0], b / lengths[1]
    # With atan2 small angles keep the digits that acos(u·v) loses.
    angle = 2 * torch.atan2((u - v).norm(dim=1, keepdim=True), (u + v).norm(dim=1, keepdim=True))
    sine = angle.sin()
    tiny = 10 * torch.finfo(sine.dtype).eps
    if bool((angle > torch.pi - tiny).any()):
        raise ValueError("two codes lie in opposite directions: between them no arc is shortest")
    near = angle < tiny  # sin(tΩ)/sin Ω is t there
    safe = torch.where(near, 1.0, sine)
    from_a = torch.where(near, 1 - t, ((1 - t) * angle).sin() / safe)  # [steps, P, 1]
    from_b = torch.where(near, t, (t * angle).sin() / safe)
    return from_a * a + from_b * b


def manifold_grid(side: int) -> Tensor:
    """A grid over the latent plane, each cell of equal probability under N(0, I).

    Its coordinates are the quantiles (i + ½) / side of N(0, 1): close together in the middle, where
    most codes are, and far apart outside (Kingma & Welling 2014, appendix A).

    Args:
        side: points per row and column, at least 1.

    Returns:
        `[side², 2]`, row by row from the top left: the first coordinate grows to the right, the
        second upwards, so that `image_grid(decoded, columns=side)` lies as a plot of the plane.

    Raises:
        ValueError: `side` is below 1.
    """
    if side < 1:
        raise ValueError(f"a grid needs at least one point per side, got {side}")
    shares = (torch.arange(side, dtype=torch.float64) + 0.5) / side
    ticks = torch.special.ndtri(shares).float()
    down, right = torch.meshgrid(ticks.flip(0), ticks, indexing="ij")
    return torch.stack([right, down], dim=2).flatten(0, 1)  # [side, side, 2] -> [side², 2]


def traversal(z: Tensor, dimension: int, values: Sequence[float] | Tensor) -> Tensor:
    """The code `z` again and again, with one coordinate set to each of `values`.

    Args:
        z: `[K]`.
        dimension: which coordinate, from 0 on.
        values: n numbers; ±2 is about the range that N(0, 1) reaches.

    Returns:
        `[n, K]`.

    Raises:
        ValueError: `z` is not `[K]`, or has no such dimension.
    """
    if z.dim() != 1 or not 0 <= dimension < len(z):
        raise ValueError(f"dimension {dimension} is not among those of a code {list(z.shape)}")
    # A copy: rows of an expanded code would share their memory.
    path = z.repeat(len(values), 1)  # [K] -> [n, K]
    path[:, dimension] = torch.as_tensor(values, dtype=z.dtype, device=z.device)
    return path


def class_direction(mu: Tensor, has: Tensor) -> Tensor:
    """Mean code of the images that have an attribute less that of the images that lack it.

    Added to the code of an image it adds the attribute, as far as the decoder is linear there
    (Larsen et al. 2016, section 4.2). What goes along with the attribute in the data comes too.

    Args:
        mu: codes of N images, `[N, K]`.
        has: which images have it, bool `[N]`.

    Returns:
        `[K]`.

    Raises:
        ValueError: other shapes, `has` is not bool, or all images have it or none.
    """
    if mu.dim() != 2 or has.dtype != torch.bool or has.shape != mu.shape[:1]:
        raise ValueError(
            f"codes [N, K] and bool [N] are needed, got {list(mu.shape)} and {has.dtype} "
            f"{list(has.shape)}; compare labels with a class to get bool"
        )
    if bool(has.all()) or not bool(has.any()):
        raise ValueError(
            f"{int(has.sum())} of {len(has)} images have the attribute: a direction needs images "
            "with it and images without"
        )
    return mu[has].mean(dim=0) - mu[~has].mean(dim=0)


def shifted(z: Tensor, direction: Tensor, strengths: Sequence[float] | Tensor) -> Tensor:
    """Every code moved along a direction: z + t · v for each strength t.

    Args:
        z: codes of P images, `[P, K]`.
        direction: v, `[K]`, such as `class_direction` gives.
        strengths: n numbers t: 0 leaves the codes as they are, 1 adds the direction once, -1 takes
            it away.

    Returns:
        `[n, P, K]`.

    Raises:
        ValueError: other shapes.
    """
    if z.dim() != 2 or direction.shape != z.shape[1:]:
        raise ValueError(
            f"codes [P, K] and a direction [K] are needed, got {list(z.shape)} and "
            f"{list(direction.shape)}; for a single code use z[None]"
        )
    t = torch.as_tensor(strengths, dtype=z.dtype, device=z.device)
    return z + t[:, None, None] * direction  # [n, 1, 1], [K] -> [n, P, K]


def random_direction(like: Tensor, generator: torch.Generator) -> Tensor:
    """A direction of the same length, all directions equally probable.

    What a decoder makes of it says how much of an effect is due to going away from a code at all.

    Args:
        like: `[K]`.
        generator: of the draw; one on the CPU gives the same numbers on every device.

    Returns:
        `[K]`.

    Raises:
        ValueError: `like` is not `[K]`.
    """
    if like.dim() != 1:
        raise ValueError(f"a direction is [K], got {list(like.shape)}")
    # N(0, I) looks the same in every direction.
    drawn = torch.randn(len(like), generator=generator, device=generator.device).to(like)
    return drawn * (like.norm() / drawn.norm())


@dataclass(frozen=True)
class AttributeChange:
    """What a change of codes did to an attribute, as a classifier reads it; shares of n pictures.

    Attributes:
        n: pictures that were changed.
        before: share that is read to have the attribute before the change.
        after: the same after it.
        kept: share of all other attributes that are read as before.
    """

    n: int
    before: float
    after: float
    kept: float

    def to_dict(self) -> dict[str, float]:
        """As plain values."""
        return asdict(self)


def attribute_change(
    before: Mapping[str, Tensor],
    after: Mapping[str, Tensor],
    name: str,
    values: Sequence[int],
) -> AttributeChange:
    """Compare what was read off pictures before and after their codes were changed.

    >>> before = read_attributes(classifier, model.sample(z))
    >>> after = read_attributes(classifier, model.sample(z + direction))
    >>> attribute_change(before, after, "glasses", [1, 2])

    A share s has the standard error √(s(1 − s)/n).

    Args:
        before: int64 `[n]` for each attribute, as `genlib.metrics.read_attributes` gives it; of
            pictures decoded from the codes themselves, so that what decoding alone loses is not
            counted as an effect of the change.
        after: the same of the changed codes, in the same order.
        name: the attribute that was to change.
        values: which of its values count as having it.

    Raises:
        ValueError: the attributes or numbers of pictures differ, there are no pictures, no other
            attribute, no values, or no attribute of that name.
    """
    sizes = {read.shape for read in (*before.values(), *after.values())}
    if before.keys() != after.keys() or len(sizes) != 1 or len(before) < 2 or name not in before:
        raise ValueError(
            f"{name!r} and at least one other attribute must be read off the same pictures before "
            f"and after, got {sorted(before)} and {sorted(after)} with shapes "
            f"{sorted(map(list, sizes))}"
        )
    n = len(before[name])
    if n == 0 or not len(values):
        raise ValueError(f"{n} pictures and {len(values)} values of {name!r}; give some of both")
    has = torch.tensor(list(values), device=before[name].device)
    others = [other for other in before if other != name]
    same = torch.stack([before[other] == after[other] for other in others])  # [A - 1, n]
    return AttributeChange(
        n=n,
        before=float(torch.isin(before[name], has).double().mean()),
        after=float(torch.isin(after[name], has).double().mean()),
        kept=float(same.double().mean()),
    )


def _along(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """From 0 to 1, `[steps, 1, 1]`, where the ends of the paths fit."""
    if a.dim() != 2 or a.shape != b.shape:
        raise ValueError(
            f"both ends must be codes [P, K], got {list(a.shape)} and {list(b.shape)}; for a "
            "single path use a[None] and b[None]"
        )
    if steps < 2:
        raise ValueError(f"a path with both its ends needs at least 2 steps, got {steps}")
    return torch.linspace(0, 1, steps, dtype=a.dtype, device=a.device)[:, None, None]
