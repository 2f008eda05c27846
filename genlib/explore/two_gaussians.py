"""Two normal densities under sliders: both KLs, Jensen–Shannon, and what is integrated.

The same as the page's explorer of chapter 2; the closed forms are `genlib.divergences.kl_normal`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.distributions import Normal

from genlib.divergences import kl_normal
from genlib.explore import frame
from genlib.plots import LINES, panels

Integrand = Literal["forward", "reverse", "js"]
# What is integrated, and its divergence, as on the page.
TITLES = {
    "forward": ("KL(p‖q)", "p log(p/q)"),
    "reverse": ("KL(q‖p)", "q log(q/p)"),
    "js": ("JS", "½ p log(p/m) + ½ q log(q/m)"),
}
VIEW = (-8.0, 8.0)


@dataclass(frozen=True)
class Measured:
    """Divergences in nats. KL by its closed form, `integrals` on a fine grid."""

    forward: float
    reverse: float
    integrals: dict[str, float]


def measure(mu_p: float, sigma_p: float, mu_q: float, sigma_q: float) -> Measured:
    """Both KLs in closed form, and all three divergences by the trapezoidal rule, nats.

    Raises:
        ValueError: a standard deviation is not positive, or something is not finite.
    """
    numbers = [torch.tensor(v, dtype=torch.float64) for v in (mu_p, sigma_p, mu_q, sigma_q)]
    forward, reverse = kl_normal(*numbers), kl_normal(*numbers[2:], *numbers[:2])
    low = min(mu_p - 9 * sigma_p, mu_q - 9 * sigma_q)
    high = max(mu_p + 9 * sigma_p, mu_q + 9 * sigma_q)
    x = torch.linspace(low, high, 1601, dtype=torch.float64)
    log_p, log_q = _log_densities(x, *numbers)
    integrals = {
        name: torch.trapezoid(integrand(log_p, log_q, name), x).item()
        for name in get_args(Integrand)
    }
    return Measured(forward.item(), reverse.item(), integrals)


def integrand(log_p: Tensor, log_q: Tensor, kind: Integrand) -> Tensor:
    """What is integrated to the divergence `kind`, elementwise, nats per unit of x."""
    if kind == "forward":
        return log_p.exp() * (log_p - log_q)
    if kind == "reverse":
        return log_q.exp() * (log_q - log_p)
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    return 0.5 * (log_p.exp() * (log_p - log_m) + log_q.exp() * (log_q - log_m))


def draw(
    mu_p: float = -1.0,
    sigma_p: float = 0.8,
    mu_q: float = 1.5,
    sigma_q: float = 1.6,
    *,
    shaded: Integrand = "forward",
    bits: bool = False,
) -> Figure:
    """The densities above, the integrand of `shaded` below, the divergences in the titles.

    Raises:
        ValueError: a standard deviation is not positive, or `shaded` is none of the three.
    """
    if shaded not in TITLES:
        raise ValueError(f"shaded must be one of {', '.join(TITLES)}, got {shaded!r}")
    found = measure(mu_p, sigma_p, mu_q, sigma_q)
    unit, name = (math.log(2), "bits") if bits else (1.0, "nats")
    x = torch.linspace(*VIEW, 961, dtype=torch.float64)
    log_p, log_q = _log_densities(
        x, *(torch.tensor(v, dtype=torch.float64) for v in (mu_p, sigma_p, mu_q, sigma_q))
    )
    figure, (upper, lower) = panels(1, 2, height=2.7)
    _draw_densities(upper, x, log_p, log_q)
    forward, reverse, js = found.forward, found.reverse, found.integrals["js"]
    upper.set_title(
        f"KL(p‖q) {forward / unit:.3f}, KL(q‖p) {reverse / unit:.3f}, "
        f"JS {js / unit:.3f} of at most {math.log(2) / unit:.3f} {name}",
        fontsize=11.5,
        loc="left",
    )
    _draw_integrand(lower, x, integrand(log_p, log_q, shaded) / unit)
    title, formula = TITLES[shaded]
    lower.set_title(
        f"{title}: {formula}, integral {found.integrals[shaded] / unit:.4f} {name}",
        fontsize=11.5,
        loc="left",
    )
    return figure


def two_gaussians() -> Any:
    """Two normal densities under sliders, for a live notebook; as on the page of chapter 2.

    Shown are p and q, both KLs (nats or bits), Jensen–Shannon with its bound log 2, and the
    integrand of one of them: striped where it adds to the integral, dotted where it takes away.

    Returns:
        An ipywidgets box. Its attribute `controls` holds `mu_p`, `sigma_p`, `mu_q`, `sigma_q`,
        `shaded` and `bits`, its `picture` the image.

    Raises:
        ModuleNotFoundError: ipywidgets is not installed.
    """
    controls = {
        "mu_p": frame.slider("μ₁, centre of p", -1.0, -5, 5, 0.1),
        "sigma_p": frame.slider("σ₁, its width", 0.8, 0.45, 3, 0.05),
        "mu_q": frame.slider("μ₂, centre of q", 1.5, -5, 5, 0.1),
        "sigma_q": frame.slider("σ₂, its width", 1.6, 0.45, 3, 0.05),
        "shaded": frame.choice("shaded", {TITLES[k][0]: k for k in TITLES}, "forward"),
        "bits": frame.switch("in bits"),
    }
    return frame.show(draw, controls, alt="Two normal densities, and the integrand below them.")


def _log_densities(
    x: Tensor, mu_p: Tensor, sigma_p: Tensor, mu_q: Tensor, sigma_q: Tensor
) -> tuple[Tensor, Tensor]:
    return Normal(mu_p, sigma_p).log_prob(x), Normal(mu_q, sigma_q).log_prob(x)


def _draw_densities(axis: Axes, x: Tensor, log_p: Tensor, log_q: Tensor) -> None:
    for log_f, name, color, dash in zip(
        (log_p, log_q), "pq", LINES, ("-", (0, (5, 1.6))), strict=False
    ):
        height = log_f.exp()
        axis.plot(x, height, color=color, ls=dash)
        axis.fill_between(x, height, color=color, alpha=0.12, lw=0)
        top = int(height.argmax())
        axis.text(float(x[top]), float(height[top]) + 0.02, name, color=color, ha="center")
    axis.set(ylim=(0, 0.98), xlim=VIEW, yticks=[0, 0.4, 0.8])


def _draw_integrand(axis: Axes, x: Tensor, y: Tensor) -> None:
    for part, color, hatch in ((y.clamp(min=0), LINES[2], "//"), (y.clamp(max=0), LINES[3], "..")):
        axis.fill_between(x, part, facecolor=color, alpha=0.15, lw=0)
        axis.fill_between(x, part, facecolor="none", edgecolor=color, hatch=hatch, lw=0)
    axis.plot(x, y, color=LINES[5], lw=1.4, ls="-")
    axis.axhline(0, color=LINES[5], lw=1)
    axis.set(xlim=VIEW)
