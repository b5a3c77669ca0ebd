"""Runs docs/audit/*.md: each section with code is a test of what the audit says of it, and of what it leaves alone.

The form is described in docs/audit/README.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from telewire.verify.audit import audit, find_targets
from telewire.verify.findings import Confidence

FOLDER = Path(__file__).parents[3] / "docs" / "audit"

_HEADING = re.compile(r"^#+\s+(.*)$")
_FENCE = re.compile(r"^```(\w+)\s*(\S*)\s*$")
_EXPECTED = re.compile(r"(?:#|//|<!--|--)\s*finding:\s+(TW\d+)\s+(high|medium|low)\s+(.+?)\s*(?:-->)?$")
_DEFAULT_FILES = {"python": "main.py", "toml": "telewire.toml"}


@dataclass(frozen=True, order=True)
class Expected:
    """A finding as a page writes it: where, which rule, how sure, and the end of its subject."""

    path: str
    line: int
    rule: str
    confidence: str
    subject: str


@dataclass
class Section:
    """A heading with the files under it and the findings that they are to give."""

    page: str
    heading: str
    files: dict[str, str] = field(default_factory=dict)
    expected: list[Expected] = field(default_factory=list)

    def add(self, path: str, lines: list[str]) -> None:
        """Add a block to a file of the section."""
        before = self.files.get(path, "")
        start = before.count("\n")
        self.files[path] = before + "".join(f"{line}\n" for line in lines)
        for number, line in enumerate(lines, 1):
            if found := _EXPECTED.search(line):
                alone = not line[: found.start()].strip()
                self.expected.append(Expected(path, start + number + alone, *found.groups()))


def read_sections(text: str, page: str) -> list[Section]:
    """Return the sections of a page that hold code."""
    sections = [Section(page, page)]
    lines = iter(text.splitlines())
    for line in lines:
        if heading := _HEADING.match(line):
            sections.append(Section(page, heading[1]))
        elif fence := _FENCE.match(line):
            body = []
            for inner in lines:
                if inner.startswith("```"):
                    break
                body.append(inner)
            path = fence[2] or _DEFAULT_FILES.get(fence[1], "")
            if path:
                sections[-1].add(path, body)
    return [section for section in sections if section.files]


_SECTIONS = [
    section
    for page in sorted(FOLDER.glob("*.md"))
    for section in read_sections(page.read_text(encoding="utf-8"), page.stem)
]


@pytest.mark.parametrize("section", _SECTIONS, ids=lambda section: f"{section.page}: {section.heading}")
def test_the_audit_says_what_the_page_says(section: Section, tmp_path: Path) -> None:
    for name, text in section.files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (target,) = find_targets([tmp_path])
    result = audit(target, min_confidence=Confidence.LOW, by_counts=False)
    assert not result.skipped
    found = sorted(
        Expected(one.path, one.line, one.rule, one.confidence.value, one.subject) for one in result.findings
    )
    wanted = sorted(section.expected)
    matched = len(found) == len(wanted) and all(
        (one.path, one.line, one.rule, one.confidence) == (want.path, want.line, want.rule, want.confidence)
        and one.subject.endswith(want.subject)
        for one, want in zip(found, wanted, strict=True)
    )
    assert matched, "\n".join(["expected:", *map(str, wanted), "found:", *map(str, found)])


def test_every_page_holds_sections_and_every_rule_is_on_a_page() -> None:
    from telewire.verify.audit import AUDIT_RULES

    reported = {expected.rule for section in _SECTIONS for expected in section.expected}
    assert set(AUDIT_RULES) <= reported
