"""Imports go one way: a newcomer can read genlib top-down, and genlib never knows the book."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

GENLIB = Path(__file__).parents[1] / "genlib"
# Lower layers first; a module imports from its own layer and from those below it.
LAYERS = [
    {"profiles", "seeds", "files", "torchvision_compat", "tables"},
    {"data"},
    {"models", "losses", "divergences", "latent"},
    {"training"},
    {"metrics", "plots", "results", "zoo", "export", "page_export"},
    {"exercises", "explore"},
    {"command_line"},
    {"__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
FILES = sorted(path for path in GENLIB.rglob("*.py") if path.parent != GENLIB or path.stem in LEVEL)


def imported(tree: ast.Module) -> set[str]:
    """First parts of what is imported at run time; `if TYPE_CHECKING` blocks do not count."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        for inner in ast.walk(node):
            if isinstance(inner, ast.ImportFrom) and inner.module:
                names.add(inner.module)
            elif isinstance(inner, ast.Import):
                names |= {alias.name for alias in inner.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(GENLIB)))
def test_imports_go_one_way(path: Path) -> None:
    own = path.relative_to(GENLIB).parts[0].removesuffix(".py")
    for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
        first, _, rest = name.partition(".")
        assert first not in {"book", "tools", "experiments", "benchmarks", "tests"}, name
        if first == "genlib" and rest:
            assert LEVEL[rest.split(".")[0]] <= LEVEL[own], f"{own} must not import {name}"
