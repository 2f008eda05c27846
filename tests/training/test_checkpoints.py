"""Checkpoints: which are kept, which are refused, and what a run does about it."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from genlib.training import (
    CheckpointError,
    Checkpoints,
    Move,
    NonFiniteLossError,
    Player,
    newest,
    train,
)
from genlib.training.packing import load_tree
from tests.faults.runs import difference
from tests.training.tiny import tiny_model, tiny_player, tiny_run, tiny_stream, tree_of

NEWEST = "step-00000012.safetensors"
Damage = Callable[[Path], Any]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes | None]:
    files = sorted(folder.iterdir())
    return {path.name: path.read_bytes() if path.is_file() else None for path in files}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 12 steps; it has the checkpoints of 6, 9 and 12."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    tiny_run(folder, 12)
    return folder


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 18 steps."""
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    tiny_run(folder, 18)
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of `finished`, to be spoilt."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


# --- refusals -----------------------------------------------------------------------------------


def cut(keep: float) -> Damage:
    def damage(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(keep * len(content))])

    return damage


def alter(place: float) -> Damage:
    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[int(place * (len(content) - 1))] ^= 1
        path.write_bytes(content)

    return damage


def other_player(**options: Any) -> Damage:
    def damage(path: Path) -> None:
        tiny_run(path.parent / "other", 12, tiny_player(**options))
        shutil.move(path.parent / "other" / NEWEST, path)
        shutil.rmtree(path.parent / "other")

    return damage


def make_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def point_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


class Deeper(nn.Sequential):
    pass


def deeper() -> nn.Module:
    return Deeper(tiny_model())


DAMAGES: dict[str, tuple[Damage, str]] = {
    "pickle": (lambda path: torch.save({"step": 12}, path), "is a pickle"),
    "old pickle": (
        lambda path: torch.save({"step": 12}, path, _use_new_zipfile_serialization=False),
        "is a pickle",
    ),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "few bytes": (lambda path: path.write_bytes(b"\x10\x00"), "is cut short"),
    "half": (cut(0.5), "is cut short"),
    "last byte": (cut(0.9999), "is cut short"),
    "altered header": (alter(0.2), "NEWEST"),
    "altered weights": (alter(0.9), "was altered after it was written"),
    "altered end": (alter(1.0), "was altered after it was written"),
    "directory": (make_directory, "cannot be read (Is a directory)"),
    "dangling link": (point_nowhere, "cannot be read (No such file or directory)"),
    "no checkpoint": (
        lambda path: save_file({"x": torch.ones(2)}, path),
        "was not written by genlib",
    ),
    "other shapes": (
        other_player(model=tiny_model(hidden=5)),
        "is of another model: '1.weight' of player 'ae' has shape [5, 64] there and [4, 64] here",
    ),
    "other keys": (
        other_player(model=deeper()),
        "is of another model: the model of player 'ae' differs in '0.1.bias'",
    ),
    "other player": (
        other_player(name="painter"),
        "is of another model: its players are ['painter'], this run's are ['ae']",
    ),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_bad_newest_is_set_aside_and_the_one_before_it_taken(
    kind: str, folder: Path, unbroken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage, reason = DAMAGES[kind]
    damage(folder / NEWEST)
    spoilt = contents(folder)[NEWEST] if kind != "dangling link" else None
    capsys.readouterr()
    tiny_run(folder, 18)
    said = capsys.readouterr().out
    assert f"Passed over: {NEWEST} " in said
    assert reason.replace("NEWEST", NEWEST) in said
    assert "Continuing from step 9 " in said
    refused = folder / f"{NEWEST}.refused"
    assert refused.is_symlink() or contents(folder)[refused.name] == spoilt
    assert difference(tree_of(folder, 18), tree_of(unbroken, 18)) is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_without_permission_is_passed_over(folder: Path, capsys) -> None:
    (folder / NEWEST).chmod(0)
    tiny_run(folder, 15)
    said = capsys.readouterr().out
    assert f"{NEWEST} cannot be read (Permission denied)" in said
    assert "Continuing from step 9 " in said


def test_a_disk_that_fails_to_read_is_no_reason_to_stop(folder: Path, monkeypatch, capsys) -> None:
    import safetensors

    real = safetensors.safe_open
    real_open = Path.open

    def failing(path: Path, **options: Any) -> Any:
        if path.name == NEWEST:
            raise OSError(5, "Input/output error")
        return real(path, **options)

    def failing_open(path: Path, *args: Any, **options: Any) -> Any:
        if path.name == NEWEST:
            raise OSError(5, "Input/output error")
        return real_open(path, *args, **options)

    monkeypatch.setattr(safetensors, "safe_open", failing)
    monkeypatch.setattr(Path, "open", failing_open)
    tiny_run(folder, 14)
    assert f"{NEWEST} cannot be read (Input/output error)" in capsys.readouterr().out


@pytest.mark.parametrize("kind", DAMAGES)
def test_with_no_good_file_nothing_is_touched(kind: str, folder: Path) -> None:
    damage, reason = DAMAGES[kind]
    for path in (*folder.glob("step-00000006*"), *folder.glob("step-00000009*")):
        path.unlink()
    damage(folder / NEWEST)
    (folder / ".leftover.partial").write_bytes(b"half")
    if kind != "dangling link":
        before = contents(folder)
    player = tiny_player()
    weights = {key: value.clone() for key, value in player.model.state_dict().items()}
    with pytest.raises(CheckpointError, match=r"no checkpoint in .* can be used") as error:
        tiny_run(folder, 18, player)
    assert reason.replace("NEWEST", NEWEST) in str(error.value)
    assert "Name another folder to start afresh; nothing was changed" in str(error.value)
    if kind != "dangling link":
        assert contents(folder) == before
    assert difference(dict(player.model.state_dict()), weights) is None


def test_every_bad_file_is_named_and_no_refused_file_replaces_another(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for word in (b"first", b"second"):
        (folder / NEWEST).write_bytes(word)
        (folder / "step-00000009.safetensors").write_bytes(word)
        tiny_run(folder, 12)  # from step 6: it writes 9 and 12 again
    said = capsys.readouterr().out
    assert said.count("Passed over: step-00000009.safetensors is cut short") == 2
    assert said.count("Continuing from step 6 ") == 2
    assert (folder / f"{NEWEST}.refused").read_bytes() == b"first"
    assert (folder / f"{NEWEST}.2.refused").read_bytes() == b"second"


# --- what is kept ---------------------------------------------------------------------------------

SCORES = [5.0, 3.0, 4.0, 2.0, 6.0, 2.0, 7.0, 1.5, 9.0, 3.0]


def scoring_player() -> Player:
    """Its history has a "score" that is known beforehand."""
    model = tiny_model()

    def loss(move: Move) -> Tensor:
        move.log("score", torch.tensor(SCORES[move.step]))
        move.log("minus score", torch.tensor(-SCORES[move.step]))
        return model(move.x).square().mean()

    return Player("ae", model, loss, torch.optim.SGD(model.parameters(), 0.1))


def scoring_run(folder: Path, steps: int, **plan: Any) -> None:
    tiny_run(folder, steps, scoring_player(), log_every=1, **{"every_steps": 1, **plan})


@pytest.mark.parametrize("keep", [1, 3])
def test_the_newest_and_the_best_are_kept(keep: int, tmp_path: Path) -> None:
    scoring_run(tmp_path, 10, keep=keep, best="score")
    steps = range(10, 10 - keep, -1)
    assert names(tmp_path) == sorted(
        ["best.safetensors", *(f"step-{step:08d}.safetensors" for step in steps)]
    )
    assert load_tree(tmp_path / "best.safetensors")["step"] == 8  # the score of step 8 is 1.5


@pytest.mark.parametrize(
    ("best_is", "expected"),
    [("lowest", [1, 2, 2, 4, 4, 4, 4, 8]), ("highest", [1] * 4 + [5, 5, 7])],
)
def test_the_best_is_followed_over_every_resume(
    best_is: Any, expected: list[int], tmp_path: Path
) -> None:
    """An equal value later is no new record."""
    for steps, best in enumerate(expected, start=1):
        scoring_run(tmp_path, steps, best="score", best_is=best_is)
        assert load_tree(tmp_path / "best.safetensors")["step"] == best


def test_a_best_that_was_not_copied_before_the_kill_is_copied_at_the_resume(tmp_path: Path) -> None:
    scoring_run(tmp_path, 4, best="score")
    (tmp_path / "best.safetensors").unlink()
    scoring_run(tmp_path, 4, best="score")
    assert load_tree(tmp_path / "best.safetensors")["step"] == 4


def test_records_of_another_metric_do_not_count(tmp_path: Path) -> None:
    scoring_run(tmp_path, 4, best="score")
    scoring_run(tmp_path, 5, best="minus score")  # −6 is lower than 2 anyway
    assert load_tree(tmp_path / "best.safetensors")["step"] == 5
    scoring_run(tmp_path, 6, best="score", best_is="lowest")  # 2 is higher than −6
    assert load_tree(tmp_path / "best.safetensors")["step"] == 6
    scoring_run(tmp_path, 7, best="score", best_is="highest")
    assert load_tree(tmp_path / "best.safetensors")["step"] == 7


def test_a_name_that_nobody_logs_stops_the_run_at_its_first_step(tmp_path: Path) -> None:
    seen: list[int] = []
    with pytest.raises(ValueError, match=r"best='los', but nothing is logged .* ae, size"):
        tiny_run(tmp_path, 1000, watch=[seen.append], best="los", every_steps=None)
    assert seen == [0, 1]


def test_a_record_that_could_not_be_written_is_none(tmp_path: Path, monkeypatch) -> None:
    """The disk is full just when step 4 has the best score: step 6, as good, gets its place."""
    from genlib.training import keeper

    real = keeper.save_tree

    def full(path: Path, tree: Any) -> None:
        if "00000004" in path.name:
            raise OSError(28, "No space left on device")
        real(path, tree)

    monkeypatch.setattr(keeper, "save_tree", full)
    with pytest.warns(UserWarning, match="at step 4 .*No space left.* last good one: step 3"):
        scoring_run(tmp_path, 7, best="score")
    assert load_tree(tmp_path / "best.safetensors")["step"] == 6
    assert len(Checkpoints(tmp_path).files()) == 3


def test_a_file_that_cannot_be_removed_does_not_stop_the_run(tmp_path: Path) -> None:
    make_directory_at = tmp_path / "step-00000000.safetensors"
    tiny_run(tmp_path, 6)
    make_directory_at.mkdir()
    with pytest.warns(UserWarning, match="The run goes on"):
        tiny_run(tmp_path, 12)
    assert newest(tmp_path)["step"] == 12


def test_newest_reads_without_training(folder: Path, tmp_path: Path) -> None:
    assert newest(folder)["step"] == 12
    weights = newest(str(folder))["players"]["ae"]["model"]
    tiny_model().load_state_dict(weights)
    (folder / NEWEST).write_bytes(b"x")
    before = contents(folder)
    assert newest(folder)["step"] == 9
    assert contents(folder) == before  # reading changes nothing
    with pytest.raises(CheckpointError, match=r"no good checkpoint in .*: it is empty"):
        newest(tmp_path / "elsewhere")
    for path in folder.glob("*.safetensors"):
        path.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"00012\.safetensors is empty; .*00009.*00006"):
        newest(folder)


def test_steps_of_nine_digits_are_newer_than_those_of_eight(tmp_path: Path) -> None:
    for step in (99_999_999, 100_000_000, 5):
        (tmp_path / f"step-{step:08d}.safetensors").touch()
    found = [path.name for path in Checkpoints(tmp_path).files()]
    assert found[0] == "step-100000000.safetensors"
    assert found[-1] == "step-00000005.safetensors"


@pytest.mark.parametrize(
    "wrong", [{"keep": 0}, {"every_steps": 0}, {"best_is": "largest"}], ids=str
)
def test_a_plan_without_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Checkpoints("x", **wrong)


def test_time_alone_makes_checkpoints_due(tmp_path: Path) -> None:
    tiny_run(tmp_path, 3, every_steps=None, every_seconds=0.0, keep=9)
    assert len(Checkpoints(tmp_path).files()) == 3


# --- found out before the run, not an hour into it ------------------------------------------------


def test_settings_that_cannot_be_saved_stop_the_run_before_it_begins(tmp_path: Path) -> None:
    seen: list[int] = []
    with pytest.raises(TypeError, match=r"settings\.exact\.out is a PosixPath"):
        tiny_run(tmp_path, 5, watch=[seen.append], settings={"out": Path("x")})
    assert seen == []


def test_a_parameter_outside_the_models_would_be_lost(tmp_path: Path) -> None:
    player = tiny_player()
    player.optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(1))]})
    with pytest.raises(CheckpointError, match="'ae' moves a parameter that is in no player's"):
        tiny_run(tmp_path, 5, player)


def test_a_folder_that_cannot_be_made_or_written_is_refused(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot be made"):
        tiny_run(tmp_path / "file", 5)
    with pytest.raises(CheckpointError, match="cannot be made"):
        tiny_run(tmp_path / "file" / "run", 5)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(CheckpointError, match="nothing can be written into"):
        tiny_run(tmp_path / "run", 5)


# --- places -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["with blanks in it", "Größe [1] *?", "a/b/c", "link"])
def test_folders_of_any_name(name: str, tmp_path: Path, unbroken: Path) -> None:
    if name == "link":
        (tmp_path / "target").mkdir()
        (tmp_path / "link").symlink_to("target", target_is_directory=True)
    folder = tmp_path / name
    tiny_run(folder, 6)
    (folder / "step-00000007.safetensors").write_bytes(b"bad")
    tiny_run(str(folder), 18)
    assert (folder / "step-00000007.safetensors.refused").exists()
    assert difference(tree_of(folder, 18), tree_of(unbroken, 18)) is None


def test_a_relative_folder_stays_the_same_if_a_watcher_changes_directory(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    tiny_run("run", 6, watch=[lambda step: os.chdir(tmp_path / "elsewhere")])
    assert names(tmp_path / "run") == [f"step-{step:08d}.safetensors" for step in (3, 6)]


def test_another_thread_than_the_main_one(tmp_path: Path, unbroken: Path) -> None:
    for steps in (6, 18):
        thread = threading.Thread(target=tiny_run, args=(tmp_path / "run", steps))
        thread.start()
        thread.join()
    assert difference(tree_of(tmp_path / "run", 18), tree_of(unbroken, 18)) is None


# --- Ctrl-C, and numbers that are no numbers ------------------------------------------------------


def test_ctrl_c_saves_and_the_resumed_run_is_the_unbroken_one(
    tmp_path: Path, unbroken: Path
) -> None:
    """Also its history, although Ctrl-C falls between two entries of it."""
    for moment in (5, 7, 8):

        def press(step: int, moment: int = moment) -> None:
            if step == moment:
                os.kill(os.getpid(), signal.SIGINT)

        history = tiny_run(tmp_path, 18, watch=[press])
        assert history.interrupted
        assert newest(tmp_path)["step"] == moment
    history = tiny_run(tmp_path, 18)
    assert not history.interrupted
    assert history.steps("ae").tolist() == list(range(2, 19, 2))
    assert difference(tree_of(tmp_path, 18)["history"], tree_of(unbroken, 18)["history"]) is None


def test_a_finished_run_gives_its_history_again(finished: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    before = contents(folder)
    history = tiny_run(folder, 12)
    assert history.steps("ae").tolist() == [2, 4, 6, 8, 10, 12]
    assert contents(folder) == before


def failing_player(fail: Callable[[Tensor], Tensor], at: int) -> Player:
    player = tiny_player(name="painter")
    loss = player.loss
    player.loss = lambda move: fail(loss(move)) if move.step == at else loss(move)
    return player


class NaNGradient(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return gradient * torch.nan


@pytest.mark.parametrize(
    ("fail", "what"),
    [
        (lambda loss: loss * torch.inf, "loss of player 'painter' is inf"),
        (lambda loss: loss * torch.nan, "loss of player 'painter' is nan"),
        (NaNGradient.apply, "gradient of player 'painter' is nan"),
    ],
)
def test_a_loss_that_is_no_number_changes_no_weight_and_leaves_a_good_checkpoint(
    fail: Callable[[Tensor], Tensor], what: str, tmp_path: Path
) -> None:
    player = failing_player(fail, at=7)
    weights: dict[int, dict[str, Tensor]] = {}

    def look(step: int) -> None:
        weights[step] = {k: v.clone() for k, v in player.model.state_dict().items()}

    with pytest.raises(NonFiniteLossError) as error:
        tiny_run(tmp_path, 18, player, watch=[look])
    message = str(error.value)
    assert what in message
    assert "at step 7" in message
    assert f"The checkpoint of step 6 in {tmp_path} is good." in message
    assert difference(dict(player.model.state_dict()), weights[7]) is None
    assert newest(tmp_path)["step"] == 6
    model = newest(tmp_path)["players"]["painter"]["model"]
    assert difference(model, weights[6]) is None


def test_weights_that_are_no_numbers_are_not_saved(tmp_path: Path) -> None:
    """The losses up to here were finite; the last update was not."""
    player = tiny_player()
    step_optimizer = player.optimizer.step

    def wild(*args: Any) -> Any:
        step_optimizer(*args)
        if len(weights_seen) == 6:
            with torch.no_grad():
                player.parameters[0].fill_(torch.inf)

    weights_seen: list[int] = []
    player.optimizer.step = wild  # type: ignore[method-assign]
    with pytest.raises(
        NonFiniteLossError, match=r"weights of player 'ae' is inf at step 6.*step 3"
    ):
        tiny_run(tmp_path, 18, player, watch=[weights_seen.append])
    assert newest(tmp_path)["step"] == 3


def test_without_a_checkpoint_the_message_says_so(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteLossError, match="No checkpoint had been written yet"):
        tiny_run(tmp_path, 18, failing_player(lambda loss: loss * torch.nan, at=1))


def test_a_full_disk_warns_and_the_next_checkpoint_works(
    tmp_path: Path, unbroken: Path, monkeypatch
) -> None:
    """As `tests/faults/test_full_disk.py`, with the system's own error number."""
    import genlib.files

    full = [False]
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if full[0]:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(genlib.files.os, "fsync", fsync)

    def fill(step: int) -> None:
        full[0] = 7 <= step < 16

    with pytest.warns(UserWarning, match="The run goes on") as caught:
        tiny_run(tmp_path, 18, watch=[fill])
    assert len(caught) == 3
    assert all("No space left on device" in str(w.message) for w in caught)
    assert names(tmp_path) == [f"step-{step:08d}.safetensors" for step in (3, 6, 18)]
    ended = tree_of(tmp_path, 18)
    assert difference({**ended, "watchers": []}, tree_of(unbroken, 18)) is None


def test_the_stream_of_another_process_is_refused(tmp_path: Path) -> None:
    """(rank, count) of the stream must be this process's."""
    stream = tiny_stream()
    stream.part = (1, 2)
    with pytest.raises(ValueError, match="process 0 of 1"):
        train([tiny_player()], stream, steps=1, checkpoints=Checkpoints(tmp_path))
