"""Tables in HTML and in plain text."""

from __future__ import annotations

import pytest

from genlib.tables import Table


def test_html_has_scopes_and_escapes() -> None:
    html = Table(["model", "a < b"], [["PCA", 1], ["<script>", 2.5]])._repr_html_()
    assert '<th scope="col">a &lt; b</th>' in html
    assert '<th scope="row">PCA</th><td>1</td>' in html
    assert "<script>" not in html


def test_text_is_aligned() -> None:
    lines = str(Table(["model", "error"], [["autoencoder", "1"], ["PCA", "22"]])).splitlines()
    assert lines == ["model        error", "autoencoder  1", "PCA          22"]


def test_ragged_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="2 cells under 3 headings"):
        Table(["a", "b", "c"], [["1", "2"]])
