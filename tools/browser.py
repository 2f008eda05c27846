"""Finding a Chromium, and starting it without a network."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic", "--no-first-run",
)  # fmt: skip
INSTALL = (
    "no Chromium was found. Install Debian's package `chromium`, or name one in the environment "
    "variable CHROMIUM."
)


def find_browser() -> str | None:
    """A Chromium: the one CHROMIUM names, else the first on the path."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)
