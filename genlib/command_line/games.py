"""The models whose players move in turn: GAN, WGAN, WGAN-GP, VAE-GAN.

torch is imported inside the functions, so that `--help` does not wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genlib.command_line.built import Built, Shape

if TYPE_CHECKING:
    import torch
    from torch import nn

    from genlib.models.gan import ConvGenerator, DenseGenerator
    from genlib.models.noise import Prior
    from genlib.training import Player
    from genlib.training.compiling import CompileMode


def gan(
    shape: Shape, steps: int, device: torch.device, *, network: str = "auto", latent: int = 100,
    width: int = 64, learning_rate: float = 2e-4, r1: float = 0.0, prior: Prior = "normal",
    ema: float | None = None, compile: CompileMode | None = None,
) -> Built:  # fmt: skip
    """generator against discriminator (Goodfellow et al. 2014; Radford et al. 2016)"""
    from genlib.training import gan_players

    generator, discriminator = _pair(shape, network, latent, width, prior, (128,))
    players = gan_players(
        generator.to(device), discriminator.to(device), learning_rate=learning_rate, r1=r1,
        compile=compile, ema_decay=ema,
    )  # fmt: skip
    return _game(players, latent, judge_name="discriminator")


def wgan(
    shape: Shape, steps: int, device: torch.device, *, network: str = "conv", latent: int = 128,
    width: int = 64, learning_rate: float = 5e-5, bound: float = 0.01, critic_moves: int = 5,
    prior: Prior = "normal", ema: float | None = None, compile: CompileMode | None = None,
) -> Built:  # fmt: skip
    """Wasserstein GAN with clipped weights (Arjovsky et al. 2017)"""
    from genlib.training import wgan_clip_players

    generator, critic = _pair(shape, network, latent, width, prior, (512, 512, 512))
    players = wgan_clip_players(
        generator.to(device), critic.to(device), learning_rate=learning_rate, bound=bound,
        critic_moves=critic_moves, compile=compile, ema_decay=ema,
    )  # fmt: skip
    return _game(players, latent, judge_name="critic")


def wgan_gp(
    shape: Shape, steps: int, device: torch.device, *, network: str = "conv", latent: int = 128,
    width: int = 64, learning_rate: float = 1e-4, penalty_weight: float = 10.0,
    one_sided: bool = False, critic_moves: int = 5, prior: Prior = "normal",
    ema: float | None = None, compile: CompileMode | None = None,
) -> Built:  # fmt: skip
    """Wasserstein GAN with gradient penalty (Gulrajani et al. 2017)"""
    from genlib.training import wgan_gp_players

    generator, critic = _pair(shape, network, latent, width, prior, (512, 512, 512))
    players = wgan_gp_players(
        generator.to(device), critic.to(device), learning_rate=learning_rate,
        penalty_weight=penalty_weight, one_sided=one_sided, critic_moves=critic_moves,
        compile=compile, ema_decay=ema,
    )  # fmt: skip
    return _game(players, latent, judge_name="critic")


def _pair(
    shape: Shape, network: str, latent: int, width: int, prior: Prior, hidden: tuple[int, ...]
) -> tuple[DenseGenerator | ConvGenerator, nn.Module]:
    """A generator, and the network that judges it."""
    from genlib.models import gan as networks

    if network == "dense":
        generator = networks.DenseGenerator(latent, hidden, shape, prior)
        return generator, networks.DenseDiscriminator(hidden, shape)
    painter = networks.ConvGenerator(latent, width, shape, prior=prior)
    return painter, networks.ConvDiscriminator(width, shape)


def _game(players: list[Player], latent: int, judge_name: str) -> Built:
    from genlib.export import Painter

    judge, generator = players
    paint: Any = generator.best_model
    return Built(
        players, Painter(paint), latent, codes=paint.noise, judge=judge.best_model,
        judge_name=judge_name,
    )  # fmt: skip


def vae_gan(
    shape: Shape, steps: int, device: torch.device, *, latent: int = 128, width: int = 64,
    learning_rate: float = 2e-4, gamma: float = 1e-3, beta: float = 1.0, ema: float | None = None,
    compile: CompileMode | None = None,
) -> Built:  # fmt: skip
    """encoder, decoder and discriminator (Larsen et al. 2016)"""
    from genlib.export import Painter
    from genlib.models.gan import ConvGenerator
    from genlib.models.vae_gan import Encoder, FeatureDiscriminator
    from genlib.training import vae_gan_players

    players = vae_gan_players(
        Encoder(latent, width, shape).to(device), ConvGenerator(latent, width, shape).to(device),
        FeatureDiscriminator(width, shape).to(device), gamma=gamma, beta=beta,
        learning_rate=learning_rate, compile=compile, ema_decay=ema,
    )  # fmt: skip
    encode, paint, judge = (player.best_model for player in players)
    return Built(
        players, Painter(paint), latent, reconstruct=lambda x: paint(encode(x)[0]),
        judge=lambda x: judge(x)[1],
    )  # fmt: skip
