"""`# telewire: ignore[TW502] reason`: a finding that somebody has looked at and accepts, said beside the code.

The comment covers its own line, or the next line where it stands alone. It names the rules that it accepts and gives a
reason. One that accepts nothing is itself a finding, so that none outlives its fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..source.model import Comment
from ..source.program import Place
from .any_rule import AnyRule
from .finding import Confidence, Finding

_COMMENT = re.compile(r"#\s*telewire:\s*ignore\b\s*(?:\[([^\]]*)\])?\s*(.*)$")
_CODE = re.compile(r"TW\d{3}")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment: the rules that it accepts, on which line, and why."""

    place: Place
    covers: int
    codes: tuple[str, ...]
    reason: str


class SuppressionWithoutEffect(AnyRule):
    """A suppression comment accepts nothing, names no rule, or gives no reason.

    ## Why is this bad?
    A comment that covers nothing hides the next fault of its kind. One without a rule or a reason accepts faults that
    nobody has looked at.

    ## Example
    ```python
    stats.dropped = 0  # telewire: ignore
    ```

    ## Use instead
    ```python
    stats.dropped = 0  # telewire: ignore[TW501] the worker fills it, in C
    ```
    """

    code = "TW404"
    name = "suppression-without-effect"

    def report(self, suppression: Suppression, code: str, problem: str) -> Finding:
        """Make the finding for one comment."""
        return self.make(
            subject=code,
            place=suppression.place,
            message=f"this suppression {problem}",
            help="write `# telewire: ignore[CODE] reason` beside the finding, or take the comment out",
            context={"code": code, "problem": problem, "reason": suppression.reason},
            confidence=Confidence.HIGH,
        )


def find_suppressions(comments: Mapping[str, Iterable[Comment]]) -> list[Suppression]:
    """Return those of the files' comments, by path, that suppress findings."""
    found: list[Suppression] = []
    for path, of_file in comments.items():
        for comment in of_file:
            said = _COMMENT.match(comment.text)
            if said is not None:
                codes = tuple(dict.fromkeys(_CODE.findall(said[1] or "")))
                covers = comment.span.line + comment.is_alone
                found.append(Suppression(Place(path, comment.span), covers, codes, said[2].strip()))
    return found


def apply_suppressions(
    findings: Iterable[Finding], suppressions: Iterable[Suppression], *, judged: Callable[[str], bool]
) -> tuple[list[Finding], list[Finding]]:
    """Split findings into those that stand and those that a comment accepts.

    Args:
        findings: All findings of a run, of whatever confidence.
        suppressions: The comments of the files that were looked at.
        judged: Whether the rule of a code was applied: a comment for any other rule is left alone.
    """
    rule = SuppressionWithoutEffect()
    standing = dict.fromkeys(findings)
    there: dict[tuple[str, int, str], list[Finding]] = {}
    for finding in standing:
        there.setdefault((finding.path, finding.line, finding.rule), []).append(finding)
    accepted: list[Finding] = []
    idle: list[Finding] = []
    for suppression in suppressions:
        if not suppression.codes:
            idle.append(rule.report(suppression, rule.code, "names no rule"))
        elif not suppression.reason:
            idle.append(rule.report(suppression, rule.code, "gives no reason"))
        else:
            for code in suppression.codes:
                covered = there.pop((suppression.place.path, suppression.covers, code), [])
                for finding in covered:
                    del standing[finding]
                accepted += covered
                if not covered and judged(code):
                    idle.append(rule.report(suppression, code, f"accepts no {code}"))
    return [*standing, *idle], accepted
