"""`torch.compile` as an option of the recipes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast, get_args

import torch

CompileMode = Literal["default", "cuda-graphs"]
F = TypeVar("F", bound=Callable[..., Any])


def compiled(
    function: F, mode: CompileMode | None, *, first: bool = False, backend: str = "inductor"
) -> F:
    """`function`, compiled as a whole, or itself where `mode` is None.

    Compiling takes a minute or so at the first call, and pays off on GPUs: fewer and larger
    kernels. On a CPU with few cores it gains nothing, so recipes leave it off unless asked.

    Args:
        function: takes and returns tensors; a module or a plain function.
        mode: None; "default"; or "cuda-graphs", which also records the kernels of a call and
            replays them with a single launch.
        first: whether this is the first function called for a batch. The memory of recorded kernels
            is then used again; until then what players share stays as it is.
        backend: torch's name of the compiler.

    Raises:
        ValueError: no such mode.
    """
    if mode is None:
        return function
    if mode not in get_args(CompileMode):
        raise ValueError(f"compile is {mode!r}; use None, {', '.join(get_args(CompileMode))}")
    options: dict[str, Any] = {"backend": backend, "fullgraph": True, "dynamic": False}
    if mode == "cuda-graphs":
        options["mode"] = "reduce-overhead"
    fast = torch.compile(function, **options)

    def begin(*tensors: Any) -> Any:
        torch.compiler.cudagraph_mark_step_begin()
        return fast(*tensors)

    return cast(F, begin if first and mode == "cuda-graphs" else fast)
