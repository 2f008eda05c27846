"""How many exercises you have solved, kept from session to session."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from genlib.exercises import kept
from genlib.exercises.contents import EXERCISES, Part, parts_of
from genlib.exercises.report import Report
from genlib.tables import Table

SOLUTION = "solution"  # the chapters' own answers begin with this word
KEPT = (
    "What you pass is kept between sessions. The chapters' solutions do not count. "
    "On Colab, where the machine is thrown away, exercises.keep_progress keeps it on your Drive."
)
LOST = (
    "This machine of Colab is thrown away when you leave, and what you passed with it. "
    'exercises.keep_progress("/content/drive/MyDrive/genlib") keeps it on your Drive, once that is '
    "mounted. The chapters' solutions do not count."
)
NOT_KEPT = f"Nothing is kept: {kept.VARIABLE} is `off`."
NOT_READ = (
    f"Nothing is kept, since its file cannot be read. Set {kept.VARIABLE} to a file that can be "
    "read and written."
)
DRIVES = "/content/drive"  # where Colab mounts them


@dataclass(frozen=True)
class Progress:
    """Which checked exercises are solved. A notebook shows it as a cell's last value.

    Attributes:
        solved: numbers of the exercises of which every check has passed.
        tried: numbers of those that were tried, and not solved yet.
        file: where passes are kept, None if they are not.
        readable: whether that file, or its absence, could be made out.
    """

    solved: tuple[str, ...]
    tried: tuple[str, ...]
    file: Path | None
    readable: bool = True

    @property
    def total(self) -> int:
        """How many checked exercises the course has."""
        return len(EXERCISES)

    @property
    def sentence(self) -> str:
        """For example `7 of 27 solved`."""
        return f"{len(self.solved)} of {self.total} solved"

    @property
    def table(self) -> Table:
        """A row for each chapter: which exercises are solved, tried, and still to do."""
        rows = []
        for chapter in dict.fromkeys(number.partition(".")[0] for number in EXERCISES):
            own = [number for number in EXERCISES if number.startswith(f"{chapter}.")]
            done = [number for number in own if number in self.solved]
            begun = [number for number in own if number in self.tried]
            left = [number for number in own if number not in (*done, *begun)]
            cells = [", ".join(numbers) or "–" for numbers in (done, begun, left)]
            rows.append([chapter, *cells])
        return Table(["chapter", "solved", "tried", "to do"], rows)

    @property
    def note(self) -> str:
        """What becomes of it when the session ends. It names no path: outputs are shared."""
        if not self.file or not self.readable:
            return NOT_KEPT if self.readable else NOT_READ
        at_risk = "google.colab" in sys.modules and not self.file.as_posix().startswith(DRIVES)
        return LOST if at_risk else KEPT

    def __str__(self) -> str:
        return f"{self.sentence}\n\n{self.table}\n\n{self.note}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        note = self.note.replace("`off`", "<code>off</code>")
        return f"<p><strong>{self.sentence}</strong></p>{self.table._repr_html_()}<p>{note}</p>"


def progress() -> Progress:
    """Show which of the checked exercises you have solved, in all chapters.

    An exercise is solved when every one of its checks has passed on a function of yours. It stays
    solved, also if you change the function later. What counts is the call of the check, in whatever
    way its report is shown. A function whose name begins with `solution` is the chapter's own
    answer and never counts: so you can run all cells of a chapter, folded solutions included, and
    nothing is solved that you have not written. Keep the name of the stub where an exercise has
    several parts with one check (4.4: `my_round_a`, `my_round_b`, `my_round_c`).

    Passes are kept in `progress.json` in the cache folder of your user account (or in
    `GENLIB_CACHE`); set `GENLIB_PROGRESS` to another file or folder, or to `off`.
    `progress().file` says where they are. For Colab see :func:`keep_progress`.

    Returns:
        the numbers of solved and tried exercises, shown as a table.
    """
    file: Path | None = None
    found: kept.Kept = {}
    readable = True
    try:
        file = kept.place()
        found = kept.read(file) if file else {}
    except (OSError, RuntimeError) as error:
        readable = False
        kept.say_once(
            f"genlib: your passes cannot be read: {error}. Set {kept.VARIABLE} to a file."
        )
    solved, tried = [], []
    for number, parts in EXERCISES.items():
        states = [found.get(key(part), {}) for part in parts]
        if all("solved" in state for state in states):
            solved.append(number)
        elif any(states):
            tried.append(number)
    return Progress(tuple(solved), tuple(tried), file, readable)


def keep_progress(folder: str | Path) -> Progress:
    """From now on keep passes in another place, with those that you have already.

    On Colab everything is lost when the machine is taken away. Keep passes on your Google Drive:
    run this at the beginning of each session, and allow the access that Colab asks for.

    >>> from google.colab import drive
    >>> drive.mount("/content/drive")
    >>> exercises.keep_progress("/content/drive/MyDrive/genlib")

    It holds for this kernel and what it starts. Elsewhere set `GENLIB_PROGRESS` once and for all.

    Args:
        folder: a folder, made if it is missing (the one it lies in must be there); or a file whose
            name ends in `.json`.

    Returns:
        as :func:`progress`.

    Raises:
        FileNotFoundError: the folder around it does not exist, as when Drive is not mounted.
        OSError: the place cannot be written.
    """
    target = kept.as_file(folder).absolute()
    around = target.parent if Path(folder).suffix == ".json" else target.parent.parent
    if not around.is_dir():
        # A folder made here in the place of a drive would stand in the drive's way.
        raise FileNotFoundError(
            f"there is no folder {around}. Make it first; on Colab mount your drive: "
            'from google.colab import drive; drive.mount("/content/drive")'
        )
    before: kept.Kept = {}
    try:
        old = kept.place()
        before = kept.read(old) if old else {}
    except (OSError, RuntimeError):
        pass  # nothing could be kept there, so nothing can come along
    kept.change(target, lambda now: kept.merged(now, before))
    os.environ[kept.VARIABLE] = str(target)
    return progress()


def forget_progress() -> Progress:
    """Begin anew: every exercise counts as unsolved again.

    Raises:
        OSError: the file cannot be written.
    """
    file = kept.place()
    if file is not None and file.exists():
        kept.change(file, lambda _: {})
    return progress()


def note(check: str, fn: Any, report: Report) -> None:
    """Keep what a check said about a function of the student's; called by every check.

    It never raises: an answer must get its report where nothing can be written.
    """
    try:
        name = getattr(fn, "__name__", "")
        name = name if isinstance(name, str) else ""
    except Exception:  # an object built to break any look at it
        name = ""
    parts = parts_of(check)
    if not parts or not report.attempted or name.startswith(SOLUTION):
        return
    chosen = parts if len(parts) == 1 else [part for part in parts if part.stub == name]
    if not chosen:
        if report.passed:
            stubs = ", ".join(part.stub for part in parts)
            kept.say_once(
                f"genlib: passed, but to be counted the function must be called {stubs}, "
                "whichever it answers."
            )
        return
    try:
        _keep(key(chosen[0]), "solved" if report.passed else "tried")
    except Exception as error:
        kept.say_once(
            f"genlib: your passes cannot be kept: {error}. Checks work all the same. "
            f"Set {kept.VARIABLE} to a file that can be written, or to `off`."
        )


def key(part: Part) -> str:
    """The name of a part in the file: its check, and where several share one, its stub."""
    return part.check if len(parts_of(part.check)) == 1 else f"{part.check} {part.stub}"


def _keep(entry: str, state: str) -> None:
    file = kept.place()
    if file is None or {state, "solved"} & kept.read(file).get(entry, {}).keys():
        return
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    kept.change(file, lambda found: kept.merged(found, {entry: {state: now}}))
