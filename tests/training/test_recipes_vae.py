"""The VAE's player is plain PyTorch, logs both terms of the ELBO, and learns."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from genlib import make_generator, seed_everything
from genlib.data import BatchStream, ImageSet, digits
from genlib.models.vae import ConvVAE, DenseVAE
from genlib.training import train, vae_player, warmup_cosine
from tests.training.counting import count_calls, same


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


def test_nothing_is_computed_twice(data: ImageSet) -> None:
    model = small()
    calls = count_calls(encoder=model.encoder, decoder=model.decoder)
    train([vae_player(model, steps=3)], BatchStream(data, 32, seed=0), steps=3, progress=False)
    assert calls == {"encoder": 3, "decoder": 3}


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
