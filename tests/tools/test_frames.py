"""Recorded output shows the last state of a progress bar, and nothing of its frames."""

from __future__ import annotations

import pytest

from tools.frames import clean_outputs, last_frames
from tools.nb import node


def stream(text: str, name: str = "stdout") -> object:
    return node({"output_type": "stream", "name": name, "text": text})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb\n", "a\nb\n"),
        ("1\r2\r3\nend\n", "3\nend\n"),
        ("\r 0%|\r100%|##|\n", "100%|##|\n"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("\r50%\r100%\r      \rdone\n", "done\n"),
        ("\r50%\r100%\r      \r", ""),
        ("step 3\r", "step 3"),
        ("\x1b[A\x1b[2Kup", "up"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
    ],
)
def test_last_frames(text: str, expected: str) -> None:
    assert last_frames(text) == expected


def test_streams_are_joined_before_they_are_cleaned() -> None:
    outputs = clean_outputs([stream("\r10%"), stream("\r20%"), stream("\r30%\nend\n")])
    assert [o.text for o in outputs] == ["30%\nend\n"]


def test_a_bar_that_wiped_itself_leaves_nothing() -> None:
    bar = stream("\r10%|#   |\r90%|### |\r          \r", "stderr")
    assert clean_outputs([bar]) == []


def test_a_picture_keeps_prints_apart() -> None:
    picture = node({"output_type": "display_data", "data": {"image/png": "aGk="}, "metadata": {}})
    outputs = clean_outputs([stream("a\n"), picture, stream("b\n")])
    assert [o.output_type for o in outputs] == ["stream", "display_data", "stream"]


def test_widget_views_are_dropped() -> None:
    data = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "0%"}
    view = node({"output_type": "display_data", "data": data, "metadata": {}})
    assert clean_outputs([view]) == []


def test_volatile_metadata_is_dropped() -> None:
    output = node({"output_type": "display_data", "data": {"text/plain": "1"},
                   "metadata": {"when": "now"}, "transient": {"display_id": "x"}})  # fmt: skip
    (kept,) = clean_outputs([output])
    assert kept.metadata == {}
    assert "transient" not in kept
