"""Parts of chapter 6's experiments on MNIST that theory can check, and their results."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor, nn

from experiments import vae_gan_fit, vae_gan_mnist, vae_gan_norm_place, vanishing_digits
from experiments.gan_images import Referee
from experiments.vae_gan_fit import Looks, Networks, Pair
from genlib import make_generator, results, seed_everything, zoo
from genlib.data import ImageSet, digits
from genlib.metrics import accuracy, features, moments
from genlib.models.gan import DenseGenerator

CPU = torch.device("cpu")
FLAT = Pair(lambda x: (x.flatten(1), x.flatten(1)), lambda z: z.unflatten(1, (1, 28, 28)))


@dataclasses.dataclass(frozen=True)
class Budget:
    batch_size: int = 8
    latent: int = 6
    width: int = 4


def some_digits() -> ImageSet:
    return digits("all").take(300)


def referee() -> Referee:
    classifier, data = zoo.load("classifier-mnist"), some_digits()
    seen = features(classifier, data)
    return Referee(classifier, moments(seen), seen)


def test_norms_and_places_reach_the_network_they_are_meant_for() -> None:
    made = vae_gan_fit.networks(
        Budget(),
        norms=("batch", "batch", "none"),
        places=("before", "after", "before"),
        layer=1,
    )
    counts = [
        sum(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()) for network in made
    ]
    assert counts == [1, 2, 0]  # no block that sees the image has one
    kinds = [[type(layer).__name__ for layer in network.modules()] for network in made[:2]]
    order = [k.index("BatchNorm2d") > k.index("ReLU") for k in kinds[1:]]
    assert order == [True]
    assert kinds[0][kinds[0].index("BatchNorm2d") + 1] == "LeakyReLU"  # the encoder's is before
    assert made.discriminator.features(torch.zeros(2, 1, 28, 28)).shape == (2, 4 * 14 * 14)


def test_images_are_spread_over_the_test_set(monkeypatch) -> None:
    data = digits("all").take(100)
    monkeypatch.setattr(vae_gan_fit, "mnist", lambda split, device: data)
    x, labels = vae_gan_fit.test_images(25, CPU)
    assert data.labels is not None
    assert torch.equal(x, data.pixels()[::4])
    assert torch.equal(labels, data.labels[::4])
    assert len(vae_gan_fit.test_images(1_000, CPU)[0]) == 100  # no more than there are


def test_scaled_epochs_keep_their_place_in_the_run() -> None:
    steps = vae_gan_fit.scaled_epochs(9_500, (5, 20, 95), of=95)
    assert steps == (500, 2_000, 9_500)


def test_a_perfect_reconstruction_has_no_error_and_a_black_one_the_images_own() -> None:
    judge, data = referee(), some_digits()
    x, labels = data.pixels(), data.labels
    assert labels is not None
    found = vae_gan_fit.reconstruction_scores(judge, FLAT, x, labels)
    assert found["mse"] == found["feature_error"] == 0
    assert found["read_right"] == pytest.approx(accuracy(judge.classifier, data))
    black = Pair(FLAT.encode, lambda z: torch.zeros(len(z), 1, 28, 28))
    found = vae_gan_fit.reconstruction_scores(judge, black, x, labels)
    assert found["mse"] == pytest.approx(float(x.square().mean()))
    assert found["read_right"] <= 0.2  # all read as one class
    # In `feature_error` the squares are summed over the features: E‖f − c‖² = tr cov + ‖μ − c‖².
    one = features(judge.classifier, torch.zeros(1, 1, 28, 28))
    spread = (
        judge.test.var(dim=0, correction=0).sum() + (judge.test.mean(dim=0) - one).square().sum()
    )
    assert found["feature_error"] == pytest.approx(float(spread))


def test_real_images_get_the_scores_of_real_images() -> None:
    judge, x = referee(), some_digits().pixels()
    found = vae_gan_fit.sample_scores(judge, x)
    assert found["frechet"] == pytest.approx(0, abs=1e-6)
    assert found["precision"] == found["recall"] == 1
    noise = torch.rand(x.shape, generator=make_generator(0, "noise"))
    other = vae_gan_fit.sample_scores(judge, noise)
    assert other["precision"] < 0.1
    assert other["kernel"] > found["kernel"]
    assert other["sharpness"] > found["sharpness"]


def test_looks_come_at_equal_steps_and_pictures_where_they_are_wanted() -> None:
    torch.manual_seed(0)
    painter = DenseGenerator(4, (8,)).eval()
    z = torch.randn(3, 4, generator=make_generator(0, "looks"))
    looks = Looks(lambda: {"value": 1.0}, 3, painter, z, shown=(1, 6))
    for step in range(8):
        looks.look(step)
    assert looks.rows == [{"step": 3, "value": 1.0}, {"step": 6, "value": 1.0}]
    assert [kept.shape for kept in looks.kept] == [(3, 1, 28, 28)] * 2


def measure(gamma: float, made: Networks, judge: Referee, n: int = 40) -> vanishing_digits.Measure:
    generator = make_generator(0, "measure")
    z = torch.randn(n, Budget().latent, generator=generator)
    eps = torch.randn(n, Budget().latent, generator=generator)
    return vanishing_digits.Measure(judge, made, z, some_digits().pixels()[:n], eps, gamma, n)


def networks() -> Networks:
    seed_everything(0)
    made = vae_gan_fit.networks(Budget())
    for network in made:
        network.eval()
    return made


def test_the_share_of_the_gradient_grows_with_gamma_as_it_must() -> None:
    made, judge = networks(), referee()
    shares = [measure(gamma, made, judge).gradient_share() for gamma in (0.0, 1e-3, 2e-3)]
    odds = [share / (1 - share) for share in shares]  # γ · ‖∇ likeness‖ / ‖∇ GAN loss‖
    assert odds[0] == 0
    assert odds[1] > 0
    assert odds[2] == pytest.approx(2 * odds[1], rel=1e-4)
    assert all(p.grad is None for network in made for p in network.parameters())


def test_gradient_length_of_a_linear_function() -> None:
    model = nn.Linear(2, 1)
    with torch.no_grad():
        model.bias.fill_(1.0)
    loss = 3 * model.weight[0, 0] - 4 * model.weight[0, 1] + 6 * model.bias.square().sum()
    assert vanishing_digits.gradient_length(loss, model) == pytest.approx(13)  # √(3² + 4² + 12²)


class Silent(nn.Module):
    """An encoder that says of every image what the prior says, but for a shift."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift = shift

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu = torch.full((len(x), Budget().latent), self.shift)
        return mu, torch.zeros_like(mu)


def test_codes_that_follow_the_prior_give_what_the_prior_gives() -> None:
    made, judge = networks(), referee()
    kept = measure(1e-2, made._replace(encoder=Silent(0.0)), judge)  # type: ignore[arg-type]
    found = dataclasses.replace(kept, eps=kept.z)()
    assert found["kl"] == found["mu_squared"] == 0
    assert found["sigma_squared"] == 1
    assert found["frechet_encoded"] == pytest.approx(found["frechet"])
    assert found["entropy_encoded"] == pytest.approx(found["entropy"])
    assert found["code_variance"] == pytest.approx(float(kept.z.var(dim=0).mean()))
    shifted = measure(1e-2, made._replace(encoder=Silent(2.0)), judge)()  # type: ignore[arg-type]
    assert shifted["kl"] == pytest.approx(0.5 * 4 * Budget().latent)  # ½ Σ μ²
    assert shifted["mu_squared"] == pytest.approx(4)


def test_the_drop_is_counted_from_the_look_where_the_mean_is_highest() -> None:
    def curve(*entropies: float) -> list[dict[str, object]]:
        rest = dict.fromkeys((*vanishing_digits.SCORES, *vanishing_digits.LOOK), 0.0)
        return [
            {**rest, "step": step, "entropy": entropy, "shares": [1.0]}
            for step, entropy in enumerate(entropies, start=1)
        ]

    rows = [
        {"variant": "published", "curve": curve(2.0, 1.5, 1.0)},
        {"variant": "published", "curve": curve(1.0, 2.1, 1.4)},
    ]
    found = vanishing_digits.summed_up(rows, ("published",))["variants"]["published"]
    assert found["peak_step"] == 2  # means 1.5, 1.8, 1.2
    assert found["entropy_start"]["mean"] == pytest.approx(1.8)
    assert found["entropy_drop"]["mean"] == pytest.approx((0.5 + 0.7) / 2)
    assert found["entropy"]["mean"] == pytest.approx(1.2)


def test_the_four_variants_are_the_two_mistakes_in_all_combinations() -> None:
    settings = vanishing_digits.SETTINGS
    assert len(set(vanishing_digits.VARIANTS.values())) == 4
    cells = vanishing_digits.cells(settings)
    assert len(cells) == settings.seeds * (4 + len(vanishing_digits.WITHOUT_NORM))
    for steps in (settings.steps, settings.steps_without_norm):
        assert steps % settings.looks == 0  # the last look is at the end


def test_every_setting_of_the_sweep_differs_from_the_model_in_one_thing() -> None:
    settings = vae_gan_mnist.SETTINGS
    assert settings.gamma in settings.gammas
    swept = [cell for cell in vae_gan_mnist.cells(settings) if cell["part"] != "models"]
    assert len(swept) == settings.sweep_seeds * (len(settings.gammas) + len(settings.layers) - 1)
    assert settings.steps % settings.looks == 0


def test_a_run_that_stopped_is_counted_and_has_no_scores() -> None:
    numbers = dict.fromkeys((*vae_gan_norm_place.SCORES, "training_seconds"), 1.0)
    rows = [
        {"place": place, "seed": seed, "stopped": place == "none", **numbers}
        for place in vae_gan_norm_place.PLACES
        for seed in range(2)
    ]
    places = vae_gan_norm_place.summarise(vae_gan_norm_place.SETTINGS, rows)["places"]
    assert places["none"]["stopped"] == 2
    assert places["none"]["frechet"] is None
    assert places["before"]["stopped"] == 0
    assert places["before"]["frechet"]["mean"] == 1.0


def test_what_the_chapter_says_of_vanishing_digits_is_in_the_result() -> None:
    figures = results.load("vanishing_digits").figures
    found = figures["variants"]
    for one in found.values():  # no digit vanishes: each variant ends near its best entropy
        assert one["entropy_drop"]["mean"] < 0.1
        assert one["smallest_class"]["mean"] > 0.02
        # Prior noise gives worse pictures than the codes of images do, also after the repair.
        assert one["frechet_encoded"]["high"] < one["frechet"]["low"]
    for wrong, right in (
        ("published", "kl_only_repaired"),
        ("gamma_only_repaired", "repaired"),
    ):  # the sum in place of the mean brings the codes nearer to the prior
        assert found[right]["kl"]["high"] < found[wrong]["kl"]["low"]
    for wrong, right in (
        ("published", "gamma_only_repaired"),
        ("kl_only_repaired", "repaired"),
    ):  # the right γ is heard, and lowers the error
        assert found[wrong]["gradient_share"]["high"] < 1e-5
        assert found[right]["gradient_share"]["low"] > 0.01
        assert found[right]["mse"]["high"] < found[wrong]["mse"]["low"]
    for runs in figures["without_norm"]["looks"].values():  # all but one class gone, for a while
        lowest = [min(look[1] for look in run[len(run) // 3 :]) for run in runs]
        assert min(lowest) < 0.2
