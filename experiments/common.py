"""What every experiment shares: cells that are run once, kept, and summed up in one result file.

An experiment is a module with

- `SETTINGS`: a frozen dataclass instance (profile budgets and seeds in sight);
- `cells(settings)`: the independent runs, each a dictionary such as `{"code": 8, "seed": 1}`;
- `run(settings, **cell)`: one of them, returning plain numbers, and small pictures if it likes:
  `{"pictures": {name: bytes}}` with WebP images, each name in one cell only;
- `summarise(settings, rows)`: the figures, from all `{**cell, **numbers}`;
- `BANDS`: where the committed figures must lie, checked by the tests.

Finished cells lie in `runs/` with a fingerprint of the code that made them, so a killed experiment
goes on where it stopped, and a cell of other code is run again. Profile `smoke`
writes its result beside its cells; the others write `genlib/results/NAME.json`.
"""

from __future__ import annotations

import ast
import base64
import dataclasses
import datetime
import hashlib
import inspect
import json
import math
import platform
import re
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import torch

import genlib
from genlib import results
from genlib.data import DataError, used
from genlib.files import write_atomic
from genlib.metrics import interval
from tools.provenance import fingerprint, source_commit

HERE = Path(__file__).parent
ROOT = HERE.parent
MAX_KILOBYTES = 350

Row = dict[str, Any]


def run_experiment(module: Any, name: str, *, runs: Path = ROOT / "runs") -> Path:
    """Run the cells that are missing or were made by other code, then write the result.

    Args:
        module: an experiment's module.
        name: its name, `experiments/NAME.py`.
        runs: where finished cells are kept.

    Returns:
        The result file.

    Raises:
        DataError: the real data are not at hand, and the profile is not `smoke`.
    """
    made = {"sources": sources(module), "torch": torch.__version__}
    settings = dataclasses.asdict(module.SETTINGS)
    profile = genlib.profile()
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=4)
    folder = runs / name / f"{profile}-{digest.hexdigest()}"
    rows: list[Row] = []
    pictures: dict[str, str] = {}
    todo = module.cells(module.SETTINGS)
    for number, cell in enumerate(todo, start=1):
        label = "_".join(f"{key}-{value}" for key, value in cell.items())
        path = folder / f"{label}.json"
        kept = json.loads(path.read_text()) if path.is_file() else {}
        if {key: kept.get(key) for key in made} != made:
            began = time.perf_counter()
            numbers = dict(module.run(module.SETTINGS, **cell))
            drawn = numbers.pop("pictures", {})
            shown = {title: base64.b64encode(image).decode() for title, image in drawn.items()}
            refuse_fallback()
            seconds = time.perf_counter() - began
            kept = {**cell, **numbers, "seconds": seconds, **made, **circumstances()}
            kept |= {"pictures": shown} if shown else {}
            write_atomic(path, json.dumps(kept).encode())
        pictures |= kept.pop("pictures", {})
        rows.append(kept)
        print(f"[{number}/{len(todo)}] {label}: {rows[-1]}", flush=True)
    content = {
        "experiment": name,
        "command": f"GENLIB_PROFILE={profile} python -m experiments.{name}",
        "provenance": provenance(rows),
        "settings": settings,
        "figures": module.summarise(module.SETTINGS, rows),
        "pictures": pictures,
    }
    text = as_text(rounded(content)) + "\n"
    if len(text.encode()) > MAX_KILOBYTES * 1000:
        raise ValueError(f"the result of {name} has over {MAX_KILOBYTES} KB; keep fewer pictures")
    target = folder / "result.json" if profile == "smoke" else results.FOLDER / f"{name}.json"
    write_atomic(target, text.encode())
    print(f"written: {target}")
    return target


def sources(module: Any) -> str:
    """A fingerprint of the code that makes a cell: its experiment and what that reaches.

    Comments, layout and `BANDS`, which only judge figures, do not count.
    """
    homes = {str(getattr(value, "__module__", "")) for value in vars(module).values()}
    others = {name for name in homes if name.startswith("experiments.")}
    modules = [
        module,
        *(sys.modules[name] for name in sorted(others - {__name__, module.__name__})),
    ]
    parts = []
    for source in map(inspect.getsource, modules):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        tree = ast.parse(source)
        tree.body = [node for node in tree.body if "BANDS" not in ast.unparse(node)[:5]]
        parts += [ast.unparse(tree), fingerprint(notebook, ROOT)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def over_seeds(rows: list[Row], keys: tuple[str, ...]) -> Row:
    """Intervals in place of the numbers at the ends of equal dictionaries."""
    found: Row = {}
    for key in keys:
        values = [row[key] for row in rows]
        nested = isinstance(values[0], dict)
        found[key] = over_seeds(values, tuple(values[0])) if nested else interval(values).to_dict()
    return found


def circumstances() -> Row:
    """Where and when a cell was run."""
    device = genlib.pick_device()
    kind = torch.cuda.get_device_name() if device.type == "cuda" else platform.machine()
    return {
        "date": datetime.date.today().isoformat(),
        "device": f"{device.type} ({kind}, {torch.get_num_threads()} threads)",
        "data_used": sorted(used()),
    }


def refuse_fallback() -> None:
    """A result or a reference model made on the stand-in digits must never replace a real one.

    Raises:
        DataError: the digits were loaded in this process, and the profile is not `smoke`.
    """
    if genlib.profile() != "smoke" and any("digits" in title for title in used()):
        raise DataError(
            "the real data sets are not at hand, and results are not made on the stand-in digits: "
            "set GENLIB_DATA to a folder that has them, or allow the download"
        )


def provenance(rows: list[Row]) -> Row:
    """Where figures come from, as their cells tell."""
    return {
        "date": max(row["date"] for row in rows),
        "profile": genlib.profile(),
        "device": "; ".join(sorted({row["device"] for row in rows})),
        "data": ", ".join(sorted({title for row in rows for title in row["data_used"]}))
        or "formulas",
        "seconds": sum(row["seconds"] for row in rows),
        "versions": {"genlib": genlib.__version__, "torch": rows[0]["torch"]},
        "sources": rows[0]["sources"],
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


def as_text(content: Any) -> str:
    """JSON with one fact a line, so that a change of a result reads well as a diff.

    A list of numbers is one fact: all looks of a run, a line each, or the edges of a histogram.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False)
    return re.sub(r"\[\n[\s\d.,eE+\-nul]+\]", lambda found: " ".join(found[0].split()), text)


def figure(figures: Row, path: str) -> float:
    """`figure(figures, "levels/0.4/gain_db/mean")`: a number deep in a result.

    Names may contain a stroke: the longest one that is there is taken.
    """
    value: Any = figures
    parts = path.split("/")
    while parts:
        names = ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]
        name = next((name for name in names if name in value), parts[0])
        value, parts = value[name], parts[name.count("/") + 1 :]
    return float(value)
