"""The merged book holds together, and its PDF says the page on which things really are."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from pypdf import PdfReader

from tests.tools.small_site import write_small_site
from tools.browser import INSTALL, find_browser
from tools.config import Book, load_book
from tools.errors import BookError
from tools.pdf.__main__ import file_name, make_pdf
from tools.pdf.front import merge
from tools.pdf.press import page_numbers

needs_browser = pytest.mark.skipif(find_browser() is None, reason=INSTALL)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return write_small_site(tmp_path)


def merged(book: Book) -> BeautifulSoup:
    return BeautifulSoup(merge(book, book.html, book.build / "pdf"), "html.parser")


def expect_whole(soup: BeautifulSoup) -> None:
    """Ids are unique, and every link inside leads to one of them."""
    ids = Counter(str(tag["id"]) for tag in soup.find_all(id=True))
    assert [name for name, count in ids.items() if count > 1] == []
    inside = {str(tag["href"])[1:] for tag in soup.select("a[href^='#']")}
    inside |= {str(tag["data-of"]) for tag in soup.select("[data-of]")}
    assert inside - ids.keys() == set()
    assert len(inside) > 5


def link(soup: BeautifulSoup, page: str, text: str) -> str:
    found = soup.find(id=page).find("a", string=text)  # type: ignore[union-attr]
    assert isinstance(found, Tag), text
    return str(found["href"])


def test_ids_are_unique_and_links_lead_to_them(book: Book) -> None:
    soup = merged(book)
    expect_whole(soup)
    # Three pages have a section "how": each link must find the one of its own page.
    assert {"index--how", "chapters-01-first--how", "words--how"} <= {
        str(tag["id"]) for tag in soup.find_all(id=True)
    }
    assert link(soup, "words", "Below") == "#words--how"
    assert link(soup, "index", "the first") == "#chapters-01-first--chapter-first"
    assert link(soup, "chapters-01-first", "Figure 1.1") == "#chapters-01-first--fig-one"
    assert link(soup, "chapters-01-first", "the words") == "#words"
    assert link(soup, "chapters-01-first", "code") == "#words--term-code"
    quiz = soup.select_one("#chapters-01-first .quiz")
    assert quiz is not None
    assert quiz["aria-labelledby"] == "chapters-01-first--quiz-1-1-title"


def test_links_out_of_the_book_stay_whole(book: Book) -> None:
    soup = merged(book)
    assert link(soup, "index", "elsewhere") == "https://example.org/"
    assert link(soup, "index", "Search") == "https://someone.github.io/small/search.html"


def test_pages_stand_in_the_order_of_the_contents(book: Book) -> None:
    names = [article["id"] for article in merged(book).find_all("article")]
    assert names == ["contents", "index", "chapters-01-first", "words", "solutions"]


def test_the_contents_name_parts_pages_and_sections(book: Book) -> None:
    contents = merged(book).find(id="contents")
    assert isinstance(contents, Tag)
    lines = [line.get_text().strip() for line in contents.find_all("p")]
    assert lines == [
        "Small, but whole", "How", "Chapters", "1. The first", "1.1. How", "1.2. Exercises",
        "Around the chapters", "Words", "How", "Appendix", "Answers and solutions", "1. The first",
    ]  # fmt: skip


def test_nothing_is_left_that_needs_a_screen(book: Book) -> None:
    soup = merged(book)
    assert soup.select("a.headerlink, button, .chapter-links, nav, details:not([open])") == []
    assert soup.select("details[name]") == []  # a browser opens only one of those with one name
    text = soup.get_text()
    assert "Folded text." in text
    assert "Not attempted yet" not in text
    assert "Animation" not in text


def test_pictures_are_found_and_stand_still(book: Book) -> None:
    sources = [str(image["src"]) for image in merged(book).find_all("img")]
    assert sources == ["../html/_images/square.svg", "../html/_images/still.svg"]
    assert all((book.build / "pdf" / source).resolve().is_file() for source in sources)


def test_long_folded_code_gives_way_to_a_link(book: Book) -> None:
    soup = merged(book)
    assert "line_39" not in soup.get_text()
    note = soup.select_one("p.folded-code a")
    assert note is not None
    assert note["href"] == "https://someone.github.io/small/chapters/01-first.html"
    assert "40 lines" in note.get_text()


def test_answers_to_questions_stand_at_the_end(book: Book) -> None:
    soup = merged(book)
    quiz = soup.find(id="chapters-01-first--quiz-1-1")
    assert isinstance(quiz, Tag)
    assert "Another." in quiz.get_text()
    assert "Right." not in quiz.get_text()
    answer = soup.find(id=link(soup, str(quiz["id"]), "The answer")[1:])
    assert isinstance(answer, Tag)
    (right,) = answer.select(".quiz-why.right")
    assert right.get_text() == "BRight.Why it is right."
    assert "Why it is wrong." in answer.get_text()


def test_solutions_stand_at_the_end(book: Book) -> None:
    soup = merged(book)
    assert "the_sum" not in soup.find(id="chapters-01-first").get_text()  # type: ignore[union-attr]
    solution = soup.select("#solutions .solution")[1]
    assert "return the_sum" in solution.get_text()
    back = solution.select_one(".solution-title a")
    assert back is not None
    assert back.get_text() == "Exercise 1.1: add"
    exercise = soup.find(id=str(back["href"])[1:])
    assert isinstance(exercise, Tag)
    assert "exercise" in exercise.get_attribute_list("class")
    assert link(soup, "chapters-01-first", "A solution") == f"#{solution['id']}"


def test_a_link_to_nowhere_is_named(book: Book) -> None:
    page = book.html / "index.html"
    page.write_text(page.read_text().replace("words.html#term-code", "words.html#no-such"))
    with pytest.raises(BookError, match=r"index\.html.*'words--no-such'"):
        merged(book)


def test_a_missing_page_is_named(book: Book) -> None:
    (book.html / "words.html").unlink()
    with pytest.raises(BookError, match=r"words\.html.*make book"):
        merged(book)


def test_without_a_browser_there_is_a_clear_error(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.pdf.__main__.find_browser", lambda: None)
    with pytest.raises(BookError, match="no Chromium was found"):
        make_pdf(book, book.html)


def test_the_file_is_called_after_the_book(root: Path, book: Book) -> None:
    assert file_name(load_book(root)) == "generative-image-models.pdf"
    assert file_name(book) == "small.pdf"


def text_of(reader: PdfReader, page: int) -> str:
    """The words of a page, counted from 1."""
    return " ".join(reader.pages[page - 1].extract_text().split())


def expect_good(path: Path, headings: list[str]) -> PdfReader:
    """Page numbers of the contents are true, links find their ends, the outline is there."""
    pdf = path.read_bytes()
    reader = PdfReader(io.BytesIO(pdf))
    numbers = page_numbers(pdf)
    contents = text_of(reader, 2)
    for heading in headings:
        said = re.search(re.escape(heading) + r"\s+(\d+)", contents)
        assert said is not None, f"{heading!r} is not in the contents: {contents}"
        assert heading in text_of(reader, int(said[1])), f"{heading!r} is not on page {said[1]}"
    for number in range(2, len(reader.pages) + 1):
        # Head and foot come before the text: the titles of book and page, and the number.
        assert str(number) in text_of(reader, number).split()[:16]
    inner = [
        str(note.get_object()["/Dest"]).removeprefix("/")
        for page in reader.pages
        for note in page.get("/Annots", [])
        if "/Dest" in note.get_object()
    ]
    assert len(inner) > len(headings)
    assert set(inner) <= numbers.keys()
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert reader.metadata is not None
    return reader


def outline_titles(outline: list[object]) -> list[str]:
    found: list[str] = []
    for entry in outline:
        found += outline_titles(entry) if isinstance(entry, list) else [str(entry.title)]  # type: ignore[attr-defined]
    return found


@needs_browser
@pytest.mark.browser
@pytest.mark.slow
def test_a_small_book_is_printed(book: Book) -> None:
    reader = expect_good(make_pdf(book, book.html), ["1. The first", "1.2. Exercises", "Words"])
    # Title, contents, three pages, solutions: each begins on a page of its own, none is longer.
    assert len(reader.pages) == 6
    assert [number for number in range(1, 7) if "Small, but whole" in text_of(reader, number)] == [
        1, 2, 3, 4, 5, 6,
    ]  # fmt: skip
    titles = outline_titles(reader.outline)
    assert titles == [
        "Contents", "Small, but whole", "How", "1. The first", "1.1. How", "1.2. Exercises",
        "Words", "How", "Answers and solutions", "1. The first",
    ]  # fmt: skip
    assert "A solution stands on page 6." in text_of(reader, 4)
    assert "return the_sum" in text_of(reader, 6)
    assert reader.metadata is not None
    assert reader.metadata.author == "A. Writer"
    web = {
        str(note.get_object()["/A"]["/URI"])
        for page in reader.pages
        for note in page.get("/Annots", [])
        if "/A" in note.get_object() and "/URI" in note.get_object()["/A"]
    }
    assert "https://example.org/" in web
    assert not [address for address in web if address.startswith("file:")]


@needs_browser
@pytest.mark.browser
@pytest.mark.slow
def test_the_command_builds_the_site_and_prints_it(
    root: Path, executed_minibook: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "book"
    shutil.copytree(executed_minibook, folder, symlinks=True)
    shutil.copytree(root / "book/_static/css", folder / "book/_static/css")
    done = subprocess.run(
        [sys.executable, "-m", "tools.pdf", "--root", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    path = folder / "_build" / "generative-image-models.pdf"
    assert path.as_uri() in done.stdout
    soup = BeautifulSoup((folder / "_build/pdf/book.html").read_text(), "html.parser")
    expect_whole(soup)
    reader = expect_good(path, ["1. A small chapter", "Notation", "Glossary", "Bibliography"])
    assert "Because" in " ".join(page.extract_text() for page in reader.pages)  # a fold, opened
    assert "1. A small chapter" in outline_titles(reader.outline)
