"""`{explorer} NAME`: a still picture with a button that makes it a part of the page that moves.

What an explorer loads is made by `tools.explorers` before Sphinx runs; `loader.js` starts it.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from living import add_page_file
from PIL import Image
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective

from tools.errors import BookError
from tools.explorers import FOLDER
from tools.explorers._scripts import with_needs

SCRIPTS = Path("_static") / "explorers"


class explorer(nodes.General, nodes.Element):  # docutils names nodes so
    """The figure; its children are the caption."""


class ExplorerDirective(SphinxDirective):
    """The figure's files, checked, and its caption."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "alt": directives.unchanged_required,
        "data": directives.unchanged,
        "options": directives.unchanged,
        "still": directives.unchanged,
        "label": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        missing = [option for option in ("alt", "label") if not self.options.get(option)]
        if missing or not self.content:
            raise self.error(f"explorer {name} needs {', '.join([*missing, 'a caption'])}")
        options = self.options.get("options", "{}")
        try:
            json.loads(options)
        except ValueError as error:
            raise self.error(f"explorer {name}: options are not JSON: {error}") from error
        source = Path(self.env.srcdir)
        made = source.parent / "_build" / FOLDER / "explorers"
        try:
            scripts = with_needs([f"{name}.js"], source / SCRIPTS)
        except BookError as error:
            raise self.error(f"explorer {name}: {error}") from error
        data = self.options.get("data", "").split()
        files = [source / SCRIPTS / script for script in scripts]
        files += [made / "data" / f"{one}.js" for one in data]
        still = made / "still" / f"{self.options.get('still', name)}.webp"
        for path in (*files, still):
            if not path.is_file():
                raise self.error(f"explorer {name}: {path} is missing; run python -m tools.book")
            self.env.note_dependency(str(path))  # its size stands on the button
        width, height = Image.open(still).size
        figure = explorer(
            "", ids=[self.options["label"]], name=name, scripts=" ".join(scripts),
            data=" ".join(data), options=options, still=still.name, width=width, height=height,
            alt=" ".join(self.options["alt"].split()),
            weight=sum(path.stat().st_size for path in files),
        )  # fmt: skip
        figure["names"].append(self.options["label"])
        self.state.document.note_explicit_target(figure)  # so that a link can name it
        self.state.nested_parse(self.content, self.content_offset, figure)
        return [figure]


def visit_explorer(self: Any, node: explorer) -> None:
    root = self.builder.get_relative_uri(self.builder.current_docname, "index")
    root = root.removesuffix("index.html")
    said = {key: html.escape(str(node[key])) for key in ("scripts", "data", "options", "alt")}
    self.body.append(
        f'<figure class="explorer" id="{node["ids"][0]}" data-explorer="{node["name"]}" '
        f'data-scripts="{said["scripts"]}" data-data="{said["data"]}" '
        f'data-options="{said["options"]}">\n'
        '<div class="explorer-stage">'
        f'<img class="explorer-still" src="{root}_static/explorers/still/{node["still"]}" '
        f'alt="{said["alt"]}" loading="lazy" width="{node["width"]}" height="{node["height"]}" />'
        '<button type="button" class="explorer-start" hidden>Start the explorer '
        f"<small>({_size(node['weight'])}, from this site)</small></button></div>\n"
        "<noscript>Where scripts are allowed, this picture can be moved.</noscript>\n<figcaption>"
    )


def depart_explorer(self: Any, node: explorer) -> None:
    self.body.append("</figcaption></figure>\n")


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.0f} KB"


def add_files(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    if 'class="explorer"' in str(context.get("body", "")):
        add_page_file(app, "explorers/loader.js")
        add_page_file(app, "explorers/explorers.css")


def add_made_files(app: Sphinx, config: Config) -> None:
    made = Path(app.srcdir).parent / "_build" / FOLDER
    if made.is_dir():
        config.html_static_path.append(str(made))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(explorer, html=(visit_explorer, depart_explorer))
    app.add_directive("explorer", ExplorerDirective)
    app.connect("config-inited", add_made_files, priority=900)
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
