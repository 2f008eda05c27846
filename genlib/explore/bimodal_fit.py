"""One normal density fitted to a target with two bumps, by forward KL, reverse KL and JS.

The same as the page's explorer of chapter 2, and nearly the chapter's own fit: Adam on μ and log σ,
the integral on a grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.distributions import Normal

from genlib.explore import frame
from genlib.plots import LINES, panels

Direction = Literal["forward", "reverse", "js"]
NAMES: dict[Direction, str] = {
    "forward": "forward KL(p‖q)",
    "reverse": "reverse KL(q‖p)",
    "js": "Jensen–Shannon",
}
COLORS = dict(zip(NAMES, LINES, strict=False))
DASHES: dict[Direction, Any] = {"forward": "-", "reverse": (0, (5, 1.6)), "js": (0, (1.4, 1.4))}
STEPS = 1_000
RATE = 0.05
BETAS = (0.9, 0.99)  # far starts have huge slopes; 0.99 forgets them in time
STILL = 1e-7  # a gradient this small has arrived
REACH, POINTS = 20.0, 801  # the grid: q must not have its mass beyond it


@dataclass(frozen=True)
class Target:
    """w N(−d/2, σ₁²) + (1 − w) N(d/2, σ₂²), with d the separation of the bumps.

    Raises:
        ValueError: the weight is not between 0 and 1, a width is not positive, or d is negative.
    """

    separation: float = 5.0
    w: float = 0.6
    sigma_1: float = 0.6
    sigma_2: float = 0.7

    def __post_init__(self) -> None:
        if not 0 < self.w < 1:
            raise ValueError(f"w must lie between 0 and 1, got {self.w}: it is a bump's weight")
        if min(self.sigma_1, self.sigma_2) <= 0 or self.separation < 0:
            raise ValueError(
                "widths must be positive and the separation not negative, got "
                f"{self.sigma_1}, {self.sigma_2} and {self.separation}"
            )

    def log_density(self, x: Tensor) -> Tensor:
        """log p at `x`, of its shape."""
        at, widths = x.new_tensor([-0.5, 0.5]) * self.separation, [self.sigma_1, self.sigma_2]
        bumps = Normal(at, x.new_tensor(widths)).log_prob(x[..., None])
        return (bumps + x.new_tensor([self.w, 1 - self.w]).log()).logsumexp(-1)

    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation: where the forward KL ends."""
        mean = (0.5 - self.w) * self.separation
        square = self.w * self.sigma_1**2 + (1 - self.w) * self.sigma_2**2
        return mean, math.sqrt(square + (self.separation / 2) ** 2 - mean**2)


def gradient(direction: Direction, log_p: Tensor, x: Tensor, at: Tensor) -> Tensor:
    """Gradient of a divergence in μ and log σ, `[2]`: autograd's, in a tenth of its time.

    It is the integral of the score of q, weighed by q ∂F/∂q, where F(p, q) is what is integrated.

    Args:
        direction: of the divergence.
        log_p: log p on the grid, `[N]`.
        x: the grid, `[N]`, evenly spaced.
        at: μ and log σ, `[2]`.
    """
    sigma = at[1].exp()
    u = (x - at[0]) / sigma
    log_q = -0.5 * u * u - at[1] - 0.5 * math.log(2 * math.pi)
    if direction == "forward":
        weight = -log_p.exp()
    elif direction == "reverse":
        weight = log_q.exp() * (log_q - log_p + 1)
    else:
        weight = 0.5 * log_q.exp() * (log_q - torch.logaddexp(log_p, log_q) + math.log(2))
    score = torch.stack([u / sigma, u * u - 1])  # [2, N]
    return score @ weight * (x[1] - x[0])


@lru_cache(maxsize=64)
def fit(
    direction: Direction, target: Target, mu: float, sigma: float, steps: int = STEPS
) -> Tensor:
    """Minimise a divergence over μ and log σ by Adam, from N(mu, sigma²), until it stands still.

    Returns:
        The path of (μ, log σ), `[n + 1, 2]` with n at most `steps`, in double precision.

    Raises:
        ValueError: `direction` is none of the three, or sigma is not positive.
    """
    if direction not in NAMES:
        raise ValueError(f"direction must be one of {', '.join(NAMES)}, got {direction!r}")
    if not sigma > 0:
        raise ValueError(f"sigma must be positive, got {sigma}: it is a standard deviation")
    x = torch.linspace(-REACH, REACH, POINTS, dtype=torch.float64)
    log_p = target.log_density(x)
    at = torch.tensor([mu, math.log(sigma)], dtype=torch.float64)
    optimizer = torch.optim.Adam([at], lr=RATE, betas=BETAS)
    path = [at.clone()]
    for _ in range(steps):
        at.grad = gradient(direction, log_p, x, at)
        optimizer.step()
        path.append(at.clone())
        if at.grad.norm() < STILL:
            break
    return torch.stack(path)


def draw(
    separation: float = 5.0,
    w: float = 0.6,
    sigma_1: float = 0.6,
    sigma_2: float = 0.7,
    mu: float = -1.0,
    sigma: float = 1.0,
    step: int = STEPS,
    *,
    with_js: bool = False,
) -> Figure:
    """The fits after `step` steps from N(mu, sigma²): densities above, paths of (μ, σ) below.

    Raises:
        ValueError: the target or the start is impossible.
    """
    target = Target(separation, w, sigma_1, sigma_2)
    x = torch.linspace(-7, 7, 701, dtype=torch.float64)
    figure, (upper, lower) = panels(1, 2, height=2.7)
    upper.fill_between(x, target.log_density(x).exp(), color="#b9bcc2", lw=0)
    mean, std = target.moments()
    for draw_rule, value in ((lower.axvline, mean), (lower.axhline, std)):
        draw_rule(value, color=LINES[3], lw=1.4, ls=(0, (6, 1.6, 1.4, 1.6)))
    for direction in NAMES:
        if direction == "js" and not with_js:
            continue
        path = fit(direction, target, mu, sigma)[: step + 1]
        style = {"color": COLORS[direction], "ls": DASHES[direction]}
        end, width = path[-1, 0], path[-1, 1].exp()
        upper.plot(x, Normal(end, width).log_prob(x).exp(), **style, label=NAMES[direction])
        lower.plot(path[:, 0], path[:, 1].exp(), **style)
        lower.plot(end, width, "o", color=COLORS[direction])
    lower.plot(mu, sigma, "o", color=LINES[5], mfc="none", ms=9)
    upper.legend(loc="upper right", fontsize=10.5)
    upper.set(xlim=(-7, 7), ylim=(0, 0.95), yticks=[0, 0.4, 0.8])
    upper.set_title(f"density of the target (grey) and its fits, step {step}", loc="left")
    lower.set(xlim=(-7, 7), ylim=(0, 4.2))
    lower.set_title("σ of q over its μ; crossing: the target's moments", loc="left")
    return figure


def bimodal_fit() -> Any:
    """A normal density fitted to two bumps, for a live notebook; as on the page of chapter 2.

    The target and the start are under sliders; the fits by forward and reverse KL (and by
    Jensen–Shannon) run afresh when one moves, and a player goes through their steps.

    Returns:
        An ipywidgets box. Its attribute `controls` holds `separation`, `w`, `sigma_1`, `sigma_2`,
        `mu`, `sigma`, `step` and `with_js`, its `picture` the image.

    Raises:
        ModuleNotFoundError: ipywidgets is not installed.
    """
    buttons, steps = frame.player("step", STEPS, value=STEPS, milliseconds=400)
    buttons.step = 20
    controls = {
        "separation": frame.slider("distance of the bumps", 5.0, 1, 8, 0.1),
        "w": frame.slider("weight of the left", 0.6, 0.05, 0.95, 0.05),
        "sigma_1": frame.slider("width of the left", 0.6, 0.4, 1.5, 0.05),
        "sigma_2": frame.slider("width of the right", 0.7, 0.4, 1.5, 0.05),
        "mu": frame.slider("start: μ", -1.0, -5, 5, 0.1),
        "sigma": frame.slider("start: σ", 1.0, 0.3, 3.5, 0.1),
        "step": steps,
        "with_js": frame.switch("with Jensen–Shannon"),
    }
    alt = "A target with two bumps, the fits to it, and their paths."
    return frame.show(draw, controls, extra=[buttons], alt=alt)
