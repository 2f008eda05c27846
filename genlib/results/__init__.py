"""Figures of the long runs: each `NAME.json` here was written by `python -m experiments.NAME`."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
FIELDS = ("experiment", "command", "provenance", "settings", "figures", "pictures")


@dataclass(frozen=True)
class Result:
    """What one experiment found.

    Attributes:
        experiment: its name.
        command: what remakes it.
        provenance: profile, device, data, versions, date, seconds, fingerprint of the sources.
        settings: seeds, sizes, steps: everything that was chosen.
        figures: the numbers; intervals are `{"mean", "low", "high", "n"}`.
        pictures: small WebP images by name, as bytes.
    """

    experiment: str
    command: str
    provenance: dict[str, Any]
    settings: dict[str, Any]
    figures: dict[str, Any]
    pictures: dict[str, bytes]

    def __str__(self) -> str:
        made = self.provenance
        return (
            f"{self.experiment}: {made['date']}, profile {made['profile']}, {made['device']}, "
            f"{made['data']}, {made['seconds'] / 60:.0f} min.\nRemake it: {self.command}"
        )

    __repr__ = __str__


def available(folder: Path = FOLDER) -> list[str]:
    """Names of the results that are here."""
    return sorted(path.stem for path in folder.glob("*.json"))


def load(name: str, folder: Path = FOLDER) -> Result:
    """The committed result `name`.

    Raises:
        FileNotFoundError: there is none of that name.
        ValueError: the file is damaged or misses a part.
    """
    path = folder / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"no result {name!r}; there is: {', '.join(available(folder)) or 'none'}. "
            f"`python -m experiments.{name}` makes one if that experiment exists."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is damaged ({error}); restore it from the repository") from error
    missing = [field for field in FIELDS if field not in content]
    if missing:
        raise ValueError(f"{path} misses {', '.join(missing)}; remake it with its experiment")
    pictures = {key: base64.b64decode(value) for key, value in content["pictures"].items()}
    return Result(**{**{field: content[field] for field in FIELDS}, "pictures": pictures})
