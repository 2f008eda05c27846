"""Would installing genlib replace a version that Colab has frozen? `python -m tools.colab`

Run it in an environment with `tools/colab-constraints.txt` installed. It asks pip what it would do
and does nothing. Standard library only: this environment has none of the book's tools.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def frozen(text: str) -> dict[str, str]:
    """Name and version of each `name==version` line."""
    pins = (line.split("#")[0].strip() for line in text.splitlines())
    return {
        _normal(name): version for name, _, version in (pin.partition("==") for pin in pins if pin)
    }


def replaced(report: dict[str, Any], pins: dict[str, str]) -> list[str]:
    """Which pins pip would replace, from the report of `pip install --dry-run --report`."""
    found = []
    for item in report["install"]:
        name, version = _normal(item["metadata"]["name"]), item["metadata"]["version"]
        if name in pins:
            found.append(f"{name} {pins[name]} would become {version}")
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def main() -> int:
    pins = frozen((ROOT / "tools" / "colab-constraints.txt").read_text(encoding="utf8"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--report", "-"]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"pip cannot install genlib beside these versions:\n{done.stderr}", file=sys.stderr)
        return 1
    found = replaced(json.loads(done.stdout), pins)
    print("\n".join(found) or "installing genlib replaces none of: " + ", ".join(pins))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
