"""What rules over the endings of named tests share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from ..evidence.named_tests import Ending, NamedTests
from ..findings import Finding
from .base import Check, Rule


class NamedTestRule(Rule):
    """A rule over tests that records name, by how they ended in the run that left the evidence."""

    endings: ClassVar[frozenset[Ending]]

    def check(self, check: Check) -> Iterator[Finding]:
        """Look up each named test that exists."""
        named = NamedTests(check.run_time.observed.evidence, check.root)
        for wire in check.wiring.wires:
            for position, test in enumerate(wire.record.tests):
                if test.file is None or test.name is None:
                    continue
                known = check.tests.names(test.file)
                if known is None or test.name not in known:
                    continue  # TW401
                ending = named.ending(test.file, test.name)
                if ending not in self.endings:
                    continue
                said = self.said(ending) + _which(named, test.file, test.name, ending)
                yield self.finding(
                    record=wire.record,
                    stage="tests",
                    subject=f"{test.file}::{test.name}",
                    place=check.record_place(wire.record, "tests", position, "name"),
                    message=f"{test.file}::{test.name} {said}",
                    help=self.advice,
                    context={"file": test.file, "test": test.name, "ending": ending.value},
                )

    advice: ClassVar[str]

    @abstractmethod
    def said(self, ending: Ending) -> str:
        """Say how the test ended."""


def _which(named: NamedTests, file: str, name: str, ending: Ending) -> str:
    """Name the tests that did not pass where others of that name did."""
    if ending is not Ending.PASSED_IN_PART:
        return ""
    first, *others = named.skipped(file, name)
    return f": {first}{f' and {len(others)} more' if others else ''}"
