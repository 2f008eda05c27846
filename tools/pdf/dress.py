"""One article, made ready for paper: nothing to click, nothing folded, nothing that moves."""

from __future__ import annotations

import base64
import io

from bs4 import BeautifulSoup, Tag

from tools.errors import BookError
from tools.pdf.answers import line, take_answers

# What only a screen needs. A check's report is one: on paper it would always say "Not attempted".
SCREEN_ONLY = (
    "a.headerlink, button, script, noscript, style, .onlyprint, .chapter-links, .copybtn, "
    ".tag_check > .cell_output, .tag_exercise > .cell_output"
)
# A link of this class leads to the site although the page is in the book too.
ONLINE = "online"
# Code that the site folds away draws a figure. A few lines of it belong to the figure; more of them
# would push text and figure onto different pages, and the chapter's notebook has them.
LONGEST_FOLDED = 12
# A block of up to this many lines is kept on one page.
LONGEST_UNBROKEN = 14


def article_of(soup: BeautifulSoup, page: str) -> Tag:
    """The article of a built page, without the theme's frame around it.

    Raises:
        BookError: the page has no article.
    """
    article = soup.select_one("article.bd-article")
    if article is None:
        raise BookError("this page has no article; build the site again with `make book`", page)
    return article


def dress(soup: BeautifulSoup, article: Tag, online: str) -> list[Tag]:
    """Make `article` ready for paper, in place; its answers and solutions are taken out (see
    `take_answers`) and returned.

    Args:
        online: the page's address on the site, where folded code can be read.
    """
    for tag in article.select(SCREEN_ONLY):
        tag.decompose()
    _stand_still(article)
    solutions = take_answers(soup, article)
    for part in (article, *solutions):
        _unfold_code(soup, part, online, keep=part is not article)
        _open(soup, part)
        _mark_short(part)
        _name_formulas(soup, part)
    return solutions


def _stand_still(article: Tag) -> None:
    """Animations show the picture for readers who want no motion, else their last frame."""
    for fold in article.select("details.genlib-animation"):
        if summary := fold.find("summary"):
            summary.decompose()
        fold.unwrap()
    for picture in article.find_all("picture"):
        image = picture.find("img")
        still = picture.find("source", media=lambda media: "reduced-motion" in str(media))
        if isinstance(image, Tag) and isinstance(still, Tag):
            image["src"] = str(still["srcset"])
        for source in picture.find_all("source"):
            source.decompose()
        picture.unwrap()
    for image in article.find_all("img"):
        del image["loading"]  # a picture far down must be there when the page is printed
        address = str(image.get("src", ""))
        if address.startswith("data:image/gif;base64,"):
            image["src"] = _last_frame(address)


def _last_frame(address: str) -> str:
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as picture:
        picture.seek(getattr(picture, "n_frames", 1) - 1)
        kept = io.BytesIO()
        picture.convert("RGB").save(kept, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(kept.getvalue()).decode()


def _unfold_code(soup: BeautifulSoup, part: Tag, online: str, *, keep: bool) -> None:
    for fold in part.select("div.cell details.hide"):
        code = fold.select_one(".cell_input pre")
        lines = _lines(code) if code else 0
        if not keep and lines > LONGEST_FOLDED and not fold.select_one(".cell_output"):
            note = line(soup, "folded-code", online, f"Code, {lines} lines")
            note.append(": online and in the chapter’s notebook")
            for link in note.find_all("a"):
                link["class"] = ONLINE
            fold.replace_with(note)
        else:
            if summary := fold.find("summary"):
                summary.decompose()
            fold.unwrap()


def _open(soup: BeautifulSoup, part: Tag) -> None:
    """Whatever is still folded (questions, boxes) is shown open."""
    for fold in part.find_all("details"):
        fold["open"] = ""
        del fold["name"]  # of several with one name, a browser opens only one
    for box in part.select(".toggle, .toggle-hidden, .dropdown"):
        gone = {"toggle", "toggle-hidden", "dropdown"}
        kept = [str(name) for name in box.get_attribute_list("class") if name not in gone]
        box["class"] = " ".join(kept)


def _lines(code: Tag) -> int:
    return code.get_text().strip("\n").count("\n") + 1


def _mark_short(part: Tag) -> None:
    for code in part.find_all("pre"):
        if _lines(code) <= LONGEST_UNBROKEN:
            frame = code.find_parent(class_="cell_input") or code
            _add_class(frame, "short")
    for table in part.find_all("table"):
        if len(table.find_all("tr")) <= LONGEST_UNBROKEN:
            _add_class(table, "short")


def _add_class(tag: Tag, name: str) -> None:
    tag["class"] = " ".join([*(str(old) for old in tag.get_attribute_list("class") if old), name])


def _name_formulas(soup: BeautifulSoup, part: Tag) -> None:
    """A formula is drawn from glyphs; its source is what a screen reader can say of it."""
    for formula in part.select("span.math, div.math"):
        if number := formula.select_one(".eqno"):
            # The number is read by itself, so the formula gets a box of its own.
            inner = soup.new_tag("div", attrs={"class": "formula"})
            for child in [child for child in formula.contents if child is not number]:
                inner.append(child.extract())
            formula.append(inner)
            formula = inner
        named = {"role": "img", "aria-label": " ".join(formula.get_text().split())}
        formula.attrs.update(named)
