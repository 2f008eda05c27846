"""The laboratory's mathematics in a browser, from disk and without network, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Page
from torch import Tensor, nn

from genlib import make_generator, seed_everything
from genlib.data import PointTarget, grid, ring
from genlib.losses import (
    critic_loss,
    discriminator_loss,
    generator_loss,
    saturating_generator_loss,
)
from genlib.models.constraints import clip_weights
from genlib.models.points import PointDiscriminator, PointGenerator
from tests.site.explorers.laboratory import scripts_alone

pytestmark = [pytest.mark.browser, pytest.mark.slow]
GAMES = ("saturating", "non-saturating", "clipped", "wgan-gp")
BATCH, RATE, WEIGHT, BOUND = 128, 1e-3, 0.5, 0.1
Batches = list[dict[str, list[float]]]


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("scripts")
    with scripts_alone(browser, folder, "gan-games.js") as opened:
        yield opened


def networks(seed: int = 3) -> tuple[PointGenerator, PointDiscriminator]:
    seed_everything(seed)
    return PointGenerator(2, (64, 64), norm="none"), PointDiscriminator((64, 64), pieces=1)


def plain(tensors: Iterator[Tensor] | list[Tensor]) -> list[list[float]]:
    """Weights or gradients in the page's order and layout: matrices as [inputs, outputs]."""
    return [(t.T if t.ndim == 2 else t).flatten().tolist() for t in tensors]


def exported(module: nn.Module) -> list[dict[str, Any]]:
    weights = [p.detach() for p in module.parameters()]
    shapes = [list(reversed(p.shape)) for p in weights]
    return [{"shape": s, "values": v} for s, v in zip(shapes, plain(weights), strict=True)]


def batches(n: int, target: PointTarget) -> Batches:
    g = make_generator(5, "batches")
    made = []
    for _ in range(n):
        x, z = target.sample(BATCH, g), torch.randn(BATCH, 2, generator=g)
        eps = torch.rand(BATCH, generator=g)
        made.append({k: v.flatten().tolist() for k, v in (("x", x), ("z", z), ("eps", eps))})
    return made


def judged(game: str, judge: nn.Module, x: Tensor, fake: Tensor, eps: Tensor) -> Tensor:
    """The judge's loss, by genlib."""
    if game == "wgan-gp":
        return critic_loss(judge, x, fake, eps, WEIGHT)[0].mean()
    if game == "clipped":
        return judge(fake).mean() - judge(x).mean()
    return discriminator_loss(judge(x), judge(fake)).mean()


PERSUADE: dict[str, Callable[[Tensor], Tensor]] = {
    "saturating": saturating_generator_loss,
    "non-saturating": generator_loss,
    "clipped": lambda score: -score,
    "wgan-gp": lambda score: -score,
}

START = """([game, moves, first, given]) => {
  const typed = (list) => list.map(({shape, values}) =>
    ({shape, values: Float32Array.from(values)}));
  let next = 0;
  const injected = () => {
    const batch = given[next++];
    return Object.fromEntries(Object.entries(batch).map(([k, v]) => [k, Float32Array.from(v)]));
  };
  window.run = genlib.games.createRun({
    target: "ring", game, seed: 0, injected,
    initial: {generator: typed(first.generator), judge: typed(first.judge)},
  });
  Object.assign(run.settings, {rate: RATE, moves, penalty: WEIGHT, clip: BOUND});
  window.injected = injected;
}"""
for name, number in (("RATE", RATE), ("WEIGHT", WEIGHT), ("BOUND", BOUND)):
    START = START.replace(name, str(number))


def start(
    page: Page, game: str, moves: int, generator: nn.Module, judge: nn.Module, given: Batches
) -> None:
    first = {"generator": exported(generator), "judge": exported(judge)}
    page.evaluate(START, [game, moves, first, given])


def doubled(batch: dict[str, list[float]]) -> tuple[Tensor, Tensor, Tensor]:
    x, z, eps = (torch.tensor(batch[k], dtype=torch.float64) for k in ("x", "z", "eps"))
    return x.view(-1, 2), z.view(-1, 2), eps


def worst(found: list[list[float]], expected: list[list[float]]) -> float:
    """The largest error of an entry, relative to the largest entry of its tensor."""
    errors = []
    for a, b in zip(found, expected, strict=True):
        one, other = torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)
        assert one.isfinite().all()
        assert one.shape == other.shape
        errors.append(float((one - other).abs().max() / other.abs().max().clamp_min(1e-12)))
    return max(errors)


@pytest.mark.parametrize("game", GAMES)
def test_losses_and_gradients_are_pytorchs(page: Page, game: str) -> None:
    """The penalty's second derivative among them. Reference in double, page in single precision."""
    generator, judge = networks()
    given = batches(1, ring())
    start(page, game, 1, generator, judge, given)
    seen = page.evaluate("run.gradients(injected())")
    generator, judge = generator.double(), judge.double()
    x, z, eps = doubled(given[0])
    fake = generator(z)
    judge_loss = judged(game, judge, x, fake.detach(), eps)
    mine = torch.autograd.grad(judge_loss, list(judge.parameters()), allow_unused=True)
    persuaded = PERSUADE[game](judge(fake)).mean()
    theirs = torch.autograd.grad(persuaded, list(generator.parameters()))
    assert seen["judge"]["loss"] == pytest.approx(judge_loss.item(), abs=1e-5)
    assert seen["generator"]["loss"] == pytest.approx(persuaded.item(), abs=1e-5)
    pairs = [(p if g is None else g) for p, g in zip(judge.parameters(), mine, strict=True)]
    # Both games of Wasserstein have no say in the last bias: its gradient is exactly 0.
    if game in ("clipped", "wgan-gp"):
        assert abs(seen["judge"]["gradients"][-1][0]) < 1e-6
        pairs, seen["judge"]["gradients"] = pairs[:-1], seen["judge"]["gradients"][:-1]
    assert worst(seen["judge"]["gradients"], plain(pairs)) < 1e-4
    assert worst(seen["generator"]["gradients"], plain(list(theirs))) < 1e-4


def play(
    game: str, rounds: int, moves: int, given: Batches,
) -> tuple[nn.Module, nn.Module]:  # fmt: skip
    """The same rounds by PyTorch, in single precision, with torch's optimisers."""
    generator, judge = networks()
    models = judge, generator
    if game == "clipped":
        both: list[torch.optim.Optimizer] = [
            torch.optim.RMSprop(m.parameters(), lr=RATE) for m in models
        ]
    else:
        betas = (0.0, 0.9) if game == "wgan-gp" else (0.5, 0.999)
        both = [torch.optim.Adam(m.parameters(), lr=RATE, betas=betas) for m in models]
    stream = iter(given)
    for _ in range(rounds):
        for _ in range(moves):
            x, z, eps = (t.float() for t in doubled(next(stream)))
            fake = generator(z)
            judge.zero_grad()
            judged(game, judge, x, fake.detach(), eps).backward()
            both[0].step()
            if game == "clipped":
                clip_weights(judge, BOUND)
        generator.zero_grad()
        PERSUADE[game](judge(fake)).mean().backward()
        both[1].step()
    return generator, judge


@pytest.mark.parametrize("game", GAMES)
def test_twenty_rounds_are_pytorchs(page: Page, game: str) -> None:
    """Both in single precision. Adam divides by the gradient's size, so what is nearly 0 moves by
    the sign of its rounding error: compared is the whole, with how far it has moved. A wrong term
    in a loss would show as a share of order 1, rounding as one of 1e-4 and less.
    """
    rounds, moves = 20, 1 if "saturating" in game else 3
    given = batches(rounds * moves, grid())
    before = networks()
    start(page, game, moves, *before, given)
    page.evaluate(f"() => {{ for (let i = 0; i < {rounds}; i++) run.round(); }}")
    found = page.evaluate("run.weights()")
    after = play(game, rounds, moves, given)
    for key, old, new in zip(("generator", "judge"), before, after, strict=True):
        for mine, a, b in zip(found[key], plain(old.parameters()), plain(new.parameters()),
                              strict=True):  # fmt: skip
            weight, first, last = (torch.tensor(v, dtype=torch.float64) for v in (mine, a, b))
            assert weight.isfinite().all()
            moved = (last - first).norm()
            assert (weight - last).norm() < 1e-3 * moved + 1e-7, f"{key}: {game}"


DIFFERENCES = """(game) => {
  const {tensor, grad} = genlib.autodiff, {GAMES, firstWeights} = genlib.games;
  const {randomStream} = genlib.ganData;
  const random = randomStream(1, "differences");
  const double = (n, m, draw) => tensor(Float64Array.from({length: n * m}, draw), n, m);
  const weights = firstWeights(1, random).map(({shape: [n, m], values}) =>
    tensor(Float64Array.from(values), m ? n : 1, m ?? n));
  const x = double(32, 2, random.normal), fake = double(32, 2, random.normal);
  const eps = double(32, 1, random.uniform);
  const lost = () => GAMES[game].judge(weights, x, fake, eps, 0.5)[0];
  const gradients = grad(lost(), weights).map(({values}) => Array.from(values));
  const errors = [];
  weights.forEach(({values}, i) => {
    const size = Math.max(...gradients[i].map(Math.abs), 1e-6);
    for (let j = 0; j < values.length; j += Math.ceil(values.length / 12)) {
      const kept = values[j], h = 1e-7;
      values[j] = kept + h;
      const above = lost().values[0];
      values[j] = kept - h;
      const below = lost().values[0];
      values[j] = kept;
      errors.push(Math.abs((above - below) / (2 * h) - gradients[i][j]) / size);
    }
  });
  return {errors, largest: Math.max(...gradients.flat().map(Math.abs))};
}"""


@pytest.mark.parametrize("game", GAMES)
def test_gradients_are_finite_differences(page: Page, game: str) -> None:
    """In double precision, without PyTorch; a difference quotient of 1e-7 has about 8 digits."""
    seen = page.evaluate(DIFFERENCES, game)
    assert len(seen["errors"]) > 20
    assert seen["largest"] > 1e-3
    assert max(seen["errors"]) < 1e-5


def test_a_flat_judge_gives_no_nan(page: Page) -> None:
    """‖∇ judge‖ = 0 everywhere: the square root's own slope is infinite there."""
    seen = page.evaluate(
        """() => {
          const {tensor, grad, square, shift, sum} = genlib.autodiff;
          const {steepness, tensors, firstWeights} = genlib.games;
          const {randomStream} = genlib.ganData;
          const judge = tensors(firstWeights(1, randomStream(0, "flat")));
          judge.forEach(({values}) => values.fill(0));
          const steep = steepness(judge, tensor([1, 2, 3, 4], 2, 2));
          const lost = sum(square(shift(steep, -1)));
          return grad(lost, judge).map(({values}) => Array.from(values)).flat();
        }"""
    )
    assert seen
    assert set(seen) <= {0}


def test_the_same_seed_is_the_same_run(page: Page) -> None:
    """Twice, with looks in between, and another seed is another run."""
    made = page.evaluate(
        """() => {
          const once = (seed, look) => {
            const run = genlib.games.createRun({target: "ring", game: "wgan-gp", seed});
            for (let i = 0; i < 5; i++) {
              run.round();
              if (look) { run.report(); run.push(run.points().subarray(0, 20)); }
            }
            const points = Array.from(run.points());
            return points;
          };
          return [once(1, false), once(1, true), once(2, false)];
        }"""
    )
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_memory_does_not_grow(page: Page) -> None:
    """Arrays are used again: after some rounds no more are made."""
    made = page.evaluate(
        """() => {
          const run = genlib.games.createRun({target: "grid", game: "wgan-gp", seed: 0});
          const Kind = window.Float32Array, made = [];
          let count = 0;
          window.Float32Array = new Proxy(Kind, {construct(target, [of]) {
            if (of > 4000) count += 1;
            return new target(of);
          }});
          for (let part = 0; part < 3; part += 1) {
            count = 0;
            for (let k = 0; k < 4; k += 1) { run.round(); run.push(run.points(300)); }
            made.push(count);
          }
          window.Float32Array = Kind;
          return made;
        }"""
    )
    assert made[1:] == [0, 0], f"large arrays made: {made}"
