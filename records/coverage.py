"""The test table: a row is ticked for evidence that the test passed, and for nothing else.

That a test exists in the source is said, and does not tick it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..registry.evidence_parts import TestKind, TestReference
from ..verify.evidence.named_tests import Ending
from .markdown import ABSENT, code
from .page import Page

_MISSING_RULE = "TW401"


@dataclass(frozen=True, slots=True)
class TestRow:
    """One row of the test table; the cells are Markdown."""

    __test__ = False  # not a test class of pytest's

    kind: str
    file: str
    name: str
    status: str


def test_rows(page: Page) -> tuple[TestRow, ...]:
    """Return a row for each test that the record names."""
    return tuple(_row(test, page) for test in page.record.tests)


def _row(test: TestReference, page: Page) -> TestRow:
    subject = f" ({test.subject})" if test.subject is not None else ""
    name = [code(test.name)] if test.name is not None else []
    name += [f"of {code(test.at)}"] if test.at is not None else []
    name += [test.note] if test.note is not None else []
    return TestRow(
        kind=f"{test.kind.value.capitalize()}{subject}",
        file=code(test.file) if test.file is not None else ABSENT,
        name="; ".join(name) or ABSENT,
        status=f"{_box(test, page)} {_state(test, page)}{_claim(test)}",
    )


def _state(test: TestReference, page: Page) -> str:
    if test.file is None or test.name is None:
        by_hand = test.kind in {TestKind.MANUAL, TestKind.VISUAL}
        return "by hand" if by_hand else "no test named"
    missing = any(
        one.context["file"] == test.file and one.context["test"] == test.name
        for one in page.against(_MISSING_RULE)
    )
    if missing:
        return "missing"
    ending = _ending(test, page)
    return "exists, no result" if ending is Ending.UNKNOWN else ending.value


def _box(test: TestReference, page: Page) -> str:
    return "`[x]`" if _ending(test, page) is Ending.PASSED else "`[ ]`"


def _ending(test: TestReference, page: Page) -> Ending:
    if page.evidence is None or test.file is None or test.name is None:
        return Ending.UNKNOWN
    return page.evidence.tests.ending(test.file, test.name)


def _claim(test: TestReference) -> str:
    if test.claimed is None:
        return ""
    return "; the author says it passes" if test.claimed else "; the author says it is open"
