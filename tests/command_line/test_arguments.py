"""A mistake gets one line with the remedy; help tells what there is."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from genlib import __version__
from genlib.command_line import arguments, games, main, single_loss
from genlib.command_line.models import MODELS

TRAIN = ["train", "vae", "--data", "digits", "--out", "nowhere"]


def mistake(argv: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is printed for wrong arguments: one line, status 2."""
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["train", "vea", *TRAIN[2:]], "no model 'vea'; did you mean vae?"),
        (["train", "diffusion", *TRAIN[2:]], "The models are autoencoder"),
        (["train", "vae", "--data", "fashion_minst", "--out", "x"], "did you mean fashion_mnist?"),
        (["train", "vae", "--data", "no/such/folder", "--out", "x"], "or one of fashion_mnist"),
        (["train", "vae", "--data", "digits"], "required: --out"),
        ([*TRAIN, "--latnt", "3"], "did you mean --latent?"),
        ([*TRAIN, "--lat", "3"], "'--lat' is no argument"),  # abbreviations hide typing errors
        ([*TRAIN, "--gamma", "3"], "vae has no --gamma, only vae-gan: leave it out"),
        (["train", "vae-gan", *TRAIN[2:], "--network", "conv"], "vae-gan has no --network"),
        (["train", "autoencoder", *TRAIN[2:], "--compile"], "autoencoder has no --compile"),
        (["train", "gan", *TRAIN[2:], "--binarise"], "no --binarise, only vae, iwae, conditional-"),
        ([*TRAIN, "--samples", "5"], "vae has no --samples, only iwae"),
        (["train", "iwae", *TRAIN[2:], "--beta", "2"], "iwae has no --beta"),
        (["train", "iwae", *TRAIN[2:], "--samples", "0"], "'0' is not a whole number from 1 on"),
        ([*TRAIN, "--least-kl", "-1"], "'-1' is not a number from 0 on"),
        ([*TRAIN, "--kl-warmup", "0.5"], "'0.5' is not a whole number from 0 on"),
        (["train", "wgan-gp", *TRAIN[2:], "--bound", "1"], "wgan-gp has no --bound, only wgan: l"),
        (["train", "wgan", *TRAIN[2:], "--bound", "0"], "'0' is not a number above 0"),
        (["train", "wgan", *TRAIN[2:], "--one-sided"], "wgan has no --one-sided, only wgan-gp"),
        (["train", "gan", *TRAIN[2:], "--r1", "-1"], "'-1' is not a number from 0 on"),
        ([*TRAIN, "--steps", "0"], "'0' is not a whole number from 1 on"),
        ([*TRAIN, "--learning-rate", "nan"], "'nan' is not a number above 0"),
        ([*TRAIN, "--ema", "1"], "'1' is not a number from 0 to below 1"),
        ([*TRAIN, "--precision", "fp8"], "'fp8'"),
        ([*TRAIN, "--device", "gpu"], "use auto, cpu or cuda"),
        ([*TRAIN, "--size", "32"], "--size is for pictures of your own, not digits"),
        (["trian"], "choose from"),
        (["sample"], "required: RUN"),
    ],
)
def test_a_mistake_gets_one_line(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in mistake(argv, capsys)


def test_only_the_first_process_complains(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(SystemExit):
        main(["train"])
    assert capsys.readouterr().err == ""


def test_names_are_forgiving() -> None:
    args = arguments.parse(["train", "WGAN_GP", "--data", "Fashion-MNIST", "--out", "x"])
    assert (args.model, args.data) == ("wgan-gp", "fashion_mnist")


def test_a_path_becomes_absolute(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos.parent)
    args = arguments.parse(["train", "vae", "--data", photos.name, "--out", "x"])
    assert args.data == str(photos)


def test_help_names_every_command_model_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    for argv, code in (([], 0), (["--help"], 0), (["train", "--help"], 0)):
        with pytest.raises(SystemExit) as stopped:
            main(argv)
        assert stopped.value.code == code
    text = capsys.readouterr().out
    for name in ("train", "resume", "sample", "evaluate", "export", *MODELS):
        assert name in text
    for name, entry in MODELS.items():
        for option, default in entry.defaults.items():
            assert option in arguments.OPTIONS, f"{name} has an option that cannot be typed"
            words = f"--{option.replace('_', '-')} {default}".removesuffix(" False")  # a switch
            assert default is None or words in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_every_function_that_builds_a_model_has_a_name_and_a_line_of_help() -> None:
    built = {
        fn
        for module in (games, single_loss)
        for name, fn in vars(module).items()
        if inspect.isfunction(fn) and fn.__module__ == module.__name__ and name[0] != "_"
    }
    assert built == {entry.build for entry in MODELS.values()}
    assert all(entry.summary and "\n" not in entry.summary for entry in MODELS.values())


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"genlib {__version__}\n"


def test_help_does_not_wait_for_torch() -> None:
    def loads_torch(line: str) -> bool:
        code = f"import sys; {line}; print('torch' in sys.modules)"
        answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        return answer.stdout.strip() == "True"

    if loads_torch("import genlib"):
        pytest.skip("`import genlib` itself imports torch")
    assert not loads_torch("from genlib.command_line import arguments; arguments.build()")


def test_the_books_table_has_the_defaults(root: Path) -> None:
    page = (root / "book" / "command-line.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("| `")]
    table = {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in rows}
    for name, entry in MODELS.items():
        options = entry.defaults
        common = [options.get("network", ""), entry.batch_size]
        common += [options.get(key, "") for key in ("latent", "width", "learning_rate")]
        own = options.keys() - {"network", "latent", "width", "learning_rate", "ema", "compile"}
        assert table[name][:5] == [str(value) for value in common]
        flags = {f"--{key.replace('_', '-')} {options[key]}" for key in own}
        found = set(re.findall("`([^`]+)`", table[name][5]))
        # A switch stands there without a value, and so does what has no default.
        assert found == {flag.removesuffix(" False").removesuffix(" None") for flag in flags}
