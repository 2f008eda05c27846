"""The weekly check sees when installing genlib would replace one of Colab's versions."""

from __future__ import annotations

from tools.colab import ROOT, frozen, replaced


def report(**versions: str) -> dict[str, object]:
    return {"install": [{"metadata": {"name": n, "version": v}} for n, v in versions.items()]}


def test_pins_are_read() -> None:
    assert frozen("# a\nTorch==2.11.0  # b\n\nscikit_learn==1.6\n") == {
        "torch": "2.11.0", "scikit-learn": "1.6",
    }  # fmt: skip


def test_a_replaced_version_is_named() -> None:
    pins = {"torch": "2.11.0", "scikit-learn": "1.6"}
    assert replaced(report(genlib="0.1.0", safetensors="1.0"), pins) == []
    assert replaced(report(genlib="0.1.0", scikit_learn="1.9"), pins) == [
        "scikit-learn 1.6 would become 1.9"
    ]


def test_colabs_versions_satisfy_our_floors() -> None:
    pins = frozen((ROOT / "tools" / "colab-constraints.txt").read_text())
    assert {"torch", "torchvision", "numpy", "ipywidgets", "ipython"} <= set(pins)
    floors = {"torch": (2, 4), "torchvision": (0, 19), "numpy": (1, 26)}
    for name, floor in floors.items():
        assert tuple(int(part) for part in pins[name].split(".")[:2]) >= floor
