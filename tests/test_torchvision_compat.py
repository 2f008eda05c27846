"""torchvision can be imported through genlib, also beside a torch of another build."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from genlib import torchvision_compat
from genlib.torchvision_compat import import_torchvision


def test_datasets_and_transforms_work() -> None:
    datasets = import_torchvision("datasets")
    assert datasets.FashionMNIST.mirrors
    assert datasets.FashionMNIST.resources[0][0] == "train-images-idx3-ubyte.gz"
    assert import_torchvision("transforms").ToTensor()
    assert import_torchvision() is sys.modules["torchvision"]


def test_a_plain_import_works_afterwards() -> None:
    code = (
        "from genlib.torchvision_compat import import_torchvision as get; get('datasets');"
        "import torchvision; from torchvision.transforms import functional; print('fine')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "fine\n", result.stderr


def test_only_the_known_failure_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def fails_once(name: str) -> object:
        tries.append(name)
        if len(tries) == 1:
            raise RuntimeError(f"{torchvision_compat.SYMPTOM}: and so on")
        return sys

    monkeypatch.setattr(importlib, "import_module", fails_once)
    monkeypatch.setattr(torchvision_compat, "_declare_schemas", lambda: tries.append("declared"))
    monkeypatch.setitem(sys.modules, "torchvision.half_imported", sys)
    assert import_torchvision("datasets") is sys
    assert tries == ["torchvision.datasets", "declared", "torchvision.datasets"]
    assert "torchvision.half_imported" not in sys.modules

    def fails(name: str) -> object:
        raise RuntimeError("something else")

    monkeypatch.setattr(importlib, "import_module", fails)
    with pytest.raises(RuntimeError, match="something else"):
        import_torchvision()
