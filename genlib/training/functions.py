"""What a function depends on, as far as can be seen from outside: its code and plain values."""

from __future__ import annotations

import dis
import functools
import hashlib
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

PLAIN = bool | int | float | str


def function_settings(function: Any, key: str) -> dict[str, Any]:
    """The code of `function` and the plain values it holds on to, such as the weight of a penalty.

    Looked through are its closure, its defaults, the globals it names, and the functions among
    them that are of the same module; not what hides in objects or in other modules.
    """
    found: dict[str, Any] = {}
    codes: list[str] = []
    seen: set[int] = set()
    queue = [function]
    while queue:
        function = queue.pop(0)
        if hasattr(function, "_torchdynamo_orig_callable"):
            found[f"{key}.compiled"] = True
        plain = _unwrapped(function)
        if plain is None or id(plain) in seen:
            continue
        seen.add(id(plain))
        codes.append(_code_text(plain.__code__))
        for name, value in [*_arguments(function), *_names(plain)]:
            if isinstance(value, PLAIN) and found.get(f"{key}.{name}", value) == value:
                found[f"{key}.{name}"] = value
            elif isinstance(value, PLAIN):  # two functions have a value of that name
                found[f"{key}.{plain.__name__}.{name}"] = value
            else:
                queue.append(value)
    if codes:
        digest = hashlib.blake2b("\n".join(codes).encode(), digest_size=4).hexdigest()
        # Each version of Python translates the same lines into another code.
        found[key] = f"code {digest}, Python {sys.version_info.major}.{sys.version_info.minor}"
    return found


def _unwrapped(function: Any) -> FunctionType | None:
    """The function below a `torch.compile`, a method or a `partial`; None if there is none."""
    function = getattr(function, "_torchdynamo_orig_callable", function)
    function = getattr(function, "__func__", function)
    if isinstance(function, functools.partial):
        return _unwrapped(function.func)
    return function if isinstance(function, FunctionType) else None


def _arguments(function: Any) -> list[tuple[str, Any]]:
    """Those that a `partial` binds."""
    if not isinstance(function, functools.partial):
        return []
    return [*((str(i), value) for i, value in enumerate(function.args)), *function.keywords.items()]


def _names(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Names the function uses from outside, and what they stand for."""
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # never set
            continue
    yield from (function.__kwdefaults__ or {}).items()
    defaults = function.__defaults__ or ()
    yield from zip(code.co_varnames[: code.co_argcount][-len(defaults) :], defaults, strict=False)
    used = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    for name in sorted(used & set(function.__globals__)):
        value = function.__globals__[name]
        if isinstance(value, PLAIN) or getattr(value, "__module__", "") == function.__module__:
            yield name, value


def _code_text(code: CodeType) -> str:
    constants = [
        _code_text(value) if isinstance(value, CodeType)
        else str(sorted(map(repr, value))) if isinstance(value, frozenset)  # its order varies
        else repr(value)
        for value in code.co_consts
    ]  # fmt: skip
    return f"{code.co_code.hex()} {code.co_names} {constants}"
