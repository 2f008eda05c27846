"""Answers and solutions go to the end of the book: on paper nothing else keeps them unseen.

Each becomes a `div.solution` that names its question or exercise. Where it stood there is a line
that points to it.
"""

from __future__ import annotations

from bs4 import BeautifulSoup, Tag


def take_answers(soup: BeautifulSoup, article: Tag) -> list[Tag]:
    """Take the explanations of questions and the solutions of exercises out of `article`."""
    found: list[Tag] = []
    exercise: Tag | None = None
    box: Tag | None = None
    for tag in article.select(".quiz, .admonition.exercise, .cell.tag_solution"):
        kinds = tag.get_attribute_list("class")
        if "quiz" in kinds:
            found.append(_take_explanations(soup, tag, len(found) + 1))
        elif "exercise" in kinds:
            exercise, box = tag, None
        elif exercise is not None:  # else it stays where it is
            if box is None:
                title = exercise.select_one(".admonition-title")
                box = _box(soup, exercise, title, len(found) + 1)
                tag.insert_before(_pointer(soup, box, "A solution"))
                found.append(box)
            box.append(tag.extract())
    return found


def _take_explanations(soup: BeautifulSoup, quiz: Tag, number: int) -> Tag:
    """Leave the question with its options, as a list; return what is said of each option."""
    box = _box(soup, quiz, quiz.select_one(".quiz-title"), number)
    for option in quiz.select("details.quiz-option"):
        letter = str(option.get("data-letter", ""))
        if why := option.select_one(".quiz-why"):
            why.insert(0, soup.new_tag("p", attrs={"class": "quiz-letter"}, string=letter))
            if option.get("data-right") == "true":
                why["class"] = "quiz-why right"
            box.append(why.extract())
        if summary := option.find("summary"):
            summary.unwrap()
        option.name = "div"
        del option["name"]
    quiz.append(_pointer(soup, box, "The answer"))
    return box


def _box(soup: BeautifulSoup, question: Tag, title: Tag | None, number: int) -> Tag:
    question["id"] = question.get("id") or f"question-{number}"
    box = soup.new_tag("div", attrs={"class": "solution", "id": f"solution-{number}"})
    name = " ".join(title.get_text().split()) if title else f"Question {number}"
    box.append(line(soup, "solution-title", f"#{question['id']}", name))
    return box


def _pointer(soup: BeautifulSoup, box: Tag, what: str) -> Tag:
    pointer = line(soup, "solution-pointer", f"#{box['id']}", what)
    pointer.extend([" stands on page ", page_number(soup, str(box["id"])), "."])
    return pointer


def page_number(soup: BeautifulSoup, anchor: str) -> Tag:
    """A place that gets the number of the page on which `anchor` is printed."""
    return soup.new_tag("span", attrs={"class": "page-of", "data-of": anchor})


def line(soup: BeautifulSoup, name: str, link: str, text: str) -> Tag:
    """A paragraph of class `name` that is one link."""
    paragraph = soup.new_tag("p", attrs={"class": name})
    paragraph.append(soup.new_tag("a", attrs={"href": link}, string=text))
    return paragraph
