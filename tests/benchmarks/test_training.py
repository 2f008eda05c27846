"""The benchmark runs, counts what it should, and its committed result has its form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks.limit import Counter, flops_of, matrix_rate
from benchmarks.training import RESULTS, main, table
from genlib.data import digits
from genlib.models.gan import ConvDiscriminator, ConvGenerator
from genlib.models.vae import DenseVAE
from genlib.training import gan_players, vae_player

KEYS = {"seconds_per_step", "images_per_second", "share_of_limit", "times_slower_than_genlib"}


def test_the_vaes_work_is_what_the_formula_says() -> None:
    """Six per weight and image, less the gradient with respect to the images, which none needs."""
    counted = flops_of([vae_player(DenseVAE(), steps=10)], digits("train"), 128)
    weights = 784 * 400 + 400 * 40 + 20 * 400 + 400 * 784
    assert counted == 128 * (6 * weights - 2 * 784 * 400)


def test_only_the_movers_weights_get_a_gradient() -> None:
    """The generator's move runs through the discriminator and skips its weights' gradients."""
    generator, discriminator = ConvGenerator(8, 4), ConvDiscriminator(4)
    counted = flops_of(gan_players(generator, discriminator), digits("train"), 8)

    def passes(g: int, d: int) -> int:  # forward flops of each network on 8 images
        return g + 2 * g + 3 * d + 2 * (2 * d) + d  # G there and back; D 3 there, 2 + 1 back

    def forward(model: torch.nn.Module, x: torch.Tensor) -> int:
        with Counter() as counter, torch.no_grad():
            model(x)
        return counter.total

    g = forward(generator, torch.zeros(8, 8))
    d = forward(discriminator, torch.zeros(8, 1, 28, 28))
    # A first layer's gradient with respect to its input is not needed where nothing lies before it.
    assert passes(g, d) * 0.85 < counted <= passes(g, d)


def test_the_whole_benchmark_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "quick.json"
    main(["--quick", "--repeats", "1", "--out", str(out)])
    check_form(json.loads(out.read_text()))
    printed = capsys.readouterr().out
    assert "genlib is faster by" in printed
    assert "WGAN-GP" in printed


@pytest.mark.parametrize("path", sorted(RESULTS.glob("training-*.json")), ids=lambda p: p.stem)
def test_committed_results_have_their_form(path: Path) -> None:
    content = json.loads(path.read_text())
    check_form(content)
    assert content["repeats"] >= 3
    vae = content["results"][0]
    assert {"genlib", "by hand", "example", "pythae"} <= set(vae["seconds_per_step"])


def check_form(content: dict) -> None:
    assert {"date", "device", "threads", "torch", "command"} <= set(content)
    for result in content["results"]:
        names = set(result["seconds_per_step"])
        assert {"genlib", "by hand", "example"} <= names
        for key in KEYS:
            assert set(result[key]) == names
            assert all(value > 0 for value in result[key].values())
        for name, seconds in result["seconds_per_step"].items():
            share = result["flops_per_step"] / (seconds * result["matrix_rate"])
            assert result["share_of_limit"][name] == pytest.approx(share)
        assert str(table([result]))


def test_the_matrix_rate_is_a_rate() -> None:
    assert matrix_rate(torch.device("cpu"), size=128, seconds=0.01) > 1e8
