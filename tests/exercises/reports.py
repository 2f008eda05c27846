"""What the tests of all exercise checks ask of a report."""

from __future__ import annotations


def said(report, *words):
    """The report failed, and its failing findings contain all `words`."""
    assert not report
    text = " ".join(f"{f.symptom} {f.cause}" for f in report.findings if not f.ok)
    for word in words:
        assert word in text, str(report)
    return True
