"""The training engine: players that move in turn. `loop.py` is the place to begin reading."""

from genlib.training.arithmetic import Arithmetic, Precision, pick_precision
from genlib.training.checkpoints import CheckpointError, Checkpoints, newest
from genlib.training.compiling import compiled
from genlib.training.history import History
from genlib.training.loop import OutOfMemoryError, train
from genlib.training.players import Move, NonFiniteLossError, Player
from genlib.training.processes import Processes, joined, processes
from genlib.training.recipes import (
    add_noise,
    attribute_player,
    autoencoder_player,
    classifier_player,
    gan_players,
    iwae_player,
    vae_gan_players,
    vae_player,
    warmup_cosine,
    wgan_clip_players,
    wgan_gp_players,
)
from genlib.training.settings import ChangedSettingsError
from genlib.training.strip import SampleStrip, milestones
from genlib.training.tensorboard import to_tensorboard

__all__ = [
    "Arithmetic",
    "ChangedSettingsError",
    "CheckpointError",
    "Checkpoints",
    "History",
    "Move",
    "NonFiniteLossError",
    "OutOfMemoryError",
    "Player",
    "Precision",
    "Processes",
    "SampleStrip",
    "add_noise",
    "attribute_player",
    "autoencoder_player",
    "classifier_player",
    "compiled",
    "gan_players",
    "iwae_player",
    "joined",
    "milestones",
    "newest",
    "pick_precision",
    "processes",
    "to_tensorboard",
    "train",
    "vae_gan_players",
    "vae_player",
    "warmup_cosine",
    "wgan_clip_players",
    "wgan_gp_players",
]
