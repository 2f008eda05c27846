"""The page's automatic differentiation: first and second derivatives of every operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Page

from tests.site.explorers.laboratory import scripts_alone

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# name -> an expression of a [3, 2], b [2, 4], row [1, 2], column [3, 1], one [1, 1]; a is positive
OPERATIONS = {
    "add": "add(a, a)",
    "add a row": "add(a, row)",
    "add a column": "add(column, a)",
    "add one": "add(a, one)",
    "outer": "mul(row, column)",
    "sub": "sub(row, a)",
    "mul": "mul(a, row)",
    "square": "square(a)",
    "scale": "scale(square(a), -3)",
    "shift": "square(shift(a, 2))",
    "power": "power(a, 3)",
    "sqrt": "sqrt(a)",
    "relu": "square(relu(shift(a, -1)))",
    "leaky": "square(leakyRelu(shift(a, -1)))",
    "tanh": "tanh(a)",
    "sigmoid": "sigmoid(mul(a, row))",
    "softplus": "softplus(mul(a, row))",
    "matmul": "square(matmul(a, b))",
    "transpose": "square(matmul(transpose(b), transpose(a)))",
    "sum over rows": "square(sumTo(a, 1, 2))",
    "sum over columns": "square(sumTo(a, 3, 1))",
    "mean": "square(mean(mul(a, column)))",
    "spread": "mul(spread(row, 3, 2), a)",
    "network": "softplus(matmul(tanh(matmul(a, b)), transpose(b)))",
    "steepness": (
        "sqrt(sumTo(square(grad(sum(tanh(matmul(a, b))), [a], {createGraph: true})[0]), 3, 1))"
    ),
}

# f = Σ k · operation, its gradient g, and s = Σ k · g: what is compared with difference quotients
# of f and of s, in double precision. k are fixed numbers, so that no direction is special.
COMPARE = """(expression) => {
  const names = Object.keys(genlib.autodiff);
  const operation = new Function(...names, "a", "b", "row", "column", "one",
    `"use strict"; return ${expression};`);
  const {tensor, grad, mul, sum, add} = genlib.autodiff;
  const number = (i) => 0.3 + ((i * 37 + 11) % 17) / 9;
  let next = 0;
  const made = (n, m, sign = false) => tensor(Float64Array.from({length: n * m},
    () => number(next += 1) * (sign && next % 2 ? -1 : 1)), n, m);
  const inputs = [made(3, 2), made(2, 4, true), made(1, 2, true), made(3, 1), made(1, 1)];
  const weighed = (x) => sum(mul(x, tensor(
    Float64Array.from({length: x.rows * x.cols}, (_, i) => number(7 * i + 3)), x.rows, x.cols)));
  const first = () =>
    weighed(operation(...names.map((name) => genlib.autodiff[name]), ...inputs));
  const slopes = () => grad(first(), inputs, {createGraph: true});
  const second = () => slopes().map(weighed).reduce(add);
  const plain = (list) => list.map(({values}) => Array.from(values)).flat();
  const quotient = (f) => inputs.map(({values}) => Array.from(values, (kept, j) => {
    const h = 1e-5;
    values[j] = kept + h;
    const above = f().values[0];
    values[j] = kept - h;
    const below = f().values[0];
    values[j] = kept;
    return (above - below) / (2 * h);
  })).flat();
  return {
    first: [plain(slopes()), quotient(first)], second: [plain(grad(second(), inputs)),
    quotient(second)], inputs: inputs.map(({values}) => Array.from(values)),
    value: first().values[0],
  };
}"""


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("scripts")
    with scripts_alone(browser, folder, "autodiff.js", "optimisers.js") as opened:
        yield opened


@pytest.mark.parametrize("name", OPERATIONS)
def test_derivatives_are_difference_quotients(page: Page, name: str) -> None:
    seen = page.evaluate(COMPARE, OPERATIONS[name])
    for which in ("first", "second"):
        found, expected = (torch.tensor(v, dtype=torch.float64) for v in seen[which])
        scale = float(expected.abs().max().clamp_min(1))
        torch.testing.assert_close(found, expected, atol=1e-7 * scale, rtol=0)
    assert any(seen["first"][0]), "the operation depends on nothing"


def test_values_are_pytorchs(page: Page) -> None:
    """One expression with most of the operations, whose value PyTorch knows."""
    seen = page.evaluate(COMPARE, "softplus(sub(matmul(tanh(mul(a, row)), b), sqrt(column)))")
    a, b, row, column, _ = (torch.tensor(v, dtype=torch.float64) for v in seen["inputs"])
    y = torch.tanh(a.view(3, 2) * row) @ b.view(2, 4) - column.view(3, 1).sqrt()
    k = torch.tensor([0.3 + (((7 * i + 3) * 37 + 11) % 17) / 9 for i in range(12)])
    expected = (torch.nn.functional.softplus(y).flatten() * k.double()).sum()
    assert seen["value"] == pytest.approx(expected.item(), rel=1e-7)


def test_every_size_multiplies(page: Page) -> None:
    """Blocks of 2 × 4 leave edges over, which have a loop of their own."""
    sizes = [(n, k, m) for n in (1, 2, 3, 5) for k in (1, 3) for m in (1, 2, 3, 4, 5, 9)]
    seen = page.evaluate(
        """(sizes) => sizes.map(([n, k, m]) => {
          const {tensor, matmul} = genlib.autodiff;
          const fill = (r, c) =>
            tensor(Array.from({length: r * c}, (_, i) => (i * 7) % 5 - 2), r, c);
          return Array.from(matmul(fill(n, k), fill(k, m)).values);
        })""",
        sizes,
    )

    def fill(rows: int, cols: int) -> Any:
        return torch.tensor([(i * 7) % 5 - 2 for i in range(rows * cols)]).view(rows, cols)

    for (n, k, m), found in zip(sizes, seen, strict=True):
        assert found == (fill(n, k) @ fill(k, m)).flatten().tolist(), (n, k, m)


@pytest.mark.parametrize("optimiser", ["adam", "rmsprop"])
def test_optimisers_are_torchs(page: Page, optimiser: str) -> None:
    g = torch.Generator().manual_seed(0)
    gradients = [torch.randn(12, generator=g, dtype=torch.float64) for _ in range(30)]
    gradients[3].zero_()
    w = torch.nn.Parameter(torch.randn(12, generator=g, dtype=torch.float64))
    first = w.detach().tolist()
    torchs: torch.optim.Optimizer = (
        torch.optim.Adam([w], lr=0.01, betas=(0.5, 0.99))
        if optimiser == "adam"
        else torch.optim.RMSprop([w], lr=0.01, alpha=0.9)
    )
    for gradient in gradients:
        w.grad = gradient.clone()
        torchs.step()
    found = page.evaluate(
        """([name, first, gradients]) => {
          const {tensor} = genlib.autodiff, {adam, rmsprop} = genlib.optimisers;
          const weights = [tensor(Float64Array.from(first), 3, 4)];
          const step = name === "adam" ? adam(weights, {beta1: 0.5, beta2: 0.99})
            : rmsprop(weights, {alpha: 0.9});
          for (const g of gradients) step([tensor(Float64Array.from(g), 3, 4)], 0.01);
          return Array.from(weights[0].values);
        }""",
        [optimiser, first, [g.tolist() for g in gradients]],
    )
    torch.testing.assert_close(torch.tensor(found, dtype=torch.float64), w.detach(), rtol=1e-9,
                               atol=1e-9)  # fmt: skip


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("matmul(tensor([1, 2], 1, 2), tensor([1, 2], 1, 2))", "inner sizes differ"),
        ("add(tensor([1, 2], 1, 2), tensor([1, 2, 3], 1, 3))", "does not fit"),
        ("tensor([1, 2, 3], 2, 2)", "3 numbers do not make a 2 × 2 matrix"),
        ("grad(tensor([1, 2], 1, 2), [])", "take a sum"),
    ],
)
def test_misuse_is_named(page: Page, call: str, message: str) -> None:
    said = page.evaluate(
        """(call) => {
          const names = Object.keys(genlib.autodiff);
          try {
            new Function(...names, `return ${call};`)(...names.map((n) => genlib.autodiff[n]));
          } catch (error) { return error.message; }
          return "";
        }""",
        call,
    )
    assert message in said


def test_gradients_without_a_record_stop(page: Page) -> None:
    """Without createGraph a gradient is a constant; what does not lead to an input is 0."""
    seen = page.evaluate(
        """() => {
          const {tensor, grad, square, sum, mul, withoutRecord} = genlib.autodiff;
          const x = tensor([3], 1, 1), y = tensor([4], 1, 1);
          const of = (createGraph) => grad(sum(square(grad(sum(mul(square(x), y)), [x],
            {createGraph})[0])), [x, y]).map(({values}) => values[0]);
          return [of(true), of(false), grad(withoutRecord(() => square(x)), [x])[0].values[0]];
        }"""
    )
    assert seen == [[2 * 24 * 8, 2 * 24 * 6], [0, 0], 0]
