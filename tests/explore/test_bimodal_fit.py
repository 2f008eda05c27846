"""One normal density on two bumps: gradients, paths and ends against autograd and torch."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, Normal

from genlib import explore
from genlib.explore.bimodal_fit import BETAS, NAMES, RATE, Direction, Target, draw, fit

DIRECTIONS: list[Direction] = list(NAMES)
GRID = torch.linspace(-20, 20, 801, dtype=torch.float64)


def mixture(target: Target) -> MixtureSameFamily:
    """The target by torch.distributions."""
    weights = torch.tensor([target.w, 1 - target.w], dtype=torch.float64)
    centres = torch.tensor([-0.5, 0.5], dtype=torch.float64) * target.separation
    widths = torch.tensor([target.sigma_1, target.sigma_2], dtype=torch.float64)
    return MixtureSameFamily(Categorical(weights), Normal(centres, widths))


def divergence(direction: Direction, target: Target, at: Tensor) -> Tensor:
    """By torch.distributions, on the grid."""
    log_p = mixture(target).log_prob(GRID)
    log_q = Normal(at[0], at[1].exp()).log_prob(GRID)
    p, q = log_p.exp(), log_q.exp()
    if direction == "forward":
        values = p * (log_p - log_q)
    elif direction == "reverse":
        values = q * (log_q - log_p)
    else:
        log_m = torch.logaddexp(log_p, log_q) - math.log(2)
        values = 0.5 * (p * (log_p - log_m) + q * (log_q - log_m))
    return values.sum() * (GRID[1] - GRID[0])


def test_the_target_is_the_mixture_of_torch() -> None:
    for target in (Target(), Target(3, 0.2, 1.2, 0.5), Target(0, 0.5, 0.4, 1.5)):
        ours, torchs = target.log_density(GRID), mixture(target)
        torch.testing.assert_close(ours, torchs.log_prob(GRID))
        mean, std = target.moments()
        assert mean == pytest.approx(torchs.mean.item(), abs=1e-12)
        assert std == pytest.approx(torchs.stddev.item(), abs=1e-12)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_path_is_adams_with_gradients_of_autograd(direction: Direction) -> None:
    target, start = Target(w=0.45, sigma_2=0.9), (0.6, 0.8)
    at = torch.tensor([start[0], math.log(start[1])], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([at], lr=RATE, betas=BETAS)
    found = fit(direction, target, *start, steps=150)
    for step in range(1, 151):
        optimizer.zero_grad()
        divergence(direction, target, at).backward()
        optimizer.step()
        assert (found[step] - at).abs().max() < 1e-8, step


@pytest.mark.parametrize("start", [(-1.0, 1.0), (1.0, 1.0), (4.0, 0.5), (-5.0, 0.3)])
def test_forward_kl_ends_at_the_moments_from_every_start(start: tuple[float, float]) -> None:
    for target in (Target(), Target(separation=7, w=0.3)):
        mu, log_sigma = fit("forward", target, *start)[-1]
        mean, std = target.moments()
        assert mu.item() == pytest.approx(mean, abs=1e-3)
        assert log_sigma.exp().item() == pytest.approx(std, abs=1e-3)


def test_reverse_kl_ends_in_the_bump_on_its_side() -> None:
    ends = [fit("reverse", Target(), mu, 1.0)[-1] for mu in (-1.0, 1.0)]
    assert ends[0][0].item() == pytest.approx(-2.5, abs=0.05)
    assert ends[1][0].item() == pytest.approx(2.5, abs=0.05)
    assert ends[0][1].exp().item() == pytest.approx(0.6, abs=0.05)
    assert ends[1][1].exp().item() == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_end_is_a_minimum_for_another_optimiser(direction: Direction) -> None:
    """L-BFGS that starts there goes nowhere."""
    end = fit(direction, Target(), -1.0, 1.0)[-1]
    at = end.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([at], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = divergence(direction, Target(), at)
        loss.backward()
        return loss

    optimizer.step(closure)
    assert (at - end).abs().max() < 1e-3


def test_each_control_redraws() -> None:
    box = explore.bimodal_fit()
    seen = [box.picture.value]
    changes = {"separation": 4.0, "w": 0.4, "sigma_1": 0.9, "sigma_2": 0.5, "mu": 1.5,
               "sigma": 2.0, "step": 40, "with_js": True}  # fmt: skip
    assert set(changes) == set(box.controls)
    for name, value in changes.items():
        box.controls[name].value = value
        seen.append(box.picture.value)
    assert not any(a == b for a, b in itertools.combinations(seen, 2))


def test_a_step_before_the_start_is_the_start() -> None:
    upper, _ = draw(step=0).axes
    tops = {round(line.get_ydata().max(), 3) for line in upper.lines}
    assert tops == {round(1 / math.sqrt(2 * math.pi), 3)}


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"w must lie between 0 and 1, got 1\.2"):
        Target(w=1.2)
    with pytest.raises(ValueError, match="widths must be positive"):
        Target(sigma_2=0)
    with pytest.raises(ValueError, match="sigma must be positive, got 0"):
        fit("forward", Target(), 0.0, 0.0)
    with pytest.raises(ValueError, match="direction must be one of forward, reverse, js"):
        fit("sideways", Target(), 0.0, 1.0)  # type: ignore[arg-type]
