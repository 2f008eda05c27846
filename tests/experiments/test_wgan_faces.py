"""Parts of the experiments with faces that theory can check, and their results."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch

from experiments import drawn_by_others, wgan_faces
from genlib import make_generator, results, seed_everything
from genlib.data import DataError, drawn_faces, image_folder

CPU = torch.device("cpu")


def test_both_models_have_the_same_generator_and_differ_in_the_judge() -> None:
    settings, made = wgan_faces.SETTINGS, {}
    for model in wgan_faces.MODELS:
        seed_everything(0)
        made[model], _ = wgan_faces.players(settings, model, CPU)
    first, second = (made[model][1].model.state_dict() for model in wgan_faces.MODELS)
    assert all(torch.equal(first[key], second[key]) for key in first)
    kinds = {
        model: {type(layer).__name__ for layer in both[0].model.modules()}
        for model, both in made.items()
    }
    assert kinds["gan"] - kinds["wgan_gp"] == {"BatchNorm2d"}
    assert [made[model][0].moves for model in wgan_faces.MODELS] == [5, 1]


def test_looks_score_the_generator_and_keep_pictures_of_its_average() -> None:
    judge = wgan_faces.referee(128, CPU)
    both, _ = wgan_faces.players(wgan_faces.SETTINGS, "wgan_gp", CPU)
    for player in both:
        player.model.eval()
    held_out = drawn_faces(40, split="test").pixels()
    z = both[1].best_model.noise(70, make_generator(0, "looks"))  # type: ignore[operator]
    looks = wgan_faces.Looks(judge, both, held_out, z, every=3, shown=(2,), columns=5)
    for step in range(10):
        looks.look(step)
    assert [row[0] for row in looks.rows] == [3, 6, 9]
    assert looks.rows[0][1:] == looks.rows[2][1:]  # frozen noise, frozen weights
    assert [kept.shape for kept in looks.kept] == [(5, 3, 64, 64)]


def test_real_faces_get_the_scores_of_real_faces() -> None:
    judge = wgan_faces.referee(128, CPU)
    found = judge.scores(drawn_faces(512, seed=9, split="test"))
    assert found["missing"] == 0
    assert min(found["entropies"].values()) > 0.97
    grey = judge.scores(torch.full((70, 3, 64, 64), 0.5))
    assert grey["missing"] >= 36 - 9  # one value of each attribute
    assert grey["pairs"] == 1 / 360
    assert grey["frechet"] > 5 * found["frechet"]


def test_correlations_know_rising_from_falling() -> None:
    looks = [[step, 9.0 - step, -step, step, 5.0 - step, math.sin(step)] for step in range(8)]
    rows = [{"looks": looks}, {"looks": looks}]
    found = wgan_faces.correlations(rows)
    for name, expected in (("wasserstein", 1), ("judge_loss", 1), ("generator_loss", -1)):
        assert found[name]["mean"] == pytest.approx(expected)
        assert found[f"{name}_late"]["mean"] == pytest.approx(expected)
    without = [[look[0], None, *look[2:]] for look in looks]
    assert "wasserstein" not in wgan_faces.correlations([{"looks": without}] * 2)


def test_coverage_is_the_mean_over_seeds() -> None:
    rows = [{"coverage": {"hat": {"no": share, "yes": 1 - share}}} for share in (0.2, 0.4)]
    assert wgan_faces.coverage(rows) == {"hat": pytest.approx({"no": 0.3, "yes": 0.7})}


def test_a_zip_gives_back_the_faces_that_were_put_in(tmp_path: Path) -> None:
    faces = drawn_faces(7)
    path = drawn_by_others.zip_of(faces, tmp_path / "faces.zip")
    assert torch.equal(image_folder(path).images, faces.images)


def test_held_out_drawings_are_not_trained_on() -> None:
    faces = drawn_faces(30)
    train_set, held_out = drawn_by_others.split(faces, 10)
    assert (len(train_set), len(held_out)) == (20, 10)
    apart = torch.cdist(train_set.pixels().flatten(1), held_out.flatten(1))
    assert apart.min() > 0
    again, _ = drawn_by_others.split(faces, 10)
    assert torch.equal(again.images, train_set.images)


def test_neighbours_of_copies_are_at_no_distance() -> None:
    faces = drawn_faces(60)
    train_set, held_out = drawn_by_others.split(faces, 20)
    copies = drawn_by_others.neighbours(train_set.pixels(), train_set, held_out)
    fresh = drawn_by_others.neighbours(
        drawn_faces(40, split="test").pixels(), train_set, held_out
    )  # fmt: skip
    assert copies["made"] == 0
    assert copies["train_share"] == 1
    assert fresh["made"] == pytest.approx(fresh["held_out"], rel=0.15)
    assert abs(fresh["train_z"]) < 3


def test_without_the_drawings_the_message_says_what_to_do(monkeypatch, tmp_path: Path) -> None:
    settings = dataclasses.replace(drawn_by_others.SETTINGS, archive="faces/none.zip")
    monkeypatch.setenv("GENLIB_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"faces/none\.zip is not at hand.*set GENLIB_DATA"):
        drawn_by_others.drawings(settings, CPU)


def test_committed_faces_keep_every_value_and_the_estimate_follows_the_distance() -> None:
    figures = results.load("wgan_faces").figures
    for kind, own in figures["models"].items():
        for name, shares in own["coverage"].items():
            assert sum(shares.values()) == pytest.approx(1, abs=1e-4), (kind, name)
    models = figures["models"]
    assert models["data"]["missing"]["mean"] == 0
    assert models["data"]["frechet"]["mean"] < 0.1 * models["wgan_gp"]["frechet"]["mean"]
    assert figures["correlation"]["wgan_gp"]["wasserstein"]["low"] > 0.5


def test_committed_models_had_about_equal_time() -> None:
    models = results.load("wgan_faces").figures["models"]
    ratio = models["gan"]["seconds"]["mean"] / models["wgan_gp"]["seconds"]["mean"]
    assert 0.6 < ratio < 1.6


def test_committed_pictures_are_small_and_of_the_size_that_was_asked_for() -> None:
    import io

    from PIL import Image

    for name, titles in (
        ("wgan_faces", wgan_faces.MODELS),
        ("drawn_by_others", ("samples", "strip")),
    ):
        kept = results.load(name).pictures
        assert set(kept) == set(titles)
        for webp in kept.values():
            with Image.open(io.BytesIO(webp)) as image:
                assert image.format == "WEBP"
                assert image.width % 64 == image.height % 64 == 0
            assert len(webp) < 150_000
