"""The one place that imports torchvision, also where its build does not match torch's.

Next to a CPU build of torch, a torchvision built for CUDA cannot load its compiled operators, and
`import torchvision` stops with "operator torchvision::nms does not exist": it describes two
operators that were never declared. Declaring their schemas first is enough for its data sets,
transforms and utilities, which need none of the compiled operators.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from types import ModuleType

import torch

SYMPTOM = "operator torchvision::nms does not exist"
SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@cache
def _declare_schemas() -> torch.library.Library:
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for schema in SCHEMAS:
        library.define(schema)  # type: ignore[no-untyped-call]
    return library  # the schemas live as long as this object, and the cache keeps it


def import_torchvision(submodule: str = "") -> ModuleType:
    """`torchvision`, or `torchvision.<submodule>` such as `"datasets"`.

    Raises:
        ImportError: torchvision is not installed.
        RuntimeError: it fails for another reason than the mismatch this module mends.
    """
    name = f"torchvision.{submodule}" if submodule else "torchvision"
    try:
        return importlib.import_module(name)
    except RuntimeError as error:
        if SYMPTOM not in str(error):
            raise
    # Half-imported modules would make the second import fail in other ways.
    for module in [m for m in sys.modules if m.split(".")[0] == "torchvision"]:
        del sys.modules[module]
    _declare_schemas()
    return importlib.import_module(name)
