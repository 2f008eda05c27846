"""Where a notebook's outputs come from: fingerprints of code and of the genlib it reaches."""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tools.nb import Node, code_cells

PACKAGE = "genlib"
REPORTED = ("torch", "torchvision", "numpy", "scikit-learn", "matplotlib", PACKAGE)
# Data that travels with the package and that a chapter names: `results.load("NAME")`.
STORES = {"results": "json", "zoo": "safetensors"}


def code_hash(notebook: Node) -> str:
    """A hash of the code cells' sources and metadata, in order: equal if outputs still belong."""
    cells = [(cell.source, json.loads(json.dumps(cell.metadata))) for cell in code_cells(notebook)]
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()


def genlib_files(notebook: Node, root: Path) -> list[Path]:
    """The files of genlib that the notebook's code reaches, by walking imports without running.

    Imports inside functions count too; so do the stored results and reference models named in
    the cells. Sorted by path.
    """
    trees = [tree for cell in code_cells(notebook) if (tree := _parse(cell.source))]
    reached: set[Path] = set()
    waiting = [name for tree in trees for name in _imports(tree, package=None)]
    while waiting:
        for path, package in _files_of(waiting.pop(), root):
            if path not in reached:
                reached.add(path)
                waiting += _imports(ast.parse(path.read_text(encoding="utf8")), package)
    named = (root / PACKAGE / stored for tree in trees for stored in _stored(tree))
    return sorted(reached | {path for path in named if path.is_file()})


def fingerprint(notebook: Node, root: Path) -> str:
    """sha256 over paths and contents of `genlib_files`."""
    digest = hashlib.sha256()
    for path in genlib_files(notebook, root):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def source_commit(root: Path) -> str:
    """The last commit that touched genlib, marked where the files differ from it."""
    commit = _git(root, "log", "-1", "--format=%h", "--", PACKAGE)
    if not commit:
        return "uncommitted"
    return f"{commit} with changes" if _git(root, "status", "--porcelain", PACKAGE) else commit


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in REPORTED:
        try:
            found[name] = version(name).split("+")[0]
        except PackageNotFoundError:
            continue
    return found


def foot_line(provenance: dict[str, Any]) -> str:
    """One sentence for a page's foot: where the outputs above come from."""
    *others, last = provenance.get("data") or ["no data set"]
    data = f"{', '.join(others)} and {last}" if others else last
    seconds = float(provenance["seconds"])
    duration = f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    made = provenance["versions"]
    return (
        f"Outputs: profile {provenance['profile']}, {provenance['device']}, {data}, "
        f"torch {made.get('torch', '?')}, Python {made['python']}, {duration}, "
        f"genlib {made.get(PACKAGE, '?')} ({provenance['commit']}, "
        f"fingerprint {provenance['fingerprint'][:8]})."
    )


def _parse(source: str) -> ast.Module | None:
    """A cell's syntax tree, magics left out; None where the cell is not Python (`%%bash`)."""
    lines = ["" if re.match(r"\s*[%!]", line) else line for line in source.split("\n")]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:
        return None


def _imports(tree: ast.AST, package: str | None) -> Iterator[str]:
    """Dotted names of genlib that a tree imports; `a.b.c` may be a module or a name in `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names: Iterable[str] = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level and package:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            names = [base, *(f"{base}.{alias.name!s}" for alias in node.names)]
        elif isinstance(node, ast.Attribute):
            names = [dotted] if (dotted := _dotted(node)) else []  # genlib.data.digits
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == PACKAGE)


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        above = _dotted(node.value)
        return None if above is None else f"{above}.{node.attr!s}"
    return node.id if isinstance(node, ast.Name) else None


def _files_of(name: str, root: Path) -> Iterator[tuple[Path, str]]:
    """The files that importing `name` runs, each with the package that relative imports mean."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        folder = root.joinpath(*parts[:length])
        if (folder / "__init__.py").is_file():
            yield folder / "__init__.py", ".".join(parts[:length])
        elif folder.with_suffix(".py").is_file():
            yield folder.with_suffix(".py"), ".".join(parts[: length - 1])


def _stored(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            store = (_dotted(node.func.value) or "").split(".")[-1]
            first = node.args[0]
            if store in STORES and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield f"{store}/{first.value}.{STORES[store]}"


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
