"""What the tests of the fit to two bumps share: targets, and two moves in the page."""

from __future__ import annotations

from typing import Any

import torch
from playwright.sync_api import Locator
from torch.distributions import Categorical, MixtureSameFamily, Normal

from tests.site.explorers import harness as h

NAME = "bimodal-fit"
TARGETS: list[dict[str, float]] = [
    {"separation": 5, "w": 0.6, "sigma1": 0.6, "sigma2": 0.7},
    {"separation": 3, "w": 0.25, "sigma1": 1.2, "sigma2": 0.5},
    {"separation": 8, "w": 0.5, "sigma1": 0.4, "sigma2": 0.4},
]


def choose(figure: Locator) -> None:
    """All three divergences."""
    figure.get_by_role("checkbox", name="Jensen–Shannon").check()


def play_to_the_end(figure: Locator) -> dict[str, Any]:
    figure.get_by_role("button", name="Jump to the end").click()
    return h.wait_for(figure, "state.done && !state.playing")


def mixture(target: dict[str, float]) -> MixtureSameFamily:
    weights = torch.tensor([target["w"], 1 - target["w"]], dtype=torch.float64)
    centres = torch.tensor([-0.5, 0.5], dtype=torch.float64) * target["separation"]
    widths = torch.tensor([target["sigma1"], target["sigma2"]], dtype=torch.float64)
    return MixtureSameFamily(Categorical(weights), Normal(centres, widths))
