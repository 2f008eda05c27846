"""`{benchmark} NAME`: the table of a committed benchmark, with date, device and command below it.

Measured numbers stand in `benchmarks/results/NAME.json` and come to the page from there alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

HEADER = ("Loop", "ms per step", "images/s", "time, genlib = 1", "of the limit")


class Benchmark(SphinxDirective):
    """One table for each model of the benchmark."""

    required_arguments = 1
    has_content = False
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        root = Path(self.env.srcdir).parent
        path = root / "benchmarks" / "results" / f"{self.arguments[0]}.json"
        if not path.is_file():
            raise self.error(f"{path} is missing; python -m benchmarks.training makes it")
        self.env.note_dependency(str(path))
        measured = json.loads(path.read_text(encoding="utf-8"))
        found: list[nodes.Node] = []
        for result in measured["results"]:
            found += [nodes.rubric(text=result["model"]), _table(result)]
        return [*found, _origin(measured)]


def _table(result: dict[str, Any]) -> nodes.table:
    """Rows of one model: a loop each."""
    group = nodes.tgroup(cols=len(HEADER))
    group += [nodes.colspec(colwidth=1) for _ in HEADER]
    group += nodes.thead("", _row(HEADER))
    body = nodes.tbody()
    for name, seconds in result["seconds_per_step"].items():
        ratio = result["times_slower_than_genlib"][name]  # 3 where the other takes 3 times as long
        body += _row(
            (
                name,
                f"{1000 * seconds:.2f}",
                f"{result['images_per_second'][name]:,.0f}",
                f"{ratio:.2f}",
                f"{100 * result['share_of_limit'][name]:.0f} %",
            )
        )
    group += body
    return nodes.table("", group, classes=["benchmark"])


def _row(cells: tuple[str, ...]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph(text=cell)) for cell in cells))


def _origin(measured: dict[str, Any]) -> nodes.paragraph:
    """Where the numbers come from."""
    rates = ", ".join(f"{result['matrix_rate'] / 1e9:,.0f}" for result in measured["results"])
    text = (
        f"Measured on {measured['date']}: {measured['device']}, {measured['threads']} threads, "
        f"PyTorch {measured['torch']}; medians of {measured['repeats']} turns. The limit: fp32 "
        f"matrix products at {rates} GFLOP/s, measured in the same turns. Command: "
    )
    line = nodes.paragraph("", text, classes=["provenance"])
    line += nodes.literal(text=measured["command"])
    line += nodes.Text(".")
    return line


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("benchmark", Benchmark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
