"""Reference models: small, with a card, and still as good as the card says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import nn

from genlib import make_generator, zoo
from genlib.models.autoencoder import TiedAutoencoder
from genlib.models.noise import Generator
from genlib.models.vae import ConditionalVAE
from genlib.models.vae_gan import VAEGAN


def test_round_trip_in_half_precision(tmp_path: Path) -> None:
    model = TiedAutoencoder(code=3, hidden=(8,))
    zoo.save(model, "toy", settings={"code": 3, "hidden": [8]}, card={"seed": 7}, folder=tmp_path)
    assert zoo.available(tmp_path) == ["toy"]
    assert zoo.card("toy", tmp_path)["seed"] == 7
    again = zoo.load("toy", tmp_path)
    x = torch.rand(2, 1, 28, 28)
    torch.testing.assert_close(again(x), model(x), atol=2e-3, rtol=1e-2)
    assert not again.training
    assert not any(p.requires_grad for p in again.parameters())
    assert next(again.parameters()).dtype == torch.float32


def test_missing_damaged_and_foreign_files_are_named(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    with pytest.raises(FileNotFoundError, match="no reference model 'toy'; there is: none"):
        zoo.load("toy", tmp_path)
    model = TiedAutoencoder(code=3, hidden=(8,))
    path = zoo.save(model, "toy", settings={"code": 3, "hidden": [8]}, card={}, folder=tmp_path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="is damaged"):
        zoo.load("toy", tmp_path)
    save_file({"w": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="no card"):
        zoo.load("toy", tmp_path)
    zoo.save(nn.Linear(1, 1), "toy", settings={}, card={}, folder=tmp_path)
    with pytest.raises(ValueError, match="is a Linear, which this genlib does not know"):
        zoo.load("toy", tmp_path)


@pytest.mark.parametrize("name", zoo.available())
def test_committed_models(name: str) -> None:
    card = zoo.card(name)
    for key in ("model", "settings", "data", "seed", "steps", "scores", "command"):
        assert key in card, key
    assert f"experiments.reference_models {name}" in card["command"]
    assert (zoo.FOLDER / f"{name}.safetensors").stat().st_size <= 1_500_000
    zoo.load(name)


@pytest.mark.skipif("GENLIB_DATA" not in os.environ, reason="scores need the real test sets")
@pytest.mark.parametrize("name", zoo.available())
def test_models_are_as_good_as_their_cards_say(name: str) -> None:
    from experiments.reference_models import BINARISED, NATS, RECIPES, SCORES, binary_nats

    if name in BINARISED:
        found = binary_nats(zoo.load(name))  # type: ignore[arg-type]
        assert zoo.card(name)["scores"] == {f"test {NATS}": pytest.approx(found, abs=2e-3)}
        return
    recipe = RECIPES[name]
    model, test, scores = zoo.load(name), recipe.data("test"), zoo.card(name)["scores"]
    assert set(scores) == {f"test {score}" for score in recipe.scores}
    for score in recipe.scores:
        found = SCORES[score](model, test)
        # Nats are hundreds, and single precision rounds them in the order of its sums.
        assert found == pytest.approx(scores[f"test {score}"], abs=2e-5, rel=1e-5)


def test_all_models_together_stay_small() -> None:
    """12 MB for the chapters, and 1.3 for the three values of β that the page lets you choose."""
    total = sum(path.stat().st_size for path in zoo.FOLDER.glob("*.safetensors"))
    assert 0 < total <= 13_300_000


def test_referees_know_real_digits_from_noise() -> None:
    """A committed classifier must be a trained one: it knows digits of another source."""
    from genlib.data import digits
    from genlib.metrics import accuracy

    assert accuracy(zoo.load("classifier-mnist"), digits("all")) > 0.5


def test_the_conditional_model_draws_the_digit_that_was_asked_for() -> None:
    from experiments.reference_models import obeyed
    from genlib.data import digits

    assert obeyed(zoo.load("cvae-mnist"), digits("all"), per_class=50) > 0.8
    torch.manual_seed(0)
    assert obeyed(ConditionalVAE(), digits("all"), per_class=50) < 0.3  # untrained


GANS = [name for name in zoo.available() if name.startswith(("gan-", "wgan-"))]


@pytest.mark.parametrize("name", GANS)
def test_generators_come_with_the_prior_they_learned_with(name: str) -> None:
    generator = zoo.load(name)
    assert isinstance(generator, Generator)
    assert generator.prior == zoo.card(name)["settings"].get("prior", "normal")
    z = generator.noise(1_000, make_generator(0, "zoo"))
    widest = float(z.abs().max())
    assert widest < 1 if generator.prior == "uniform" else widest > 2.5
    assert z.min() < -0.99  # not [0, 1]
    images = generator(z[:4])
    assert images.min() >= 0
    assert images.max() <= 1


@pytest.mark.parametrize("name", GANS)
def test_cards_of_generators_name_the_network_they_played_against(name: str) -> None:
    card = zoo.card(name)
    rival = card["critic" if name.startswith("wgan-") else "discriminator"]
    assert rival["model"].endswith("Discriminator")
    assert 0 < card["ema_decay"] < 1
    assert (zoo.FOLDER / f"{name}.safetensors").stat().st_size <= 600_000


@pytest.mark.parametrize("name", ["gan-fashion-mnist", "wgan-gp-fashion-mnist"])
def test_convolutional_generators_draw_clothes_of_all_ten_classes(name: str) -> None:
    from experiments.reference_models import samples
    from genlib.metrics import class_histogram

    judge = zoo.load("classifier-fashion-mnist")
    shares = class_histogram(judge, samples(zoo.load(name), 2_000))
    assert shares.min() > 0.03
    assert shares.max() < 0.25


def test_the_reader_of_faces_is_almost_always_right() -> None:
    scores = zoo.card("classifier-faces")["scores"]
    assert len(scores) == 10  # nine attributes and their mean
    assert min(scores.values()) > 0.99
    assert (zoo.FOLDER / "classifier-faces.safetensors").stat().st_size <= 500_000


VAE_GANS = [name for name in zoo.available() if name.startswith("vae-gan-")]


@pytest.mark.parametrize("name", VAE_GANS)
def test_vae_gans_come_with_both_halves_and_the_network_they_played_against(name: str) -> None:
    model, card = zoo.load(name), zoo.card(name)
    assert isinstance(model, VAEGAN)
    assert model.decoder.prior == "normal"
    assert card["discriminator"]["model"] == "FeatureDiscriminator"
    assert card["gamma"] > 0
    assert 0 < card["ema_decay"] < 1
    x = torch.rand(2, *card["settings"].get("image_shape", (1, 28, 28)))
    assert model(x).shape == x.shape
    assert 0 <= model(x).min() <= model(x).max() <= 1


def test_a_vae_gan_gives_digits_of_another_source_back_as_what_they_are() -> None:
    """The decoder never saw these digits; an average digit would be read right once in ten."""
    from experiments.reference_models import reread
    from genlib.data import digits

    assert reread(zoo.load("vae-gan-mnist"), digits("all")) > 0.4


def test_a_vae_gan_draws_all_digits_and_all_kinds_of_faces() -> None:
    from experiments.reference_models import samples
    from genlib.data.faces_attributes import ATTRIBUTES
    from genlib.metrics import attribute_report, class_histogram, read_attributes
    from genlib.models.classifier import AttributeClassifier

    shares = class_histogram(
        zoo.load("classifier-mnist"), samples(zoo.load("vae-gan-mnist"), 2_000)
    )
    assert shares.min() > 0.01
    reader = zoo.load("classifier-faces")
    assert isinstance(reader, AttributeClassifier)
    read = read_attributes(reader, samples(zoo.load("vae-gan-faces"), 500))
    assert len(attribute_report(read, ATTRIBUTES).missing) <= 3
