"""The questions of every chapter: pointer, keyboard, finger, and no scripts at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.site.html import read
from tests.site.visits import FLAGS, VARIANTS, browser_context

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
def test_first_answers_are_counted_and_kept(chapters: list[Path], browser_path: str) -> None:
    """Pointer and keyboard; a second try does not count; a reload forgets nothing."""
    with browser_context(browser_path, LIGHT) as context:
        page = context.new_page()
        page.goto(chapters[1].as_uri(), wait_until="load")
        quizzes = page.locator(".quiz")
        total = quizzes.count()
        assert tally(page) == (0, total, total)
        answer(page, 0, right=False)
        assert tally(page) == (0, total, total - 1)
        answer(page, 0, right=True)  # too late
        assert tally(page) == (0, total, total - 1)
        open_now = quizzes.nth(0).locator("details[open]")
        assert open_now.count() == 1, "one explanation at a time"
        assert "Right." in open_now.inner_text()
        quizzes.nth(1).locator("[data-right=true] summary").focus()
        page.keyboard.press("Enter")
        assert tally(page) == (1, total, total - 2)
        page.reload(wait_until="load")
        assert tally(page) == (1, total, total - 2)
        page.locator(".quiz-again").click()
        assert tally(page) == (0, total, total)
        assert page.locator(".quiz details[open]").count() == 0
        page.reload(wait_until="load")
        assert tally(page) == (0, total, total)


@pytest.mark.browser
@pytest.mark.slow
def test_a_finger_answers_too(chapters: list[Path], browser_path: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        context = browser.new_context(
            viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
        )
        page = context.new_page()
        page.goto(chapters[0].as_uri(), wait_until="load")
        summary = page.locator(".quiz [data-right=true] summary").first
        summary.scroll_into_view_if_needed()
        box = summary.bounding_box()
        assert box is not None
        assert box["height"] >= 40, "large enough for a finger"
        summary.tap()
        assert tally(page)[0] == 1
        browser.close()


@pytest.mark.browser
@pytest.mark.slow
def test_answers_explain_themselves_without_scripts(
    chapters: list[Path], browser_path: str
) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        page = browser.new_context(java_script_enabled=False).new_page()
        page.goto(chapters[0].as_uri(), wait_until="load")
        option = page.locator(".quiz-option").first
        why = option.locator(".quiz-why")
        assert not why.is_visible()
        option.locator("summary").click()
        assert why.is_visible()
        assert page.locator(".quiz-tally").count() == 0
        browser.close()


def answer(page: Page, quiz: int, *, right: bool) -> None:
    chosen = f"[data-right={str(right).lower()}] summary"
    page.locator(".quiz").nth(quiz).locator(chosen).first.click()


def tally(page: Page) -> tuple[int, int, int]:
    """Right at the first try, of how many, not answered yet; as the page says it."""
    page.wait_for_timeout(50)  # `toggle` comes after the click
    said = page.locator(".quiz-tally").text_content() or ""  # far sections have no layout
    found = re.match(r"(\d+) of (\d+) questions .* (\d+) not answered", said)
    assert found, said
    return int(found[1]), int(found[2]), int(found[3])
