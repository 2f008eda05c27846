"""A generator's prior: its distribution, and that it goes wherever the weights go."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from genlib import make_generator, zoo
from genlib.models.gan import ConvGenerator, DenseGenerator, UnpaddedGenerator
from genlib.models.noise import Generator
from genlib.models.points import PointGenerator
from genlib.training import Move

KINDS = [
    lambda prior: DenseGenerator(5, (8,), prior=prior),
    lambda prior: ConvGenerator(5, 4, prior=prior),
    lambda prior: UnpaddedGenerator(5, 2, prior=prior),
    lambda prior: PointGenerator(5, (8,), prior=prior),
]


@pytest.mark.parametrize("make", KINDS)
def test_noise_has_the_priors_distribution(make) -> None:
    for prior, law in (("normal", stats.norm()), ("uniform", stats.uniform(-1, 2))):
        z = make(prior).noise(2000, make_generator(0, "noise"))
        assert z.shape == (2000, 5)
        assert stats.kstest(z.flatten().numpy(), law.cdf).pvalue > 0.001
        assert (z[:, 0] != z[:, 1]).all()
    assert -1 <= z.min() < -0.99  # all of it, not [0, 1]
    assert 0.99 < z.max() < 1


def test_noise_is_that_of_the_generator() -> None:
    normal, uniform = DenseGenerator(3), DenseGenerator(3, prior="uniform")
    drawn = torch.randn(4, 3, generator=make_generator(1, "z"))
    assert torch.equal(normal.noise(4, make_generator(1, "z")), drawn)
    drawn = 2 * torch.rand(4, 3, generator=make_generator(1, "z")) - 1
    assert torch.equal(uniform.noise(4, make_generator(1, "z")), drawn)


@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_a_move_draws_the_same_noise(prior) -> None:
    generator = DenseGenerator(3, prior=prior)
    move = Move(torch.zeros(6, 1, 28, 28), None, 0, make_generator(1, "z"))
    assert torch.equal(generator.draw(move), generator.noise(6, make_generator(1, "z")))


def range_of(generator: Generator) -> tuple[bool, Tensor]:
    z = generator.noise(500, make_generator(0, "range"))
    return bool(z.abs().max() <= 1), z


def test_loaded_weights_bring_their_prior() -> None:
    """The mistake to be made impossible: trained on one prior, sampled from another."""
    trained = DenseGenerator(4, (8,), prior="uniform")
    other = DenseGenerator(4, (8,))  # whoever loads need not know
    assert not range_of(other)[0]
    other.load_state_dict(trained.state_dict())
    assert other.prior == "uniform"
    assert torch.equal(range_of(other)[1], range_of(trained)[1])
    other.load_state_dict(DenseGenerator(4, (8,)).state_dict())
    assert other.prior == "normal"
    inside = torch.nn.Sequential(DenseGenerator(4, (8,)))
    inside.load_state_dict(torch.nn.Sequential(trained).state_dict())
    assert inside[0].prior == "uniform"


def test_averages_keep_the_prior() -> None:
    average = AveragedModel(DenseGenerator(4, (8,), prior="uniform"))
    average.update_parameters(DenseGenerator(4, (8,), prior="uniform"))
    assert range_of(average.module)[0]
    assert bool(average.module.uniform_prior)


def test_reference_models_keep_the_prior(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(zoo, "MODELS", (*zoo.MODELS, DenseGenerator))
    trained = DenseGenerator(4, (8,), prior="uniform")
    settings = {"latent": 4, "hidden": (8,)}  # without the prior, by mistake
    zoo.save(trained, "gan", settings=settings, card={}, folder=tmp_path)
    loaded = zoo.load("gan", tmp_path)
    assert isinstance(loaded, DenseGenerator)
    assert loaded.prior == "uniform"
    assert torch.equal(range_of(loaded)[1], range_of(trained)[1])


def test_the_prior_is_in_sight_and_fixed() -> None:
    generator = DenseGenerator(4, (8,), prior="uniform")
    assert "latent=4, prior='uniform'" in repr(generator)
    with pytest.raises(AttributeError):
        generator.prior = "normal"  # type: ignore[misc]


@pytest.mark.parametrize("make", KINDS)
def test_another_prior_is_refused(make) -> None:
    with pytest.raises(ValueError, match="prior is 'cauchy'; use 'normal' or 'uniform'"):
        make("cauchy")
