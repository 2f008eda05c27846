"""The still pictures of the GAN laboratory, for chapters 4 and 5; it needs no data."""

from __future__ import annotations


def files() -> dict[str, bytes]:
    """A non-saturating GAN on the ring, and a WGAN-GP on it, each a while after its start."""
    from genlib.explore.gan_game import Game, Loss, Setup
    from genlib.explore.gan_laboratory import draw
    from tools.explorers._still import webp

    runs: dict[str, tuple[Loss, int]] = {  # together two or three seconds
        "gan-laboratory": ("non-saturating", 700),
        "gan-laboratory-wgan": ("wgan-gp", 100),
    }
    made = {}
    for name, (loss, steps) in runs.items():
        game = Game(Setup("ring", loss))
        game.go(steps)
        made[f"still/{name}.webp"] = webp(draw(game))
    return made
