"""The players of chapter 6: an encoder, a decoder and a discriminator."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.divergences import kl_to_standard_normal
from genlib.losses import discriminator_loss, generator_loss, squared_error
from genlib.losses.precision import single
from genlib.models.noise import Generator
from genlib.models.vae_gan import Encoder, FeatureDiscriminator
from genlib.training.compiling import CompileMode, compiled
from genlib.training.players import Move, Player


class Terms(NamedTuple):
    """What one pass through the three networks gives, `[B]` each."""

    kl: Tensor  # KL(q(z|x) ‖ N(0, I))
    likeness: Tensor  # −log N(D_ℓ(x); D_ℓ(reconstruction), I) without its constant
    fooling: Tensor  # the decoder's GAN loss: reconstruction + prior sample
    judging: Tensor  # the discriminator's: image, reconstruction, prior sample


def vae_gan_players(
    encoder: Encoder,
    decoder: Generator,
    discriminator: FeatureDiscriminator,
    *,
    gamma: float = 1e-3,
    beta: float = 1.0,
    learning_rate: float = 2e-4,
    betas: tuple[float, float] = (0.5, 0.999),
    compile: CompileMode | None = None,
    ema_decay: float | None = None,
) -> list[Player]:
    """Larsen et al. 2016, algorithm 1, with Adam and the non-saturating loss for the decoder.

    - The encoder lowers β · KL + likeness, where likeness is half the squared distance between the
      discriminator's features of an image and of its reconstruction.
    - The decoder lowers γ · likeness + its GAN loss on reconstructions and prior samples.
    - The discriminator lowers the GAN loss alone, with both of them as generated images.

    All three losses come from one pass through the networks, before anyone has moved. The players
    move in the order in which gradients flow last to first: the encoder's gradient comes through
    discriminator and decoder, the decoder's through the discriminator, so no weight that is still
    needed has moved.

    The history has "kl" and "likeness" besides the three losses.

    Args:
        encoder: from images to `(mu, log_var)`.
        decoder: from `z [B, latent]` to images.
        discriminator: from images to `(features, logits)`.
        gamma: γ, the weight of likeness against the GAN loss. Likeness is a sum over all features.
        beta: weight of the KL term against likeness; 1 in the paper. An average over the latent
            dimensions instead of their sum is 1/K.
        learning_rate: of all three.
        betas: of all three.
        compile: see `compiled`; the networks are compiled one by one.
        ema_decay: of encoder and decoder; see `Player`.

    Raises:
        ValueError: encoder and decoder differ in `latent`, or the decoder's prior is not N(0, I).
    """
    if decoder.prior != "normal":
        raise ValueError(
            f"the decoder's prior is {decoder.prior!r}, but the KL term draws the codes of images "
            "towards N(0, I): build it with prior='normal'."
        )
    if encoder.latent != decoder.latent:
        raise ValueError(
            f"the encoder's latent is {encoder.latent}, the decoder's {decoder.latent}; they share "
            "one z, so give both the same."
        )
    encode = compiled(encoder, compile, first=True)
    decode, judge = compiled(decoder, compile), compiled(discriminator, compile)

    def make_terms(x: Tensor, eps: Tensor, z_prior: Tensor) -> Terms:
        mu, log_var = encode(x)
        z = mu + torch.exp(0.5 * log_var) * eps
        features, logits = judge(x)
        rebuilt_features, rebuilt_logits = judge(decode(z))
        _, sampled_logits = judge(decode(z_prior))
        return Terms(
            kl=kl_to_standard_normal(mu, log_var),
            likeness=0.5 * squared_error(rebuilt_features, features),
            fooling=generator_loss(rebuilt_logits) + generator_loss(sampled_logits),
            judging=discriminator_loss(logits, rebuilt_logits) + F.softplus(single(sampled_logits)),
        )

    def terms(move: Move) -> Terms:
        k = encoder.latent
        return move.share("terms", lambda: make_terms(move.x, move.normal(k), decoder.draw(move)))

    def encoder_move(move: Move) -> Tensor:
        kl, likeness = terms(move).kl.mean(), terms(move).likeness.mean()
        move.log("kl", kl)
        move.log("likeness", likeness)
        return beta * kl + likeness

    def decoder_move(move: Move) -> Tensor:
        return (gamma * terms(move).likeness + terms(move).fooling).mean()

    def discriminator_move(move: Move) -> Tensor:
        return terms(move).judging.mean()

    def adam(model: nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(model.parameters(), lr=learning_rate, betas=betas, fused=True)

    return [
        Player("encoder", encoder, encoder_move, adam(encoder), ema_decay=ema_decay),
        Player("decoder", decoder, decoder_move, adam(decoder), ema_decay=ema_decay),
        Player("discriminator", discriminator, discriminator_move, adam(discriminator)),
    ]
