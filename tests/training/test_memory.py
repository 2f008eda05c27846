"""Memory does not grow with the steps of a run, and its cost grows evenly."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

import pytest

from genlib.training import History
from genlib.training.run import Meter
from tests.training.tiny import tiny_player, tiny_run

STEPS = 5_000


def resident() -> int:
    """Bytes of memory this process has at the moment."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_and_files_do_not_grow_over_5000_steps(tmp_path: Path) -> None:
    objects: list[int] = []
    memory: list[int] = []
    sizes: list[int] = []

    def look(step: int) -> None:
        if step > 0 and step % 1000 == 0:
            gc.collect()
            objects.append(len(gc.get_objects()))
            memory.append(resident())
            files = sorted(tmp_path.glob("step-*"))
            assert len(files) == 3
            sizes.append(files[-1].stat().st_size)

    history = tiny_run(
        tmp_path, STEPS, tiny_player(ema_decay=0.9, schedule_over=STEPS),
        watch=[look], log_every=500, every_steps=50,
    )  # fmt: skip
    assert len(history["ae"]) == 10
    # One object kept a step would be 4,000. (A few dozen are ctypes': numpy makes a type for each
    # new length of the history's arrays when they are written.)
    assert max(objects[1:]) - objects[0] < 400
    assert max(memory[1:]) - memory[0] < 4 * 2**20
    assert sizes[-1] - sizes[0] < 5_000


def test_bookkeeping_per_step_is_the_same_at_any_length(tmp_path: Path, monkeypatch) -> None:
    counts: dict[str, int] = {}

    def count(owner: Any, method: str) -> None:
        original = getattr(owner, method)

        def counted(self: Any, *args: Any) -> Any:
            name = f"{owner.__name__}.{method}"
            counts[name] = counts.get(name, 0) + 1
            return original(self, *args)

        monkeypatch.setattr(owner, method, counted)

    for owner, method in ((History, "add"), (Meter, "take"), (Meter, "add")):
        count(owner, method)
    made: list[dict[str, int]] = []
    for steps in (200, 400, 800):
        counts.clear()
        tiny_run(tmp_path / str(steps), steps, log_every=10, every_steps=100)
        made.append(dict(counts))
    assert made[0] == {"Meter.add": 200, "Meter.take": 20, "History.add": 20}
    assert made[1] == {name: 2 * n for name, n in made[0].items()}
    assert made[2] == {name: 4 * n for name, n in made[0].items()}


def test_by_default_a_history_has_some_200_entries_however_long_the_run(tmp_path: Path) -> None:
    for steps in (150, 1000):
        history = tiny_run(tmp_path / str(steps), steps, log_every=None, every_steps=None)
        assert 100 <= len(history["ae"]) < 400
