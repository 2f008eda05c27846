"""The players of chapter 3 are plain PyTorch, log what they lower, learn, and resume exactly."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from genlib import make_generator, seed_everything
from genlib.data import BatchStream, ImageSet, digits
from genlib.losses import elbo_terms, importance_weighted_bound
from genlib.models.vae import VAE, ConditionalVAE, ConvVAE, DenseVAE, GaussianVAE
from genlib.training import (
    ChangedSettingsError,
    Checkpoints,
    Move,
    Player,
    iwae_player,
    train,
    vae_player,
    warmup_cosine,
)
from tests.training.counting import count_calls, same

Loss = Callable[[Tensor, Tensor, int, torch.Generator], Tensor]


@pytest.fixture(scope="module")
def data() -> ImageSet:
    return digits("train")


def small() -> DenseVAE:
    seed_everything(0)
    return DenseVAE(latent=4, hidden=(32,))


def test_the_engine_adds_no_magic(data: ImageSet) -> None:
    mine, plain = small(), small()
    train([vae_player(mine, steps=20, beta=0.5)], BatchStream(data, 32, seed=3), steps=20, seed=7,
          progress=False)  # fmt: skip

    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-3, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    noise, stream = make_generator(7, "train"), BatchStream(data, 32, seed=3)
    for _ in range(20):
        x = next(stream).x
        mu, log_var = plain.encoder(x).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * log_var) * torch.randn(32, 4, generator=noise)
        nll = F.binary_cross_entropy_with_logits(plain.decoder(z), x, reduction="none")
        kl = 0.5 * (mu.square() + (log_var.expm1() - log_var)).sum(1)
        loss = (nll.flatten(1).sum(1) + 0.5 * kl).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    assert same(mine, plain)


def by_hand(model: torch.nn.Module, data: ImageSet, loss: Loss, steps: int = 12) -> None:
    """Adam on `loss(x, y, step, noise)`, written down once more."""
    free = {name: p for name, p in model.named_parameters() if p.requires_grad}
    width = [free.pop("log_var_x")] if "log_var_x" in free else []
    groups = [{"params": [*free.values()]}, {"params": width, "lr": 1e-2}]
    optimizer = torch.optim.Adam(groups, lr=1e-3, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    noise, stream = make_generator(7, "train"), BatchStream(data, 16, seed=3)
    for step in range(steps):
        batch = next(stream)
        value = loss(batch.x, batch.y, step, noise)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()


def engine(player: Player, data: ImageSet, steps: int = 12) -> dict[str, np.ndarray]:
    stream = BatchStream(data, 16, seed=3)
    history = train([player], stream, steps=steps, seed=7, progress=False, log_every=1)
    return {name: history[name] for name in history.names()}


def labelled() -> ConditionalVAE:
    seed_everything(0)
    return ConditionalVAE(10, latent=4, hidden=(32,))


def gaussian() -> GaussianVAE:
    seed_everything(0)
    return GaussianVAE(4, (32,))


@pytest.mark.parametrize("make", [small, gaussian])
def test_kl_warmup_raises_the_weight_step_by_step(make: Callable[[], VAE], data: ImageSet) -> None:
    mine, plain = make(), make()
    logged = engine(vae_player(mine, steps=12, beta=2.0, kl_warmup=8), data)
    weights = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2, 2, 2]

    def loss(x: Tensor, y: Tensor, step: int, noise: torch.Generator) -> Tensor:
        nll, kl = elbo_terms(plain, x, torch.randn(16, 4, generator=noise))
        return (nll + weights[step] * kl.sum(1)).mean()

    by_hand(plain, data, loss)
    assert same(mine, plain)
    expected = logged["reconstruction"] + np.array(weights) * logged["kl"]
    np.testing.assert_allclose(logged["vae"], expected, rtol=1e-6)


@pytest.mark.parametrize("least", [0.0, 0.05, 50.0])
def test_least_kl_floors_the_mean_of_each_dimension(least: float, data: ImageSet) -> None:
    mine, plain = small(), small()
    logged = engine(vae_player(mine, steps=12, beta=2.0, kl_warmup=3, least_kl=least), data)

    def loss(x: Tensor, y: Tensor, step: int, noise: torch.Generator) -> Tensor:
        weight = 2.0 * min(1, step / 3)
        nll, kl = elbo_terms(plain, x, torch.randn(16, 4, generator=noise))
        if least == 0:
            return (nll + weight * kl.sum(1)).mean()
        return nll.mean() + weight * kl.mean(0).clamp(min=least).sum()

    by_hand(plain, data, loss)
    assert same(mine, plain)
    assert (logged["kl"] < 50).all()  # the KL itself is logged, not the floor
    if least == 50.0:
        np.testing.assert_allclose(logged["vae"][3:], logged["reconstruction"][3:] + 400)


def test_under_a_high_floor_the_encoder_is_an_autoencoders(data: ImageSet) -> None:
    """Below the floor the KL term has no gradient: the weight of it does not matter."""
    runs = [small(), small()]
    for model, beta in zip(runs, (1.0, 100.0), strict=True):
        engine(vae_player(model, steps=12, beta=beta, least_kl=1e4), data)
    assert same(*runs)


class Seen(DenseVAE):
    """Keeps the images it was given."""

    def __init__(self) -> None:
        super().__init__(4, (8,))
        self.images: list[Tensor] = []

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.images.append(x.detach())
        return super().encode(x)


@pytest.mark.parametrize("kind", ["vae", "iwae"])
def test_binarised_pixels_are_fair_draws_of_the_grey_ones(kind: str, data: ImageSet) -> None:
    model, steps = Seen(), 600
    one = data.take(1)
    player = (
        vae_player(model, steps=steps, binarise=True)
        if kind == "vae"
        else iwae_player(model, steps=steps, samples=2, binarise=True)
    )
    train([player], BatchStream(one, 1, seed=0), steps=steps, progress=False)
    seen, grey = torch.cat(model.images), one.pixels()[0]
    assert set(seen.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(seen[0], seen[1])  # drawn afresh in each step
    error = (grey * (1 - grey) / steps).sqrt()
    assert ((seen.mean(0) - grey).abs() <= 5 * error + 1e-6).all()
    unsure = (grey > 0.05) & (grey < 0.95)
    z = ((seen.mean(0) - grey) / error)[unsure]
    assert 0.7 < z.square().mean() < 1.4  # as far off as chance, and no nearer
    assert len(z) > 100


def test_what_is_binarised_comes_from_the_runs_generator(data: ImageSet) -> None:
    mine, plain = small(), small()
    engine(vae_player(mine, steps=12, binarise=True), data)

    def loss(x: Tensor, y: Tensor, step: int, noise: torch.Generator) -> Tensor:
        x = (torch.rand(x.shape, generator=noise) < x).float()
        nll, kl = elbo_terms(plain, x, torch.randn(16, 4, generator=noise))
        return (nll + kl.sum(1)).mean()

    by_hand(plain, data, loss)
    assert same(mine, plain)


@pytest.mark.parametrize("chunk", [None, 2])
@pytest.mark.parametrize("binarise", [False, True])
def test_iwae_is_plain_pytorch(chunk: int | None, binarise: bool, data: ImageSet) -> None:
    mine, plain = small(), small()
    player = iwae_player(mine, steps=12, samples=5, chunk=chunk, binarise=binarise)
    logged = engine(player, data)

    def loss(x: Tensor, y: Tensor, step: int, noise: torch.Generator) -> Tensor:
        if binarise:
            x = (torch.rand(x.shape, generator=noise) < x).float()
        eps = torch.randn(16, 5, 4, generator=noise).transpose(0, 1)
        if chunk is not None:
            return -importance_weighted_bound(plain, x, eps, chunk).mean()
        # From scratch: log p(x|z) + log p(z) − log q(z|x), then the log of the mean of exp.
        mu, log_var = plain.encoder(x).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * log_var) * eps
        logits = plain.decoder(z.flatten(0, 1)).unflatten(0, (5, 16))
        cross = F.binary_cross_entropy_with_logits(logits, x.expand(5, *x.shape), reduction="none")
        log_w = 0.5 * (eps.square() + log_var - z.square()).sum(2) - cross.flatten(2).sum(2)
        return -(log_w.logsumexp(0) - math.log(5)).mean()

    by_hand(plain, data, loss)
    assert same(mine, plain)
    assert set(logged) == {"iwae"}
    assert (logged["iwae"] > 0).all()


def test_iwae_with_one_sample_has_the_expectation_of_the_elbo(data: ImageSet) -> None:
    model, x = small(), data.take(4).pixels()
    vae, iwae = vae_player(model, steps=1), iwae_player(model, steps=1, samples=1)
    noise, n = make_generator(0, "noise"), 2_000
    with torch.no_grad():
        ours, theirs = (
            torch.stack([player.loss(Move(x, None, 0, noise)) for _ in range(n)])
            for player in (iwae, vae)
        )
    error = ((ours.var() + theirs.var()) / n) ** 0.5
    assert error < 0.5
    assert (ours.mean() - theirs.mean()).abs() < 4 * error


def test_iwae_learns_what_the_vae_learns_and_chunks_change_nothing(data: ImageSet) -> None:
    losses = []
    for chunk in (None, 2):
        seed_everything(0)
        model = DenseVAE(8, (64,))
        player = iwae_player(model, steps=60, samples=5, chunk=chunk, learning_rate=3e-3)
        history = train([player], BatchStream(data, 64, seed=0), steps=60, progress=False)
        losses.append(history["iwae"])
    assert losses[0][-1] < 0.7 * losses[0][0]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)


@pytest.mark.parametrize("kind", ["vae", "iwae"])
def test_a_conditional_model_is_told_the_labels_of_the_stream(kind: str, data: ImageSet) -> None:
    mine, plain = labelled(), labelled()
    engine(
        vae_player(mine, steps=12) if kind == "vae" else iwae_player(mine, steps=12, samples=3),
        data,
    )

    def loss(x: Tensor, y: Tensor, step: int, noise: torch.Generator) -> Tensor:
        if kind == "vae":
            nll, kl = elbo_terms(plain.given(y), x, torch.randn(16, 4, generator=noise))
            return (nll + kl.sum(1)).mean()
        eps = torch.randn(16, 3, 4, generator=noise).transpose(0, 1)
        return -importance_weighted_bound(plain.given(y), x, eps).mean()

    by_hand(plain, data, loss)
    assert same(mine, plain)


def test_a_conditional_model_draws_the_class_it_is_told() -> None:
    """After a short training the mean image of each class is nearest to that class's own mean."""
    data = digits("train", size=8)
    seed_everything(0)
    model = ConditionalVAE(10, 2, (64,), (1, 8, 8))
    player = vae_player(model, steps=300, learning_rate=5e-3)
    train([player], BatchStream(data, 64, seed=0), steps=300, progress=False)
    x, y = data.pixels().flatten(1), data.labels
    assert y is not None
    means = torch.stack([x[y == k].mean(0) for k in range(10)])
    drawn = model.sample(torch.zeros(10, 2), torch.arange(10)).flatten(1)
    assert torch.cdist(drawn, means).argmin(1).tolist() == list(range(10))


@pytest.mark.parametrize("kind", ["vae", "iwae"])
def test_missing_labels_are_named(kind: str, data: ImageSet) -> None:
    bare, model = replace(data, labels=None), labelled()
    player = vae_player(model, steps=2) if kind == "vae" else iwae_player(model, steps=2, samples=2)
    with pytest.raises(ValueError, match="needs labels, and this stream's images have none"):
        train([player], BatchStream(bare, 16, seed=0), steps=2, progress=False)


PLAYERS: dict[str, Callable[[], Player]] = {
    "warmup": lambda: vae_player(small(), steps=12, kl_warmup=9, warmup=2, binarise=True),
    "free": lambda: vae_player(gaussian(), steps=12, least_kl=0.05, ema_decay=0.9),
    "iwae": lambda: iwae_player(small(), steps=12, samples=3, chunk=2, binarise=True),
    "labels": lambda: iwae_player(labelled(), steps=12, samples=2, ema_decay=0.9),
}


@pytest.mark.parametrize("name", PLAYERS)
def test_a_resumed_run_is_the_same_run(name: str, data: ImageSet, tmp_path: Path) -> None:
    def run(player: Player, folder: str, steps: int) -> Player:
        stream = BatchStream(data, 16, seed=3)
        plan = Checkpoints(tmp_path / folder, every_steps=5, every_seconds=None)
        train([player], stream, steps=steps, seed=7, progress=False, checkpoints=plan)
        return player

    whole = run(PLAYERS[name](), "whole", 12)
    run(PLAYERS[name](), "parts", 7)
    parts = run(PLAYERS[name](), "parts", 12)
    assert same(whole.model, parts.model)
    assert same(whole.best_model, parts.best_model)
    assert not same(whole.model, PLAYERS[name]().model)


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ({"kl_warmup": 4}, {"kl_warmup": 5}, "kl_warmup: 4 then, 5 now"),
        ({"least_kl": 0.1}, {"least_kl": 0.2}, "least_kl: 0.1 then, 0.2 now"),
        ({}, {"binarise": True}, "binarise: False then, True now"),
        ({"samples": 2}, {"samples": 3}, "samples: 2 then, 3 now"),
        ({"samples": 4, "chunk": 2}, {"samples": 4, "chunk": 3}, "chunk: 2 then, 3 now"),
    ],
)
def test_another_option_is_another_run(
    before: dict, after: dict, named: str, data: ImageSet, tmp_path: Path
) -> None:
    def run(options: dict, steps: int) -> None:
        make = iwae_player if "samples" in options else vae_player
        plan = Checkpoints(tmp_path, every_steps=2, every_seconds=None)
        train([make(small(), steps=6, **options)], BatchStream(data, 16, seed=0), steps=steps,
              progress=False, checkpoints=plan)  # fmt: skip

    run(before, 2)
    with pytest.raises(ChangedSettingsError, match=named):
        run(after, 6)


def test_nothing_is_computed_twice(data: ImageSet) -> None:
    model = small()
    calls = count_calls(encoder=model.encoder, decoder=model.decoder)
    train([vae_player(model, steps=3)], BatchStream(data, 32, seed=0), steps=3, progress=False)
    assert calls == {"encoder": 3, "decoder": 3}
    iwae = iwae_player(model, steps=3, samples=4)
    train([iwae], BatchStream(data, 32, seed=0), steps=3, progress=False)
    assert calls == {"encoder": 6, "decoder": 6}  # all samples in one pass


def test_the_history_has_both_terms_and_their_sum(data: ImageSet) -> None:
    model = small()
    history = train([vae_player(model, steps=6, beta=3.0)], BatchStream(data, 32, seed=0), steps=6,
                    progress=False)  # fmt: skip
    total = history["reconstruction"] + 3.0 * history["kl"]
    np.testing.assert_allclose(history["vae"], total, rtol=1e-6)
    assert history["reconstruction"][0] == pytest.approx(784 * math.log(2), rel=0.05)


def test_it_learns(data: ImageSet) -> None:
    seed_everything(0)
    model = ConvVAE(8, width=8)
    player = vae_player(model, steps=150, learning_rate=3e-3, ema_decay=0.9)
    history = train([player], BatchStream(data, 64, seed=0), steps=150, progress=False)
    assert history["vae"][-1] < 0.6 * history["vae"][0]
    assert not same(player.best_model, model)


@pytest.mark.parametrize("warmup", [0, 1, 10])
def test_warmup_then_cosine(warmup: int, recwarn: pytest.WarningsRecorder) -> None:
    parameter = torch.nn.Parameter(torch.zeros(()))
    optimizer = torch.optim.SGD([parameter], lr=0.2)
    schedule, rates = warmup_cosine(optimizer, 50, warmup), []
    for _ in range(50):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    rise = [0.2 * (t + 1) / (warmup + 1) for t in range(warmup)]
    length = 50 - warmup
    fall = [0.1 * (1 + math.cos(math.pi * t / length)) for t in range(length)]
    np.testing.assert_allclose(rates, rise + fall, atol=1e-12)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)
    assert not recwarn.list


def test_a_schedule_resumes_where_it_stood() -> None:
    def run(steps: int, state: dict | None = None) -> tuple[float, dict]:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=0.2)
        schedule = warmup_cosine(optimizer, 20, 5)
        if state is not None:
            optimizer.load_state_dict(state["optimizer"])
            schedule.load_state_dict(state["schedule"])
        for _ in range(steps):
            optimizer.step()
            schedule.step()
        saved = {"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}
        return optimizer.param_groups[0]["lr"], saved

    for stop in (2, 5, 9):
        _, state = run(stop)
        assert run(12 - stop, state)[0] == run(12)[0]


@pytest.mark.parametrize("warmup", [-1, 10, 11])
def test_a_warmup_that_leaves_no_steps_is_refused(warmup: int) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=0.2)
    with pytest.raises(ValueError, match=f"warmup is {warmup}.*= 9"):
        warmup_cosine(optimizer, 10, warmup)


@pytest.mark.parametrize("wrong", [{"kl_warmup": -1}, {"least_kl": -0.1}])
def test_negative_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        vae_player(small(), steps=10, **wrong)


def test_a_learned_width_reaches_the_error_in_a_short_run(data: ImageSet) -> None:
    seed_everything(0)
    model = GaussianVAE(latent=8, hidden=(64,))
    steps = 400
    player = vae_player(model, steps=steps, learning_rate=2e-3)
    train([player], BatchStream(data, 64, seed=0), steps=steps, progress=False)
    x = data.pixels()[:500]
    with torch.no_grad():
        mse = (model(x) - x).square().mean().item()
    # At the rate of the weights alone, log σ² could go 400 · 0.002 / 2 = 0.4 nats: σ² ≥ 0.67.
    assert mse < model.sigma**2 < 2 * mse + 0.02
