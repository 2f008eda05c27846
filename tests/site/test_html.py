"""The built pages, read as files: links, pictures, headings, and nothing from another host."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.site.html import CSS_URL, ELSEWHERE, loaded, read
from tools.chapters import chapters, documents, notebook_path
from tools.config import load_book
from tools.links.internal import broken, loaded_files, notebook_links, page_links
from tools.nb import read_notebook
from tools.plain.index import build_index

pytestmark = pytest.mark.slow
BOOK = load_book()


def expect_nothing(found: list[str]) -> None:
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def test_every_document_has_a_page(site: Path) -> None:
    expect_nothing([d.page for d in documents(BOOK) if not (site / d.page).is_file()])


def test_internal_links_and_anchors_resolve(site: Path) -> None:
    expect_nothing([str(found) for found in broken(BOOK, site, list(page_links(site)))])


def test_every_picture_has_alt_text(site: Path, pages: list[Path]) -> None:
    bare = []
    for page in pages:
        for tag in read(page).find_all("img"):
            hidden = tag.get("aria-hidden") == "true" or tag.get("role") == "presentation"
            alt = str(tag.get("alt", "")).strip()
            if not hidden and (len(alt) < 3 or alt.endswith((".png", ".svg", ".webp", ".gif"))):
                bare.append(f"{page.relative_to(site)}: {str(tag)[:150]}")
    expect_nothing(bare)


def test_headings_are_in_order(site: Path, pages: list[Path]) -> None:
    wrong = []
    for page in pages:
        text = read(page).select_one("article") or read(page).select_one("main")
        assert text is not None, page
        headings = text.find_all(re.compile(r"^h[1-6]$"))
        levels = [int(tag.name[1]) for tag in headings if not tag.find_parent(class_="onlyprint")]
        if levels.count(1) != 1 or levels[0] != 1:
            wrong.append(f"{page.relative_to(site)}: {levels.count(1)} first headings, wanted one")
        for above, below in pairwise(levels):
            if below > above + 1:
                wrong.append(f"{page.relative_to(site)}: h{below} follows h{above}")
    expect_nothing(wrong)


def test_pages_load_nothing_from_another_host(site: Path, pages: list[Path]) -> None:
    expect_nothing(
        [
            f"{page.relative_to(site)}: {address}"
            for page in pages
            for address in loaded(read(page))
            if address.startswith(ELSEWHERE)
        ]
    )


def test_styles_load_nothing_from_another_host(site: Path) -> None:
    sheets = sorted(site.rglob("*.css"))
    assert sheets
    expect_nothing(
        [
            f"{sheet.relative_to(site)}: {address}"
            for sheet in sheets
            for address in CSS_URL.findall(sheet.read_text(encoding="utf8"))
            if address.startswith(ELSEWHERE)
        ]
    )


def test_everything_that_pages_load_is_there(site: Path) -> None:
    expect_nothing([str(found) for found in broken(BOOK, site, list(loaded_files(site)))])


def test_pages_name_their_language_and_title(site: Path, pages: list[Path]) -> None:
    for page in pages:
        soup = read(page)
        assert soup.html is not None
        assert soup.title is not None
        assert soup.html.get("lang") == "en", page
        assert soup.title.get_text().strip(), page


def test_chapters_link_their_notebook(site: Path) -> None:
    for chapter in chapters(BOOK):
        soup = read(site / chapter.page)
        colab = soup.select_one("a.colab-button")
        download = soup.select_one("a.download-button")
        assert colab is not None
        assert download is not None
        assert colab["href"] == BOOK.colab(f"notebooks/{chapter.stem}.ipynb")
        copied = (site / chapter.page).parent / str(download["href"])
        assert copied.read_bytes() == notebook_path(BOOK, chapter).read_bytes()


def test_chapters_say_where_their_outputs_come_from(site: Path) -> None:
    for chapter in chapters(BOOK):
        foot = read(site / chapter.page).select_one("p.provenance")
        assert foot is not None
        made = read_notebook(notebook_path(BOOK, chapter)).metadata["genlib"]  # type: ignore[union-attr]
        for word in (made["profile"], made["device"], *made["data"], made["fingerprint"][:8]):
            assert word in foot.get_text()


def test_numbers_are_those_of_the_notebooks(site: Path) -> None:
    """What the notebooks call equation (1.3) or Figure 1.2 is what the site calls so."""
    wrong = []
    for label, target in build_index(BOOK).labels.items():
        place = read(site / target.page).find(id=target.anchor)
        if place is None:
            wrong.append(f"{label}: no anchor {target.anchor} on {target.page}")
            continue
        shown = place.select_one(".eqno" if target.kind == "equation" else ".caption-number")
        if target.kind in ("equation", "figure", "table"):
            text = shown.get_text() if shown else ""
            found = re.search(r"\d+(?:\.\d+)?", text)
            if found is None or found[0] != target.number:
                wrong.append(f"{label}: {target.number} in the notebook, {text!r} on the site")
    expect_nothing(wrong)


def test_links_of_notebooks_to_the_site_resolve(site: Path) -> None:
    expect_nothing([str(found) for found in broken(BOOK, site, list(notebook_links(BOOK)))])
