"""Section "Wiring Issues": what the author knows to be broken, and every finding, waived ones marked."""

from __future__ import annotations

from dataclasses import dataclass

from ..registry.evidence_parts import WiringIssue
from ..verify.findings import Finding
from .markdown import code, plain, without_line_numbers
from .page import Page

_LANGUAGES = {".py": "python", ".yaml": "yaml", ".yml": "yaml"}


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue; all texts are Markdown, `current_code` is verbatim."""

    heading: str
    location: str | None
    function: str | None
    issue: str
    current_code: str | None
    language: str
    expected: str | None
    remark: str | None = None


def issues(page: Page) -> tuple[Issue, ...]:
    """Return the declared issues, then the findings, in one numbering.

    The headings differ (`CRITICAL BUG #1`, `FINDING #2`), so that nobody takes what was derived for what the
    author declared.
    """
    found = [_declared(number, issue) for number, issue in enumerate(page.record.wiring_issues, start=1)]
    for number, finding in enumerate((*page.findings, *page.accepted), start=len(found) + 1):
        found.append(_finding(number, finding, page))
    return tuple(found)


def _declared(number: int, issue: WiringIssue) -> Issue:
    severity = f"{issue.severity.upper()} " if issue.severity is not None else ""
    return Issue(
        heading=f"{severity}BUG #{number}: {issue.title}",
        location=code(issue.location) if issue.location is not None else None,
        function=code(issue.function) if issue.function is not None else None,
        issue=issue.issue,
        current_code=issue.current_code,
        language="python",
        expected=issue.expected,
        remark="**Resolved:** the author says so." if issue.resolved else None,
    )


def _finding(number: int, finding: Finding, page: Page) -> Issue:
    message = f"{plain(without_line_numbers(finding.message))}."
    lost = finding.context.get("lost_after")
    if lost is not None:
        message += f" The value is lost after {code(lost)}."
    stage = f" ({finding.stage})" if finding.stage is not None else ""
    function = _enclosing(finding, page)
    suffix = finding.path[finding.path.rfind(".") :]
    return Issue(
        heading=f"FINDING #{number}: {finding.rule} {finding.name}{stage}",
        location=code(finding.path),
        function=code(function) if function is not None else None,
        issue=message,
        current_code=page.excerpts.get(finding),
        language=_LANGUAGES.get(suffix, ""),
        expected=plain(without_line_numbers(finding.help)),
        remark=_waiver(finding, page) if finding in page.accepted else None,
    )


def _enclosing(finding: Finding, page: Page) -> str | None:
    """Return the innermost named function around a finding, as it is called."""
    module = next((one for one in page.program.modules.values() if one.path == finding.path), None)
    if module is None:
        return None
    around = [
        summary
        for summary in module.functions.values()
        if "<" not in summary.qualname and summary.span.line <= finding.line <= summary.span.end_line
    ]
    if not around:
        return None
    innermost = min(around, key=lambda summary: summary.span.end_line - summary.span.line)
    return f"{innermost.qualname}()"


def _waiver(finding: Finding, page: Page) -> str:
    for waiver in page.record.waivers:
        if waiver.rule == finding.rule and waiver.subject in {None, finding.subject, finding.stage}:
            return f"**Waived** until {waiver.expires.isoformat()}: {waiver.reason}"
    return "**Waived.**"
