"""Real processes: killed, interrupted, and several at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from genlib.command_line import main
from genlib.training import newest

GAN = ["train", "gan", "--data", "digits", "--batch-size", "32", "--ema", "0.9", "--quiet"]


def start(argv: list[str], *launcher: str) -> subprocess.Popen[str]:
    threads = str(torch.get_num_threads())  # one of the settings that make a run what it is
    return subprocess.Popen(
        [sys.executable, *launcher, "-m", "genlib", *argv],
        env={**os.environ, "OMP_NUM_THREADS": threads},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for_a_checkpoint(run: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 300
    while not list(run.glob("checkpoints/step-*.safetensors")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.02)


def test_killed_and_resumed_is_the_same_run(tmp_path: Path) -> None:
    steps = ["--steps", "500"]
    process = start([*GAN, *steps, "--save-every", "0.2", "--out", str(tmp_path / "killed")])
    wait_for_a_checkpoint(tmp_path / "killed", process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert newest(tmp_path / "killed" / "checkpoints")["step"] < 500
    assert main(["resume", str(tmp_path / "killed"), "--quiet"]) == 0
    assert main([*GAN, *steps, "--out", str(tmp_path / "whole")]) == 0

    killed, whole = (newest(tmp_path / name / "checkpoints") for name in ("killed", "whole"))
    for player, parts in whole["players"].items():
        for kind in ("model", "average"):
            for key, value in (parts[kind] or {}).items():
                assert torch.equal(value, killed["players"][player][kind][key]), (player, key)
    for name in ("samples.png", "losses.png", "training.webp"):
        same = [(tmp_path / run / name).read_bytes() for run in ("killed", "whole")]
        assert same[0] == same[1], name


def test_ctrl_c_saves_and_leaves_the_pictures(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start([*GAN[:-1], "--steps", "1000000", "--save-every", "0.2", "--out", str(run)])
    wait_for_a_checkpoint(run, process)
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "Stopped by Ctrl-C after step" in printed
    assert f"python -m genlib resume {run}" in printed
    names = {path.name for path in run.iterdir()}
    assert names >= {"history.json", "losses.png", "samples.png", "training.webp"}


@pytest.mark.slow
def test_two_processes_share_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    argv = ["train", "wgan-gp", "--data", "digits", "--width", "4", "--batch-size", "8"]
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    process = start([*argv, "--steps", "4", "--out", str(run)], *torchrun)
    printed, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert printed.count("2 processes") == 1  # only the first one speaks
    state = newest(run / "checkpoints")
    assert state["history"]["images"] == 4 * 5 * 8  # the batch is the whole one
    capsys.readouterr()
    assert main(["resume", str(run), "--steps", "6", "--quiet"]) == 1
    assert "processes: 2 then, 1 now" in capsys.readouterr().err
    assert main(["resume", str(run), "--steps", "6", "--quiet", "--allow-changes"]) == 0
