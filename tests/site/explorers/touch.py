"""A finger on the screen, as the browser's own tests put it there."""

from __future__ import annotations

from playwright.sync_api import Page

Place = tuple[float, float]


def swipe(page: Page, start: Place, end: Place, steps: int = 8) -> None:
    """Put a finger down at `start`, move it to `end` and lift it; the page must take touches."""
    session = page.context.new_cdp_session(page)

    def send(kind: str, *places: Place) -> None:
        points = [{"x": x, "y": y, "id": 1} for x, y in places]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", start)
    for i in range(1, steps + 1):
        share = i / steps
        send("touchMove", tuple(a + share * (b - a) for a, b in zip(start, end, strict=True)))  # type: ignore[arg-type]
        page.wait_for_timeout(20)
    send("touchEnd")
    session.detach()
    # A tap right after a swipe only stops the fling and is no click; no finger is that fast.
    page.wait_for_timeout(500)
