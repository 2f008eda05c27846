"""What search engines, link previews and reference managers are told, and the 404 page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.site.html import loaded, read
from tests.site.visits import FLAGS, PATIENCE
from tools.chapters import chapters, documents
from tools.config import load_book
from tools.reading import estimate, in_words, reading_minutes
from tools.serve import served
from tools.source import read_chapter

pytestmark = pytest.mark.slow
BOOK = load_book()
PREFIX = "/" + BOOK.slug.split("/")[1] + "/"


def content(soup: BeautifulSoup, name: str) -> str:
    """The one `<meta>` of this name or property."""
    found = soup.find_all("meta", attrs={"name": name}) + soup.find_all(
        "meta", attrs={"property": name}
    )
    assert len(found) == 1, f"{name}: {len(found)} times"
    return str(found[0]["content"])


def address(page: str) -> str:
    return BOOK.site if page == "index.html" else BOOK.site + page


@pytest.mark.parametrize("page", [d.page for d in documents(BOOK)])
def test_a_page_says_what_it_is_and_where(site: Path, page: str) -> None:
    soup = read(site / page)
    (canonical,) = soup.select("link[rel=canonical]")
    assert canonical["href"] == content(soup, "og:url") == address(page)
    text = content(soup, "description")
    assert 50 <= len(text) <= 160, text
    assert not {"\\", "\0", "$", "{"} & set(text), text
    assert content(soup, "og:description") == text
    heading = soup.select_one("article h1")
    assert heading is not None
    assert content(soup, "og:title") in heading.get_text()
    assert content(soup, "og:site_name") == BOOK.title
    assert re.fullmatch("[a-z]{2}_[A-Z]{2}", content(soup, "og:locale"))
    assert soup.title is not None
    assert soup.title.get_text().count(BOOK.title) == 1
    assert content(soup, "og:type") == ("article" if "chapters/" in page else "website")
    assert content(soup, "twitter:card") == "summary_large_image"
    picture = content(soup, "og:image")
    assert picture.startswith(BOOK.site)
    file = site / picture.removeprefix(BOOK.site)
    size = (int(content(soup, "og:image:width")), int(content(soup, "og:image:height")))
    with Image.open(file) as card:
        assert card.size == size == (1200, 630)
    assert file.stat().st_size < 150_000


def test_a_list_is_no_description(site: Path) -> None:
    assert "ablation" not in content(read(site / "glossary.html"), "description")
    for page in ("glossary.html", "bibliography.html"):
        assert content(read(site / page), "description").endswith("."), page


def test_the_first_page_says_its_title_once(site: Path) -> None:
    """In the window's title; the way home beside the contents has it as its only words."""
    soup = read(site / "index.html")
    assert soup.title is not None
    assert soup.title.get_text() == BOOK.title
    assert soup.select_one("a.navbar-brand").get_text(strip=True) == BOOK.title  # type: ignore[union-attr]


def test_no_two_pages_are_described_alike(site: Path) -> None:
    texts = [content(read(site / d.page), "description") for d in documents(BOOK)]
    assert len(set(texts)) == len(texts)


def test_chapters_can_be_cited(site: Path) -> None:
    for chapter in chapters(BOOK):
        soup = read(site / chapter.page)
        heading = soup.select_one("article h1")
        assert heading is not None
        assert content(soup, "citation_title") in heading.get_text()
        assert content(soup, "citation_author") == BOOK.author
        assert content(soup, "citation_publication_date") == str(BOOK.settings["copyright"])
        assert content(soup, "citation_language") == "en"
        assert content(soup, "citation_public_url") == BOOK.site + chapter.page
        assert content(soup, "citation_fulltext_html_url") == BOOK.site + chapter.page
    assert not read(site / "index.html").select("meta[name^=citation_]")


def linked_data(site: Path, page: str) -> dict[str, object]:
    (script,) = read(site / page).select('script[type="application/ld+json"]')
    found: dict[str, object] = json.loads(script.get_text())
    return found


def test_the_course_and_its_chapters_are_linked_data(site: Path) -> None:
    course = linked_data(site, "index.html")
    assert (course["@type"], course["name"], course["url"]) == ("Course", BOOK.title, BOOK.site)
    parts = course["hasPart"]
    assert isinstance(parts, list)
    assert [part["url"] for part in parts] == [BOOK.site + c.page for c in chapters(BOOK)]
    assert all(part["name"] for part in parts)
    # What Google's "course info" demands beside name, description and provider.
    assert course["hasCourseInstance"]["courseMode"] == "Online"  # type: ignore[index]
    read = sum(reading_minutes(read_chapter(BOOK, c)) for c in chapters(BOOK)) / 60
    assert course["hasCourseInstance"]["courseWorkload"] == f"PT{round(read)}H"  # type: ignore[index]
    assert course["offers"]["category"] == "Free"  # type: ignore[index]
    for chapter in chapters(BOOK):
        found = linked_data(site, chapter.page)
        assert found["@type"] == ["LearningResource", "Article"]
        assert found["position"] == chapter.number
        assert found["isPartOf"] == {"@type": "Course", "name": BOOK.title, "url": BOOK.site}
        minutes = reading_minutes(read_chapter(BOOK, chapter))
        assert found["timeRequired"] == f"PT{minutes}M"


def test_chapters_say_how_long_they_take(site: Path) -> None:
    for chapter in chapters(BOOK):
        notebook = read_chapter(BOOK, chapter)
        shown = read(site / chapter.page).select_one(".chapter-links .reading-time")
        assert shown is not None
        minutes = reading_minutes(notebook)
        assert shown.get_text() == f"About {in_words(minutes)} to read"
        ratio = estimate(notebook) / minutes
        assert 2 / 3 < ratio < 3 / 2, (
            f"{chapter.stem}: the front matter says {minutes} minutes to read, its words, formulas "
            f"and code make {estimate(notebook):.0f}"
        )


def test_every_chapter_leads_to_the_one_before_and_after(site: Path) -> None:
    pages = [d.page for d in documents(BOOK)]
    for chapter in chapters(BOOK):
        at = pages.index(chapter.page)
        soup = read(site / chapter.page)
        for kind, wanted in (("left-prev", pages[at - 1]), ("right-next", pages[at + 1])):
            link = soup.select_one(f".prev-next-footer a.{kind}")
            assert link is not None, f"{chapter.page}: no {kind}"
            target = (site / chapter.page).parent / str(link["href"])
            assert target.resolve() == (site / wanted).resolve()


def test_the_sitemap_names_every_page(site: Path) -> None:
    root = ElementTree.parse(site / "sitemap.xml").getroot()
    assert [e.text for e in root.findall(".//{*}loc")] == [address(d.page) for d in documents(BOOK)]
    assert f"Sitemap: {BOOK.site}sitemap.xml" in (site / "robots.txt").read_text().splitlines()


def test_a_wrong_address_finds_the_way_back(site: Path) -> None:
    soup = read(site / "404.html")
    links = [str(tag["href"]) for tag in soup.find_all("a", href=True)]
    assert BOOK.site in links
    assert {BOOK.site + c.page for c in chapters(BOOK)} <= set(links)
    form = soup.select_one("form[role=search]")
    assert form is not None
    for link in (*links, str(form["action"])):
        assert (site / (link.removeprefix(BOOK.site) or "index.html")).is_file(), link
    # It is shown at any depth: an address relative to the page would lead nowhere.
    assert [a for a in loaded(soup) if not a.startswith("data:")] == []
    assert not any("404" in str(d.path) for d in documents(BOOK))
    index = (site / "searchindex.js").read_text(encoding="utf8")
    names = re.search(r'"?docnames"?: ?(\[[^\]]*\])', index)
    assert names is not None
    assert sorted(json.loads(names[1])) == sorted(d.name for d in documents(BOOK))


@pytest.mark.browser
@pytest.mark.parametrize("path", ["nothing", "chapters/deep/down/nothing.html"])
def test_the_page_for_wrong_addresses_works_at_any_depth(
    site: Path, browser_path: str, path: str
) -> None:
    with served(site, PREFIX) as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        try:
            page = browser.new_page()
            page.set_default_timeout(PATIENCE)
            failed: list[str] = []
            page.on("requestfailed", lambda request: failed.append(request.url))
            # The published site is not asked: this machine answers for it.
            page.route(
                BOOK.site + "**",
                lambda route: route.fulfill(
                    response=route.fetch(url=home + route.request.url.removeprefix(BOOK.site))
                ),
            )
            answer = page.goto(home + path)
            assert answer is not None
            assert answer.status == 404
            assert page.get_by_role("heading", level=1).is_visible()
            page.get_by_label("Search the course").fill("autoencoder")
            page.get_by_role("button", name="Search").click()
            page.wait_for_url("**/search.html?q=autoencoder")
            page.locator("#search-results li a").first.wait_for()
            assert not failed
        finally:
            browser.close()
