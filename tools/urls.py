"""Title, author and repository URL stand in `_config.yml`; this holds the other files to it.

`python -m tools.urls --check` fails where another file names something else. After a change there,
`python -m tools.urls --write` rewrites what the last commit's settings had put elsewhere.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from tools.config import ROOT, Book, load_book
from tools.errors import BookError

SUFFIXES = {".md", ".cff", ".toml", ".py", ".yml", ".yaml", ".html", ".css", ".js", ".txt", ".in"}
# _config.yml is the source; notebooks/ is generated and has its own check; others' files keep
# others' addresses.
SKIPPED = ("_config.yml", "notebooks/", "book/_static/vendor/", "tests/", "tools/colab-constraints")
HOSTED = re.compile(
    r"https://(?:"
    r"(?:www\.)?github\.com/(?P<repo>[\w.-]+/[\w.-]+)"
    r"|raw\.githubusercontent\.com/(?P<raw>[\w.-]+/[\w.-]+)"
    r"|colab\.research\.google\.com/github/(?P<colab>[\w.-]+/[\w.-]+)"
    r"|(?P<owner>[\w-]+)\.github\.io/(?P<site>[\w.-]+)"
    r")"
)
# Repositories of others that the book links to on purpose. Add one here to link to it.
FOREIGN = {
    "pre-commit/pre-commit-hooks",
    "astral-sh/ruff-pre-commit",
    "pre-commit/mirrors-mypy",
    "zalandoresearch/fashion-mnist",
    "mathjax/MathJax",
    "citation-file-format/citation-file-format",
    "toshas/torch-fidelity",
}


def text_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Path and name of each text file that could hold the URL."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    names = listed.stdout.splitlines() if listed.returncode == 0 else []
    for name in names or sorted(p.relative_to(root).as_posix() for p in root.rglob("*.*")):
        path = root / name
        if path.suffix in SUFFIXES and not name.startswith((*SKIPPED, ".venv")) and path.is_file():
            yield name, path


def slugs(text: str) -> Iterator[tuple[int, str]]:
    """Line and `owner/name` of every address of a hosted repository or its site."""
    for match in HOSTED.finditer(text):
        slug = match["repo"] or match["raw"] or match["colab"]
        slug = slug or f"{match['owner']}/{match['site']}"
        yield text.count("\n", 0, match.start()) + 1, slug.removesuffix(".git").rstrip(".")


def check(book: Book) -> list[str]:
    """Where a file names another repository, title or author than `_config.yml`."""
    found = []
    for name, path in text_files(book.root):
        for line, slug in slugs(path.read_text(encoding="utf8")):
            if slug != book.slug and slug not in FOREIGN:
                found.append(
                    f"{name}:{line}: {slug} is not the repository of _config.yml; run "
                    "`python -m tools.urls --write`, or add it to FOREIGN in tools/urls.py"
                )
    return found + _check_names(book)


def _check_names(book: Book) -> list[str]:
    expected = {
        "README.md": (book.title, book.repository, book.site),
        "CITATION.cff": (book.title, book.author, book.repository),
        "pyproject.toml": (book.author,),
    }
    found = []
    for name, words in expected.items():
        path = book.root / name
        text = path.read_text(encoding="utf8") if path.is_file() else ""
        found += [f"{name}: lacks {word!r} of _config.yml" for word in words if word not in text]
    return found


def write(book: Book, before: Book) -> list[str]:
    """Rewrite what `before` had put into other files; the names of the files that changed."""
    owner, name = book.slug.split("/")
    old_owner, old_name = before.slug.split("/")
    pairs = [
        (before.title, book.title),
        (before.author, book.author),
        (before.slug, book.slug),
        (f"{old_owner}.github.io/{old_name}", f"{owner}.github.io/{name}"),
    ]
    changed = []
    for file, path in text_files(book.root):
        text = path.read_text(encoding="utf8")
        new = text
        for old, now in pairs:
            new = new.replace(old, now)
        if new != text:
            path.write_text(new, encoding="utf8")
            changed.append(file)
    return changed


def committed(root: Path) -> Book:
    """The settings of the last commit.

    Raises:
        BookError: there is no commit to compare with.
    """
    shown = subprocess.run(
        ["git", "show", "HEAD:_config.yml"], cwd=root, capture_output=True, text=True, check=False
    )
    if shown.returncode != 0:
        raise BookError("no committed _config.yml to rewrite from; commit it first")
    return Book(root, yaml.safe_load(shown.stdout))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.urls", description=__doc__)
    parser.add_argument("--check", action="store_true", help="the default: report, write nothing")
    parser.add_argument("--write", action="store_true", help="rewrite after _config.yml changed")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        book = load_book(options.root)
        if options.write:
            changed = write(book, committed(book.root))
            print("\n".join(changed) or "nothing to rewrite")
            print("Now run `make notebooks`, which writes the URL into the notebooks.")
        found = check(book)
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(found) or "title, author and repository URL agree with _config.yml")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
