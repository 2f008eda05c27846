"""The training engine: players that move in turn. `loop.py` is the place to begin reading."""

from genlib.training.history import History
from genlib.training.loop import NonFiniteLossError, train
from genlib.training.players import Move, Player
from genlib.training.recipes import add_noise, autoencoder_player, classifier_player
from genlib.training.strip import SampleStrip, milestones

__all__ = [
    "History",
    "Move",
    "NonFiniteLossError",
    "Player",
    "SampleStrip",
    "add_noise",
    "autoencoder_player",
    "classifier_player",
    "milestones",
    "train",
]
