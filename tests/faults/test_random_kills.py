"""Exact resume: however often a run is killed with `kill -9`, it ends in the very same bits.

The long form is `python -m pytest -m faults tests/faults`.
"""

from __future__ import annotations

import random
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from genlib.training import Checkpoints
from tests.faults.runs import assert_same_end, finish, killed, start

SHORT = {"vae": 150, "gan": 120, "wgan-gp": 30}  # steps
LONG = {"vae": 600, "gan": 480, "wgan-gp": 120, "vae-gan": 240}


def steps_saved(folder: Path) -> int:
    files = Checkpoints(folder).files()
    return int(files[0].stem.removeprefix("step-")) if files else 0


def kill_at_random(family: str, folder: Path, steps: int, kills: int, seed: int) -> list[int]:
    """Kill a run `kills` times, spread over its length, then let it end.

    Returns the newest checkpoint's step at each kill.
    """
    # How long it takes to the first checkpoint, and from one to the next.
    begin = finish(family, folder.parent / "begin", steps=6)["seconds"]
    whole = finish(family, folder.parent / "unbroken", steps=steps)["seconds"]
    between = max(whole - begin, 0) / (steps / 3)
    rng = random.Random(seed)
    progress: list[int] = []
    in_writes = 0
    while len(progress) < kills:
        done = steps_saved(folder)
        share = (steps - done) / (kills - len(progress) + 1)
        process = start(family, folder, steps=steps)
        if (
            rng.random() < 1 / 6 and done < steps / 2
        ):  # it dies before it has gone far, maybe reading its checkpoint
            process.join(rng.uniform(0, begin))
        else:
            target = min(done + rng.uniform(0, 1.5) * share, steps - 12)
            wait_until(folder, target, process)
            process.join(rng.uniform(0, between))
        assert killed(process), "it ended by itself"
        progress.append(steps_saved(folder))
        in_writes += any(folder.glob(".*.partial"))
    finish(family, folder, steps=steps)
    print(f"{family}: {len(progress)} kills, {in_writes} in a write, at steps {progress}")
    return progress


def wait_until(folder: Path, step: float, process: BaseProcess) -> None:
    while process.is_alive() and steps_saved(folder) < step:
        time.sleep(0.001)


def check(family: str, folder: Path, steps: int, kills: int, seed: int) -> list[int]:
    progress = kill_at_random(family, folder, steps, kills, seed)
    assert_same_end(folder, folder.parent / "unbroken", steps)
    assert not list(folder.glob(".*.partial"))
    return progress


@pytest.mark.parametrize("family", SHORT)
def test_a_few_kills_change_nothing(family: str, tmp_path: Path) -> None:
    """Every attempt must end in the same bits.

    On a busy machine the killer may wake so late that the run is almost at its end each time. Then
    the kills are not spread over the run, and it tries again.
    """
    for attempt in range(3):
        folder = tmp_path / str(attempt) / "run"
        progress = check(family, folder, SHORT[family], kills=5, seed=1 + attempt)
        assert len(progress) == 5
        if len(set(progress)) >= 3:  # it went on in between
            return
    pytest.fail(f"the kills were never spread over the run; the last ones came at {progress}")


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("family", LONG)
def test_many_kills_change_nothing(family: str, seed: int, tmp_path: Path) -> None:
    progress = check(family, tmp_path / "run", LONG[family], kills=24, seed=seed)
    assert len(progress) == 24
    assert len(set(progress)) >= 12
