"""The still picture of the explorer `two-gaussians`; it needs no data."""

from __future__ import annotations


def files() -> dict[str, bytes]:
    """`still/two-gaussians.webp`: what the explorer shows when it starts."""
    from genlib.explore.two_gaussians import draw
    from tools.explorers._still import webp

    return {"still/two-gaussians.webp": webp(draw())}
