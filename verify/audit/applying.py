"""Applies the rules of an audit, on two cores where that is worth its memory.

The rules are independent of each other, and what they find is little. They fall into two groups of about the same
time that have no table in common: those about fields and about who uses what, and those that look through the bodies
of functions. A copy of this process takes the second group. What it touches of the flow is there twice meanwhile
(half as much memory again), so a very large program is left to one process unless more are asked for.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..findings import Confidence, Finding, FindingSeverity
from ..findings.finding import HopLine
from ..forked import Forked, cores
from .rules import AuditCheck, AuditRule

_IN_BODIES = frozenset({"TW505", "TW516", "TW518", "TW519", "TW520", "TW521", "TW522", "TW523", "TW524"})
_FEWEST_LINES = 15_000  # of a program whose rules take longer than to copy a process
_MOST_LINES = 400_000
_FINDING = Finding.__slots__
_HOP = HopLine.__slots__

_Found = dict[str, list[Finding]]


def processes_for(lines: int, jobs: int | None) -> int:
    """Return how many processes are to apply the rules to a program of so many lines: `jobs`, where that is said."""
    if jobs is not None:
        return jobs
    return cores() if _FEWEST_LINES <= lines <= _MOST_LINES else 1


def apply_rules(rules: Sequence[AuditRule], check: AuditCheck, *, processes: int = 1) -> list[Finding]:
    """Return what rules find, in the order of the rules.

    If a copy of this process does not end well, its rules are applied in this one: an error is told as ever.
    """
    found: _Found = {}
    others = [rule for rule in rules if rule.code in _IN_BODIES]
    copy = None
    if processes > 1 and 0 < len(others) < len(rules):
        copy = Forked.start(lambda: marshal.dumps(_plain(_apply(others, check))))
    if copy is not None:
        try:
            found |= _apply((rule for rule in rules if rule.code not in _IN_BODIES), check)
            content = copy.result()
        finally:
            copy.stop()
        if content is not None:
            found |= _findings(marshal.loads(content))
    found |= _apply((rule for rule in rules if rule.code not in found), check)
    return [finding for rule in rules for finding in found[rule.code]]


def _apply(rules: Iterable[AuditRule], check: AuditCheck) -> _Found:
    return {rule.code: list(rule.check(check)) for rule in rules}


# -- what comes back from another process ---------------------------------------------------------------------------


def _plain(found: _Found) -> dict[str, list[tuple[object, ...]]]:
    """Return findings as plain data."""
    return {code: [_parts(one) for one in findings] for code, findings in found.items()}


def _parts(finding: Finding) -> tuple[object, ...]:
    values = {name: getattr(finding, name) for name in _FINDING}
    values["severity"], values["confidence"] = finding.severity.value, finding.confidence.value
    values["hops"] = [tuple(getattr(hop, name) for name in _HOP) for hop in finding.hops]
    return tuple(values.values())


def _findings(plain: Mapping[str, Iterable[tuple[Any, ...]]]) -> _Found:
    return {code: [_finding(parts) for parts in findings] for code, findings in plain.items()}


def _finding(parts: tuple[Any, ...]) -> Finding:
    values = dict(zip(_FINDING, parts, strict=True))
    values["severity"] = FindingSeverity(values["severity"])
    values["confidence"] = Confidence(values["confidence"])
    values["hops"] = tuple(HopLine(*hop) for hop in values["hops"])
    return Finding(**values)
