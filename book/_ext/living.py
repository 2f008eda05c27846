"""Scripts and styles that only some pages need."""

from __future__ import annotations

from sphinx.application import Sphinx


def add_page_file(app: Sphinx, name: str) -> None:
    """Let the page that is being written, and no other, load `_static/NAME`.

    To be called while Sphinx asks for a page's context.
    """
    if name.endswith(".css"):
        app.add_css_file(name)
    else:
        app.add_js_file(name, loading_method="defer")
