"""The still picture of the explorer `bimodal-fit`; it needs no data."""

from __future__ import annotations


def files() -> dict[str, bytes]:
    """`still/bimodal-fit.webp`: both fits at their ends, from the start of the explorer."""
    from genlib.explore.bimodal_fit import draw
    from tools.explorers._still import webp

    return {"still/bimodal-fit.webp": webp(draw())}
