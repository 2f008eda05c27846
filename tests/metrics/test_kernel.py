"""The kernel distance: by hand, by moments, and unbiased."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from genlib.metrics import kernel_distance
from genlib.metrics.kernel import kernel_distance_of_subsets


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_by_hand() -> None:
    """a = {0, 1}, b = {1, 2}: k(0, 1) = 1, k(1, 2) = 27; between them 1, 1, 8, 27."""
    a, b = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0]])
    assert kernel_distance(a, b) == pytest.approx(1 + 27 - 2 * (1 + 1 + 8 + 27) / 4)
    a, b = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[2.0, 0.0], [0.0, 0.0]])
    assert kernel_distance(a, b) == pytest.approx(1 + 1 - 2 * (8 + 1 + 1 + 1) / 4)


def test_it_compares_the_moments_up_to_the_third() -> None:
    """On a line (xy + 1)³ = 1 + 3 xy + 3 x²y² + x³y³. Means over many draws against the moments."""
    p, q = normal(300, 40), 1 + 0.5 * normal(300, 40, seed=1)
    values = torch.tensor(
        [kernel_distance(x[:, None], y[:, None]) for x, y in zip(p, q, strict=True)]
    )
    first, second, third = 1.0, (1 + 0.25) - 1, 1 + 3 * 0.25  # E[y] = 1, E[y²], E[y³] less E of x
    truth = 3 * first**2 + 3 * second**2 + third**2
    error = values.std() / len(values) ** 0.5
    assert (values.mean() - truth).abs() < 4 * error
    assert error < 0.1 * truth


def test_unbiased_for_equal_distributions_and_negative_half_of_the_time() -> None:
    values = torch.tensor(
        [
            kernel_distance(normal(20, 4, seed=2 * s), normal(30, 4, seed=2 * s + 1))
            for s in range(400)
        ]
    )
    assert values.mean().abs() < 3.5 * values.std() / 20
    assert 0.3 < (values < 0).double().mean() < 0.8


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_chunks_change_nothing(chunk: int) -> None:
    a, b = normal(23, 5), normal(31, 5, seed=1) + 0.3
    k = [(x @ y.T / 5 + 1) ** 3 for x, y in ((a, a), (b, b), (a, b))]
    within = [(m.sum() - m.trace()) / (len(m) * (len(m) - 1)) for m in k[:2]]
    expected = within[0] + within[1] - 2 * k[2].mean()
    assert kernel_distance(a, b, chunk) == pytest.approx(expected.item())


def test_subsets_in_one_pass() -> None:
    a, b = normal(20, 3), normal(25, 3, seed=1)
    keep_a, keep_b = normal(6, 20, seed=2) > 0, normal(6, 25, seed=3) > 0
    together = kernel_distance_of_subsets(a, b, keep_a, keep_b, chunk=8)
    apart = [kernel_distance(a[i], b[j]) for i, j in zip(keep_a, keep_b, strict=True)]
    torch.testing.assert_close(together, torch.tensor(apart, dtype=torch.float64))


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (torch.zeros(1, 2), torch.zeros(5, 2), "at least two vectors"),
        (torch.zeros(5, 2), torch.zeros(5, 3), r"\[5, 2\] and \[5, 3\]"),
        (torch.zeros(5, 2), torch.full((5, 2), torch.inf), "b has entries"),
    ],
)
def test_bad_input_is_refused(a: Tensor, b: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        kernel_distance(a, b)
