"""The models of the course by name: what `python -m genlib train MODEL` builds.

Adding one is a function here and a line in `MODELS`. The keyword arguments of the function are the
model's options on the command line, with their defaults; an option that it does not take is refused
for it. torch is imported inside the functions, so that `--help` does not wait for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from genlib.models.gan import ConvGenerator, DenseGenerator
    from genlib.models.noise import Prior
    from genlib.models.vae import VAE, ConditionalVAE
    from genlib.training import Player
    from genlib.training.compiling import CompileMode

    Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Built:
    """A model with its players, and what the commands can do with it. All of it in the averaged
    weights where averaging is on.

    Attributes:
        players: for `train`.
        painter: from `z [B, latent]` to images in [0, 1].
        latent: length of `z`.
        classes: how many labels the painter is told: one-hot beside `z`, `[B, latent + classes]`.
        prior: whether `z` from a prior gives samples. It does not for autoencoders.
        codes: gives n of `z` from the prior, with a generator; None where that is N(0, I).
        reconstruct: from images to images, where the model does that without labels.
        noise: standard deviation of the noise that `reconstruct` shall remove.
        variational: the model itself where it has a bound on log p(x).
        binarise: whether it was trained on pixels drawn as 0 or 1.
        judge: from images to `[B]`, logits of a discriminator or scores of a critic.
        best: name in the history whose lowest value marks the best checkpoint. None for games: a
            player's loss says how it fares against the other, not how good the pictures are.
    """

    players: list[Player]
    painter: nn.Module
    latent: int
    classes: int = 0
    prior: bool = True
    codes: Callable[[int, torch.Generator], Tensor] | None = None
    reconstruct: Callable[[Tensor], Tensor] | None = None
    noise: float = 0.0
    variational: VAE | ConditionalVAE | None = None
    binarise: bool = False
    judge: Callable[[Tensor], Tensor] | None = None
    judge_name: str = "discriminator"
    best: str | None = None


def autoencoder(
    shape: Shape, steps: int, device: torch.device, *, network: str = "auto", latent: int = 20,
    width: int = 16, learning_rate: float = 1e-3, ema: float | None = None,
) -> Built:  # fmt: skip
    """a narrow code and back (chapter 1)"""
    return _autoencoder(shape, steps, device, network, latent, width, learning_rate, 0.0, ema)


def denoising_autoencoder(
    shape: Shape, steps: int, device: torch.device, *, network: str = "auto", latent: int = 20,
    width: int = 16, learning_rate: float = 1e-3, noise: float = 0.4, ema: float | None = None,
) -> Built:  # fmt: skip
    """the same, shown noisy pictures (Vincent et al. 2008)"""
    return _autoencoder(shape, steps, device, network, latent, width, learning_rate, noise, ema)


def _autoencoder(
    shape: Shape, steps: int, device: torch.device, network: str, latent: int, width: int,
    learning_rate: float, noise: float, ema: float | None,
) -> Built:  # fmt: skip
    from genlib.export import Painter
    from genlib.models.autoencoder import ConvAutoencoder, DenseAutoencoder
    from genlib.training import autoencoder_player

    model = (
        DenseAutoencoder(latent, image_shape=shape)
        if network == "dense"
        else ConvAutoencoder(latent, width, shape)
    ).to(device)
    player = autoencoder_player(model, steps=steps, learning_rate=learning_rate, noise_std=noise)
    player = replace(player, ema_decay=ema)
    best = player.best_model
    return Built(
        [player], Painter(best, "decode"), latent, prior=False, reconstruct=best, noise=noise,
        best="reconstruction",
    )  # fmt: skip


def vae(
    shape: Shape, steps: int, device: torch.device, *, network: str = "auto", latent: int = 20,
    width: int = 32, learning_rate: float = 1e-3, beta: float = 1.0, kl_warmup: int = 0,
    least_kl: float = 0.0, binarise: bool = False, ema: float | None = None,
    compile: CompileMode | None = None,
) -> Built:  # fmt: skip
    """variational autoencoder (Kingma & Welling 2014)"""
    from genlib.training import vae_player

    player = vae_player(
        _vae(shape, network, latent, width).to(device), steps=steps, learning_rate=learning_rate,
        beta=beta, kl_warmup=kl_warmup, least_kl=least_kl, binarise=binarise, compile=compile,
        ema_decay=ema,
    )  # fmt: skip
    # While the weight of the KL term rises, the lowest loss is an early one.
    return _variational(player, latent, binarise, best=None if kl_warmup else "vae")


def iwae(
    shape: Shape, steps: int, device: torch.device, *, network: str = "auto", latent: int = 20,
    width: int = 32, learning_rate: float = 1e-3, samples: int = 5, chunk: int | None = None,
    binarise: bool = False, ema: float | None = None,
) -> Built:  # fmt: skip
    """VAE trained on the importance-weighted bound (Burda et al. 2016)"""
    from genlib.training import iwae_player

    player = iwae_player(
        _vae(shape, network, latent, width).to(device), steps=steps, samples=samples,
        learning_rate=learning_rate, binarise=binarise, chunk=chunk, ema_decay=ema,
    )  # fmt: skip
    return _variational(player, latent, binarise, best="iwae")


def _vae(shape: Shape, network: str, latent: int, width: int) -> VAE:
    from genlib.models.vae import ConvVAE, DenseVAE

    if network == "dense":
        return DenseVAE(latent, image_shape=shape)
    return ConvVAE(latent, width, shape)


def _variational(player: Player, latent: int, binarise: bool, best: str | None) -> Built:
    from genlib.export import Painter

    model: Any = player.best_model
    return Built(
        [player], Painter(model, "sample"), latent, reconstruct=model, variational=model,
        binarise=binarise, best=best,
    )  # fmt: skip


def conditional_vae(
    shape: Shape, steps: int, device: torch.device, classes: int, *, latent: int = 20,
    learning_rate: float = 1e-3, beta: float = 1.0, kl_warmup: int = 0, least_kl: float = 0.0,
    binarise: bool = False, ema: float | None = None,
) -> Built:  # fmt: skip
    """VAE that is told the label, and draws the class you choose (Sohn et al. 2015)"""
    from genlib.command_line.labels import LabelledPainter
    from genlib.models.vae import ConditionalVAE
    from genlib.training import vae_player

    player = vae_player(
        ConditionalVAE(classes, latent, image_shape=shape).to(device), steps=steps,
        learning_rate=learning_rate, beta=beta, kl_warmup=kl_warmup, least_kl=least_kl,
        binarise=binarise, ema_decay=ema,
    )  # fmt: skip
    model: Any = player.best_model
    return Built(
        [player], LabelledPainter(model), latent, classes, variational=model, binarise=binarise,
        best=None if kl_warmup else "vae",
    )  # fmt: skip


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


class Entry(NamedTuple):
    """How a model is built, the size of its batches, and whether it is told labels.

    One that is takes the number of classes as one more argument.
    """

    build: Callable[..., Built]
    batch_size: int
    labelled: bool = False

    @property
    def defaults(self) -> dict[str, Any]:
        """The model's own options with their defaults, from the signature of its function."""
        parameters = inspect.signature(self.build).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    @property
    def summary(self) -> str:
        return inspect.getdoc(self.build) or ""


MODELS = {
    "autoencoder": Entry(autoencoder, 128),
    "denoising-autoencoder": Entry(denoising_autoencoder, 128),
    "vae": Entry(vae, 128),
    "iwae": Entry(iwae, 128),
    "conditional-vae": Entry(conditional_vae, 128, labelled=True),
    "gan": Entry(gan, 128),
    "wgan": Entry(wgan, 64),
    "wgan-gp": Entry(wgan_gp, 64),
    "vae-gan": Entry(vae_gan, 64),
}


def pick_network(shape: Shape) -> str:
    """Convolutions for colour and for large images, dense layers for 28×28 grey."""
    return "conv" if shape[0] == 3 or max(shape) > 32 else "dense"
