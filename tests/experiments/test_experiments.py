"""Every experiment runs at `smoke`, has the committed form, and stays within its bands."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from experiments import common
from experiments.common import figure, rounded, run_experiment
from genlib import results
from genlib.data import DataError

ROOT = Path(__file__).parents[2]
HELPERS = {
    "__init__",
    "averages",
    "board_bands",
    "board_clothes",
    "board_faces",
    "board_scores",
    "board_table",
    "common",
    "fitting",
    "latent_scores",
    "penalties",
    "reference_models",
    "sheets",
    "vae_gan_fit",
}
NAMES = sorted(p.stem for p in (ROOT / "experiments").glob("*.py") if p.stem not in HELPERS)


def same_keys(a: object, b: object) -> bool:
    if not isinstance(a, dict) or not isinstance(b, dict):
        return isinstance(a, dict) == isinstance(b, dict)
    return a.keys() == b.keys() and all(same_keys(a[key], b[key]) for key in a)


def test_there_are_experiments_and_each_has_its_result() -> None:
    assert NAMES
    assert results.available() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_smoke_run_has_the_form_of_the_committed_result(name: str, tmp_path: Path) -> None:
    code = (
        "import importlib, sys; from pathlib import Path; from experiments.common import *;"
        f"print(run_experiment(importlib.import_module('experiments.{name}'), {name!r}, "
        f"runs=Path({str(tmp_path)!r})))"
    )
    env = {**os.environ, "GENLIB_PROFILE": "smoke", "GENLIB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (path,) = tmp_path.rglob("result.json")
    fresh = json.loads(path.read_text())
    committed = results.load(name)
    assert same_keys(fresh["figures"], committed.figures)
    assert fresh["settings"].keys() == committed.settings.keys()


@pytest.mark.parametrize("name", NAMES)
def test_committed_figures_lie_within_their_bands(name: str) -> None:
    module = importlib.import_module(f"experiments.{name}")
    assert module.BANDS, "an experiment says where its figures must lie"
    for path, (low, high) in module.BANDS.items():
        assert low <= figure(results.load(name).figures, path) <= high, path


def toy(seen: list[int]) -> ModuleType:
    def run(settings: object, *, seed: int) -> dict[str, float]:
        seen.append(seed)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return {"value": float(seed)}

    @dataclasses.dataclass(frozen=True)
    class Settings:
        seeds: int = 4

    module = ModuleType("toy")
    module.__file__ = __file__  # its source, for the fingerprint
    module.SETTINGS = Settings()
    module.cells = lambda settings: [{"seed": seed} for seed in range(settings.seeds)]
    module.run = run
    module.summarise = lambda settings, rows: {"values": [row["value"] for row in rows]}
    return module


def test_a_killed_experiment_goes_on_where_it_stopped(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("GENLIB_PROFILE", "smoke")
    seen: list[int] = []
    experiment = toy(seen)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(experiment, "toy", runs=tmp_path)
    assert not list(tmp_path.rglob("result.json"))
    path = run_experiment(experiment, "toy", runs=tmp_path)
    assert seen == [0, 1, 2, 2, 3]  # cells 0 and 1 were kept, the one cut off is run again
    assert json.loads(path.read_text())["figures"] == {"values": [0.0, 1.0, 2.0, 3.0]}


def test_a_cell_of_other_code_is_run_again(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("GENLIB_PROFILE", "smoke")
    seen: list[int] = []
    experiment = toy(seen)
    experiment.SETTINGS = dataclasses.replace(experiment.SETTINGS, seeds=1)
    run_experiment(experiment, "toy", runs=tmp_path)
    run_experiment(experiment, "toy", runs=tmp_path)
    assert seen == [0]
    monkeypatch.setattr(common, "sources", lambda module: "of another day")
    run_experiment(experiment, "toy", runs=tmp_path)
    assert seen == [0, 0]


def test_no_result_is_made_on_the_stand_in_digits(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("GENLIB_PROFILE", "cpu")
    monkeypatch.setattr(common, "used", lambda: ("scikit-learn digits",))
    with pytest.raises(DataError, match="set GENLIB_DATA"):
        run_experiment(toy([]), "toy", runs=tmp_path)
    assert not list(tmp_path.rglob("*.json"))


def test_rounding_keeps_six_digits_and_marks_what_is_not_finite() -> None:
    assert rounded({"a": [1 / 3, float("inf")], "b": 2, "c": "x"}) == {
        "a": [0.333333, None], "b": 2, "c": "x"
    }  # fmt: skip


def test_unknown_reference_model_is_refused(capsys) -> None:
    from experiments.reference_models import main

    with pytest.raises(SystemExit):
        main(["vae-everything"])
    assert "no such model: vae-everything; there is ae-fashion-mnist" in capsys.readouterr().err


def test_a_reference_model_is_remade_by_its_command(tmp_path: Path) -> None:
    env = {**os.environ, "GENLIB_PROFILE": "smoke", "GENLIB_OFFLINE": "1"}
    command = [sys.executable, "-m", "experiments.reference_models", "ae2-fashion-mnist"]
    done = subprocess.run(
        [*command, "--folder", str(tmp_path)], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "ae2-fashion-mnist.safetensors").is_file()
