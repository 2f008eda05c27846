"""The book's explorers as widgets for a live notebook, one call each.

Each function returns an ipywidgets box with labelled controls and a picture that follows them. It
runs in Jupyter and on Colab, with ipywidgets 7.7 and 8. ipywidgets, matplotlib and the models are
imported when a function is called, and not by `import genlib.explore`.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genlib.explore.bimodal_fit import bimodal_fit
    from genlib.explore.face_attributes import face_attributes
    from genlib.explore.gan_laboratory import gan_laboratory
    from genlib.explore.latent_map import latent_map
    from genlib.explore.latent_sliders import latent_sliders
    from genlib.explore.two_gaussians import two_gaussians

__all__ = [
    "bimodal_fit",
    "face_attributes",
    "gan_laboratory",
    "latent_map",
    "latent_sliders",
    "two_gaussians",
]


def __getattr__(name: str) -> Any:
    """The explorer `name`, from the module of the same name."""
    if name not in __all__:
        raise AttributeError(f"genlib.explore has no {name!r}; it has {', '.join(__all__)}.")
    return getattr(importlib.import_module(f"genlib.explore.{name}"), name)


def __dir__() -> list[str]:
    return __all__


class _Explorers(ModuleType):
    """A package in which a function keeps its name when the module of that name is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and name in __all__:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Explorers
