"""Figures in one house style: image grids, curves, latent planes, sample strips, animations.

Every function returns its figure; a notebook shows it when it is a cell's last value.
"""

from genlib.plots.animate import AnimatedImage, animation, figure_frame
from genlib.plots.curves import curve_with_interval, label_lines, loss_curves
from genlib.plots.images import image_grid, image_rows, sample_strip
from genlib.plots.latent import latent_scatter
from genlib.plots.sheets import unpack_sheet
from genlib.plots.style import CARD, CLASSES, LINES, house_style, panels

__all__ = [
    "CARD",
    "CLASSES",
    "LINES",
    "AnimatedImage",
    "animation",
    "curve_with_interval",
    "figure_frame",
    "house_style",
    "image_grid",
    "image_rows",
    "label_lines",
    "latent_scatter",
    "loss_curves",
    "panels",
    "sample_strip",
    "unpack_sheet",
]
