"""Committed results: their form, their provenance, and clear words about damage."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from genlib import results


def content(**changes) -> dict:
    return {
        "experiment": "toy",
        "command": "python -m experiments.toy",
        "provenance": {
            "date": "2026-01-02", "profile": "cpu", "device": "cpu", "data": "digits", "seconds": 90
        },
        "settings": {"seeds": 3},
        "figures": {"error": {"mean": 1.0, "low": 0.5, "high": 1.5, "n": 3}},
        "pictures": {"strip": base64.b64encode(b"webp").decode()},
        **changes,
    }  # fmt: skip


def test_load_gives_back_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "toy.json").write_text(json.dumps(content()))
    result = results.load("toy", tmp_path)
    assert result.figures["error"]["mean"] == 1.0
    assert result.pictures == {"strip": b"webp"}
    assert "python -m experiments.toy" in str(result)
    assert results.available(tmp_path) == ["toy"]


def test_missing_damaged_and_incomplete_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"no result 'toy'; there is: none.*experiments.toy"
    ):
        results.load("toy", tmp_path)
    (tmp_path / "toy.json").write_text(json.dumps(content())[:-20])
    with pytest.raises(ValueError, match=r"toy\.json is damaged"):
        results.load("toy", tmp_path)
    incomplete = content()
    del incomplete["provenance"], incomplete["figures"]
    (tmp_path / "toy.json").write_text(json.dumps(incomplete))
    with pytest.raises(ValueError, match="misses provenance, figures"):
        results.load("toy", tmp_path)


@pytest.mark.parametrize("name", results.available())
def test_committed_results_are_real_runs(name: str) -> None:
    result = results.load(name)
    assert result.experiment == name
    assert f"python -m experiments.{name}" in result.command
    assert result.provenance["profile"] in ("cpu", "gpu"), "smoke results are for tests"
    for key in ("date", "device", "data", "seconds", "versions", "sources"):
        assert result.provenance[key], key
    path = results.FOLDER / f"{name}.json"
    assert path.stat().st_size <= 350_000
