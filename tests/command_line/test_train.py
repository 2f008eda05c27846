"""What a run leaves behind, and what it refuses."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from genlib.command_line import data, main
from genlib.command_line.models import MODELS
from genlib.command_line.runs import Plan, RunError
from genlib.training import newest
from tests.command_line.conftest import SMALL


def failure(argv: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is printed where something cannot be done: status 1 and no traceback."""
    capsys.readouterr()
    assert main(argv) == 1
    printed = capsys.readouterr().err
    assert "Traceback" not in printed
    return printed


@pytest.mark.parametrize("model", MODELS)
def test_a_run_leaves_its_files(model: str, run_of: Callable[[str], Path]) -> None:
    run = run_of(model)
    names = {path.name for path in run.iterdir()}
    assert names >= {"run.json", "history.json", "losses.png", "samples.png", "training.webp"}
    assert not list(run.rglob("*.partial"))
    with Image.open(run / "training.webp") as moving:
        assert moving.n_frames > 1
    assert (run / "training.webp").stat().st_size <= 500_000
    history = json.loads((run / "history.json").read_text())
    state = newest(run / "checkpoints")
    assert state["step"] == 6
    assert set(state["players"]) <= set(history["series"])
    assert all(series["steps"] == [1, 2, 3, 4, 5, 6] for series in history["series"].values())
    # A best checkpoint only where a loss measures quality.
    has_best = (run / "checkpoints" / "best.safetensors").exists()
    likelihoods = ("vae", "iwae", "conditional-vae")
    assert has_best == (model in ("autoencoder", "denoising-autoencoder", *likelihoods))


@pytest.mark.parametrize("model", MODELS)
def test_the_plan_holds_every_option(model: str, run_of: Callable[[str], Path]) -> None:
    plan = Plan.read(run_of(model))
    assert set(plan.options) == set(MODELS[model].defaults)
    assert plan.options.get("network", "conv") in ("dense", "conv")
    assert (plan.batch_size, plan.limit, plan.shape) == (20, 200, (1, 28, 28))
    again = plan.build(torch.device("cpu"))
    state = newest(run_of(model) / "checkpoints")
    for player in again.players:
        player.model.load_state_dict(state["players"][player.name]["model"])


def test_a_run_does_what_its_options_say(tmp_path: Path) -> None:
    options = ["--penalty-weight", "3", "--critic-moves", "4", "--learning-rate", "0.01"]
    options += ["--network", "dense", "--ema", "0.5", "--latent", "7", "--seed", "5"]
    assert main(["train", "wgan-gp", *SMALL, *options, "--out", str(tmp_path / "run")]) == 0
    state = newest(tmp_path / "run" / "checkpoints")
    exact = state["settings"]["exact"]
    assert exact["critic.moves"] == 4
    assert exact["critic.lr"] == exact["generator.lr"] == 0.01
    assert exact["generator.ema_decay"] == 0.5
    assert exact["seed"] == exact["stream_seed"] == 5
    assert 3.0 in exact.values()  # the weight of the penalty, which the critic's loss holds
    assert state["players"]["generator"]["model"]["body.0.weight"].shape[1] == 7
    assert state["history"]["images"] == 6 * 4 * 20


def test_a_clipped_critic_stays_within_its_bound(tmp_path: Path) -> None:
    run = tmp_path / "run"
    options = ["--bound", "0.03", "--critic-moves", "2", "--width", "4", "--learning-rate", "0.01"]
    assert main(["train", "wgan", *SMALL, *options, "--out", str(run)]) == 0
    state = newest(run / "checkpoints")
    exact = state["settings"]["exact"]
    assert (exact["critic.weight_bound"], exact["critic.moves"]) == (0.03, 2)
    largest = max(float(v.abs().max()) for v in state["players"]["critic"]["model"].values())
    assert largest == pytest.approx(0.03)  # reached: the bound was needed
    painter = state["players"]["generator"]["model"].values()
    assert max(float(v.abs().max()) for v in painter) > 0.03


def test_the_penalties_of_games_reach_their_losses(tmp_path: Path) -> None:
    short = [*SMALL, "--critic-moves", "2", "--network", "dense"]
    for name, options in (("both", []), ("one", ["--one-sided"])):
        assert main(["train", "wgan-gp", *short, *options, "--out", str(tmp_path / name)]) == 0
    assert main(["train", "gan", *SMALL, "--r1", "5", "--out", str(tmp_path / "r1")]) == 0
    assert main(["train", "gan", *SMALL, "--out", str(tmp_path / "plain")]) == 0
    both, one, r1, plain = (
        json.loads((tmp_path / name / "history.json").read_text())["series"]
        for name in ("both", "one", "r1", "plain")
    )
    # A critic that has not learned yet is flatter than 1 everywhere: only one of the two minds.
    assert both["penalty"]["values"][0] > 0.5
    assert one["penalty"]["values"][0] == 0
    assert "r1" not in plain
    first = {
        name: series["discriminator"]["values"][0] for name, series in (("5", r1), ("0", plain))
    }
    assert first["5"] - first["0"] == pytest.approx(5 * r1["r1"]["values"][0], rel=1e-4)


@pytest.mark.parametrize("model", ["vae", "conditional-vae"])
def test_the_options_of_a_vae_reach_its_loss(model: str, tmp_path: Path, capsys) -> None:
    run = tmp_path / "run"
    options = ["--beta", "2", "--kl-warmup", "4", "--least-kl", "0.5", "--binarise"]
    assert main(["train", model, *SMALL, *options, "--out", str(run)]) == 0
    exact = newest(run / "checkpoints")["settings"]["exact"]
    found = {key.split(".")[-1]: value for key, value in exact.items()}
    wanted = {"beta": 2.0, "kl_warmup": 4, "least_kl": 0.5, "binarise": True}
    assert {key: found[key] for key in wanted} == wanted
    series = json.loads((run / "history.json").read_text())["series"]
    assert series["vae"]["values"][0] == series["reconstruction"]["values"][0]  # weight 0
    # Its loss means something else at each step, so none is the best.
    assert not (run / "checkpoints" / "best.safetensors").exists()
    assert "with --kl-warmup the early ones are the lowest" in failure(
        ["sample", str(run), "--best"], capsys
    )


def test_the_options_of_an_iwae_reach_its_loss(tmp_path: Path) -> None:
    run = tmp_path / "run"
    options = ["--samples", "4", "--chunk", "3", "--binarise", "--network", "conv", "--width", "4"]
    assert main(["train", "iwae", *SMALL, *options, "--out", str(run)]) == 0
    exact = newest(run / "checkpoints")["settings"]["exact"]
    assert (exact["iwae.loss.samples"], exact["iwae.loss.chunk"]) == (4, 3)
    assert exact["iwae.loss.binarise"] is True


@pytest.mark.parametrize("model", ["iwae", "conditional-vae"])
def test_a_stopped_run_goes_on_as_if_it_had_not(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after a checkpoint in the middle: the newest ones are gone."""
    start = ["train", model, *SMALL, "--binarise", "--ema", "0.9", "--save-every", "1e-9"]
    for name in ("whole", "stopped"):
        assert main([*start, "--out", str(tmp_path / name)]) == 0
    stopped = tmp_path / "stopped" / "checkpoints"
    for path in sorted(stopped.glob("step-*"))[1:]:
        path.unlink()
    assert newest(stopped)["step"] < 6
    assert main(["resume", str(tmp_path / "stopped"), "--quiet"]) == 0
    states = [newest(tmp_path / name / "checkpoints") for name in ("whole", "stopped")]
    for player, parts in states[0]["players"].items():
        for kind in ("model", "average"):
            for key, value in parts[kind].items():
                assert torch.equal(value, states[1]["players"][player][kind][key])
    for name in ("samples.png", "losses.png", "training.webp"):
        same = [(tmp_path / run / name).read_bytes() for run in ("whole", "stopped")]
        assert same[0] == same[1]


def test_a_model_that_is_told_labels_needs_them(photos: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "run"
    argv = ["train", "conditional-vae", "--data", str(photos), "--out", str(out)]
    words = failure(argv, capsys)
    assert "a conditional-vae needs labels, and my photos has none; take --data mnist" in words
    assert not out.exists()


def test_a_folder_that_holds_a_run_is_refused(
    run_of: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of("vae")
    before = (run / "run.json").read_bytes()
    words = failure(["train", "gan", *SMALL, "--out", str(run)], capsys)
    assert f"python -m genlib resume {run}" in words
    assert (run / "run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--batch-size", "5000"], "use a batch_size from 1 to"),
        (["--width", "8", "--network", "dense"], "--width is of convolutions"),
        (["--cuda-graphs", "--device", "cpu"], "needs a GPU"),
        (["--device", "cuda:99"], "there is no device cuda:99"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert words in failure(["train", "vae", *SMALL, "--out", str(out), *options], capsys)
    assert not out.exists()


def test_a_loss_that_leaves_the_numbers_is_told_in_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rate = ["--learning-rate", "1e20"]
    words = failure(["train", "vae", *SMALL, *rate, "--out", str(tmp_path / "run")], capsys)
    assert "player 'vae'" in words
    assert "learning rate too large" in words


def test_resume_without_a_run_and_with_a_damaged_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "there is no run in" in failure(["resume", str(tmp_path)], capsys)
    (tmp_path / "run.json").write_text('{"model": "vae"')
    assert "run.json is damaged" in failure(["resume", str(tmp_path)], capsys)
    (tmp_path / "run.json").write_text('{"model": "vae", "shape": [1, 28, 28]}')
    assert "run.json is damaged" in failure(["resume", str(tmp_path)], capsys)


def test_more_steps_equal_a_longer_run(tmp_path: Path) -> None:
    """A game has no schedule over its steps, so six steps and six more are twelve."""
    start = ["train", "gan", *SMALL, "--log-every", "2", "--ema", "0.9"]
    assert main([*start, "--out", str(tmp_path / "two")]) == 0
    assert main(["resume", str(tmp_path / "two"), "--steps", "12", "--quiet"]) == 0
    assert main([*start, "--steps", "12", "--out", str(tmp_path / "one")]) == 0
    one, two = (newest(tmp_path / name / "checkpoints") for name in ("one", "two"))
    assert one["step"] == two["step"] == 12
    for kind in ("model", "average"):
        kept, again = (state["players"]["generator"][kind] for state in (one, two))
        assert all(torch.equal(kept[key], again[key]) for key in kept)
    series = [
        json.loads((tmp_path / name / "history.json").read_text())["series"]
        for name in ("one", "two")
    ]
    assert series[0] == series[1]
    for name in ("samples.png", "losses.png", "run.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_finished_run_has_nothing_to_do(tmp_path: Path, capsys) -> None:
    assert main(["train", "gan", *SMALL, "--out", str(tmp_path / "run")]) == 0
    before = newest(tmp_path / "run" / "checkpoints")["players"]["generator"]["model"]
    (tmp_path / "run" / "samples.png").unlink()
    assert main(["resume", str(tmp_path / "run")]) == 0
    assert "All its steps are made" in capsys.readouterr().out
    assert (tmp_path / "run" / "samples.png").exists()
    after = newest(tmp_path / "run" / "checkpoints")["players"]["generator"]["model"]
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_changes_that_make_another_run_need_a_word(tmp_path: Path, capsys) -> None:
    run = str(tmp_path / "run")
    assert main(["train", "vae", *SMALL, "--out", run]) == 0
    more = ["resume", run, "--steps", "9", "--learning-rate", "0.002", "--quiet"]
    words = failure(more, capsys)
    assert "--allow-changes" in words
    assert "vae.lr: 0.001 then, 0.002 now" in words
    assert Plan.read(tmp_path / "run").steps == 6  # what was refused is not written down
    assert main([*more, "--allow-changes"]) == 0
    plan = Plan.read(tmp_path / "run")
    assert (plan.steps, plan.options["learning_rate"]) == (9, 0.002)
    assert newest(tmp_path / "run" / "checkpoints")["step"] == 9


def test_pictures_of_ones_own_from_folder_and_zip(photos: Path, tmp_path: Path) -> None:
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for path in photos.iterdir():
            out.write(path, path.name)
    short = ["--steps", "2", "--batch-size", "5", "--quiet", "--width", "4"]
    for source, options, shape in (
        (photos, ["--size", "32"], (3, 32, 32)),
        (archive, ["--grey"], (1, 64, 64)),
    ):
        run = tmp_path / f"run{shape[0]}"
        argv = ["train", "vae", "--data", str(source), "--out", str(run), *short, *options]
        assert main(argv) == 0
        plan = Plan.read(run)
        assert plan.shape == shape
        assert plan.options["network"] == "conv"
        train, test = plan.sets()
        assert (len(train), len(test)) == (27, 3)
    moved = photos.rename(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="trained on my photos, but only elsewhere"):
        replace(Plan.read(tmp_path / "run3"), data=str(moved)).sets()


def test_data_that_cannot_be_used_are_told_in_one_message(tmp_path: Path, capsys) -> None:
    (tmp_path / "torn.zip").write_bytes(b"PK but no more")
    argv = ["train", "vae", "--data", str(tmp_path / "torn.zip"), "--out", str(tmp_path / "run")]
    assert "torn.zip is no readable zip" in failure(argv, capsys)
    assert not (tmp_path / "run").exists()


def test_warnings_come_without_the_line_of_code(
    photos: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photos / "99.png").write_bytes(b"no picture")
    monkeypatch.setattr("genlib.data.folder.MAX_UNREADABLE", 0.1)
    argv = ["train", "vae", "--data", str(photos), "--size", "32", "--steps", "1", "--width", "4"]
    argv += ["--batch-size", "5", "--quiet", "--out", str(tmp_path / "run")]
    assert main(argv) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("python -m genlib: ")
    assert "99.png" in lines[0]


def test_held_out_pictures_are_never_trained_on(photos: Path) -> None:
    train, test = data.load(str(photos), size=8, grey=False, limit=None)
    together = torch.cat([train.images, test.images]).flatten(1)
    assert len(together.unique(dim=0)) == 30
    assert (train.split, test.split) == ("train", "test")


def test_few_pictures_serve_for_both(photos: Path) -> None:
    for path in sorted(photos.iterdir())[19:]:
        path.unlink()
    train, test = data.load(str(photos), size=8, grey=False, limit=None)
    assert len(train) == len(test) == 19
    assert test.split == "all"


def test_drawn_faces_are_painted_in_the_number_asked_for() -> None:
    train, test = data.load("drawn_faces", size=64, grey=False, limit=5)
    assert (len(train), len(test), train.shape) == (5, 5, (3, 64, 64))


def test_an_error_nobody_foresaw_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    from genlib.command_line import export

    def broken(args: object, together: object) -> int:
        raise KeyError("a bug")

    monkeypatch.setattr(export, "export", broken)
    with pytest.raises(KeyError):
        main(["export", "somewhere"])
