"""What every experiment shares: cells that are run once, kept, and summed up in one result file.

An experiment is a module with

- `SETTINGS`: a frozen dataclass instance (profile budgets and seeds in sight);
- `cells(settings)`: the independent runs, each a dictionary such as `{"code": 8, "seed": 1}`;
- `run(settings, **cell)`: one of them, returning plain numbers;
- `summarise(settings, rows)`: the figures, from all `{**cell, **numbers}`;
- `BANDS`: where the committed figures must lie, checked by the tests;
- optionally `pictures(settings)`: small WebP images by name.

Finished cells lie in `runs/`, so a killed experiment goes on where it stopped. Profile `smoke`
writes its result beside its cells; the others write `genlib/results/NAME.json`.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import inspect
import json
import math
import platform
import time
from pathlib import Path
from typing import Any, Protocol

import nbformat
import torch

import genlib
from genlib import results
from genlib.data import used
from genlib.files import write_atomic
from tools.provenance import fingerprint, source_commit

ROOT = Path(__file__).parent.parent
MAX_KILOBYTES = 300

Row = dict[str, Any]


class Experiment(Protocol):
    """The shape of an experiment's module."""

    SETTINGS: Any
    BANDS: dict[str, tuple[float, float]]
    __name__: str

    @staticmethod
    def cells(settings: Any) -> list[Row]: ...
    @staticmethod
    def run(settings: Any, **cell: Any) -> Row: ...
    @staticmethod
    def summarise(settings: Any, rows: list[Row]) -> Row: ...


def run_experiment(module: Any, name: str, *, runs: Path = ROOT / "runs") -> Path:
    """Run the cells that are missing, then write the result.

    Args:
        module: an experiment's module.
        name: its name, `experiments/NAME.py`.
        runs: where finished cells are kept.

    Returns:
        The result file.
    """
    settings = dataclasses.asdict(module.SETTINGS)
    profile = genlib.profile()
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=4)
    folder = runs / name / f"{profile}-{digest.hexdigest()}"
    rows = []
    todo = module.cells(module.SETTINGS)
    for number, cell in enumerate(todo, start=1):
        label = "_".join(f"{key}-{value}" for key, value in cell.items())
        path = folder / f"{label}.json"
        if not path.is_file():
            began = time.perf_counter()
            numbers = module.run(module.SETTINGS, **cell)
            kept = {
                **cell,
                **numbers,
                "seconds": time.perf_counter() - began,
                "data_used": sorted(used()),
            }
            write_atomic(path, json.dumps(kept).encode())
        rows.append(json.loads(path.read_text()))
        print(f"[{number}/{len(todo)}] {label}: {rows[-1]}", flush=True)
    content = {
        "experiment": name,
        "command": f"GENLIB_PROFILE={profile} python -m experiments.{name}",
        "provenance": provenance(module, rows),
        "settings": settings,
        "figures": module.summarise(module.SETTINGS, rows),
        "pictures": {
            key: base64.b64encode(value).decode()
            for key, value in getattr(module, "pictures", lambda _: {})(module.SETTINGS).items()
        },
    }
    # One fact a line, so that a change of a result reads well as a diff.
    text = json.dumps(rounded(content), indent=1, ensure_ascii=False) + "\n"
    if len(text.encode()) > MAX_KILOBYTES * 1000:
        raise ValueError(f"the result of {name} has over {MAX_KILOBYTES} KB; keep fewer pictures")
    target = folder / "result.json" if profile == "smoke" else results.FOLDER / f"{name}.json"
    write_atomic(target, text.encode())
    print(f"written: {target}")
    return target


def provenance(module: Any, rows: list[Row]) -> Row:
    """Where figures come from; `sources` is a fingerprint of the code that made them."""
    source = inspect.getsource(module)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    device = genlib.pick_device()
    kind = torch.cuda.get_device_name() if device.type == "cuda" else platform.machine()
    return {
        "date": datetime.date.today().isoformat(),
        "profile": genlib.profile(),
        "device": f"{device.type} ({kind}, {torch.get_num_threads()} threads)",
        "data": ", ".join(sorted({title for row in rows for title in row["data_used"]})),
        "seconds": sum(row["seconds"] for row in rows),
        "versions": {"genlib": genlib.__version__, "torch": torch.__version__},
        "sources": hashlib.sha256((fingerprint(notebook, ROOT) + source).encode()).hexdigest(),
        "commit": source_commit(ROOT),
    }


def rounded(value: Any) -> Any:
    """Every float to six significant digits: the rest is noise, and makes diffs unreadable."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def figure(figures: Row, path: str) -> float:
    """`figure(figures, "levels/0.4/gain_db/mean")`: a number deep in a result."""
    value: Any = figures
    for key in path.split("/"):
        value = value[key]
    return float(value)
