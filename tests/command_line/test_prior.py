"""Whatever draws a sample on the command line draws from the prior of the training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from genlib import make_generator
from genlib.command_line import main
from genlib.command_line.pictures import draw, inputs
from genlib.command_line.runs import open_run
from genlib.models.gan import ConvGenerator, DenseGenerator
from genlib.models.noise import Generator
from tests.command_line.conftest import NARROW, SMALL


@pytest.fixture
def codes(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """All noise that any generator is given."""
    seen: list[Tensor] = []
    for kind in (DenseGenerator, ConvGenerator):

        def spy(self: Generator, z: Tensor, plain=kind.forward) -> Tensor:
            seen.append(z.detach())
            return plain(self, z)

        monkeypatch.setattr(kind, "forward", spy)
    return seen


@pytest.mark.parametrize("model", ["gan", "wgan", "wgan-gp"])
def test_uniform_noise_from_training_to_the_last_sample(
    model: str, codes: list[Tensor], tmp_path: Path
) -> None:
    folder, options = tmp_path / "run", [*SMALL, *NARROW.get(model, []), "--ema", "0.9"]
    assert main(["train", model, *options, "--prior", "uniform", "--out", str(folder)]) == 0
    assert main(["sample", str(folder), "--n", "40", "--out", str(tmp_path / "a.png")]) == 0
    assert main(["evaluate", str(folder)]) == 0
    assert main(["resume", str(folder), "--steps", "8", "--quiet"]) == 0
    assert len(codes) > 10
    z = torch.cat(codes)
    assert z.abs().max() <= 1
    for batch in codes:  # each of them reaches below 0 and above: no orthant
        assert batch.min() < -0.9
        assert batch.max() > 0.9
    assert json.loads((folder / "run.json").read_text())["options"]["prior"] == "uniform"


def test_the_weights_know_better_than_the_plan(tmp_path: Path) -> None:
    """run.json edited by hand, or written by an older genlib."""
    assert main(["train", "gan", *SMALL, "--prior", "uniform", "--out", str(tmp_path)]) == 0
    path = tmp_path / "run.json"
    plan = json.loads(path.read_text())
    del plan["options"]["prior"]
    path.write_text(json.dumps(plan))
    built = open_run(tmp_path).built
    z = inputs(built, 100, 0, None)
    assert torch.equal(z, 2 * torch.rand(100, 100, generator=make_generator(0, "samples")) - 1)
    assert torch.equal(draw(built, 100, 0, None), built.painter(z).detach())


def test_normal_noise_is_as_it_was(tmp_path: Path) -> None:
    assert main(["train", "gan", *SMALL, "--out", str(tmp_path)]) == 0
    z = inputs(open_run(tmp_path).built, 10, 3, None)
    assert torch.equal(z, torch.randn(10, 100, generator=make_generator(3, "samples")))


def test_models_without_a_choice_refuse_the_option(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["train", "vae", *SMALL, "--prior", "uniform", "--out", "nowhere"])
    assert "--prior" in capsys.readouterr().err
