"""What the sliders of chapter 3 load: ten garments, their codes under each β, and the decoders."""

from __future__ import annotations

from genlib import results
from genlib.explore.latent_sliders import draw, models
from tools.explorers._data import network_file, value_file
from tools.explorers._still import webp


def files() -> dict[str, bytes]:
    """The codes, one network for each β, and the still."""
    found = results.load("page_codes").figures["garments"]
    data = {
        "classes": found["classes"],
        "images": found["images"],
        "models": [{"name": name, **found[name]} for name in models()],
    }
    return {
        "data/latent-sliders-codes.js": value_file("latent-sliders-codes", data),
        **{f"data/{name}.js": network_file(name) for name in models()},
        "still/latent-sliders.webp": webp(draw()),
    }
