"""Parts of the image experiments of chapter 4 that theory can check, and their results."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from experiments import gan_images, gan_norm_place, reference_models
from genlib import make_generator, results, zoo
from genlib.data import digits
from genlib.metrics import features, moments
from genlib.models.gan import ConvDiscriminator, DenseGenerator


def test_rank_correlation_is_spearmans() -> None:
    a = torch.randn(25, generator=make_generator(0, "a")).tolist()
    b = [math.exp(value) + 0.1 * other for value, other in zip(a, reversed(a), strict=True)]
    expected = stats.spearmanr(a, b).statistic
    assert gan_images.rank_correlation(a, b) == pytest.approx(expected, abs=1e-12)
    assert gan_images.rank_correlation(a, [value**3 for value in a]) == pytest.approx(1)
    assert gan_images.rank_correlation(a, [-value for value in a]) == pytest.approx(-1)


def test_pair_distance_of_a_normal_distribution() -> None:
    # The difference of two of N(0, I) in D dimensions is N(0, 2 I): its mean length is
    # 2 Γ((D + 1) / 2) / Γ(D / 2).
    d = 8
    x = torch.randn(40_000, d, generator=make_generator(0, "pairs of a normal"))
    expected = 2 * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2))
    assert gan_images.pair_distance(x) == pytest.approx(expected, rel=0.01)
    assert gan_images.pair_distance(torch.ones(10, 3)) == 0


def referee() -> gan_images.Referee:
    classifier, data = zoo.load("classifier-mnist"), digits("all").take(600)
    seen = features(classifier, data)
    return gan_images.Referee(classifier, moments(seen), seen)


def test_real_images_get_the_scores_of_real_images() -> None:
    judge, data = referee(), digits("all").take(600)
    found = judge.scores(data)
    assert found["frechet"] == pytest.approx(0, abs=1e-6)  # against their own moments
    assert sum(found["shares"]) == pytest.approx(1)
    assert found["smallest_class"] == min(found["shares"])
    assert judge.diversity(data.pixels()) == pytest.approx(1)
    one = data.pixels()[:1].expand(100, -1, -1, -1)
    assert judge.diversity(one) == 0  # full collapse
    assert judge.scores(one)["entropy"] == pytest.approx(0, abs=1e-9)


def test_looks_come_at_equal_steps_and_do_not_change_the_generator() -> None:
    torch.manual_seed(0)
    generator = DenseGenerator(4, (8,), prior="uniform").eval()
    before = {key: value.clone() for key, value in generator.state_dict().items()}
    z = generator.noise(50, make_generator(0, "looks"))
    looks = gan_images.Looks(referee(), generator, z, every=3)
    for step in range(10):
        looks.look(step)
    assert [row["step"] for row in looks.rows] == [3, 6, 9]
    assert looks.rows[0]["frechet"] == looks.rows[2]["frechet"]  # frozen noise, frozen weights
    assert looks.seconds > 0
    for key, value in generator.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_the_places_differ_in_nothing_but_the_norm() -> None:
    found = {}
    for place, (norm, where) in gan_norm_place.PLACES.items():
        layers = ConvDiscriminator(4, norm=norm, place=where).modules()
        kinds = [type(layer).__name__ for layer in layers]
        found[place] = [kind for kind in kinds if kind in ("BatchNorm2d", "LeakyReLU")]
    assert found["before"] == ["LeakyReLU", "BatchNorm2d", "LeakyReLU"]
    assert found["after"] == ["LeakyReLU", "LeakyReLU", "BatchNorm2d"]
    assert found["none"] == ["LeakyReLU", "LeakyReLU"]


def test_a_reference_gan_keeps_the_averaged_generator() -> None:
    recipe = reference_models.RECIPES["gan-mnist"]
    model = recipe.model(**recipe.settings)
    players = recipe.player(model, steps=1)
    assert [player.name for player in players] == ["discriminator", "generator"]
    assert players[-1].model is model
    assert players[-1].average is not None


def test_samples_come_from_the_models_own_prior() -> None:
    torch.manual_seed(0)
    model = DenseGenerator(4, (8,), prior="uniform").eval()
    drawn = model(model.noise(20, make_generator(0, "samples")))
    assert torch.equal(reference_models.samples(model, 20), drawn)


def test_committed_models_are_compared_at_equal_time() -> None:
    figures = results.load("gan_images").figures
    dense, conv = figures["models"]["dense"], figures["models"]["conv"]
    assert dense["seconds"]["mean"] >= conv["seconds"]["mean"]
    assert figures["ratio"]["low"] >= 2
    assert min(conv["shares"]) >= 0.03
    assert conv["kernel"]["high"] < dense["kernel"]["low"]
    assert figures["data"]["frechet"] < 0.1 * conv["frechet"]["mean"]


def test_committed_looks_are_many_and_the_same_for_all_runs() -> None:
    figures = results.load("gan_images").figures
    for kind, runs in figures["looks"].items():
        assert len(runs) == figures["models"][kind]["frechet"]["n"]
        for looks in runs:
            assert len(looks) == 20
            assert looks[-1][0] == figures["models"][kind]["steps"]
            assert all(sum(look[5]) == pytest.approx(1, abs=1e-4) for look in looks)


def test_committed_prior_mistake_costs_quality_and_diversity() -> None:
    prior = results.load("gan_images").figures["prior"]
    assert prior["wrong"]["frechet"]["low"] > prior["right"]["frechet"]["high"]
    assert prior["wrong"]["diversity"]["high"] < prior["right"]["diversity"]["low"]


def test_committed_places_of_the_norm_are_alike_and_better_than_none() -> None:
    places = results.load("gan_norm_place").figures["places"]
    before, after, none = (places[name]["frechet"] for name in ("before", "after", "none"))
    assert before["low"] < after["mean"] < before["high"]
    assert none["mean"] > 2 * max(before["mean"], after["mean"])
    first = {name: [looks[0][1] for looks in places[name]["looks"]] for name in places}
    assert max(first["after"]) < min(first["before"])  # but behind the ReLU it starts faster
