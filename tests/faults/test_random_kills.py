"""Exact resume: however often a run is killed with `kill -9`, it ends in the very same bits.

The long form is `python -m pytest -m faults tests/faults`.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from genlib.training import Checkpoints
from tests.faults.runs import assert_same_end, finish, killed, start

STEPS = {"vae": 240, "gan": 180, "wgan-gp": 45, "vae-gan": 90}


def steps_saved(folder: Path) -> int:
    files = Checkpoints(folder).files()
    return int(files[0].stem.removeprefix("step-")) if files else 0


def kill_at_random(
    family: str, folder: Path, steps: int, seconds: float, kills: int, seed: int
) -> list[int]:
    """Kill a run `kills` times, spread over its `seconds`, then let it end.

    Returns the newest checkpoint's step at each kill.
    """
    rng = random.Random(seed)
    progress: list[int] = []  # the newest checkpoint at each kill
    in_writes = 0
    while len(progress) < kills:
        process = start(family, folder, steps=steps)
        left = seconds * (1 - steps_saved(folder) / steps) / (kills - len(progress) + 1)
        process.join(rng.uniform(0, 1.5) * left)
        if not killed(process):
            break  # it was faster than we thought, and came to its end
        progress.append(steps_saved(folder))
        in_writes += any(folder.glob(".*.partial"))
    finish(family, folder, steps=steps)
    print(f"{family}: {len(progress)} kills, {in_writes} in a write, at steps {progress}")
    return progress


def check(family: str, tmp_path: Path, steps: int, kills: int, seed: int) -> list[int]:
    unbroken, folder = tmp_path / "unbroken", tmp_path / "killed"
    seconds = finish(family, unbroken, steps=steps)["seconds"]
    progress = kill_at_random(family, folder, steps, seconds, kills, seed)
    assert_same_end(folder, unbroken, steps)
    assert not list(folder.glob(".*.partial"))
    return progress


@pytest.mark.parametrize("family", ["vae", "gan", "wgan-gp"])
def test_a_few_kills_change_nothing(family: str, tmp_path: Path) -> None:
    progress = check(family, tmp_path, STEPS[family] // 2, kills=5, seed=1)
    assert len(progress) >= 3
    assert len(set(progress)) >= 2  # it went on in between


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("family", ["vae", "gan", "wgan-gp", "vae-gan"])
def test_many_kills_change_nothing(family: str, seed: int, tmp_path: Path) -> None:
    progress = check(family, tmp_path, STEPS[family], kills=24, seed=seed)
    assert len(progress) >= 20
    assert len(set(progress)) >= 8
