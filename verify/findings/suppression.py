"""`# telewire: ignore[TW502] reason`: a finding that somebody has looked at and accepts, said beside the code.

The comment covers its own line, or the next line where it stands alone. It names the rules that it accepts and gives a
reason. One that accepts nothing is itself a finding, so that none outlives its fault.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..source import SourceFile
from ..source.model import Span
from ..source.program import Place
from .any_rule import AnyRule
from .finding import Confidence, Finding

_MARK = b"telewire: ignore"
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


def find_suppressions(files: Iterable[SourceFile]) -> list[Suppression]:
    """Return the suppression comments of source files; a file that cannot be read has none."""
    found: list[Suppression] = []
    for file in files:
        try:
            text = file.read()
        except OSError:
            continue  # named by whoever summarises the file
        if _MARK in text:
            found += _suppressions_in(file.shown, text)
    return found


def _suppressions_in(path: str, text: bytes) -> Iterator[Suppression]:
    try:
        for token in tokenize.tokenize(io.BytesIO(text).readline):
            comment = _COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
            if comment is None:
                continue
            line, column = token.start
            alone = not token.line[:column].strip()
            codes = tuple(dict.fromkeys(_CODE.findall(comment[1] or "")))
            place = Place(path, Span(line, column + 1, line, column + len(token.string) + 1))
            yield Suppression(place, line + alone, codes, comment[2].strip())
    except (SyntaxError, tokenize.TokenError):
        return  # no Python: named by whoever summarises the file


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
    standing = list(findings)
    accepted: list[Finding] = []
    for suppression in suppressions:
        if not suppression.codes:
            standing.append(rule.report(suppression, rule.code, "names no rule"))
        elif not suppression.reason:
            standing.append(rule.report(suppression, rule.code, "gives no reason"))
        else:
            for code in suppression.codes:
                covered = [one for one in standing if _covers(suppression, code, one)]
                if covered:
                    standing = [one for one in standing if one not in covered]
                    accepted += covered
                elif judged(code):
                    standing.append(rule.report(suppression, code, f"accepts no {code}"))
    return standing, accepted


def _covers(suppression: Suppression, code: str, finding: Finding) -> bool:
    is_there = finding.path == suppression.place.path and finding.line == suppression.covers
    return is_there and finding.rule == code
