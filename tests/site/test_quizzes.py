"""The questions of every chapter: pointer, keyboard, finger, and no scripts at all."""

from __future__ import annotations

import re
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.site.html import read
from tests.site.visits import PATIENCE, VARIANTS, Variant, window

LIGHT, _, NARROW = VARIANTS
CHAPTERS = 7
PER_CHAPTER = 6


@pytest.fixture(scope="module")
def chapters(pages: list[Path]) -> list[Path]:
    found = [path for path in pages if re.match(r"0\d-", path.name)]
    assert len(found) == CHAPTERS
    return found


def test_every_chapter_asks_and_explains(chapters: list[Path]) -> None:
    for path in chapters:
        quizzes = read(path).select(".quiz")
        number = int(path.name[:2])
        names = [quiz["data-quiz"] for quiz in quizzes]
        assert len(names) >= PER_CHAPTER, path.name
        assert names == [f"{number}.{i + 1}" for i in range(len(names))], "numbered in order"
        for quiz in quizzes:
            options = quiz.select("details.quiz-option")
            assert 3 <= len(options) <= 5
            assert sum(option["data-right"] == "true" for option in options) == 1
            for option in options:
                why = option.select_one(".quiz-why")
                assert why is not None
                assert len(why.get_text(" ", strip=True)) > 25, quiz["data-quiz"]


@pytest.mark.browser
@pytest.mark.slow
def test_first_answers_are_counted_and_kept(chapters: list[Path], browser: Browser) -> None:
    """Pointer and keyboard; a second try does not count; a reload forgets nothing."""
    with remembering(browser, LIGHT) as context:
        page = context.new_page()
        page.goto(chapters[1].as_uri(), wait_until="load")
        quizzes = page.locator(".quiz")
        total = quizzes.count()
        expect(page, 0, total, total)
        answer(page, 0, right=False)
        expect(page, 0, total, total - 1)
        answer(page, 0, right=True)  # too late
        expect(page, 0, total, total - 1)
        open_now = quizzes.nth(0).locator("details[open]")
        assert open_now.count() == 1, "one explanation at a time"
        assert "Right." in open_now.inner_text()
        quizzes.nth(1).locator("[data-right=true] summary").focus()
        page.keyboard.press("Enter")
        expect(page, 1, total, total - 2)
        page.reload(wait_until="load")
        expect(page, 1, total, total - 2)
        page.locator(".quiz-again").click()
        expect(page, 0, total, total)
        assert page.locator(".quiz details[open]").count() == 0
        page.reload(wait_until="load")
        expect(page, 0, total, total)


@pytest.mark.browser
@pytest.mark.slow
def test_the_verdict_is_told_and_the_first_answer_marked(
    chapters: list[Path], browser: Browser
) -> None:
    """A screen reader says of an option that it is open, and not whether it is right."""
    with remembering(browser, NARROW) as context:
        page = context.new_page()
        page.goto(chapters[1].as_uri(), wait_until="load")
        quiz, status = page.locator(".quiz").first, ".quiz-tally [role=status]"
        wrong, right = (quiz.locator(f"[data-right={word}]").first for word in ("false", "true"))
        for option, words in ((wrong, "not this one."), (right, "right.")):
            option.locator("summary").click()
            text = f"2.1, {option.get_attribute('data-letter')}: {words}"
            page.wait_for_function(SAYS, arg=[status, text])
        for _ in range(2):  # also after a reload
            page.wait_for_function(SAYS, arg=[".quiz-first", "first answer"])
            assert page.locator(".quiz-first").count() == 1
            assert wrong.locator(".quiz-first").count() == 1
            page.reload(wait_until="load")
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW.width
        page.locator(".quiz-again").click()
        page.wait_for_function("!document.querySelector('.quiz-first')")


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("kept", ["5", "[]", "null", '"x"', "{broken"])
def test_what_cannot_be_answers_is_no_answer(
    chapters: list[Path], browser: Browser, kept: str
) -> None:
    with remembering(browser, LIGHT) as context:
        page = context.new_page()
        page.goto(chapters[0].as_uri(), wait_until="load")
        page.evaluate("kept => localStorage.setItem('genlib-quiz', kept)", kept)
        page.reload(wait_until="load")
        total = page.locator(".quiz").count()
        expect(page, 0, total, total)
        answer(page, 0, right=True)
        expect(page, 1, total, total - 1)


@pytest.mark.browser
@pytest.mark.slow
def test_a_printed_page_keeps_what_was_not_opened(chapters: list[Path], browser: Browser) -> None:
    """So that a teacher can hand out the questions; what a reader has opened is printed."""
    with window(browser) as context:
        page = context.new_page()
        page.goto(chapters[0].as_uri(), wait_until="load")
        page.evaluate("coursePage.whole()")
        page.locator(".quiz [data-right=true] summary").first.click()
        page.emulate_media(media="print")
        printed = page.evaluate(
            "[...document.querySelectorAll('.quiz-option')].map(option => [option.open, "
            "option.querySelector('.quiz-why').checkVisibility({contentVisibilityAuto: true})])"
        )
        assert [True, True] in printed
        assert all(shown == opened for opened, shown in printed)


@pytest.mark.browser
@pytest.mark.slow
def test_a_finger_answers_too(chapters: list[Path], browser: Browser) -> None:
    size = {"width": 360, "height": 740}
    with window(browser, viewport=size, has_touch=True, is_mobile=True) as context:
        page = context.new_page()
        page.goto(chapters[0].as_uri(), wait_until="load")
        summary = page.locator(".quiz [data-right=true] summary").first
        summary.scroll_into_view_if_needed()
        box = summary.bounding_box()
        assert box is not None
        assert box["height"] >= 40, "large enough for a finger"
        summary.tap()
        total = page.locator(".quiz").count()
        expect(page, 1, total, total - 1)


@pytest.mark.browser
@pytest.mark.slow
def test_answers_explain_themselves_without_scripts(chapters: list[Path], browser: Browser) -> None:
    with window(browser, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(chapters[0].as_uri(), wait_until="load")
        option = page.locator(".quiz-option").first
        why = option.locator(".quiz-why")
        assert not why.is_visible()
        option.locator("summary").click()
        why.wait_for(state="visible")
        assert page.locator(".quiz-tally").count() == 0


def remembering(browser: Browser, variant: Variant) -> AbstractContextManager[BrowserContext]:
    """A window that touches no storage. Where a test's own script writes to it at the first moment
    of a page, Chromium on a busy machine at times shows the page none of what it kept before.
    """
    return window(browser, viewport={"width": variant.width, "height": 900})


def answer(page: Page, quiz: int, *, right: bool) -> None:
    chosen = f"[data-right={str(right).lower()}] summary"
    page.locator(".quiz").nth(quiz).locator(chosen).first.click()


# As the page says it; far sections have no layout, so `innerText` would be empty. The browser tells
# of an opened answer when it has time: two frames later it has, also where nothing is to change.
SAID = """async () => {
  for (let i = 0; i < 2; i += 1) {
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  }
  return document.querySelector(".quiz-tally")?.textContent ?? "";
}"""


SAYS = "([where, text]) => document.querySelector(where)?.textContent === text"


def expect(page: Page, right: int, total: int, left: int) -> None:
    """Wait until so many are right at the first try, of how many, and so many not answered yet."""
    said = ""
    until = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < until:
        said = page.evaluate(SAID)
        found = re.match(r"(\d+) of (\d+) questions .* (\d+) not answered", said)
        if found and [int(number) for number in found.groups()] == [right, total, left]:
            return
    pytest.fail(f"{right} of {total} and {left} to go were expected, but the page says: {said}")
