"""The scoreboard as a table in Markdown, made from its result and from nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.common import Row
from genlib.files import write_atomic

TITLES = {"clothes": "Fashion-MNIST", "faces": "Drawn faces, 64×64 in colour"}
COLUMNS = {
    "parameters": "parameters",
    "judge_parameters": "of the judge",
    "seconds": "training, s",
    "images_per_second": "images/s",
    "samples_per_second": "samples/s",
    "frechet": "Fréchet ↓",
    "kernel": "kernel ↓",
    "precision": "precision ↑",
    "recall": "recall ↑",
    "density": "density ↑",
    "coverage": "coverage ↑",
    "entropy": "entropy ↑",
    "sharpness": "sharpness (as data)",
    "bound": "bound, nats ↓",
    "bound_50": "bound, k = 50 ↓",
    "bound_kind": "kind of bound",
}
OF_FACES = {
    "missing": "values missing, of 36 ↓",
    "pairs": "combinations ↑",
    "mse": "reconstruction, MSE ↓",
    "feature_error": "in features ↓",
    "attributes_kept": "attributes kept ↑",
}
OF_ARITHMETIC = {
    "baseline": "have it before",
    "added": "after adding",
    "kept": "other attributes kept",
    "random": "after a random direction",
    "removed": "lack it after taking away",
}


def write(result: Path) -> Path:
    """The table beside `result`, a JSON file: the same name with `.md`."""
    path = result.with_suffix(".md")
    write_atomic(path, as_markdown(json.loads(result.read_text(encoding="utf-8"))).encode())
    return path


def as_markdown(content: Row) -> str:
    """The whole table.

    Args:
        content: a result of the scoreboard, as its file has it.
    """
    figures, made = content["figures"], content["provenance"]
    seeds = content["settings"]["seeds"]
    lines = [
        "# Scoreboard",
        "",
        f"Made by `{content['command']}`: profile {made['profile']}, {made['device']}, "
        f"{made['data']}, {made['date']}, {made['seconds'] / 3600:.1f} h for all cells, "
        f"genlib {made['versions']['genlib']}, torch {made['versions']['torch']}.",
        "",
        f"Means over {seeds} seeds with the half-width of the 95 % interval (Student's t). An "
        "arrow says which way is better. Scores are in the features of the course's classifiers, "
        "against training images: the Fréchet distance is not the FID of the literature. Entropy "
        "is in nats for clothes, and a share of its largest value for faces. Seconds are the "
        "processor's.",
    ]
    for board, models in figures["boards"].items():
        images = sorted({row["images"] for row in models.values() if "images" in row})
        lines += [
            "",
            f"## {TITLES[board]}",
            "",
            f"{', '.join(f'{n:,}' for n in images)} images seen by each model; scores of "
            f"{figures['n'][board]:,} pictures.",
            "",
            *table("model", COLUMNS, models),
        ]
    lines += ["", "## Faces: attributes and reconstructions", ""]
    lines += table("model", OF_FACES, figures["faces"])
    for model, changes in figures["arithmetic"].items():
        lines += ["", f"## Faces: latent arithmetic of {model}", ""]
        lines += table("added", OF_ARITHMETIC, changes)
    return "\n".join(lines) + "\n"


def table(first: str, columns: dict[str, str], rows: dict[str, Row]) -> list[str]:
    """Lines of a Markdown table; columns that no row has are left out."""
    kept = [name for name in columns if any(name in row for row in rows.values())]
    aligned = [":--" if name == "bound_kind" else "--:" for name in kept]
    return [
        line([first, *(columns[name] for name in kept)]),
        line([":--", *aligned]),
        *(line([name, *(told(row.get(key)) for key in kept)]) for name, row in rows.items()),
    ]


def line(cells: Sequence[str]) -> str:
    """One row."""
    return f"| {' | '.join(cells)} |"


def told(value: Any) -> str:
    """A figure: an interval as mean ± half-width, two digits of the latter; a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    if value["mean"] is None:
        return "–"
    mean, half = value["mean"], (value["high"] - value["low"]) / 2
    if half <= abs(mean) * 1e-6:  # all seeds agree, but for the rounding of results
        return f"{mean:,.0f}" if abs(mean) >= 1000 else f"{mean:.4g}"
    digits = max(0, 1 - math.floor(math.log10(half)))
    return f"{mean:,.{digits}f} ± {half:,.{digits}f}"
