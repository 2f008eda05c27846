"""What the latent map loads: two decoders with codes of two numbers, and codes of test garments."""

from __future__ import annotations

from genlib import results
from genlib.explore.latent_map import TITLES, bounds_of, draw, draw_maps, has_prior
from tools.explorers._data import network_file, value_file
from tools.explorers._still import webp


def files() -> dict[str, bytes]:
    """The codes and both networks; stills for chapter 1 (one model) and chapter 3 (both)."""
    found = results.load("page_codes").figures["maps"]
    models = {
        name: {
            **{key: found[name][key] for key in ("x", "y", "edge", "holes")},
            "title": title,
            "prior": has_prior(name),
            "bounds": [round(side, 3) for side in bounds_of(name)],
        }
        for name, title in TITLES.items()
    }
    codes = {"labels": found["labels"], "classes": found["classes"], "models": models}
    return {
        "data/latent-map-codes.js": value_file("latent-map-codes", codes),
        **{f"data/{name}.js": network_file(name) for name in TITLES},
        "still/latent-map.webp": webp(draw()),
        "still/latent-map-2.webp": webp(draw_maps()),
    }
