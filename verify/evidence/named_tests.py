"""How the tests that records name have ended, as far as evidence can say."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .document import EvidenceModel, TestEvidence
from .hook import digest_of_source


class Ending(enum.StrEnum):
    """How a test ended that a record names."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    EXPECTED_TO_FAIL = "expected to fail"
    PASSED_IN_PART = (
        "passed in part"  # others of the class, or with other parameters, did not run, or are to fail
    )
    NOT_COLLECTED = "not collected"
    UNKNOWN = "unknown"  # no evidence, or it is of other tests, or the file has changed since


_NOT_PASSED = {"skipped", "xfailed", "xpassed"}


@dataclass(frozen=True)
class NamedTests:
    """Looks tests up by the file and the name that a record says. `root` is the folder that files are named from."""

    evidence: EvidenceModel | None
    root: Path

    def ending(self, file: str, name: str) -> Ending:
        """Return how a test (or all of a class, or of a test with parameters) has ended."""
        if self.evidence is None:
            return Ending.UNKNOWN
        if file not in self.evidence.files:
            everything = self.evidence.everything and not self._deselected_in(file)
            return Ending.NOT_COLLECTED if everything and (self.root / file).is_file() else Ending.UNKNOWN
        if self._digest(file) != self.evidence.files[file]:
            return Ending.UNKNOWN
        outcomes = {test.outcome for test in self._named(file, name)}
        if not outcomes:
            left_out = any(_is_named(one, name) for one in self._deselected_in(file))
            whole = self.evidence.whole_files and not left_out
            return Ending.NOT_COLLECTED if whole else Ending.UNKNOWN
        if outcomes & {"failed", "error"}:
            return Ending.FAILED
        if "passed" in outcomes:
            if outcomes & _NOT_PASSED:
                return Ending.PASSED_IN_PART
            return Ending.UNKNOWN if "not run" in outcomes else Ending.PASSED
        if "skipped" in outcomes:
            return Ending.SKIPPED
        return Ending.EXPECTED_TO_FAIL if outcomes & {"xfailed", "xpassed"} else Ending.UNKNOWN

    def skipped(self, file: str, name: str) -> list[str]:
        """Return the tests of that name that were skipped, or are expected to fail, by their names in the file."""
        named = [test for test in self._named(file, name) if test.outcome in _NOT_PASSED]
        return [test.id.partition("::")[2] for test in named]

    def _named(self, file: str, name: str) -> list[TestEvidence]:
        return [test for test in self._by_file.get(file, ()) if _is_named(test.id, name)]

    @cached_property
    def _by_file(self) -> dict[str, list[TestEvidence]]:
        found: dict[str, list[TestEvidence]] = {}
        for test in () if self.evidence is None else self.evidence.tests:
            found.setdefault(test.id.partition("::")[0], []).append(test)
        return found

    def _deselected_in(self, file: str) -> list[str]:
        assert self.evidence is not None
        return [one for one in self.evidence.deselected if one.partition("::")[0] == file]

    def _digest(self, file: str) -> str | None:
        try:
            return digest_of_source((self.root / file).read_bytes())
        except OSError:
            return None


def _is_named(test_id: str, name: str) -> bool:
    """Whether a test's ID is that of a name: `test_x`, `TestClass`, `TestClass::test_x`, with any parameters."""
    _, _, inside = test_id.partition("::")
    parts = inside.partition("[")[0].split("::")
    wanted = name.partition("[")[0].split("::")
    return any(parts[at : at + len(wanted)] == wanted for at in range(len(parts)))
