"""Geometry of codes: ends, lengths, angles, probabilities, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from genlib import make_generator
from genlib.latent import (
    attribute_change,
    class_direction,
    great_circle,
    manifold_grid,
    random_direction,
    shifted,
    straight_line,
    traversal,
)

PATHS = [straight_line, great_circle]


def codes(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=make_generator(seed, "codes"), dtype=torch.float64)


@pytest.mark.parametrize("path", PATHS)
@given(seed=st.integers(0, 10_000), steps=st.integers(2, 12), dimensions=st.integers(2, 20))
@settings(max_examples=30, deadline=None)
def test_paths_begin_and_end_where_they_should(path, seed, steps, dimensions) -> None:
    a, b = codes(2, 3, dimensions, seed=seed)
    points = path(a, b, steps)
    assert points.shape == (steps, 3, dimensions)
    torch.testing.assert_close(points[0], a)
    torch.testing.assert_close(points[-1], b)
    torch.testing.assert_close(path(b, a, steps), points.flip(0))  # the same way back
    torch.testing.assert_close(path(2 * a, 2 * b, steps), 2 * points)
    turn = torch.linalg.qr(codes(dimensions, dimensions, seed=seed + 1))[0]
    torch.testing.assert_close(path(a @ turn, b @ turn, steps), points @ turn)


def test_a_straight_line_has_equal_steps() -> None:
    a, b = codes(2, 4, 6)
    points = straight_line(a, b, 7)
    torch.testing.assert_close(points.diff(dim=0), ((b - a) / 6).expand(6, 4, 6))
    torch.testing.assert_close(points[3], (a + b) / 2)


@given(seed=st.integers(0, 10_000), length=st.floats(0.1, 50))
@settings(max_examples=40, deadline=None)
def test_a_great_circle_keeps_length_and_turns_evenly(seed: int, length: float) -> None:
    a, b = (length * v / v.norm(dim=1, keepdim=True) for v in codes(2, 3, 8, seed=seed))
    points = great_circle(a, b, 6)
    torch.testing.assert_close(points.norm(dim=2), torch.full((6, 3), length).double())
    cosines = torch.cosine_similarity(points[1:], points[:-1], dim=2)
    torch.testing.assert_close(cosines, cosines[:1].expand(5, 3))
    whole = torch.cosine_similarity(a, b, dim=1).acos()
    torch.testing.assert_close(5 * cosines[0].acos(), whole, atol=1e-6, rtol=1e-6)


def test_a_quarter_circle_by_hand() -> None:
    a, b = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    middle = great_circle(a, b, 3)[1, 0].tolist()
    assert middle == pytest.approx([math.sqrt(2), math.sqrt(2)])
    assert straight_line(a, b, 3)[1, 0].tolist() == [1.0, 1.0]


def test_the_middle_of_a_line_is_too_short_for_the_prior_and_that_of_an_arc_is_not() -> None:
    """Codes of N(0, I) in K dimensions have length √K; halfway between two it is √(K/2)."""
    a, b = codes(2, 500, 200)
    line, arc = (path(a, b, 3)[1].norm(dim=1).mean() / math.sqrt(200) for path in PATHS)
    assert line == pytest.approx(1 / math.sqrt(2), rel=0.01)
    assert arc == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-5, 1e-3])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_nearly_equal_directions_are_joined_by_a_line(angle: float, kind: torch.dtype) -> None:
    a = torch.tensor([[3.0, 0.0]], dtype=kind)
    b = 4 * torch.tensor([[math.cos(angle), math.sin(angle)]], dtype=kind)
    points = great_circle(a, b, 5)
    torch.testing.assert_close(points, straight_line(a, b, 5), atol=1e-5, rtol=1e-5)
    assert points.dtype == kind


def test_what_has_no_arc_is_refused() -> None:
    a = torch.tensor([[1.0, 1.0], [0.0, 2.0]])
    with pytest.raises(ValueError, match="opposite directions"):
        great_circle(a, -2 * a, 4)
    with pytest.raises(ValueError, match="origin has no direction"):
        great_circle(a, torch.tensor([[1.0, 0.0], [0.0, 0.0]]), 4)


@pytest.mark.parametrize("path", PATHS)
def test_paths_that_make_no_sense_are_refused(path) -> None:
    with pytest.raises(ValueError, match=r"got \[3\] and \[3\]; for a single path use a\[None\]"):
        path(torch.ones(3), torch.ones(3), 4)
    with pytest.raises(ValueError, match=r"codes \[P, K\], got \[2, 3\] and \[1, 3\]"):
        path(torch.ones(2, 3), torch.ones(1, 3), 4)
    with pytest.raises(ValueError, match="at least 2 steps, got 1"):
        path(torch.ones(2, 3), torch.ones(2, 3), 1)


@pytest.mark.parametrize("side", [1, 2, 5, 20])
def test_the_grid_has_equal_steps_of_probability(side: int) -> None:
    z = manifold_grid(side).unflatten(0, (side, side))
    assert z.isfinite().all()
    shares = torch.special.ndtr(z.double())
    expected = (torch.arange(side).double() + 0.5) / side
    torch.testing.assert_close(shares[0, :, 0], expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(shares[:, 0, 1], expected.flip(0), atol=1e-6, rtol=0)
    assert (z[..., 0] == z[:1, :, 0]).all()  # each row has the same first coordinates
    assert (z[..., 1] == z[:, :1, 1]).all()


def test_the_grid_lies_as_the_plane_does() -> None:
    top_left, top_right, bottom_left, bottom_right = manifold_grid(2).tolist()
    q = pytest.approx(0.6744898)  # the upper quartile of N(0, 1)
    assert (-top_left[0], top_left[1]) == (q, q)
    assert (top_right[0], top_right[1]) == (q, q)
    assert (-bottom_left[0], -bottom_left[1]) == (q, q)
    assert (bottom_right[0], -bottom_right[1]) == (q, q)
    torch.testing.assert_close(manifold_grid(9).sum(0), torch.zeros(2), atol=1e-4, rtol=0)


def test_a_grid_needs_a_point() -> None:
    with pytest.raises(ValueError, match="at least one point per side, got 0"):
        manifold_grid(0)


@pytest.mark.parametrize("values", [[-2.0, 0.0, 2.0], torch.tensor([-2.0, 0.0, 2.0])])
def test_a_traversal_moves_one_coordinate(values) -> None:
    z = codes(5)
    before = z.clone()
    path = traversal(z, 3, values)
    assert path[:, 3].tolist() == [-2.0, 0.0, 2.0]
    others = [0, 1, 2, 4]
    assert torch.equal(path[:, others], z[others].expand(3, 4))
    assert torch.equal(z, before)
    assert path.dtype == z.dtype


@pytest.mark.parametrize(("shape", "dimension"), [((5,), 5), ((5,), -1), ((1, 5), 0)])
def test_a_dimension_that_is_not_there(shape: tuple[int, ...], dimension: int) -> None:
    with pytest.raises(ValueError, match=f"dimension {dimension} is not among those"):
        traversal(torch.zeros(shape), dimension, [0.0])


def test_a_direction_is_the_difference_of_means() -> None:
    mu = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 4.0], [0.0, 0.0]])
    has = torch.tensor([True, True, False, False])
    assert class_direction(mu, has).tolist() == [2.0, -2.0]
    assert class_direction(mu, ~has).tolist() == [-2.0, 2.0]


def test_a_direction_finds_what_was_added() -> None:
    mu, has = codes(20_000, 6), torch.rand(20_000, generator=make_generator(0, "has")) < 0.2
    added = torch.tensor([0.0, 1.0, -0.5, 0.0, 2.0, 0.0]).double()
    error = (1 / has.sum() + 1 / (~has).sum()).sqrt()
    assert ((class_direction(mu + has[:, None] * added, has) - added).abs() < 4.5 * error).all()


@pytest.mark.parametrize(
    ("has", "words"),
    [
        (torch.tensor([1, 0, 1]), r"torch.int64 \[3\]; compare labels with a class"),
        (torch.tensor([True, False]), r"got \[3, 2\] and torch.bool \[2\]"),
        (torch.tensor([True] * 3), "3 of 3 images have the attribute"),
        (torch.tensor([False] * 3), "0 of 3 images"),
    ],
)
def test_attributes_that_give_no_direction(has: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        class_direction(torch.zeros(3, 2), has)


def test_shifted_codes_lie_on_parallel_lines() -> None:
    z, v = codes(4, 3), codes(3, seed=1)
    moved = shifted(z, v, [0.0, 1.0, -1.0, 2.5])
    assert moved.shape == (4, 4, 3)
    assert moved.dtype == z.dtype
    assert torch.equal(moved[0], z)
    for row, t in zip(moved, (0.0, 1.0, -1.0, 2.5), strict=True):
        torch.testing.assert_close(row - z, (t * v).expand(4, 3))
    torch.testing.assert_close(shifted(moved[1], v, [-1.0])[0], z)  # the way back
    assert torch.equal(shifted(z, v, torch.tensor([0.0, 1.0])), moved[:2])


@pytest.mark.parametrize(("shape", "length"), [((3,), 3), ((2, 3), 2), ((2, 3, 1), 3)])
def test_codes_that_cannot_be_shifted_are_refused(shape: tuple[int, ...], length: int) -> None:
    with pytest.raises(ValueError, match=r"codes \[P, K\] and a direction \[K\] are needed"):
        shifted(torch.zeros(shape), torch.zeros(length), [1.0])


def test_random_directions_have_the_length_and_no_preference() -> None:
    like = torch.tensor([3.0, 0.0, 4.0, 0.0])
    generator = make_generator(0, "random directions")
    drawn = torch.stack([random_direction(like, generator) for _ in range(4_000)])
    torch.testing.assert_close(drawn.norm(dim=1), torch.full((4_000,), 5.0))
    # A coordinate of the unit sphere in K dimensions has mean 0 and variance 1/K.
    scaled = drawn / 5
    assert (scaled.mean(dim=0).abs() < 4.5 * math.sqrt(1 / 4 / 4_000)).all()
    torch.testing.assert_close(scaled.T @ scaled / 4_000, torch.eye(4) / 4, atol=0.02, rtol=0)
    again = random_direction(like, make_generator(0, "random directions"))
    assert torch.equal(again, drawn[0])
    with pytest.raises(ValueError, match=r"a direction is \[K\], got \[1, 4\]"):
        random_direction(like[None], generator)


def test_an_attribute_change_by_hand() -> None:
    before = {
        "glasses": torch.tensor([0, 0, 0, 2]),
        "mouth": torch.tensor([1, 1, 1, 1]),
        "skin": torch.tensor([0, 1, 2, 3]),
    }
    after = {
        "glasses": torch.tensor([1, 2, 0, 2]),
        "mouth": torch.tensor([1, 1, 3, 1]),
        "skin": torch.tensor([0, 1, 3, 0]),
    }
    change = attribute_change(before, after, "glasses", [1, 2])
    assert change.to_dict() == {"n": 4, "before": 0.25, "after": 0.75, "kept": 5 / 8}
    assert attribute_change(before, after, "glasses", [1]).after == 0.25
    back = attribute_change(after, before, "glasses", [1, 2])
    assert (back.before, back.after, back.kept) == (0.75, 0.25, 5 / 8)
    same = attribute_change(before, before, "mouth", [1])
    assert (same.before, same.after, same.kept) == (1.0, 1.0, 1.0)


def test_where_decoder_and_reader_are_linear_the_direction_adds_the_attribute() -> None:
    """Codes of two classes apart along one axis: whoever lacks it has it after z + v, the other
    attribute stays, and random directions of that length do much less."""
    mu = codes(4_000, 10)
    has = codes(4_000, seed=1) > 0
    mu[has, 0] += 12.0

    def read(z: Tensor) -> dict[str, Tensor]:
        return {"first": (z[:, 0] > 6).long(), "second": (z[:, 1] > 0).long()}

    v = class_direction(mu, has)
    without = mu[~has]
    added = attribute_change(read(without), read(shifted(without, v, [1.0])[0]), "first", [1])
    assert added.before < 0.001
    assert added.after > 0.999
    assert added.kept > 0.9  # v is not exactly along the axis: it is an estimate
    away = shifted(mu[has], v, [-1.0])[0]
    assert attribute_change(read(mu[has]), read(away), "first", [1]).after < 0.001
    generator = make_generator(0, "aimless")
    aimless = [
        attribute_change(
            read(without), read(without + random_direction(v, generator)), "first", [1]
        ).after
        for _ in range(50)
    ]
    assert sum(aimless) / 50 < 0.2  # a cosine above 1/2 is rare in ten dimensions


@pytest.mark.parametrize(
    ("after", "name", "values", "words"),
    [
        ({"a": [0, 1], "b": [0, 0]}, "c", [1], "'c' and at least one other attribute"),
        ({"a": [0, 1]}, "a", [1], r"got \['a', 'b'\] and \['a'\]"),
        ({"a": [0], "b": [0]}, "a", [1], r"shapes \[\[1\], \[2\]\]"),
        ({"a": [0, 1], "b": [0, 0]}, "a", [], "2 pictures and 0 values"),
    ],
)
def test_changes_that_cannot_be_counted(after, name: str, values: list[int], words: str) -> None:
    before = {"a": torch.tensor([0, 1]), "b": torch.tensor([0, 0])}
    read = {key: torch.tensor(numbers) for key, numbers in after.items()}
    with pytest.raises(ValueError, match=words):
        attribute_change(before, read, name, values)


def test_a_change_needs_pictures() -> None:
    nothing = {name: torch.zeros(0, dtype=torch.int64) for name in ("a", "b")}
    with pytest.raises(ValueError, match="0 pictures and 1 values"):
        attribute_change(nothing, nothing, "a", [1])
