"""What one sees of a run: the progress bar, and numbers for those who listen."""

from __future__ import annotations

import itertools
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from tqdm import tqdm

from genlib import seed_everything
from genlib.data import BatchStream, digits
from genlib.losses import squared_error
from genlib.models.autoencoder import DenseAutoencoder
from genlib.training import Checkpoints, History, Player, loop, progress, to_tensorboard, train
from tools.frames import clean_outputs, last_frames
from tools.nb import node

BATCH = 16


def run(steps: int = 6, **more: object) -> History:
    seed_everything(0)
    model = DenseAutoencoder(code=4, hidden=(16,))
    player = Player(
        "reconstruction", model, lambda move: squared_error(model(move.x), move.x).mean(),
        torch.optim.Adam(model.parameters()),
    )  # fmt: skip
    stream = BatchStream(digits("train"), BATCH, seed=0)
    return train([player], stream, steps=steps, **more)  # type: ignore[arg-type]


@pytest.fixture
def one_step_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by a second whenever the loop looks at it, which is once per step.

    And a bar that draws each step, where it would wait for half a second to go by.
    """
    clock = ModuleType("time")
    clock.perf_counter = map(float, itertools.count()).__next__  # type: ignore[attr-defined]
    monkeypatch.setattr(loop, "time", clock)
    eager = {"mininterval": 0, "miniters": 1}
    monkeypatch.setattr(progress, "tqdm", lambda **settings: tqdm(**{**settings, **eager}))


def test_the_bar_shows_losses_and_speed(
    one_step_a_second: None, capsys: pytest.CaptureFixture[str]
) -> None:
    history = run(log_every=2)
    frames = capsys.readouterr().err.split("\r")
    last = [frame for frame in frames if frame.strip()][-1]
    assert "6/6" in last
    assert f"reconstruction {history['reconstruction'][-1]:.4g}, {BATCH} images/s" in last
    assert history.seconds == 6
    assert history.images_per_second == BATCH


def test_the_speed_is_that_of_this_sitting(
    one_step_a_second: None, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Images of earlier sittings do not count as made in the seconds of this one."""
    plan = Checkpoints(tmp_path)
    run(50, checkpoints=plan, progress=False)
    history = run(54, checkpoints=plan)
    assert f" {BATCH} images/s" in capsys.readouterr().err
    assert (history.images, history.seconds) == (54 * BATCH, 54)


def test_a_bar_leaves_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    """Not in a log file, whose last line it wipes, and not in a saved notebook."""
    run(300)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "\n" not in printed.err
    assert last_frames(printed.err).strip() == ""
    stream = {"output_type": "stream", "name": "stderr", "text": printed.err}
    assert clean_outputs([node(stream)]) == []


def test_a_notebook_keeps_what_else_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    run(progress=True)
    print("a warning", file=sys.stderr)
    stream = {"output_type": "stream", "name": "stderr", "text": capsys.readouterr().err}
    assert clean_outputs([node(stream)])[0].text == "a warning\n"


def test_no_bar_where_none_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    run(progress=False)
    assert capsys.readouterr() == ("", "")


def test_listeners_hear_what_enters_the_history() -> None:
    heard: list[tuple[int, dict[str, float]]] = []
    history = run(7, log_every=3, progress=False, on_log=[lambda *entry: heard.append(entry)])
    assert [step for step, _ in heard] == [3, 6, 7]
    for name in history.names():
        assert history.series[name] == [(step, means[name]) for step, means in heard]
    assert all(means.keys() == set(history.names()) for _, means in heard)


class Writer:
    """Stands in for TensorBoard's `SummaryWriter`."""

    made: list[Writer] = []  # noqa: RUF012

    def __init__(self, folder: str) -> None:
        self.folder, self.scalars, self.flushed = folder, [], 0
        Writer.made.append(self)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.scalars.append((name, value, step))

    def flush(self) -> None:
        self.flushed = len(self.scalars)


def test_tensorboard_gets_the_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(Writer, "made", [])
    log = to_tensorboard(tmp_path / "board")
    assert Writer.made == []  # of several processes only the first logs: no file for the others
    history = run(log_every=2, progress=False, on_log=[log])
    (writer,) = Writer.made
    assert writer.folder == str(tmp_path / "board")
    pairs = history.series["reconstruction"]
    assert writer.scalars == [("reconstruction", value, step) for step, value in pairs]
    assert writer.flushed == len(pairs) == 3


def test_tensorboard_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ModuleNotFoundError, match="pip install tensorboard"):
        to_tensorboard("board")


def test_tensorboard_reads_the_scalars(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    history = run(log_every=2, progress=False, on_log=[to_tensorboard(tmp_path)])
    assert len(list(tmp_path.iterdir())) == 1
    events = EventAccumulator(str(tmp_path)).Reload()
    read = [(event.step, event.value) for event in events.Scalars("reconstruction")]
    assert [step for step, _ in read] == history.steps("reconstruction").tolist()
    assert [value for _, value in read] == pytest.approx(history["reconstruction"], rel=1e-6)


def test_frames_come_with_time_and_not_with_entries(capsys: pytest.CaptureFixture[str]) -> None:
    """Two frames a second at most, however often the history gets an entry."""
    history = run(400, log_every=1)
    frames = re.findall(r"\r[^\r]+", capsys.readouterr().err)
    assert len(frames) <= 4 + 3 * history.seconds
