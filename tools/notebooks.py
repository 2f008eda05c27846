"""Make `notebooks/` from `book/`: `python -m tools.notebooks [--execute] [--check] [NAME ...]`.

Without `--execute` the text is written anew and outputs are kept where they belong to the same
code; where the code has changed they are dropped, and the tool says what to run.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from pathlib import Path

from tools.chapters import Document, chapters, notebook_path, select
from tools.config import ROOT, Book, load_book
from tools.errors import BookError
from tools.execute import execute
from tools.files import write_atomically
from tools.generate import generate
from tools.graft import own_code_cells, state
from tools.nb import Node, node, notebook_text, read_notebook
from tools.plain.index import Index, build_index
from tools.provenance import code_hash
from tools.source import read_chapter


def write_chapter(
    book: Book, chapter: Document, *, run: bool, profile: str = "cpu", index: Index | None = None
) -> Node:
    """Write one chapter's notebook, executed or with the outputs it had; the old file stays until
    the new one is whole.

    Raises:
        BookError: the source cannot be converted, or a cell fails.
    """
    made = generate(book, chapter, index)
    if run:
        code = code_hash(read_chapter(book, chapter))
        made = execute(made, name=chapter.stem, code=code, profile=profile, root=book.root)
    else:
        made = with_kept_outputs(book, chapter, made)
    write_atomically(notebook_path(book, chapter), notebook_text(made))
    return made


def with_kept_outputs(book: Book, chapter: Document, made: Node) -> Node:
    """`made` with the committed outputs and provenance, where they are of the same code."""
    if state(book, chapter).errors:
        return made
    old = read_notebook(notebook_path(book, chapter))
    assert old is not None
    kept = copy.deepcopy(made)
    for cell, ran in zip(own_code_cells(kept), own_code_cells(old), strict=True):
        cell.outputs, cell.execution_count = ran.outputs, ran.execution_count
    for cell, ran in zip(kept.cells, old.cells, strict=False):
        if cell.cell_type == "code" and cell.source == ran.source:
            cell.execution_count = ran.get("execution_count")
    kept.metadata["genlib"] = node({**old.metadata["genlib"], **made.metadata["genlib"]})
    return kept


def check(book: Book, names: list[str], *, strict: bool) -> list[str]:
    """What is wrong with `notebooks/`; the empty list if nothing is.

    strict: outputs that an older genlib made are an error too, not a warning.
    """
    found: list[str] = []
    index = build_index(book)
    for chapter in select(book, names):
        now = state(book, chapter)
        found += now.errors
        if strict:
            found += now.warnings
        else:
            print("".join(f"warning: {line}\n" for line in now.warnings), end="")
        path = notebook_path(book, chapter)
        if not now.errors and path.read_text(encoding="utf8") != notebook_text(
            with_kept_outputs(book, chapter, generate(book, chapter, index))
        ):
            found.append(f"{path.name} is not what the source generates; run `make notebooks`")
    if not names:
        expected = {notebook_path(book, chapter) for chapter in chapters(book)}
        stray = sorted(set(book.notebooks.glob("*.ipynb")) - expected)
        found += [f"{path.name} belongs to no chapter; remove it" for path in stray]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="chapters; all by default")
    parser.add_argument("--execute", action="store_true", help="run the code, keep its outputs")
    parser.add_argument("--profile", choices=("smoke", "cpu", "gpu"), default="cpu")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if out of date")
    parser.add_argument("--strict", action="store_true", help="with --check: an older genlib fails")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        book = load_book(options.root)
        if options.check:
            found = check(book, options.names, strict=options.strict)
            print("\n".join(found) or "notebooks/ is what book/ generates, with outputs")
            return 1 if found else 0
        index = build_index(book)
        for chapter in select(book, options.names):
            started = time.perf_counter()
            write_chapter(book, chapter, run=options.execute, profile=options.profile, index=index)
            print(f"{chapter.stem}: written ({time.perf_counter() - started:.1f} s)")
            now = state(book, chapter)
            print("".join(f"note: {line}\n" for line in (*now.errors, *now.warnings)), end="")
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the notebooks are as they were", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
