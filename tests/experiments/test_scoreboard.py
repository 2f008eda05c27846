"""The scoreboard: what its parts measure, its bands at smoke, and the committed board."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from experiments import board_bands, board_clothes, board_scores, board_table, scoreboard
from experiments.common import figure, rounded
from experiments.latent_scores import elbo_of
from genlib import make_generator, results, seed_everything, zoo
from genlib.data import binarised, digits
from genlib.losses import importance_weighted_bound
from genlib.metrics import features, interval
from genlib.models.vae import ConditionalVAE, DenseVAE

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
SHARES = ("precision", "recall", "coverage")


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> dict[str, Any]:
    """The content of the smoke-sized result: on the digits, whatever data there are."""
    runs = tmp_path_factory.mktemp("scoreboard")
    code = (
        "from pathlib import Path; from experiments import scoreboard; "
        "from experiments.common import run_experiment; "
        f"run_experiment(scoreboard, 'scoreboard', runs=Path({str(runs)!r}))"
    )
    env = {**os.environ, "GENLIB_PROFILE": "smoke", "GENLIB_OFFLINE": "1", "GENLIB_DATA": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (path,) = runs.rglob("result.json")
    return json.loads(path.read_text())


def committed() -> dict[str, Any]:
    return json.loads((results.FOLDER / "scoreboard.json").read_text(encoding="utf-8"))


def check_board(figures: dict[str, Any], seeds: int) -> None:
    """What holds of every scoreboard, whatever its size."""
    assert set(figures["boards"]) == set(scoreboard.ENTRIES)
    for board, models in figures["boards"].items():
        assert set(models) == set(scoreboard.ENTRIES[board])
        trained = {name: row for name, row in models.items() if "steps" in row}
        assert len({row["images"] for row in trained.values()}) == 1, "all see as many images"
        for model, row in models.items():
            assert set(board_scores.SCORES) <= set(row), model
            for name, own in row.items():
                if isinstance(own, dict):
                    kept = figures["runs"][board][model][name]
                    assert len(kept) == own["n"] == seeds
                    assert own["low"] <= own["mean"] <= own["high"]
                    assert own["mean"] == pytest.approx(interval(kept).mean, rel=1e-4, abs=1e-9)
            assert all(0 <= row[name]["mean"] <= 1 for name in SHARES)
            assert row["frechet"]["mean"] >= 0
            assert row["density"]["mean"] >= 0
            assert row["sharpness"]["mean"] >= 0
            most = math.log(10) if board == "clothes" else 1
            assert 0 <= row["entropy"]["mean"] <= most
            assert ("bound" in row) == (board == "clothes" and model in board_clothes.BOUND_KINDS)
        for model, row in trained.items():
            lists = figures["runs"][board][model]
            for seconds, rate in zip(lists["seconds"], lists["images_per_second"], strict=True):
                assert seconds * rate == pytest.approx(row["images"], rel=1e-4), model
            assert row["parameters"] > 0
            assert min(lists["samples_per_second"]) > 0
        real = models["data"]
        for name in ("precision", "recall", "density", "coverage"):
            assert real[name]["mean"] > 0.7, (board, name)
            assert models["memoriser"][name]["mean"] > real[name]["mean"] - 0.1, (board, name)
        assert real["frechet"]["mean"] < min(row["frechet"]["mean"] for row in trained.values())


def test_the_smoke_sized_board_has_the_form_of_the_committed_one(smoke) -> None:
    here, there = smoke["figures"], committed()["figures"]
    check_board(here, seeds=2)
    for board, models in there["boards"].items():
        for model, row in models.items():
            assert set(here["boards"][board][model]) == set(row), (board, model)
    for model in board_clothes.MODELS:  # networks of clothes are as wide at every profile but gpu
        small, full = here["boards"]["clothes"][model], there["boards"]["clothes"][model]
        for name in ("parameters", "judge_parameters", "bound_kind"):
            assert small.get(name) == full.get(name), (model, name)


def test_the_smoke_sized_board_lies_within_its_bands(smoke) -> None:
    kept = board_bands.bands(board_bands.SMOKE)
    for path, (low, high) in kept.items():
        assert low <= figure(smoke["figures"], path) <= high, path
    timed = {"seconds", "images_per_second", "samples_per_second"}
    for path, mean in means(smoke["figures"]).items():
        name = path.split("/")[-2]
        if name not in timed and not (name == "sharpness" and mean < 1e-3):
            assert path in kept, f"no band for {path}"


def test_the_committed_board_is_whole_and_every_mean_has_its_band() -> None:
    content = committed()
    check_board(content["figures"], seeds=3)
    lacking = set(means(content["figures"])) - set(scoreboard.BANDS)
    assert not lacking, f"no band for {sorted(lacking)}"
    assert "cpu" in content["provenance"]["device"]
    assert content["figures"]["n"] == {"clothes": 10_000, "faces": 5_000}
    images = {
        board: {row["images"] for row in models.values() if "images" in row}
        for board, models in content["figures"]["boards"].items()
    }
    assert images == {"clothes": {256_000}, "faces": {128_000}}


def means(figures: dict[str, Any]) -> dict[str, float]:
    """Every mean of the boards, by its path."""
    return {
        f"boards/{board}/{model}/{name}/mean": own["mean"]
        for board, models in figures["boards"].items()
        for model, row in models.items()
        for name, own in row.items()
        if isinstance(own, dict)
    }


def test_the_table_is_made_from_the_result_and_in_step_with_it() -> None:
    path = results.FOLDER / "scoreboard.json"
    table = path.with_suffix(".md").read_text(encoding="utf-8")
    assert table == board_table.as_markdown(committed()), "run make scoreboard"
    for models in scoreboard.ENTRIES.values():
        assert all(f"| {model} |" in table for model in models)


def test_a_table_has_a_cell_under_every_heading(smoke, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(smoke))
    lines = board_table.write(path).read_text(encoding="utf-8").splitlines()
    widths: set[int] = set()
    for line in [*lines, ""]:
        if line.startswith("|"):
            widths.add(line.count("|"))
        else:
            assert len(widths) <= 1
            widths = set()


def test_figures_are_told_with_two_digits_of_their_uncertainty() -> None:
    def of(mean: float, half: float) -> str:
        return board_table.told({"mean": mean, "low": mean - half, "high": mean + half, "n": 3})

    assert of(12.3456, 0.0321) == "12.346 ± 0.032"
    assert of(1234.5, 210.0) == "1,234 ± 210"
    assert of(0.5, 0.0) == "0.5"
    assert board_table.told(None) == "–"
    assert board_table.told(48_000) == "48,000"
    assert board_table.told("ELBO") == "ELBO"


def test_bands_are_read_by_board_model_and_figure() -> None:
    text = (
        "\nclothes  frechet  bound\nvae  1:2.5  -\ngan  3:4  5e2:6e2\n\nfaces  frechet\nvae  7:8\n"
    )
    assert board_bands.bands(text) == {
        "boards/clothes/vae/frechet/mean": (1.0, 2.5),
        "boards/clothes/gan/frechet/mean": (3.0, 4.0),
        "boards/clothes/gan/bound/mean": (500.0, 600.0),
        "boards/faces/vae/frechet/mean": (7.0, 8.0),
    }
    with pytest.raises(ValueError):
        board_bands.bands("clothes  frechet  kernel\nvae  1:2")


def test_evenly_takes_as_many_as_asked_for_from_all_of_the_set() -> None:
    assert board_scores.evenly(10, 4).tolist() == [0, 2, 5, 7]
    assert board_scores.evenly(3, 10).tolist() == [0, 1, 2]


def test_the_reference_itself_gets_perfect_scores_and_noise_does_not() -> None:
    data = digits()
    classifier = zoo.load("classifier-fashion-mnist")
    against = board_scores.reference(classifier, data, 100)
    own = board_scores.scores(data.select(board_scores.evenly(len(data), 100)), against)
    assert [own[name] for name in SHARES] == [1, 1, 1]
    assert own["density"] >= 1
    everything = features(classifier, data)
    assert against.train.n == len(data)
    assert torch.equal(against.some, everything[board_scores.evenly(len(data), 100)])
    noise = board_scores.scores(torch.rand(100, 1, 28, 28), against)
    assert noise["frechet"] > 10 * own["frechet"]
    assert noise["coverage"] < 0.2
    assert noise["sharpness"] > 10 * own["sharpness"]  # no praise


def test_a_memoriser_gives_different_training_images_and_nothing_else() -> None:
    data = digits()
    copies = board_scores.memorised(data, 50, make_generator(0, "memoriser"))
    same = (copies.images[:, None] == data.images).flatten(2).all(dim=2)  # [50, N]
    assert same.any(dim=1).all()
    assert same.any(dim=0).sum() == 50


def test_a_gaussian_has_the_mean_of_a_clipped_normal_and_neighbours_that_agree() -> None:
    """E clip(X) = 1 − Φ(b) + μ (Φ(b) − Φ(a)) + σ (φ(a) − φ(b)), a = −μ/σ and b = (1 − μ)/σ."""
    data, n = digits(), 4_000
    drawn = board_clothes.gaussian(data, n, make_generator(0, "gaussian"))  # [n, 1, 28, 28]
    x = data.pixels().double()
    mu, sigma = x.mean(dim=0), x.std(dim=0).clamp(min=1e-6)
    a, b = -mu / sigma, (1 - mu) / sigma
    normal = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    inside = normal.cdf(b) - normal.cdf(a)
    phi_a, phi_b = normal.log_prob(a).exp(), normal.log_prob(b).exp()
    expected = 1 - normal.cdf(b) + mu * inside + sigma * (phi_a - phi_b)
    error = (drawn.mean(dim=0) - expected).abs()
    assert (error <= 5 * sigma / n**0.5 + 1e-6).all()
    apart = drawn.diff(dim=3).square().mean()
    alone = torch.stack([drawn[torch.randperm(n), 0, :, i] for i in range(28)], dim=2)  # shuffled
    assert apart < 0.5 * alone.diff(dim=2).square().mean()


def test_times_are_of_the_training_and_every_batch_counts() -> None:
    settings = dataclasses.replace(board_clothes.ClothesSettings(), steps=8, wgan_steps=4)
    data = digits()
    for model, images in (("vae", 8 * 10), ("wgan_gp", 4 * 5 * 4)):
        made = board_clothes.entry(settings, model, CPU)
        found = board_scores.fit(
            made.players, data, steps=made.steps, batch_size=made.batch_size, seed=0
        )
        assert found["images"] == images
        rate = found["images_per_second"] * found["training_seconds"]
        assert rate == pytest.approx(images)


def test_sampling_speed_is_that_of_the_median_batch(monkeypatch) -> None:
    ticks = iter([0, 50, 50, 90, 90, 91, 91, 93, 93, 97])  # two for warmth; then 1, 2 and 4 seconds
    monkeypatch.setattr(board_scores, "clock", lambda device: next(ticks))
    asked: list[int] = []

    def paint(n: int, generator: torch.Generator) -> torch.Tensor:
        asked.append(n)
        return torch.zeros(n, 1, 28, 28)

    assert board_scores.sampling_speed(paint, CPU, batch_size=100, repeats=3) == 50
    assert asked == [100] * 5


@pytest.mark.parametrize("model", board_clothes.MODELS)
def test_painters_give_pictures_in_range_that_follow_the_seed(model: str) -> None:
    seed_everything(0)
    made = board_clothes.entry(board_clothes.ClothesSettings(), model, CPU)
    draw = board_clothes.painter(made.model.eval(), digits())
    first, again, other = (draw(7, make_generator(seed, "samples")) for seed in (0, 0, 1))
    assert first.shape == (7, 1, 28, 28)
    assert 0 <= float(first.min()) <= float(first.max()) <= 1
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_conditional_model_is_asked_for_every_class_alike(monkeypatch) -> None:
    model = ConditionalVAE(10, 2, (8,)).eval()
    asked: list[torch.Tensor] = []
    sample = model.sample

    def spying(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        asked.append(y)
        return sample(z, y)

    monkeypatch.setattr(model, "sample", spying)
    board_clothes.painter(model, digits())(1_010, make_generator(0, "samples"))
    assert torch.cat(asked).bincount().tolist() == [101] * 10


def small_vae() -> DenseVAE:
    torch.manual_seed(0)
    model = DenseVAE(3, (16,))
    for weight in model.decoder.parameters():  # so that z matters to the picture
        weight.data *= 3
    return model.eval()


def test_the_bound_on_grey_pixels_is_the_mean_of_the_bounds_on_sampled_ones() -> None:
    """The negative ELBO of b, z from q(z|x) of the grey x, is linear in b."""
    model, x = small_vae(), digits().pixels()[:4]
    grey = elbo_of(model, x)["elbo"]
    eps = torch.randn(4, model.latent, generator=make_generator(0, "elbo"))  # as elbo_of draws it
    mu, log_var = model.encode(x)
    z = mu + torch.exp(0.5 * log_var) * eps
    kl = 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum(dim=1)
    with torch.no_grad():
        draws = make_generator(1, "b")
        values = torch.stack([(model.nll(binarised(x, draws), z) + kl).mean() for _ in range(800)])
    assert abs(float(values.mean()) - grey) < 4 * float(values.std()) / 800**0.5


def test_the_importance_weighted_bound_on_grey_pixels_is_looser_than_on_sampled_ones() -> None:
    """log-mean-exp is convex: E over b of the bound on b is above the bound on E b."""
    model, x = small_vae(), digits().pixels()[:4]
    eps = torch.randn(20, 4, model.latent, generator=make_generator(0, "eps"))
    draws = make_generator(1, "b")
    fed = board_clothes.Fed(model, x)
    with torch.no_grad():
        grey = importance_weighted_bound(fed, x, eps)
        sampled = torch.stack(
            [importance_weighted_bound(fed, binarised(x, draws), eps) for _ in range(400)]
        )
        error = sampled.std(dim=0) / 400**0.5
        assert (sampled.mean(dim=0) > grey - 3 * error).all()
        assert (sampled.mean(dim=0) > grey + 3 * error).any()


def test_one_sample_of_the_sampled_bound_estimates_the_elbo_and_more_tighten_it() -> None:
    model, data = small_vae(), digits()
    one, many = (board_clothes.sampled_bound(model, data, k) for k in (1, 30))
    assert one == pytest.approx(elbo_of(model, data.pixels())["elbo"], rel=0.02)
    assert many < one


def test_the_encoder_is_shown_the_grey_image() -> None:
    model, x = small_vae(), digits().pixels()[:3]
    fed = board_clothes.Fed(model, x)
    b = binarised(x, make_generator(0, "b"))
    assert torch.equal(fed.encode(b)[0], model.encode(x)[0])
    z = torch.zeros(3, model.latent)
    assert torch.equal(fed.nll(b, z), model.nll(b, z))


def test_intervals_and_lists_are_of_the_same_seeds() -> None:
    rows = [
        {"frechet": 1.0, "training_seconds": 10.0, "seconds": 99.0, "steps": 5, "bound_kind": "x"},
        {"frechet": 3.0, "training_seconds": 14.0, "seconds": 99.0, "steps": 5, "bound_kind": "x"},
    ]
    found, lists = board_scores.of_model(rows)
    assert lists == {"frechet": [1.0, 3.0], "seconds": [10.0, 14.0]}
    assert rounded(found["seconds"]["mean"]) == 12
    assert (found["steps"], found["bound_kind"]) == (5, "x")


def test_no_cell_depends_on_another_and_none_is_missing() -> None:
    cells = scoreboard.cells(scoreboard.SETTINGS)
    keys = {(cell["board"], cell["model"], cell["seed"]) for cell in cells}
    each = sum(map(len, scoreboard.ENTRIES.values()))
    assert len(keys) == len(cells) == scoreboard.SETTINGS.seeds * each
