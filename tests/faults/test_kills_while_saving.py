"""Killed at every critical moment of saving: a folder never holds half a checkpoint."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from genlib.training import Checkpoints
from genlib.training.packing import load_tree
from tests.faults.runs import assert_same_end, difference, final_tree, finish, killed, start
from tests.faults.sabotage import die_at

STEPS = 24
PLAN = {"steps": STEPS, "keep": 2}

# At step 9 the run saves, finds its first best value, copies that, and drops the file of step 3.
MOMENTS = [
    *(
        (moment, name)
        for moment in ("open", "half", "fsync", "rename", "flush folder")
        for name in ("step-00000009", "best")
    ),
    ("unlink", "step-00000003"),
]
LEAVES_A_PARTIAL = ("half", "fsync", "rename")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    finish("gan", folder, **PLAN)
    return folder


@pytest.mark.parametrize(("moment", "name"), MOMENTS)
def test_a_kill_leaves_good_files_and_the_run_goes_on(
    moment: str, name: str, unbroken: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    process = start("gan", folder, functools.partial(die_at, moment, name), **PLAN)
    process.join(60)
    assert killed(process), "it did not get there"

    step_9_is_there = name != "step-00000009" or moment == "flush folder"
    files = [path.name for path in Checkpoints(folder).files()]
    expected = [9, 6, 3] if step_9_is_there else [6, 3]
    assert files == [f"step-{step:08d}.safetensors" for step in expected]
    for path in folder.glob("*.safetensors"):
        load_tree(path)
    assert len(list(folder.glob(".*.partial"))) == (moment in LEAVES_A_PARTIAL)
    best_is_there = (moment, name) == ("flush folder", "best") or moment == "unlink"
    assert (folder / "best.safetensors").exists() == best_is_there

    finish("gan", folder, **PLAN)
    assert_same_end(folder, unbroken, STEPS)
    kept = {path.name for path in folder.iterdir()}
    assert kept == {"best.safetensors", "step-00000024.safetensors", "step-00000021.safetensors"}


def test_two_processes_in_one_folder_end_as_one(tmp_path: Path) -> None:
    """Two notebooks run the same cell: both make the same run, and neither spoils it."""
    alone, folder = tmp_path / "alone", tmp_path / "run"
    plan = {**PLAN, "best": None}
    finish("gan", alone, **plan)
    processes = [start("gan", folder, **plan) for _ in range(2)]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert difference(final_tree(folder, STEPS), final_tree(alone, STEPS)) is None
