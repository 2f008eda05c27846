"""Ready-made players, one file per family: the losses of a chapter and its usual optimisers."""

from genlib.training.recipes.autoencoder import add_noise, autoencoder_player
from genlib.training.recipes.classifier import attribute_player, classifier_player
from genlib.training.recipes.gan import gan_players
from genlib.training.recipes.schedules import warmup_cosine
from genlib.training.recipes.vae import iwae_player, vae_player
from genlib.training.recipes.vae_gan import vae_gan_players
from genlib.training.recipes.wgan_gp import wgan_clip_players, wgan_gp_players

__all__ = [
    "add_noise",
    "attribute_player",
    "autoencoder_player",
    "classifier_player",
    "gan_players",
    "iwae_player",
    "vae_gan_players",
    "vae_player",
    "warmup_cosine",
    "wgan_clip_players",
    "wgan_gp_players",
]
