"""Data files of the explorers: scripts that hand a value, or a network, to the page."""

from __future__ import annotations

import json
from typing import Any

from genlib import zoo
from genlib.page_export import page_network


def value_file(name: str, value: Any) -> bytes:
    """A script that calls `genlib.receive(NAME, value)`."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return f"genlib.receive({json.dumps(name)}, {text});\n".encode()


def network_file(name: str) -> bytes:
    """The decoder of the reference model `name` as a script."""
    return page_network(zoo.load(name), name, zoo.card(name))
