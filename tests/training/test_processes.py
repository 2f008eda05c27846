"""Two processes on the CPU train what one does; `two_processes.py` is what each of them runs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from genlib.data import digits
from genlib.training import Checkpoints, History, Move, Player, joined, processes
from tests.training import two_processes as worker

SCRIPT = Path(worker.__file__)
# Float sums in another order; over 20 steps the differences stay at a few units in the last place.
CLOSE = {"rtol": 0.0, "atol": 1e-6}


def environment(**more: str) -> dict[str, str]:
    root = str(SCRIPT.parents[2])
    threads = str(torch.get_num_threads())
    return {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": threads, **more}


def start(cases: str, out: Path, device: str = "cpu") -> list[tuple[str, str]]:
    """Run the cases in two processes, as torchrun would. Returns their (stdout, stderr)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    started = []
    for rank in ("0", "1"):
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2", "MASTER_PORT": port}
        hidden = {"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {}
        started.append(
            subprocess.Popen(
                [sys.executable, str(SCRIPT), cases, str(out), device],
                env=environment(MASTER_ADDR="127.0.0.1", **place, **hidden),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
            )
        )  # fmt: skip
    try:
        said = [process.communicate(timeout=300) for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0, 0], said[0][1] + said[1][1]
    return said


@dataclass
class Pair:
    """What two processes left."""

    out: Path
    said: list[tuple[str, str]]

    def reports(self) -> list[dict[str, Any]]:
        return [json.loads((self.out / f"rank-{r}.json").read_text()) for r in range(2)]

    def weights(self, name: str) -> list[dict[str, Tensor]]:
        return [load_file(self.out / f"{name}-rank-{r}.safetensors") for r in range(2)]


@dataclass
class Alone:
    """What one process does with the same whole batch."""

    weights: dict[str, Tensor]
    history: History


@pytest.fixture(scope="module")
def alone() -> dict[str, Alone]:
    runs = {}
    for name, make in worker.FAMILIES.items():
        players = make("cpu")
        history = worker.run(players)
        runs[name] = Alone(worker.weights(players), history)
    return runs


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    out = tmp_path_factory.mktemp("pair")
    players = worker.vae()
    worker.press_ctrl_c(players, step=10, rank=0)
    worker.run(players, checkpoints=Checkpoints(out / "from-one"))  # for two to take up
    return Pair(out, start("all", out))


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def assert_close(mine: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert mine.keys() == other.keys()
    for key in mine:
        torch.testing.assert_close(mine[key], other[key], **CLOSE, msg=lambda m, k=key: f"{k}: {m}")


def assert_same_history(report: dict[str, Any], history: History) -> None:
    assert report["images"] == history.images
    assert report["series"].keys() == history.series.keys()
    for name, pairs in report["series"].items():
        assert [step for step, _ in pairs] == history.steps(name).tolist()
        values = [value for _, value in pairs]
        np.testing.assert_allclose(values, history[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", worker.FAMILIES)
def test_two_processes_make_the_weights_of_one(
    name: str, pair: Pair, alone: dict[str, Alone]
) -> None:
    first, second = pair.weights(name)
    assert equal(first, second)
    assert_close(first, alone[name].weights)
    # The tolerance tells something: the run has moved the weights a thousand times further.
    before = worker.weights(worker.FAMILIES[name]("cpu"))
    moved = max(float((before[key] - first[key]).abs().max()) for key in before)
    assert moved > 1000 * CLOSE["atol"]


@pytest.mark.parametrize("name", worker.FAMILIES)
def test_two_processes_write_the_history_of_one(
    name: str, pair: Pair, alone: dict[str, Alone]
) -> None:
    """Values that losses log are means over the whole batch too, not over the first one's rows."""
    for report in pair.reports():
        assert_same_history(report[name], alone[name].history)


def test_only_the_first_writes_and_speaks(pair: Pair) -> None:
    first, second = pair.reports()
    assert first["told"] == [2, 4]
    assert first["looked"] == [0, 1, 2, 3, 4]
    assert second["told"] == second["looked"] == []
    names = sorted(path.name for path in (pair.out / "by-rank-0").iterdir())
    assert names == ["best.safetensors", "step-00000004.safetensors"]
    assert not [path for path in (pair.out / "by-rank-1").glob("*")]
    assert "4/4" in pair.said[0][1]
    assert pair.said[0][0].count("Stopped by Ctrl-C after step 10 of 20") == 1
    # Some versions of torch greet with "[Gloo] Rank 1 is connected".
    assert [line for line in "".join(pair.said[1]).splitlines() if not line.startswith("[")] == []


def test_a_nan_in_one_process_stops_both(pair: Pair) -> None:
    first, second = (report["nan"] for report in pair.reports())
    assert first.startswith("NonFiniteLossError: the loss of player 'vae' is nan at step 3.")
    assert "The checkpoint of step 2 in" in first
    # Only the first keeps checkpoints, so only it can say where the last good one is.
    assert second == first[: first.index(" The checkpoint of step 2")]


def test_a_batch_that_cannot_be_shared_is_refused_with_the_remedy(pair: Pair) -> None:
    for report in pair.reports():
        assert "batch_size is 15, which 2 processes cannot share evenly" in report["indivisible"]
        assert "for instance 16." in report["indivisible"]


def test_a_stream_that_gives_every_process_the_whole_batch_is_refused(pair: Pair) -> None:
    for rank, report in enumerate(pair.reports()):
        assert f"this is process {rank} of 2, but the stream gives part (0, 1)" in report["no part"]
        assert "BatchStream(…, part=processes().part)" in report["no part"]


def test_ctrl_c_in_one_process_stops_both_after_the_same_step(pair: Pair) -> None:
    for report in pair.reports():
        assert report["ctrl-c"] == {"interrupted": True, "images": 10 * worker.BATCH}
    assert [path.name for path in Checkpoints(pair.out / "from-two").files()] == [
        "step-00000010.safetensors"
    ]


def test_another_number_of_processes_is_refused_unless_allowed(pair: Pair) -> None:
    for report in pair.reports():
        kind, *lines = report["refused"].split("\n")
        assert kind.startswith("ChangedSettingsError")
        assert lines[0] == "  processes: 1 then, 2 now"
        assert "allow_changes=True" in lines[1]  # and nothing else differs


def test_two_processes_finish_the_run_of_one(pair: Pair, alone: dict[str, Alone]) -> None:
    first, second = pair.weights("resumed")
    assert equal(first, second)
    assert_close(first, alone["vae"].weights)
    assert_same_history(pair.reports()[0]["resumed"], alone["vae"].history)
    assert "Changed since: processes: 1 then, 2 now" in pair.said[0][0]


def test_one_process_finishes_the_run_of_two(pair: Pair, alone: dict[str, Alone]) -> None:
    players = worker.vae()
    worker.run(players, checkpoints=Checkpoints(pair.out / "from-two", allow_changes=True))
    assert_close(worker.weights(players), alone["vae"].weights)


def test_training_starts_from_the_first_ones_weights(pair: Pair) -> None:
    """Also in another memory layout. The statistics of batch normalisation are each one's own."""
    first, second = pair.weights("start")
    statistics = {key for key in first if "running" in key}
    assert len(statistics) == 4
    for key in first:
        assert torch.equal(first[key], second[key]) == (key not in statistics), key


def test_a_penalty_alone_is_averaged_where_ddp_does_not(pair: Pair) -> None:
    """`DistributedDataParallel` waits for the last bias, which a slope does not depend on."""
    first, second = pair.weights("ddp")
    assert not equal(first, second)  # and nothing was said about it
    first, second = pair.weights("player")
    assert equal(first, second)

    critic, sgd = worker.penalty_critic()
    x = digits("train").pixels()[:16].flatten(1)
    player = Player("critic", critic, lambda move: worker.penalty_step(critic, move.x), sgd)
    player.play(Move(x, None, 0, torch.Generator()))
    assert_close(first, dict(critic.state_dict()))


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    process = subprocess.Popen(
        [*torchrun, "--nproc-per-node", "2", str(SCRIPT), "endless", str(tmp_path), "cpu"],
        env=environment(CUDA_VISIBLE_DEVICES=""), start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    yield process
    process.terminate()  # which torchrun passes on to its two; nothing happens where it has ended
    process.communicate(timeout=300)


@pytest.mark.skipif(os.name != "posix", reason="torchrun passes Ctrl-C on by POSIX signals")
def test_ctrl_c_at_torchrun_saves_the_run(endless: subprocess.Popen[str], tmp_path: Path) -> None:
    saved = Checkpoints(tmp_path / "endless")
    deadline = time.monotonic() + 300
    while not saved.files() and endless.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(endless.pid, signal.SIGINT)
    said, _ = endless.communicate(timeout=300)
    assert "Stopped by Ctrl-C after step" in said, said
    reports = [json.loads((tmp_path / f"rank-{r}.json").read_text()) for r in range(2)]
    assert reports[0] == reports[1]
    assert reports[0]["endless"]["interrupted"]
    step = reports[0]["endless"]["images"] // worker.BATCH
    assert saved.files()[0].name == f"step-{step:08d}.safetensors"


def test_alone_without_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with joined() as together:
        assert (together.rank, together.count, together.first) == (0, 1, True)
        assert together.part == (0, 1)
        assert together.any(True)
        assert not together.any(False)
        assert together.agree("this") == "this"
    assert processes() == together


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match=r"process 3 .*--nproc-per-node 2"), joined():
        pass


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
@pytest.mark.parametrize("name", worker.FAMILIES)
def test_two_gpus_make_the_weights_of_one(name: str, tmp_path: Path) -> None:
    pair = Pair(tmp_path, start("families", tmp_path, device="cuda"))
    first, second = pair.weights(name)
    assert equal(first, second)
    players = worker.FAMILIES[name]("cuda")
    history = worker.run(players, device="cuda")
    assert_same_history(pair.reports()[0][name], history)
    for key, value in worker.weights(players).items():
        torch.testing.assert_close(first[key], value, rtol=0, atol=1e-4)
