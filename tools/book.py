"""Build the site: `python -m tools.book [--fresh]`.

Outputs are not computed here. Those of `notebooks/` are put into the build's jupyter-cache, under
the code they belong to, and Sphinx finds them there. Only a chapter whose code has changed since
is executed, at profile `cpu`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

from tools.chapters import Document, chapters, documents, notebook_path
from tools.config import ROOT, Book, load_book
from tools.errors import BookError
from tools.explorers import make as make_explorers
from tools.graft import graft, state
from tools.nb import read_notebook
from tools.notebooks import write_chapter
from tools.source import read_chapter


def prime(book: Book, chapter: Document) -> None:
    """Put the chapter's committed outputs into the cache that Sphinx will ask."""
    source = read_chapter(book, chapter)
    executed = read_notebook(notebook_path(book, chapter))
    if executed is None:
        raise BookError("there is no notebook to take outputs from", chapter.path)
    grown = graft(source, executed)
    grown.metadata.pop("source_map", None)
    cache = get_cache(book.build / ".jupyter_cache")
    seconds = executed.metadata.get("genlib", {}).get("seconds", 0)
    cache.cache_notebook_bundle(
        CacheBundleIn(grown, str(chapter.path), data={"execution_seconds": seconds}),
        check_validity=False,
        overwrite=True,
    )


def build(book: Book, *, fresh: bool = False, run: bool = True, quiet: bool = False) -> Path:
    """Build the site into `_build/html` and return its first page.

    Args:
        fresh: execute every chapter first, whether or not its outputs are current.
        run: execute a chapter whose outputs are missing or of other code; else that is an error.
        quiet: let Sphinx report warnings only.

    Raises:
        BookError: a chapter cannot be executed, or Sphinx has something to complain about.
    """
    for chapter in chapters(book):
        now = state(book, chapter)
        for line in now.warnings:
            print(f"warning: {line}")
        if now.errors and not (run or fresh):
            raise BookError("\n".join(now.errors))
        if fresh or now.errors:
            print("\n".join(now.errors) or f"{chapter.stem}: executing afresh")
            write_chapter(book, chapter, run=True, profile="cpu")
        prime(book, chapter)
    if any(":::{explorer}" in page.path.read_text(encoding="utf8") for page in documents(book)):
        make_explorers(book.build)
    # A kept set of doctrees hides the warnings of pages that did not change: -W would pass falsely.
    for stale in (book.build / ".doctrees", book.html):
        shutil.rmtree(stale, ignore_errors=True)
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]
    command += [str(book.source), "--config", str(book.root / "_config.yml")]
    command += ["--toc", str(book.root / "_toc.yml"), "--path-output", str(book.root)]
    command += ["-W", "--keep-going", *(["-q"] if quiet else [])]
    # Sphinx imports the extension from book/_ext, and the extension imports `tools`.
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environment = {**os.environ, "PYTHONPATH": paths, "GENLIB_PROFILE": "cpu"}
    done = subprocess.run(command, cwd=book.root, env=environment, check=False)
    index = book.html / "index.html"
    if done.returncode != 0 or not index.is_file():
        raise BookError("the site was not built; Sphinx says why above (warnings count as errors)")
    return index


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.book", description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="execute every chapter first")
    parser.add_argument(
        "--no-execute", action="store_true", help="fail where outputs are not current"
    )
    parser.add_argument("--quiet", action="store_true", help="only warnings from Sphinx")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args()
    started = time.perf_counter()
    try:
        book = load_book(options.root)
        index = build(book, fresh=options.fresh, run=not options.no_execute, quiet=options.quiet)
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"Built in {time.perf_counter() - started:.0f} s. Open {index.as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
