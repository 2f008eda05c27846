"""Results are JSON in which a list of numbers is one line, and nothing else is touched."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.common import as_text, figure

numbers = st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
contents = st.recursive(
    numbers | st.booleans() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(contents)
def test_it_says_the_same(content: object) -> None:
    assert json.loads(as_text(content)) == content


def test_numbers_share_a_line_and_texts_keep_their_spaces() -> None:
    text = as_text({"looks": [[1, 2.5], [None, -3e-05]], "note": "[1,  2]", "names": ["a", "b"]})
    lines = text.split("\n")
    assert "  [ 1, 2.5 ]," in lines
    assert ' "note": "[1,  2]",' in lines
    assert len(lines) == 11


def test_a_number_is_found_under_names_with_strokes() -> None:
    figures = {"runs": {"right": {"mean": 1.0}, "right/long": {"mean": 2.0}, "a/b": {"c/d": 3}}}
    assert figure(figures, "runs/right/mean") == 1
    assert figure(figures, "runs/right/long/mean") == 2
    assert figure(figures, "runs/a/b/c/d") == 3
    with pytest.raises(KeyError, match="wrong"):
        figure(figures, "runs/right/wrong")
