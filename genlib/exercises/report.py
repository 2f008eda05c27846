"""What a check tells a student: what holds, what does not, and why it is likely so."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        ok: whether it is as it should be.
        symptom: what was seen, with the student's own shapes and numbers.
        cause: what most likely brought it about, and what to change. Empty where all is well.
        otherwise: what to say in its place if no cause is found.
    """

    ok: bool
    symptom: str
    cause: str = ""
    otherwise: str = ""


@dataclass(frozen=True)
class Report:
    """A check's answer. True when passed; a notebook shows it as a cell's last value."""

    passed: bool
    exercise: str
    findings: tuple[Finding, ...]
    attempted: bool = True

    def __bool__(self) -> bool:
        return self.passed

    @property
    def verdict(self) -> str:
        """`Passed`, `Not yet` or `Not attempted yet`."""
        if not self.attempted:
            return "Not attempted yet"
        return "Passed" if self.passed else "Not yet"

    def require(self) -> None:
        """Raise unless passed; solutions end with this, so that a wrong one stops the build.

        Raises:
            AssertionError: with the report as its text.
        """
        if not self.passed:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        lines = [f"{self.exercise}: {self.verdict}"]
        for finding in self.findings:
            lines.append(f"  {'holds' if finding.ok else 'wrong'}: {finding.symptom}")
            if finding.cause:
                lines.append(f"         {finding.cause}")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        lines = [f"**{self.exercise}: {self.verdict}**", ""]
        for finding in self.findings:
            cause = f" {finding.cause}" if finding.cause else ""
            lines.append(f"- *{'holds' if finding.ok else 'wrong'}*: {finding.symptom}{cause}")
        return "\n".join(lines)


def conclude(exercise: str, findings: list[Finding]) -> Report:
    """The report over `findings`: passed if there are some and all are well."""
    passed = bool(findings) and all(finding.ok for finding in findings)
    said = [
        finding if finding.ok or finding.cause else replace(finding, cause=finding.otherwise)
        for finding in findings
    ]
    return Report(passed, exercise, tuple(said))
