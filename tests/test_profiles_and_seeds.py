"""Profiles say how much, seeds say which."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

import genlib


@pytest.mark.parametrize("name", ["smoke", "cpu", "gpu", " CPU "])
def test_budget_follows_the_profile(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLIB_PROFILE", name)
    assert genlib.budget(smoke="smoke", cpu="cpu", gpu="gpu") == name.strip().lower()


def test_default_profile_is_what_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENLIB_PROFILE", raising=False)
    for cuda, expected in ((True, "gpu"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        assert genlib.profile() == expected


def test_unknown_profile_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLIB_PROFILE", "fast")
    with pytest.raises(ValueError, match="'fast'; set it to one of smoke, cpu, gpu"):
        genlib.profile()


def test_cpu_profile_stays_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("GENLIB_PROFILE", "cpu")
    assert genlib.pick_device().type == "cpu"
    monkeypatch.setenv("GENLIB_PROFILE", "gpu")
    assert genlib.pick_device().type == "cuda"


def test_generators_depend_on_seed_and_purpose_alone() -> None:
    def draw(*words):
        return torch.rand(4, generator=genlib.make_generator(*words)).tolist()

    assert draw(0, "noise") == draw(0, "noise")
    different = [draw(0, "noise"), draw(1, "noise"), draw(0, "batches"), draw(0, "noise", 1)]
    assert len({tuple(values) for values in different}) == 4


def test_importing_genlib_brings_torch_and_little_else() -> None:
    heavy = ("matplotlib", "torchvision", "sklearn", "scipy", "PIL", "safetensors", "IPython")
    code = f"import sys, genlib; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
