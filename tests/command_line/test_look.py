"""`sample`, `evaluate` and `export` of a finished run."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch import nn

from genlib import zoo
from genlib.command_line import evaluate, main
from genlib.command_line.built import Built
from genlib.command_line.labels import find_class
from genlib.command_line.models import MODELS
from genlib.command_line.pictures import draw, inputs
from genlib.command_line.runs import open_run
from genlib.data import ImageSet, digits
from genlib.export import Painter
from genlib.metrics import density_coverage, features, precision_recall
from genlib.training import newest
from tests.command_line.conftest import SMALL

RunOf = Callable[[str], Path]


@pytest.fixture(scope="module")
def test_set() -> ImageSet:
    return digits("test")


@pytest.mark.parametrize("model", MODELS)
def test_sample_draws_a_grid(model: str, run_of: RunOf, tmp_path: Path) -> None:
    out = tmp_path / "grid.png"
    assert main(["sample", str(run_of(model)), "--n", "12", "--out", str(out)]) == 0
    with Image.open(out) as image:
        assert image.width > image.height > 100


def test_the_seed_chooses_the_samples(run_of: RunOf, tmp_path: Path) -> None:
    def grid(seed: int, name: str) -> bytes:
        out = tmp_path / name
        argv = ["sample", str(run_of("gan")), "--n", "64", "--seed", str(seed), "--out", str(out)]
        assert main(argv) == 0
        return out.read_bytes()

    assert grid(0, "a.png") == grid(0, "b.png") == (run_of("gan") / "samples.png").read_bytes()
    assert grid(1, "c.png") != grid(0, "d.png")


def test_samples_come_from_the_averaged_weights(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert main(["train", "gan", *SMALL, "--ema", "0.9", "--out", str(run)]) == 0
    opened = open_run(run)
    state = newest(run / "checkpoints")["players"]["generator"]
    painted = {
        key.removeprefix("model."): v for key, v in opened.built.painter.state_dict().items()
    }
    for key, value in painted.items():
        assert torch.equal(value, state["average"][f"module.{key}"])
    assert any(not torch.equal(painted[key], state["model"][key]) for key in painted)
    assert opened.card()["averaged"] is True


def test_an_autoencoder_shows_pairs(run_of: RunOf, test_set: ImageSet) -> None:
    built = open_run(run_of("denoising-autoencoder")).built
    pairs = draw(built, 8, 0, test_set)
    assert pairs.shape == (8, 1, 28, 28)
    noisy = pairs[::2] - test_set.take(4).pixels()
    assert 0.1 < noisy.std() < 0.4  # 0.4, less what is clipped
    torch.testing.assert_close(
        pairs[1::2], built.reconstruct(inputs(built, 4, 0, test_set)).clamp(0, 1)
    )


def test_the_best_checkpoint_is_another_choice(run_of: RunOf, tmp_path: Path, capsys) -> None:
    assert main(["sample", str(run_of("vae")), "--best", "--out", str(tmp_path / "x.png")]) == 0
    assert main(["sample", str(run_of("gan")), "--best", "--out", str(tmp_path / "x.png")]) == 1
    assert "leave --best out" in capsys.readouterr().err


def test_a_checkpoint_of_another_model_is_refused(run_of: RunOf, tmp_path: Path, capsys) -> None:
    (tmp_path / "run.json").write_bytes((run_of("vae") / "run.json").read_bytes())
    (tmp_path / "checkpoints").symlink_to(run_of("gan") / "checkpoints")
    assert main(["sample", str(tmp_path), "--out", str(tmp_path / "x.png")]) == 1
    assert "does not fit run.json: its players are" in capsys.readouterr().err
    (tmp_path / "checkpoints").unlink()
    assert main(["evaluate", str(tmp_path)]) == 1
    assert "no good checkpoint" in capsys.readouterr().err


def test_a_class_can_be_chosen(run_of: RunOf, tmp_path: Path, capsys) -> None:
    run = open_run(run_of("conditional-vae"))
    built, model = run.built, run.built.variational
    assert run.plan.classes == digits("test").classes
    z = inputs(built, 12, 0, None)[:, : built.latent]
    with torch.no_grad():
        turn = model.sample(z, torch.arange(12) % 10)
        threes = model.sample(z, torch.full((12,), 3))
    torch.testing.assert_close(draw(built, 12, 0, None), turn)
    torch.testing.assert_close(draw(built, 12, 0, None, label=3), threes)

    def grid(name: str, *options: str) -> bytes:
        out = tmp_path / name
        argv = ["sample", str(run_of("conditional-vae")), "--out", str(out), *options]
        assert main(argv) == 0
        return out.read_bytes()

    assert grid("a.png", "--label", "3") != grid("b.png", "--label", "4")
    assert grid("c.png") == (run_of("conditional-vae") / "samples.png").read_bytes()
    capsys.readouterr()
    assert main(["sample", str(run_of("conditional-vae")), "--label", "13"]) == 1
    assert "there is no class '13'; the classes are 0" in capsys.readouterr().err
    assert main(["sample", str(run_of("vae")), "--label", "3"]) == 1
    assert "a vae is told no labels: leave --label out" in capsys.readouterr().err


def test_a_class_is_found_by_name_or_number() -> None:
    names = ("T-shirt/top", "Trouser", "0")
    assert [find_class(text, names) for text in ("trouser", "1", "T-SHIRT/TOP")] == [1, 1, 0]
    assert find_class("0", names) == 2  # a name goes before a number
    with pytest.raises(ValueError, match="no class 'coat'; the classes are 0 T-shirt/top, 1 Trou"):
        find_class("coat", names)


BOUNDS = {"reconstruction MSE", "reconstruction PSNR", "reconstruction term", "KL term",
          "negative ELBO", "distance to training", "distance to training, real"}  # fmt: skip
EXPECTED = {
    "autoencoder": {"reconstruction MSE", "reconstruction PSNR"},
    "denoising-autoencoder": {"reconstruction MSE", "reconstruction PSNR"},
    "vae": BOUNDS | {"negative log p(x)"},
    "iwae": BOUNDS | {"negative log p(x)"},
    "conditional-vae": BOUNDS | {"negative log p(x|y)"},
    "gan": {"discriminator is right", "distance to training", "distance to training, real"},
    "wgan": {"critic's separation", "distance to training", "distance to training, real"},
    "wgan-gp": {"critic's separation", "distance to training", "distance to training, real"},
    "vae-gan": {"reconstruction MSE", "reconstruction PSNR", "discriminator is right",
                "distance to training", "distance to training, real"},
}  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_evaluate_prints_a_table_and_writes_it(model: str, run_of: RunOf, capsys) -> None:
    assert main(["evaluate", str(run_of(model)), "--n", "30"]) == 0
    printed = capsys.readouterr().out
    written = json.loads((run_of(model) / "evaluation.json").read_text())
    assert set(written["figures"]) == EXPECTED[model]
    assert (written["model"], written["step"], written["samples"]) == (model, 6, 30)
    for name, figure in written["figures"].items():
        assert name in printed
        assert figure["meaning"] in printed
        assert math.isfinite(figure.get("value", figure.get("mean")))
        assert figure.get("low", 0) <= figure.get("mean", 0) <= figure.get("high", 0)


def perfect(images: ImageSet) -> Built:
    """A model that knows the training images by heart, and a judge who sees brightness."""

    class Memory(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pixels = nn.Parameter(images.pixels())

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return self.pixels[: len(z)]

    class Constant:
        """−log p(x|z) is 7 nats, KL(q ‖ p) is 2: z says much and does nothing. log p(x) = −7."""

        latent = 2

        def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.full((len(x), 2), 2**0.5), torch.zeros(len(x), 2)

        def nll(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
            return torch.full((len(x),), 7.0)

    return Built(
        [], Painter(Memory()), latent=2, reconstruct=lambda x: (x + 0.1).clamp(0, 1),
        judge=lambda x: x.flatten(1).amax(dim=1) * 0 + 1.0, variational=Constant(),
    )  # fmt: skip


def test_figures_are_what_they_say(test_set: ImageSet) -> None:
    train = digits("train").take(50)
    figures = evaluate.measure(perfect(train), train, test_set, n=40, seed=0)
    x = test_set.pixels()
    mse = ((x + 0.1).clamp(0, 1) - x).square().flatten(1).mean(1)
    assert figures["reconstruction MSE"]["mean"] == pytest.approx(float(mse.mean()), rel=1e-5)
    decibels = float((-10 * mse.log10()).mean())
    assert figures["reconstruction PSNR"]["mean"] == pytest.approx(decibels, rel=1e-5)
    assert figures["negative ELBO"]["mean"] == pytest.approx(9.0)
    assert figures["negative log p(x)"]["mean"] == pytest.approx(7.0, abs=0.3)
    assert figures["distance to training"]["mean"] == pytest.approx(0, abs=1e-5)
    assert figures["distance to training, real"]["mean"] > 0.005
    assert figures["discriminator is right"]["value"] == 0.5  # says "real" to everything
    assert "class entropy" not in figures  # no classifier for scikit-learn's digits


@pytest.mark.parametrize("model", ["iwae", "conditional-vae"])
def test_bounds_are_measured_on_the_pixels_of_the_training(
    model: str, tmp_path: Path, test_set: ImageSet
) -> None:
    """And likelihoods say which pixels they are of."""
    run = tmp_path / "run"
    assert main(["train", model, *SMALL, "--binarise", "--out", str(run)]) == 0
    built = open_run(run).built
    figures = evaluate.measure(built, digits("train").take(50), test_set, n=40, seed=0)
    name = "negative log p(x|y)" if model == "conditional-vae" else "negative log p(x)"
    assert "pixels drawn as 0 or 1" in figures[name]["meaning"]
    assert "40 of them, 200 z each" in figures[name]["meaning"]
    seen: list[torch.Tensor] = []
    original = built.variational.nll

    def nll(x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        seen.append(x)
        return original(x, *rest)

    built.variational.nll = nll
    evaluate.measure(built, digits("train").take(50), test_set, n=40, seed=0)
    assert set(torch.cat(seen).unique().tolist()) == {0.0, 1.0}
    few = test_set.take(40)
    alone = evaluate.measure(built, digits("train").take(50), few, n=40, seed=0)
    # The bound is a bound, on the same pictures.
    assert alone[name]["mean"] < alone["negative ELBO"]["mean"]
    again = evaluate.measure(built, digits("train").take(50), few, n=40, seed=0)
    assert again == alone


def test_a_conditional_vae_rebuilds_each_picture_with_its_label(
    run_of: RunOf, test_set: ImageSet
) -> None:
    built = open_run(run_of("conditional-vae")).built
    model, x, y = built.variational, test_set.pixels(), test_set.labels
    with torch.no_grad():
        figures = evaluate.measure(built, test_set, test_set, n=20, seed=0)
        r = model.sample(model.encode(x, y)[0], y)
    mse = (r - x).square().mean()
    assert figures["reconstruction MSE"]["mean"] == pytest.approx(float(mse), rel=1e-4)


def test_a_classifier_looks_at_samples_of_its_own_set(test_set: ImageSet) -> None:
    from dataclasses import replace

    images = replace(digits("train"), name="mnist")
    train, test = images.take(400), replace(test_set, name="mnist")
    figures = evaluate.measure(perfect(train), train, test, n=200, seed=0)
    assert 2.0 < figures["class entropy"]["value"] <= math.log(10)
    assert figures["confidence"]["mean"] > 0.5
    ones = train.select(train.labels == 1).take(20)
    alone = evaluate.measure(perfect(ones), train, test, n=20, seed=0)
    assert alone["class entropy"]["value"] < 1.0
    many = perfect(images.select(images.labels == 1).take(100))
    alone = evaluate.measure(many, train, test, n=100, seed=0)
    assert max(alone[name]["mean"] for name in ("recall", "coverage")) < 0.5
    assert min(figures[name]["mean"] for name in ("recall", "coverage")) > 0.5


def test_balls_are_those_of_the_library_beside_what_training_pictures_reach(
    test_set: ImageSet,
) -> None:
    """A model that paints the training pictures reaches what they reach."""
    from dataclasses import replace

    train, test = (replace(images, name="mnist") for images in (digits("train"), test_set))
    figures = evaluate.measure(perfect(train), train, test, n=150, seed=0)
    referee = zoo.load("classifier-mnist")
    real, made = features(referee, test.take(150)), features(referee, train.take(150))
    expected = precision_recall(real, made).to_dict() | density_coverage(real, made).to_dict()
    for name in ("precision", "recall", "density", "coverage"):
        figure = figures[name]
        assert figure["mean"] == pytest.approx(expected[name])
        assert figure["low"] < figure["mean"] < figure["high"]
        assert figure["meaning"].endswith(f"150 each; training pictures reach {expected[name]:.3f}")
    few = evaluate.measure(perfect(train), train, test, n=11, seed=0)
    assert "precision" not in few  # too few for halves with a fifth neighbour
    assert "class entropy" in few


def test_the_critic_is_measured_in_its_own_scores(test_set: ImageSet) -> None:
    train = digits("train").take(50)
    built = perfect(train)
    from dataclasses import replace

    built = replace(built, judge=lambda x: x.flatten(1).mean(1), judge_name="critic")
    figures = evaluate.measure(built, train, test_set, n=50, seed=0)
    expected = test_set.take(50).pixels().mean() - train.pixels().mean()
    assert figures["critic's separation"]["mean"] == pytest.approx(float(expected), abs=1e-6)


def test_export_writes_weights_with_a_card(run_of: RunOf, tmp_path: Path) -> None:
    out = tmp_path / "weights.safetensors"
    assert main(["export", str(run_of("vae-gan")), "--out", str(out)]) == 0
    state = newest(run_of("vae-gan") / "checkpoints")["players"]
    with safe_open(out, framework="pt") as file:
        card = json.loads(file.metadata()["card"])
        names = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert (card["model"], card["step"], card["options"]["latent"]) == ("vae-gan", 6, 128)
    for player in ("encoder", "decoder", "discriminator"):
        for key, value in state[player]["model"].items():
            assert torch.equal(names[f"{player}.{key}"], value)


def test_export_to_onnx_says_how_near_it_is(run_of: RunOf, tmp_path: Path, capsys) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    out = tmp_path / "vae.onnx"
    assert main(["export", str(run_of("vae")), "--onnx", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "z [batch, 20] -> images [batch, 1, 28, 28]" in printed
    assert float(printed.split()[-1]) < 1e-5
    assert [path.name for path in tmp_path.iterdir()] == ["vae.onnx"]  # one file, weights inside


def test_a_conditional_vae_takes_its_label_beside_z(run_of: RunOf, tmp_path: Path, capsys) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    out = tmp_path / "cvae.onnx"
    assert main(["export", str(run_of("conditional-vae")), "--onnx", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "z [batch, 30] -> images [batch, 1, 28, 28]" in printed
    assert "The last 10 numbers of z are the label" in printed
    assert float(printed.split()[-1]) < 1e-5
