"""What the search page needs to find symbols, terms, functions, exercises and papers, and to show
text.

Sphinx's own index knows on which page a word stands. Beside it this writes `search-entries.js`:
each symbol of the notation, term of the glossary, documented name of the library, exercise and
section, with its place and a line about it. A page opened from disk may not fetch other pages, so
the text that a result shows must be there already. Only the search page loads that file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from search_aliases import ALSO
from search_entries import entries, mark_symbols, sections
from search_papers import papers
from search_words import Search
from sphinx.application import Sphinx

from tools.glossary_words import ALIASES

ENTRIES = "search-entries.js"


def mark(app: Sphinx, doctree: nodes.document) -> None:
    """Give each row of the notation a place that a link can lead to."""
    if app.env.docname == "notation":
        mark_symbols(doctree)


def dress_search_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Scripts and styles that only the search page has."""
    if page == "search":
        app.add_js_file(ENTRIES, loading_method="defer")
        app.add_js_file("search-match.js", loading_method="defer")
        app.add_js_file("search-page.js", loading_method="defer")
        app.add_css_file("search-page.css")


def collect(app: Sphinx) -> dict[str, Any]:
    """All that the search page shows, from the pages as Sphinx has read them."""
    names = sorted(app.env.found_docs)
    doctrees = {name: app.env.get_doctree(name) for name in names}
    titles = {name: app.env.titles[name].astext() for name in names}
    aliases = {name: (*ALIASES.get(name, ()), *ALSO.get(name, ())) for name in {*ALIASES, *ALSO}}
    found = entries(doctrees, aliases)
    found += papers(app.env.get_domain("cite").citations)  # type: ignore[attr-defined]
    return {
        "pages": [[name, titles[name]] for name in names],
        "entries": [[one.name, one.kind, names.index(one.page), one.anchor, one.text, one.aliases]
                    for one in found],
        "sections": [[names.index(name), anchor, title, text]
                     for name in names for anchor, title, text in sections(doctrees[name])],
    }  # fmt: skip


def write_entries(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.name != "html":
        return
    data = json.dumps(collect(app), ensure_ascii=False, separators=(",", ":"))
    path = Path(app.outdir) / "_static" / ENTRIES
    path.write_text(f"window.genlibSearch = {data};\n", encoding="utf8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_search_language(Search)
    app.connect("doctree-read", mark)
    app.connect("html-page-context", dress_search_page)
    app.connect("build-finished", write_entries)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
