"""The merged book as one HTML text: title page, contents, the pages, and what styles them."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from tools.chapters import documents
from tools.config import Book
from tools.pdf.answers import page_number
from tools.pdf.merge import SOLUTIONS, Leaf, address, read_leaves

HERE = Path(__file__).parent
LICENCES = "Text and figures: CC BY 4.0. Code: Apache License 2.0."
MATHJAX = "_static/vendor/mathjax/startup.js"
# The reference of the library lists too many names for a table of contents.
TITLE_ONLY = ("api/",)


def merge(book: Book, site: Path, folder: Path) -> str:
    """The whole book as one HTML text, for a file in `folder`.

    Raises:
        BookError: a page is missing, or a link inside the book leads nowhere.
    """
    leaves = read_leaves(book, site, folder)
    soup = BeautifulSoup("", "html.parser")
    contents = _contents(book, soup, leaves)
    # Where pages have sheets of their own, those that all share stay the last: hence backwards.
    every = [style for leaf in reversed(leaves) for style in reversed(leaf.styles)]
    styles = reversed(dict.fromkeys(every))
    sheets = "\n".join(
        f'<link rel="stylesheet" href="{html.escape(address(site / style, folder))}">'
        for style in styles
    )
    # Chromium knows no running titles; a page style per document says the title instead.
    pages = "\n".join(
        f'@page {_page_style(leaf)} {{ @top-right {{ content: "{_quoted(leaf.title)}"; }} }}\n'
        f"#{leaf.prefix} {{ page: {_page_style(leaf)}; }}"
        for leaf in leaves
    )
    articles = "\n".join(leaf.article.decode() for leaf in leaves)
    return f"""<!DOCTYPE html>
<html lang="en" class="whole-page" data-theme="light" data-mode="light">
<head>
<meta charset="utf-8">
<title>{html.escape(book.title)}</title>
{sheets}
<style>
{(HERE / "paper.css").read_text(encoding="utf8")}
{pages}
@page {{ @top-left {{ content: "{_quoted(book.title)}"; }} }}
</style>
{_mathjax(site, folder)}
</head>
<body>
{_title_page(book)}
<main class="bd-main"><div class="bd-content"><div class="bd-article-container">
{contents.decode()}
{articles}
</div></div></main>
</body>
</html>
"""


def _page_style(leaf: Leaf) -> str:
    return "doc-" + re.sub(r"[^a-z0-9]+", "-", leaf.prefix.lower())


def _quoted(text: str) -> str:
    """A text inside a CSS string."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("<", "\\3c ")


def _mathjax(site: Path, folder: Path) -> str:
    """MathJax with the book's own settings, less what is for screen readers of web pages: the
    sources of the formulas are in the merged file already.
    """
    if not (site / MATHJAX).is_file():
        return ""
    settings: dict[str, object] = {}
    for page in sorted(site.rglob("*.html")):
        found = re.search(r"window\.MathJax = (\{.*?\})</script>", page.read_text(encoding="utf8"))
        if found:
            settings = json.loads(found[1])
            break
    settings["loader"] = {"load": ["core", "input/tex", "output/chtml"]}
    source = html.escape(address(site / MATHJAX, folder))
    return (
        f"<script>window.MathJax = {json.dumps(settings)}</script>\n"
        f'<script defer src="{source}"></script>'
    )


def _title_page(book: Book) -> str:
    name = html.escape(book.title)
    lines = [f'<a href="{book.site}">{book.site}</a>', html.escape(LICENCES)]
    if edition := _edition(book.root):
        lines.append(html.escape(edition))
    rights = f"© {book.settings['copyright']} " if book.settings.get("copyright") else ""
    author = html.escape(book.author)
    return f"""<section class="title-page">
<p class="title">{name}</p>
<p class="author">{author}</p>
<p class="imprint">{rights}{author}<br>{"<br>".join(lines)}</p>
</section>"""


def _edition(root: Path) -> str:
    """The commit that the book was printed from; nothing outside a repository."""
    shown = subprocess.run(
        ["git", "-C", str(root), "log", "-1", "--format=Edition of %cs (%h)"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    top = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "--show-toplevel"],
        capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    return shown.stdout.strip() if shown.returncode == 0 and Path(top) == root.resolve() else ""


def _parts(book: Book) -> dict[str, str]:
    """Page name -> the caption of the part that begins with it."""
    found = {}
    for part in book.toc.get("parts", []):
        first = next(iter(part.get("chapters", [])), None)
        if first and part.get("caption"):
            found[str(first["file"])] = str(part["caption"])
    return found


def _contents(book: Book, soup: BeautifulSoup, leaves: list[Leaf]) -> Tag:
    """Titles and sections with places for their page numbers."""
    article = soup.new_tag("article", attrs={"class": "bd-article contents", "id": "contents"})
    article.append(soup.new_tag("h1", string="Contents"))
    parts = _parts(book)
    deep = {document.name for document in documents(book)
            if not document.name.startswith(TITLE_ONLY)}  # fmt: skip
    for leaf in leaves:
        name = leaf.document.name if leaf.document else ""
        if caption := parts.get(name, "Appendix" if leaf.prefix == SOLUTIONS else ""):
            article.append(soup.new_tag("p", attrs={"class": "part"}, string=caption))
        article.append(_entry(soup, leaf.prefix, leaf.title, 1))
        if leaf.document and name not in deep:
            continue
        for heading in leaf.article.find_all("h2"):
            anchor = heading.get("id") or _anchor(heading)
            if anchor:
                text = " ".join(heading.get_text().split())
                article.append(_entry(soup, str(anchor), text, 2, heading))
    return article


def _anchor(heading: Tag) -> str | None:
    """The id of the section that a heading names."""
    section = heading.find_parent("section", id=True)
    return str(section["id"]) if section else None


def _entry(
    soup: BeautifulSoup, anchor: str, text: str, level: int, heading: Tag | None = None
) -> Tag:
    line = soup.new_tag("p", attrs={"class": f"entry level-{level}"})
    link = soup.new_tag("a", attrs={"href": f"#{anchor}"})
    if heading is not None and heading.select_one(".math"):
        # A formula in a heading is set in the contents too.
        inner = BeautifulSoup(heading.decode_contents(), "html.parser")
        for tag in inner.find_all(id=True):
            del tag["id"]
        link.extend(list(inner.contents))
    else:
        link.string = text
    dots = soup.new_tag("span", attrs={"class": "dots"})
    line.extend([link, dots, page_number(soup, anchor)])
    return line
