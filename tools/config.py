"""What `_config.yml` and `_toc.yml` say: the one place of title, author and repository URL."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tools.errors import BookError

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Book:
    """A book's folder with what its two YAML files say."""

    root: Path
    settings: dict[str, Any]

    @property
    def title(self) -> str:
        return str(self.settings["title"])

    @property
    def author(self) -> str:
        return str(self.settings["author"])

    @property
    def year(self) -> str:
        """The year of publication, from the copyright line."""
        return str(self.settings.get("copyright", ""))

    @property
    def repository(self) -> str:
        """The repository's URL without a slash at the end."""
        return str(self.settings["repository"]["url"]).rstrip("/")

    @property
    def branch(self) -> str:
        return str(self.settings["repository"].get("branch", "main"))

    @property
    def slug(self) -> str:
        """`owner/name` of the repository."""
        return urlsplit(self.repository).path.strip("/")

    @property
    def site(self) -> str:
        """The site's URL on GitHub Pages, with a slash at the end."""
        owner, name = self.slug.split("/")
        return f"https://{owner}.github.io/{name}/"

    def colab(self, notebook: str) -> str:
        """The address that opens `notebook` (a path in the repository) on Colab."""
        return f"https://colab.research.google.com/github/{self.slug}/blob/{self.branch}/{notebook}"

    def raw(self, path: str) -> str:
        """The address of a file of the repository as it is."""
        return f"https://raw.githubusercontent.com/{self.slug}/{self.branch}/{path}"

    @property
    def source(self) -> Path:
        return self.root / "book"

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def build(self) -> Path:
        return self.root / "_build"

    @property
    def html(self) -> Path:
        return self.build / "html"

    @property
    def myst_extensions(self) -> frozenset[str]:
        return frozenset(self.settings.get("parse", {}).get("myst_enable_extensions", ()))

    @cached_property
    def toc(self) -> dict[str, Any]:
        loaded: dict[str, Any] = _read_yaml(self.root / "_toc.yml")
        return loaded


def load_book(root: Path = ROOT) -> Book:
    """Read a book's `_config.yml`.

    Raises:
        BookError: the file is not there, is not YAML, or lacks title, author or repository URL.
    """
    settings = _read_yaml(root / "_config.yml")
    missing = [key for key in ("title", "author") if not settings.get(key)]
    url = str((settings.get("repository") or {}).get("url", ""))
    if len(urlsplit(url).path.strip("/").split("/")) != 2:
        missing.append("repository: url (https://HOST/OWNER/NAME)")
    if missing:
        raise BookError(f"missing: {', '.join(missing)}", root / "_config.yml")
    return Book(root.resolve(), settings)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf8"))
    except FileNotFoundError:
        raise BookError("this file is missing; the book cannot be made without it", path) from None
    except yaml.YAMLError as error:
        raise BookError(f"not valid YAML: {error}", path) from error
    if not isinstance(loaded, dict):
        raise BookError("expected a YAML mapping at the top", path)
    return loaded
