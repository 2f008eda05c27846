"""A small trained run of each model, made once per process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genlib.command_line import main

SMALL = ["--data", "digits", "--limit", "200", "--batch-size", "20", "--steps", "6", "--quiet"]
NARROW = {
    "wgan": ["--width", "4", "--critic-moves", "2"],
    "wgan-gp": ["--width", "4", "--critic-moves", "2"],
    "vae-gan": ["--width", "4"],
}


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a run of that model, six steps long. Do not write into it what others read."""
    made: dict[str, Path] = {}

    def make(model: str) -> Path:
        if model not in made:
            made[model] = tmp_path_factory.mktemp("runs") / model
            options = [*SMALL, *NARROW.get(model, []), "--out", str(made[model])]
            assert main(["train", model, *options]) == 0
        return made[model]

    return make


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of thirty small colour pictures of two sizes."""
    folder = tmp_path / "my photos"
    folder.mkdir()
    numbers = np.random.default_rng(0)
    for i in range(30):
        size = (40, 36, 3) if i % 2 else (50, 70, 3)
        pixels = numbers.integers(0, 256, size, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    return folder
