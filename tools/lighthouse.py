"""Lighthouse on the first page and every chapter: `python -m tools.lighthouse` (make lighthouse).

Serves `_build/html` on this machine, runs the Lighthouse that `tools/web/package-lock.json` pins,
and prints a table. Ends with 1 where a page is below a threshold. The scores of one page differ
from run to run, performance most, because other programs take the same processor: each page is run
`--runs` times, and the median counts. The full reports stay in `_build/lighthouse`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from tools.browser import INSTALL, find_browser
from tools.chapters import chapters, select
from tools.config import ROOT, Book, load_book
from tools.errors import BookError
from tools.serve import served

THRESHOLDS = {"performance": 90, "accessibility": 95, "best-practices": 95, "seo": 90}
PRESETS = {"mobile": ("mobile",), "desktop": ("desktop",), "both": ("mobile", "desktop")}
CHROME_FLAGS = "--headless=new --no-sandbox --disable-dev-shm-usage"
OLDEST_NODE = 18
LIMIT = 300  # seconds for one run
SPEED_NOTE = (
    "machine: Lighthouse's own figure of its speed during a run. Where it is low or changes much,\n"
    "other programs took the processor: run again on an idle machine."
)


@dataclass(frozen=True)
class Score:
    """One page's scores, 0 to 100, each the median of its runs, and how far these lie apart."""

    page: str
    medians: dict[str, int]
    spread: dict[str, tuple[int, int]]
    speed: tuple[int, int]  # of this machine during the runs, as Lighthouse measures it
    preset: str = "mobile"

    @property
    def name(self) -> str:
        return f"{self.page} ({self.preset})"

    @property
    def below(self) -> list[str]:
        """The categories in which the page misses its threshold."""
        return [name for name, least in THRESHOLDS.items() if self.medians[name] < least]


def score(page: str, reports: Sequence[dict[str, object]], preset: str = "mobile") -> Score:
    """Medians over the reports of one page.

    Raises:
        BookError: a report has no score in one of the categories (Lighthouse could not judge it).
    """
    runs: dict[str, list[int]] = {name: [] for name in THRESHOLDS}
    speeds = []
    for report in reports:
        environment = report.get("environment")
        speed = environment.get("benchmarkIndex", 0) if isinstance(environment, dict) else 0
        speeds.append(round(speed))
        categories = report.get("categories")
        for name, values in runs.items():
            found = categories.get(name) if isinstance(categories, dict) else None
            value = found.get("score") if isinstance(found, dict) else None
            if value is None:
                failed = report.get("runtimeError")
                why = failed.get("message") if isinstance(failed, dict) else "no reason is given"
                raise BookError(f"Lighthouse gave no score for {name}: {why}", page)
            values.append(round(100 * value))
    return Score(
        page,
        {name: round(median(values)) for name, values in runs.items()},
        {name: (min(values), max(values)) for name, values in runs.items()},
        (min(speeds), max(speeds)),
        preset,
    )


def table(scores: Sequence[Score]) -> str:
    """The scores as text; a `!` stands beside what is below its threshold."""
    names = list(THRESHOLDS)
    width = max(len("at least"), *(len(each.name) for each in scores))
    lines = ["  ".join(["page".ljust(width), *(name.rjust(14) for name in names), "  runs"])]
    for each in scores:
        cells = [f"{each.medians[n]}{'!' if n in each.below else ' '}".rjust(14) for n in names]
        runs = "performance {} to {}, machine {} to {}".format(
            *each.spread["performance"], *each.speed
        )
        lines.append("  ".join([each.name.ljust(width), *cells, f"  {runs}"]))
    least = (f"{value} ".rjust(14) for value in THRESHOLDS.values())
    lines.append("  ".join(["at least".ljust(width), *least]).rstrip())
    return "\n".join(lines)


def tool(name: str, remedy: str) -> str:
    """The path of a program.

    Raises:
        BookError: it is not installed.
    """
    if path := shutil.which(name):
        return path
    raise BookError(f"`{name}` was not found; {remedy}")


def browser() -> str:
    """The path of a Chromium.

    Raises:
        BookError: there is none.
    """
    if found := find_browser():
        return tool(found, "CHROMIUM names it: give the path of a Chromium there")
    raise BookError(INSTALL)


def install(book: Book) -> Path:
    """Install the pinned Lighthouse into `_build/web`, unless it is there; the program's path."""
    remedy = f"install Node.js {OLDEST_NODE} or later with npm (https://nodejs.org)"
    version = subprocess.run(
        [tool("node", remedy), "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < OLDEST_NODE:
        raise BookError(f"node is {version}; {remedy}")
    npm = tool("npm", remedy)
    pins, target = book.root / "tools" / "web", book.build / "web"
    names = ("package.json", "package-lock.json")
    mark = hashlib.sha256(b"".join((pins / name).read_bytes() for name in names)).hexdigest()
    stamp, program = target / ".installed", target / "node_modules" / ".bin" / "lighthouse"
    if stamp.is_file() and stamp.read_text() == mark and program.exists():
        return program
    print("installing Lighthouse into _build/web (once)", flush=True)
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(pins / name, target / name)
    # Nothing of these packages needs to run while it is installed.
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=target, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BookError(f"npm could not install Lighthouse:\n{done.stderr.strip()[-2000:]}", pins)
    stamp.write_text(mark)
    return program


def pages(book: Book, names: list[str]) -> list[str]:
    """The pages to judge: the first page and every chapter, or the chapters that are named."""
    if names:
        return [chapter.page for chapter in select(book, names)]
    return ["index.html", *(chapter.page for chapter in chapters(book))]


def examine(program: Path, address: str, target: Path, preset: str) -> dict[str, object]:
    """One run of Lighthouse.

    Raises:
        BookError: it failed or took too long.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [str(program), address, "--quiet", "--output=json", f"--output-path={target}"]
    command += [f"--only-categories={','.join(THRESHOLDS)}", f"--chrome-flags={CHROME_FLAGS}"]
    command += ["--preset=desktop"] if preset == "desktop" else []
    environment = {**os.environ, "CHROME_PATH": browser()}
    target.unlink(missing_ok=True)
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        raise BookError(f"Lighthouse took longer than {LIMIT} s", address) from None
    if done.returncode != 0 or not target.is_file():
        raise BookError(f"Lighthouse failed:\n{done.stderr.strip()[-2000:]}", address)
    loaded: dict[str, object] = json.loads(target.read_text(encoding="utf8"))
    return loaded


def judge(book: Book, names: list[str], presets: Sequence[str], runs: int) -> Iterator[Score]:
    """Each page's score for each preset, as soon as it is known.

    Raises:
        BookError: a program or the site is missing, or Lighthouse failed.
    """
    browser()
    program = install(book)
    if not (book.html / "index.html").is_file():
        raise BookError("there is no site to judge; run `make book` first", book.html)
    with served(book.html, urlsplit(book.site).path) as address:
        for preset, page in product(presets, pages(book, names)):
            place = book.build / "lighthouse" / preset / page.removesuffix(".html")
            reports = [
                examine(program, address + page, place / f"{n + 1}.json", preset)
                for n in range(runs)
            ]
            yield score(page, reports, preset)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.lighthouse", description=__doc__)
    parser.add_argument("names", nargs="*", help="chapters (02 or 2); all and the first page")
    parser.add_argument("--preset", choices=[*PRESETS], default="mobile", help="both: one table")
    parser.add_argument("--runs", type=int, default=3, help="of each page; the median counts")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    scores = []
    try:
        book = load_book(options.root)
        for each in judge(book, options.names, PRESETS[options.preset], options.runs):
            print(f"{each.name}: {', '.join(f'{k} {v}' for k, v in each.medians.items())}")
            sys.stdout.flush()
            scores.append(each)
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    presets = " and ".join(PRESETS[options.preset])
    print(f"\nLighthouse, {presets}, median of {options.runs}:\n{table(scores)}")
    print(f"\n{SPEED_NOTE}")
    below = [f"{each.name}: {name}" for each in scores for name in each.below]
    if below:
        print(f"\nbelow the threshold: {', '.join(below)}\nreports: {book.build / 'lighthouse'}")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
