"""Findings that say the same of very many places: what a program does everywhere, it means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from ..findings import Confidence, Finding

_MOST = 8  # places that say one name; of what was read, what stood at more of them was never a fault
_NAME = re.compile(r"\w+")


def told_once_too_often(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings, those at low confidence that one rule has of one name at more than eight places."""
    found = list(findings)
    counts = Counter(map(_what, found))
    return [replace(one, confidence=Confidence.LOW) if counts[_what(one)] > _MOST else one for one in found]


def _what(finding: Finding) -> tuple[str, str]:
    """Return the rule, and the name that a subject ends with: of a flag, a key, a parameter, a container."""
    return finding.rule, (_NAME.findall(finding.subject) or [""])[-1]
