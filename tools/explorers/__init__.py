"""What the page's explorers load, made from the reference models: `python -m tools.explorers`.

Each module here has `files()`: what one explorer needs, by path below `explorers/`. `data/NAME.js`
hands its content to `genlib.receive`; `still/NAME.webp` is the picture shown before it is started.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import shutil
from collections.abc import Iterator
from pathlib import Path

from tools.config import ROOT
from tools.errors import BookError

FOLDER = "living"  # below _build; what is in it lands in the site's _static
STAMP = ".fingerprint"


def parts() -> list[str]:
    """Names of the modules here that make files."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__) if found.name[0] != "_")


def make(build: Path) -> Path:
    """Write all files into `build/living/explorers`, unless they are there and current.

    Returns:
        The folder.

    Raises:
        BookError: two explorers make the same file.
    """
    target = build / FOLDER / "explorers"
    now = _fingerprint()
    if (target / STAMP).is_file() and (target / STAMP).read_text() == now:
        return target
    made: dict[str, bytes] = {}
    for name in parts():
        for path, content in importlib.import_module(f"{__name__}.{name}").files().items():
            if path in made and made[path] != content:
                raise BookError(f"two explorers make {path}; give one of them another name")
            made[path] = content
    partial = target.with_name("explorers.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for path, content in made.items():
        (partial / path).parent.mkdir(parents=True, exist_ok=True)
        (partial / path).write_bytes(content)
    partial.mkdir(parents=True, exist_ok=True)
    (partial / STAMP).write_text(now)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return target


def _fingerprint() -> str:
    """Of all that the files could depend on: this folder and genlib, models and results too."""
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield from (ROOT / "tools" / "explorers").glob("*.py")
    for pattern in ("*.py", "*.safetensors", "*.json"):
        yield from (ROOT / "genlib").rglob(pattern)
