"""Parts of chapter 3's experiments that theory can check."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from experiments import accidental_beta, pixel_likelihoods, vae_against_autoencoder
from genlib import results
from genlib.data import digits
from genlib.losses import squared_error
from genlib.models.vae import GaussianVAE
from genlib.training import Move, vae_player


def gradient(loss: torch.Tensor, model: torch.nn.Module) -> torch.Tensor:
    parameters = [p for p in model.parameters() if p.requires_grad]
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, parameters)])


def test_averaging_over_pixels_is_a_beta_of_784() -> None:
    torch.manual_seed(0)
    model = GaussianVAE(5, (16,), sigma=math.sqrt(0.5)).double()
    x = torch.rand(6, 1, 28, 28, dtype=torch.float64)

    def move() -> Move:  # the same noise in both
        return Move(x, None, 0, torch.Generator().manual_seed(1))

    mistaken = gradient(accidental_beta.mean_over_pixels(model)(move()), model)
    honest = gradient(vae_player(model, steps=1, beta=784.0).loss(move()), model)
    torch.testing.assert_close(784 * mistaken, honest, rtol=1e-6, atol=1e-6)
    plain = gradient(vae_player(model, steps=1).loss(move()), model)
    assert not torch.allclose(784 * mistaken, plain, rtol=0.1)


def test_thresholded_pixels_are_binary_and_nearest() -> None:
    data = digits("all")
    x, black_white = data.pixels(), pixel_likelihoods.thresholded(data).pixels()
    assert set(black_white.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(black_white == 1, x > 0.5)
    # No other binary image is nearer to the grey one.
    assert float((x - black_white).abs().max()) <= 0.5


def test_the_three_kinds_show_the_same_digits() -> None:
    data = digits("all").take(300)
    kinds = pixel_likelihoods.three_kinds(data)
    assert set(kinds) == set(pixel_likelihoods.KINDS)
    grey, sampled = kinds["grey"], kinds["sampled"]
    assert set(sampled.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(sampled, pixel_likelihoods.three_kinds(data)["sampled"])
    # E[sampled] = grey: the sum over n pixels of variance g(1 − g) stays within 5 standard errors.
    error = float((grey * (1 - grey)).sum()) ** 0.5
    assert abs(float((sampled - grey).sum())) < 5 * error
    assert float(squared_error(sampled, grey).mean()) > float(
        squared_error(kinds["thresholded"], grey).mean()
    )


def test_both_models_are_asked_for_the_same_pictures() -> None:
    data = digits("all").take(200)
    codes = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    mix = torch.rand(4, 784, generator=torch.Generator().manual_seed(1))

    def decode(y: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(y @ mix).view(-1, 1, 28, 28)

    same = vae_against_autoencoder.Trained(codes, decode, mse=0.1)
    found = vae_against_autoencoder.sources(same, same, data, 20, seed=0)
    for kind in ("same_class_midpoint", "other_class_midpoint"):
        assert torch.equal(found[f"vae_{kind}"], found[f"ae_{kind}"])
    assert torch.equal(found["vae_prior"], found["ae_standard_normal"])
    assert torch.equal(found["vae_held_out"], found["held_out"])
    assert not torch.equal(found["vae_prior"], found["ae_fitted_normal"])


def test_figures_over_seeds_keep_their_places() -> None:
    rows = [{"a": {"b": {"c": 1.0}}, "d": 5}, {"a": {"b": {"c": 3.0}}, "d": 5}]
    found = vae_against_autoencoder.over_seeds(rows, ("a", "d"))
    assert found["a"]["b"]["c"]["mean"] == 2
    assert found["a"]["b"]["c"]["n"] == 2
    assert found["d"] == {"mean": 5, "low": 5, "high": 5, "n": 2}


def test_pairs_are_compared_seed_by_seed() -> None:
    # The seeds differ by 10, the models of a seed by 1 and 1.2: pairing finds the difference.
    rows = [
        {
            "smoothness": {"autoencoder": {"length": base}, "vae": {"length": base + gap}},
            "referees": {}, "frechet": {}, "sharpness": {}, "mse": {},
        }
        for base, gap in ((10.0, 1.0), (20.0, 1.2), (30.0, 1.1))
    ]  # fmt: skip
    settings = vae_against_autoencoder.SETTINGS
    difference = vae_against_autoencoder.summarise(settings, rows)["smoothness"]["length"]
    assert difference["difference"]["mean"] == pytest.approx(1.1)
    assert difference["difference"]["low"] > 0.8
    assert difference["vae"]["low"] < difference["autoencoder"]["high"]


def means(figures: dict[str, Any], *path: str) -> list[float]:
    """The means of several variants' figures, in the order of the result file."""
    values = []
    for variant in figures.values():
        for key in path:
            variant = variant[key]
        values.append(variant["mean"])
    return values


def test_committed_curve_trades_rate_for_distortion() -> None:
    figures = results.load("rate_distortion").figures["betas"]
    assert [float(beta) for beta in figures] == sorted(float(beta) for beta in figures)
    rate, distortion = means(figures, "rate"), means(figures, "distortion")
    assert rate == sorted(rate, reverse=True)
    assert distortion == sorted(distortion)
    elbo = dict(zip(figures, means(figures, "elbo"), strict=True))
    assert min(elbo, key=lambda beta: elbo[beta]) == "1.0"  # what β = 1 trains for
    for name in figures:
        parts = figures[name]["rate"]["mean"] + figures[name]["distortion"]["mean"]
        assert figures[name]["elbo"]["mean"] == pytest.approx(parts, rel=1e-5)


def test_committed_likelihoods_are_ordered_as_theory_says() -> None:
    for row in results.load("pixel_likelihoods").figures["table"].values():
        for cell in row.values():
            assert cell["nll"]["mean"] < cell["elbo"]["mean"]  # the bound is a bound
    for variant in results.load("posterior_collapse").figures["variants"].values():
        assert variant["nll"]["mean"] < variant["elbo"]["mean"]


def test_committed_collapse_is_the_mean_image() -> None:
    figures = results.load("accidental_beta").figures
    mistake, floor = figures["variants"]["mean_over_pixels"], figures["mean_image_mse"]
    assert mistake["mse"]["mean"] == pytest.approx(floor, rel=0.01)
    learned = figures["variants"]["learned_variance"]
    # With a learned σ², σ² is the error per pixel; that of sampled codes is a little larger.
    assert 1 < learned["sigma"]["mean"] ** 2 / learned["mse"]["mean"] < 1.2


def test_committed_pairs_answer_chapter_1s_question() -> None:
    figures = results.load("vae_against_autoencoder").figures
    both = {name: judged["both"] for name, judged in figures["referees"].items()}
    for guess in ("ae_standard_normal", "ae_fitted_normal"):
        assert both["vae_prior"]["low"] > both[guess]["high"]
    assert both["vae_other_class_midpoint"]["low"] > both["ae_other_class_midpoint"]["high"]
    for space in ("pixels", "features"):  # the interval of the paired differences excludes 0
        assert figures["smoothness"][f"departure_{space}"]["difference"]["high"] < 0
    # The price: worse reconstructions.
    assert figures["mse"]["vae"]["low"] > figures["mse"]["autoencoder"]["high"]
