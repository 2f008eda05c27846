"""The models, losses and training loops of *Generative Image Models, Proved in Code*."""

from genlib.profiles import budget, pick_device, profile
from genlib.seeds import make_generator, seed_everything

__version__ = "0.1.0"
__all__ = ["__version__", "budget", "make_generator", "pick_device", "profile", "seed_everything"]
