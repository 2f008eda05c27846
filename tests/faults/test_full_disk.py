"""A full disk costs checkpoints, never the run."""

from __future__ import annotations

from pathlib import Path

from genlib.training import Checkpoints
from genlib.training.packing import load_tree
from tests.faults.runs import assert_same_end, difference, final_tree, finish, result_path, start
from tests.faults.sabotage import NoRoom

STEPS = 24


def test_the_run_goes_on_and_saves_again_when_there_is_room(tmp_path: Path) -> None:
    unbroken, folder = tmp_path / "unbroken", tmp_path / "run"
    hooks = [NoRoom(-1, -1), Looking(folder)]
    finish("gan", unbroken, steps=STEPS, best=None, hooks=hooks)
    given = finish("gan", folder, steps=STEPS, best=None, hooks=[NoRoom(8, 14), Looking(folder)])

    warnings = given["warnings"]
    assert [w[: w.index(" the checkpoint")] for w in warnings] == ["at step 9", "at step 12"]
    assert all("last good one: step 6" in w and "The run goes on" in w for w in warnings), warnings
    assert not list(folder.glob(".*"))
    files = [path.name for path in Checkpoints(folder).files()]
    assert files == [f"step-{step:08d}.safetensors" for step in (24, 21, 18)]
    assert difference(final_tree(folder, STEPS), final_tree(unbroken, STEPS)) is None
    looked = (folder.parent / "looked").read_text().split()
    assert looked == ["step-00000006.safetensors", "step-00000003.safetensors"]


class Looking:
    """A watcher that notes which good files there are while the disk is full."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, step: int) -> None:
        if step == 13:
            names = []
            for path in Checkpoints(self.folder).files():
                load_tree(path)
                names.append(path.name)
            leftovers = [path.name for path in self.folder.glob(".*")]
            (self.folder.parent / "looked").write_text(" ".join(names + leftovers))


def test_a_resume_after_a_full_disk_is_exact(tmp_path: Path) -> None:
    """Nothing since step 6 could be saved; then the run is taken up again."""
    unbroken, folder = tmp_path / "unbroken", tmp_path / "run"
    finish("gan", unbroken, steps=STEPS)
    # Without room to the end even the result cannot be written, so the run is killed by its limit.
    process = start("gan", folder, steps=STEPS, hooks=[NoRoom(8, STEPS + 1)])
    process.join(60)
    assert not result_path(folder).exists()
    assert Checkpoints(folder).files()[0].name == "step-00000006.safetensors"
    finish("gan", folder, steps=STEPS)
    assert_same_end(folder, unbroken, STEPS)
