"""A GAN on points of the plane that trains while you look: four losses, three targets.

The same as the page's laboratory of chapters 4 and 5, with genlib's own models, losses and players.
A button trains a hundred steps and returns; no thread is needed, so it runs on Colab too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from genlib.explore import frame
from genlib.explore.gan_game import RATE, Data, Game, Loss, Setup, suited
from genlib.plots import LINES, panels
from genlib.seeds import make_generator
from genlib.training import NonFiniteLossError

REACH: dict[Data, float] = {"ring": 1.7, "grid": 5.6, "roll": 2.3}  # half the picture's width
TITLES: dict[Loss, str] = {
    "saturating": "GAN, saturating loss",
    "non-saturating": "GAN, non-saturating loss",
    "clipped": "WGAN, clipped weights",
    "wgan-gp": "WGAN-GP",
}
PLACES, SHOWN, PUSHED = 60, 500, 50  # of the field in a row; points; those with an arrow


def draw(game: Game) -> Figure:
    """The plane with the judge's field, points and pushes; beside it the curves."""
    figure, (plane, curves) = panels(2, height=3.5)
    _draw_plane(plane, game)
    _draw_curves(curves, game)
    return figure


@torch.no_grad()
def judged(game: Game, line: Tensor) -> Tensor:
    """The judge's logits or scores on a lattice, `[n]` -> `[n, n]`: row y, column x."""
    scores: Tensor = game.judge(torch.cartesian_prod(line, line))  # [n²], y innermost
    return scores.view(len(line), len(line)).T


def _draw_plane(axis: Axes, game: Game) -> None:
    reach = REACH[game.setup.data]
    line = torch.linspace(-reach, reach, PLACES)
    field_ = judged(game, line)
    if not game.setup.wasserstein:
        field_ = field_.sigmoid()  # what the discriminator believes
    # Of a score only differences mean something: it has the picture's own lowest and highest.
    low, high = (float(field_.min()), float(field_.max())) if game.setup.wasserstein else (0.0, 1.0)
    levels = torch.linspace(low, max(high, low + 1e-6), 11)
    axis.contourf(line, line, field_, levels=levels, cmap="PiYG", alpha=0.6)
    axis.contour(
        line, line, field_, levels=levels[1:-1], colors="#5c6169", linewidths=0.5,
        linestyles="solid",
    )  # fmt: skip
    real = game.target.sample(400, make_generator(game.setup.seed, "shown"))
    axis.scatter(real[:, 0], real[:, 1], s=14, color=LINES[1], lw=0)
    made = game.points(SHOWN)
    axis.scatter(made[:, 0], made[:, 1], s=6, color=LINES[0], lw=0)
    at = made[:PUSHED]
    push = game.push(at)
    size = push.norm(dim=1, keepdim=True)
    arrow = 0.22 * reach * push / (1 + size)  # a push of 1 has half the greatest length
    axis.quiver(
        *at.T, *arrow.T, angles="xy", scale_units="xy", scale=1, width=0.005, color="#23262b"
    )
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axis.set_title(game.summary(), loc="left", fontsize=10)
    axis.set_xlabel(f"median push {_size(float(size.median()))}")
    axis.grid(visible=False)
    axis.set(xticks=[], yticks=[])


def _size(value: float) -> str:
    """A length that may be very small: three decimals, or its power of ten."""
    if value == 0 or value >= 1e-3:
        return f"{value:.3f}" if value else "0"
    return f"$10^{{{round(math.log10(value))}}}$"


def _draw_curves(axis: Axes, game: Game) -> None:
    wasserstein = game.setup.wasserstein
    names = {"wasserstein": "estimate"} if wasserstein else {
        "discriminator": "D", "generator": "G",
    }  # fmt: skip
    for color, (name, label) in zip((LINES[2], LINES[3]), names.items(), strict=False):
        pairs = game.curves.get(name, [])
        axis.plot([s for s, _ in pairs], [v for _, v in pairs], "-", color=color, lw=1.3,
                  label=label)  # fmt: skip
    marks = [0.0] if wasserstein else [math.log(4), math.log(2)]
    for mark in marks:
        axis.axhline(mark, color="#b9bcc2", lw=1.2, zorder=0)
    axis.set_title("critic's estimate" if wasserstein else "losses of D and G", loc="left")
    axis.set(xlabel="step")
    if not game.steps:
        axis.set_xlim(0, 100)  # nothing yet, to the right of 0
    if game.steps and not wasserstein:
        axis.legend(loc="best")


def gan_laboratory(
    data: Data = "ring", loss: Loss = "non-saturating", *, seed: int = 1, steps: int = 100
) -> Any:
    """The laboratory as a widget: data, loss and settings, "Train", "Start again" and the picture.

    Other data, another loss or another seed start a new run; all other settings act on the run that
    goes on. The settings stay, unless the new loss brings its own. Chapter 5 starts with
    `"wgan-gp"`.

    Args:
        data: "ring", "grid" or "roll".
        loss: "saturating", "non-saturating", "clipped" or "wgan-gp".
        seed: of the first run.
        steps: how many the button trains.

    Raises:
        ModuleNotFoundError: ipywidgets is not installed.
        ValueError: no such data or loss.
    """
    start = Setup(data, loss, seed=seed)
    start = replace(start, critic_moves=start.moves)  # as the slider has it
    controls = {
        "data": frame.choice("Data", {"Ring of 8": "ring", "Grid of 25": "grid",
                                      "Swiss roll": "roll"}, data),
        "loss": frame.choice("Loss", {title: key for key, title in TITLES.items()}, loss),
        "learning_rate": frame.log_slider("Learning rate", RATE, 1e-4, 1e-2),
        "critic_moves": frame.whole_slider("Critic steps", start.moves, 1, 10),
        "penalty_weight": frame.log_slider("Penalty weight λ", 1, 0.01, 100),
        "bound": frame.log_slider("Clip weights at", 0.1, 0.01, 1),
        "seed": frame.whole_slider("Seed", seed, 1, 20),
    }  # fmt: skip
    games: dict[str, Game] = {"now": Game(start)}

    def shown(**values: Any) -> Figure:
        asked = Setup(**values)
        if asked.begins_anew(games["now"].setup):
            games["now"] = Game(asked)
            problem.value = ""
        games["now"].adjust(asked)
        return draw(games["now"])

    def suit(change: Any) -> None:
        for name, value in suited(change.new).items():
            if suited(change.new) != suited(change.old):
                controls[name].value = value
        _show_used(controls, change.new)

    def more(count: int) -> Callable[[], None]:
        def press() -> None:
            try:
                games["now"].go(count)
            except NonFiniteLossError:  # in a callback nobody would see it
                also = {"clipped": " or the clipping", "wgan-gp": " or λ"}
                remedy = f"Lower the learning rate{also.get(games['now'].setup.loss, '')}"
                problem.value = (
                    "<p role='alert'>The run has broken: its numbers are not finite any more. "
                    f"{remedy}, then start again.</p>"
                )
            box.redraw()

        return press

    def restart() -> None:
        games["now"] = Game(games["now"].setup)
        problem.value = ""
        box.redraw()

    problem = frame.widgets().HTML("")
    buttons = [
        frame.button(f"Train {steps} steps", more(steps)),
        frame.button("One step", more(1)),
        frame.button("Start again", restart),
        problem,
    ]
    box = frame.show(
        shown, controls, extra=buttons,
        alt="The plane with data, generated points and the judge's field; curves of the losses.",
    )  # fmt: skip
    controls["loss"].observe(suit, names="value")
    _show_used(controls, loss)
    box.game = lambda: games["now"]
    return box


def _show_used(controls: dict[str, Any], loss: Loss) -> None:
    """Show the settings that this loss has, and no other's."""
    for name, owner in (("penalty_weight", "wgan-gp"), ("bound", "clipped")):
        controls[name].layout.display = None if loss == owner else "none"
