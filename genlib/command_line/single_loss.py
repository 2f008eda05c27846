"""The models that are trained on one loss: autoencoders, VAE, IWAE, conditional VAE.

torch is imported inside the functions, so that `--help` does not wait for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from genlib.command_line.built import Built, Shape

if TYPE_CHECKING:
    import torch

    from genlib.models.vae import VAE
    from genlib.training import Player
    from genlib.training.compiling import CompileMode


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
