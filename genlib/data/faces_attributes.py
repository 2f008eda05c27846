"""What a drawn face is made of: attributes with known values, palettes, and small variations."""

from __future__ import annotations

import torch
from torch import Tensor

from genlib.seeds import make_generator

# Every value of every attribute is equally likely, and attributes are drawn independently.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "background": ("sky", "mint", "peach", "lilac"),
    "skin": ("light", "tan", "brown", "dark"),
    "hair_colour": ("black", "brown", "blond", "ginger", "blue"),
    "hair_style": ("short", "bob", "long", "curly", "pigtails", "spiky"),
    "eye_colour": ("brown", "blue", "green"),
    "gaze": ("left", "ahead", "right"),
    "mouth": ("smile", "laugh", "calm", "surprised"),
    "glasses": ("none", "round", "square"),
    "accessory": ("none", "beanie", "bow", "flower"),
}

PALETTES: dict[str, tuple[str, ...]] = {  # one colour for each value, in the order above
    "background": ("9fcdf0", "a6dcc0", "fbcfae", "cdbcec"),
    "skin": ("fbdcc4", "e9b48c", "b97c51", "7d4d33"),
    "hair_colour": ("33303f", "7a4a2e", "eec25a", "d9692f", "4f7fd0"),
    "eye_colour": ("7b4a24", "3d86d6", "3f9e5c"),
}
CLOTHES = ("e4636f", "f2a65a", "5b8e7d", "4c6fa8", "8d6bb0", "f4f1e8", "48525e", "e8b4bc")

# Continuous variations, each uniform in [-1, 1]: the painter says what one unit means.
VARIATIONS = (
    *("x", "y", "scale", "tilt", "width", "chin"),
    *("eye_gap", "eye_size", "eye_height", "brow", "mouth_size", "mouth_height", "cheeks"),
    *("fringe", "volume", "light", "clothes_tone", "hair_tone", "skin_tone"),
)


def hex_colours(codes: tuple[str, ...]) -> Tensor:
    """Colours written `rrggbb` as float32 [K, 3] in [0, 1]."""
    return torch.tensor([list(bytes.fromhex(code)) for code in codes]) / 255


def draw_parameters(
    seed: int, split: str, block: int, size: int
) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
    """Parameters of faces `block * size ...`: attributes, variations, colours.

    Returns:
        int64 [size] for each attribute; float32 [size, 1, 1] for each variation;
        float32 [size, 3, 1, 1] for each colour.
    """
    generator = make_generator(seed, "drawn faces", split, block)
    attributes = {
        name: torch.randint(len(values), (size,), generator=generator)
        for name, values in ATTRIBUTES.items()
    }
    uniform = torch.rand(len(VARIATIONS), size, 1, 1, generator=generator) * 2 - 1
    variations = dict(zip(VARIATIONS, uniform, strict=True))
    colours = {name: hex_colours(codes)[attributes[name]] for name, codes in PALETTES.items()}
    for name in ("clothes", "accessory"):
        chosen = torch.randint(len(CLOTHES), (size,), generator=generator)
        colours[name] = hex_colours(CLOTHES)[chosen]
    tones = {"hair_colour": "hair_tone", "skin": "skin_tone", "clothes": "clothes_tone"}
    for name, tone in tones.items():  # a little lighter or darker
        colours[name] = colours[name] * (1 + 0.06 * variations[tone][:, 0])
    shift = torch.rand(size, 3, generator=generator) * 0.05 - 0.025  # a little warmer or cooler
    colours["background"] = colours["background"] + shift
    return attributes, variations, {k: c.clamp(0, 1)[..., None, None] for k, c in colours.items()}
