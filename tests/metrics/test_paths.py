"""Lines between codes: decoders whose paths are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from genlib.metrics import departure, smoothness

STEPS = 12


def codes(n: int = 6) -> tuple[Tensor, Tensor]:
    a, b = torch.rand(2, n, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return a, b


def picture(values: list[Tensor]) -> Tensor:
    return torch.stack(values, dim=1)[:, None, None, :]  # D numbers -> [B, 1, 1, D]


def linear(y: Tensor) -> Tensor:
    return picture([y[:, 0], y[:, 1], y[:, 0] - 2 * y[:, 1]])


def half_circle(y: Tensor) -> Tensor:
    """The first coordinate from 0 to 1 goes once round half of a circle."""
    angle = math.pi * y[:, 0]
    return picture([angle.cos(), angle.sin()])


def jump(y: Tensor) -> Tensor:
    return picture([(y[:, 0] > 0.5).double(), 0 * y[:, 0]])


def unit_lines(n: int = 3) -> tuple[Tensor, Tensor]:
    return torch.zeros(n, 2, dtype=torch.float64), torch.ones(n, 2, dtype=torch.float64)


def test_a_linear_decoder_has_one_and_one() -> None:
    length, largest = smoothness(linear, *codes(), steps=STEPS)
    torch.testing.assert_close(length, torch.ones(6, dtype=torch.float64))
    torch.testing.assert_close(largest, torch.ones(6, dtype=torch.float64))


def test_half_a_circle_is_longer_by_the_sum_of_its_chords() -> None:
    """Even steps, and a length that tends to π/2."""
    length, largest = smoothness(half_circle, *unit_lines(), steps=STEPS)
    chords = STEPS * math.sin(math.pi / (2 * STEPS))
    torch.testing.assert_close(length, torch.full_like(length, chords))
    torch.testing.assert_close(largest, torch.ones_like(largest))
    fine = smoothness(half_circle, *unit_lines(), steps=500).length
    torch.testing.assert_close(fine, torch.full_like(fine, math.pi / 2), rtol=1e-4, atol=0)


def test_a_jump_is_one_large_step() -> None:
    length, largest = smoothness(jump, *unit_lines(), steps=STEPS)
    assert length.tolist() == [1, 1, 1]
    assert largest.tolist() == [STEPS] * 3


def test_a_walk_there_and_back_again_is_long() -> None:
    def waver(y: Tensor) -> Tensor:  # 0 -> 1 -> 0 -> 1 in thirds of the way
        third = (3 * y[:, 0]).clamp(0, 3)
        return picture([1 - (1 - third % 2).abs()])

    length, largest = smoothness(waver, *unit_lines(), steps=STEPS)
    torch.testing.assert_close(length, torch.full_like(length, 3.0))
    torch.testing.assert_close(largest, torch.ones_like(largest))


def test_the_view_decides_and_batches_do_not() -> None:
    start, end = codes()
    both = smoothness(half_circle, start, end, steps=STEPS)
    torch.testing.assert_close(
        smoothness(half_circle, start, end, steps=STEPS, batch_size=4).length, both.length
    )
    first = smoothness(half_circle, *unit_lines(), look=lambda x: x[..., 0], steps=STEPS)
    torch.testing.assert_close(first.length, torch.ones(3, dtype=torch.float64))
    assert (first.largest > 1.2).all()  # the cosine moves fastest half-way


def test_lines_without_length_have_no_figure() -> None:
    start, _ = codes()
    assert smoothness(linear, start, start).length.isnan().all()


def test_departure_tells_a_line_through_data_from_one_that_leaves_them() -> None:
    """Real: points of a half circle. Its own line stays there, a fade cuts across."""
    real = half_circle(torch.linspace(0, 1, 2001)[:, None].expand(-1, 2)).flatten(1)

    def outside(y: Tensor) -> Tensor:
        return 1.1 * half_circle(y)  # 0.1 from the data everywhere

    def fade(y: Tensor) -> Tensor:
        return picture([1.1 - 2.2 * y[:, 0], 0 * y[:, 0]])  # same ends, straight across

    along = departure(outside, *unit_lines(), real, steps=4)
    torch.testing.assert_close(along, torch.ones_like(along), rtol=1e-3, atol=0)
    across = departure(fade, *unit_lines(), real, steps=4)
    expected = (0.45 + 1.0 + 0.45) / 3 / 0.1  # at ±0.55 and at 0: 1 − radius, over 0.1
    torch.testing.assert_close(across, torch.full_like(across, expected), rtol=1e-3, atol=0)


@pytest.mark.parametrize(
    ("start", "end", "steps"),
    [
        (torch.zeros(3, 2), torch.zeros(2, 2), 4),
        (torch.zeros(3), torch.zeros(3), 4),
        (torch.zeros(3, 2), torch.ones(3, 2), 1),
        (torch.zeros(0, 2), torch.zeros(0, 2), 4),
    ],
)
def test_bad_lines_are_refused(start: Tensor, end: Tensor, steps: int) -> None:
    with pytest.raises(ValueError, match="at least 2 steps"):
        smoothness(linear, start, end, steps=steps)
    with pytest.raises(ValueError, match="at least 2 steps"):
        departure(linear, start, end, torch.zeros(4, 3), steps=steps)
