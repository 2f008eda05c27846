"""The fingerprint covers the genlib files that a chapter reaches, and only those."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.nb import code_cell, new_notebook
from tools.provenance import code_hash, fingerprint, foot_line, genlib_files, source_commit


@pytest.fixture
def package(tmp_path: Path) -> Path:
    files = {
        "__init__.py": "from genlib.seeds import seed\n",
        "seeds.py": "def seed(): ...\n",
        "losses.py": "import torch\n",
        "models/__init__.py": "",
        "models/dense.py": "from genlib.losses import mse\n",
        "models/conv.py": "from .dense import Dense\n",
        "plots/__init__.py": "def grid():\n    from genlib.plots.style import ink\n",
        "plots/style.py": "",
        "results/__init__.py": "",
        "results/sweep.json": "{}",
        "unused.py": "",
    }
    for name, text in files.items():
        path = tmp_path / "genlib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def reached(package: Path, *sources: str) -> set[str]:
    notebook = new_notebook([code_cell(source) for source in sources], {})
    folder = package / "genlib"
    return {path.relative_to(folder).as_posix() for path in genlib_files(notebook, package)}


ALWAYS = {"__init__.py", "seeds.py"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch", set()),
        ("import genlib", ALWAYS),
        ("from genlib.losses import mse", ALWAYS | {"losses.py"}),
        ("from genlib import losses", ALWAYS | {"losses.py"}),
        ("import genlib\ngenlib.losses.mse", ALWAYS | {"losses.py"}),
        (
            "from genlib.models.conv import Conv",
            ALWAYS | {"losses.py", "models/__init__.py", "models/dense.py", "models/conv.py"},
        ),
        ("from genlib import plots", ALWAYS | {"plots/__init__.py", "plots/style.py"}),
        (
            "from genlib import results\nresults.load('sweep')",
            ALWAYS | {"results/__init__.py", "results/sweep.json"},
        ),
        ("%pip install x\nimport genlib", ALWAYS),
    ],
)
def test_files_reached(package: Path, source: str, expected: set[str]) -> None:
    assert reached(package, source) == expected


def test_fingerprint_follows_reached_files_only(package: Path) -> None:
    notebook = new_notebook([code_cell("from genlib.losses import mse")], {})
    before = fingerprint(notebook, package)
    (package / "genlib" / "unused.py").write_text("changed = 1\n")
    assert fingerprint(notebook, package) == before
    (package / "genlib" / "losses.py").write_text("changed = 1\n")
    assert fingerprint(notebook, package) != before


def test_code_hash_follows_code_and_metadata_and_order() -> None:
    a, b = code_cell("a = 1"), code_cell("b = 2")
    tagged = code_cell("a = 1", {"tags": ["hide-input"]})
    hashes = {code_hash(new_notebook(cells, {})) for cells in ([a, b], [b, a], [tagged, b], [a])}
    assert len(hashes) == 4
    ran = code_cell("a = 1")
    ran.execution_count = 3
    assert code_hash(new_notebook([ran, b], {})) == code_hash(new_notebook([a, b], {}))


def test_commit_without_git(tmp_path: Path) -> None:
    assert source_commit(tmp_path) == "uncommitted"


def test_foot_line_says_what_there_is_to_know() -> None:
    line = foot_line(
        {
            "profile": "cpu", "device": "2-core CPU", "data": ["digits", "Fashion-MNIST", "MNIST"],
            "seconds": 311.6, "commit": "abc1234", "fingerprint": "0123456789",
            "versions": {"torch": "2.13.0", "python": "3.11.7", "genlib": "0.1.0"},
        }
    )  # fmt: skip
    for word in (
        "cpu",
        "2-core CPU",
        "digits, Fashion-MNIST and MNIST",
        "2.13.0",
        "312 s",
        "abc1234",
    ):
        assert word in line
