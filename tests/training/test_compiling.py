"""Compiled losses equal the eager ones while both train; a mistake in the option is named."""

from __future__ import annotations

import shutil
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from genlib import seed_everything
from genlib.data import BatchStream, ImageSet, digits
from genlib.losses import critic_loss
from genlib.models.gan import ConvDiscriminator, ConvGenerator, DenseDiscriminator, DenseGenerator
from genlib.models.vae import DenseVAE
from genlib.models.vae_gan import Encoder, FeatureDiscriminator
from genlib.training import (
    History,
    Player,
    compiled,
    gan_players,
    train,
    vae_gan_players,
    vae_player,
    wgan_clip_players,
    wgan_gp_players,
)
from genlib.training.recipes import gan, vae, vae_gan, wgan_gp

STEPS = 4


@pytest.fixture(scope="module")
def data() -> ImageSet:
    return digits("train")


@pytest.fixture(autouse=True)
def _forget_compiled_code():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.fixture
def aot_eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trace forward and backward as inductor would, but run torch's own kernels: fast to test."""
    for recipe in (gan, vae, vae_gan, wgan_gp):
        monkeypatch.setattr(recipe, "compiled", partial(compiled, backend="aot_eager"))


def make(name: str, mode: str | None) -> list[Player]:
    seed_everything(0)
    if name == "vae":
        return [vae_player(DenseVAE(3, (8,)), steps=STEPS, compile=mode)]
    if name == "gan":
        return gan_players(DenseGenerator(4, (8,)), DenseDiscriminator((8,)), compile=mode)
    if name == "wgan_gp":
        return wgan_gp_players(DenseGenerator(4, (8,)), DenseDiscriminator((8,)), compile=mode)
    if name == "r1":
        return gan_players(DenseGenerator(4, (8,)), DenseDiscriminator((8,)), r1=1.0, compile=mode)
    if name == "one_sided":
        pair = DenseGenerator(4, (8,)), DenseDiscriminator((8,))
        return wgan_gp_players(*pair, one_sided=True, compile=mode)
    if name == "wgan_clip":
        return wgan_clip_players(DenseGenerator(4, (8,)), DenseDiscriminator((8,)), compile=mode)
    if name == "conv_wgan_gp":
        critic = ConvDiscriminator(4, norm="layer")
        return wgan_gp_players(ConvGenerator(4, 4), critic, compile=mode)
    networks = Encoder(4, 4), ConvGenerator(4, 4), FeatureDiscriminator(4)
    return vae_gan_players(*networks, compile=mode)


def run(name: str, mode: str | None, data: ImageSet) -> History:
    return train(make(name, mode), BatchStream(data, 16, seed=0), steps=STEPS, seed=0,
                 progress=False)  # fmt: skip


@pytest.mark.usefixtures("aot_eager")
@pytest.mark.parametrize(
    "name",
    ["vae", "gan", "r1", "wgan_gp", "one_sided", "wgan_clip", "conv_wgan_gp", "vae_gan"],
)
def test_compiled_players_train_like_eager_ones(name: str, data: ImageSet) -> None:
    eager, fast = run(name, None, data), run(name, "default", data)
    assert eager.names() == fast.names()
    for column in eager.names():
        np.testing.assert_allclose(fast[column], eager[column], rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="inductor needs a C++ compiler (g++)")
@pytest.mark.parametrize(
    ("name", "mode"), [("vae", "default"), ("wgan_gp", "default"), ("wgan_gp", "cuda-graphs")]
)
def test_inductor_trains_like_eager(name: str, mode: str, data: ImageSet) -> None:
    """On a CPU "cuda-graphs" records nothing, but everything around it runs."""
    eager, fast = run(name, None, data), run(name, mode, data)
    for column in eager.names():
        np.testing.assert_allclose(fast[column], eager[column], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("short", "tolerance"), [(None, 1e-5), (torch.bfloat16, 2e-2), (torch.float16, 3e-3)]
)
def test_the_critics_whole_loss_is_one_graph(short: torch.dtype | None, tolerance: float) -> None:
    """In short formats both round, at different places: relative error of whole tensors."""
    seed_everything(0)
    critic = ConvDiscriminator(4, norm="layer")
    x, fake = torch.rand(2, 6, 1, 28, 28)
    eps = torch.rand(6)

    def loss(x: Tensor, fake: Tensor, eps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return critic_loss(critic, x, fake, eps)

    results = []
    for function in (loss, compiled(loss, "default", backend="aot_eager")):
        with torch.autocast("cpu", dtype=short or torch.bfloat16, enabled=short is not None):
            total, _, penalty = function(x, fake, eps)
        critic.zero_grad()
        total.mean().backward()
        results.append([total, penalty, *(p.grad for p in critic.parameters())])
    for eager, fast in zip(*results, strict=True):
        assert (fast - eager).norm() <= tolerance * eager.norm()


def test_off_by_default() -> None:
    def function(x: Tensor) -> Tensor:
        return x

    assert compiled(function, None) is function


def test_a_function_that_breaks_the_graph_is_refused() -> None:
    """Silently compiling only parts would hide that the option gains nothing."""

    def function(x: Tensor) -> Tensor:
        print("side effect")
        return x * x.sum().item()

    with pytest.raises(torch._dynamo.exc.Unsupported):
        compiled(function, "default", backend="aot_eager")(torch.ones(2))


def test_unknown_modes_are_refused() -> None:
    with pytest.raises(ValueError, match="compile is 'fast'; use None, default, cuda-graphs"):
        vae_player(DenseVAE(), steps=1, compile="fast")  # type: ignore[arg-type]
