"""The baseline: findings that were there when a project adopted the audit, so that only new ones fail.

A finding is recognised by its rule, its subject and its file, never by its line: code above it may change.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..findings import Finding

FORMAT_VERSION: Literal[1] = 1


class BaselineError(Exception):
    """A baseline file that cannot be used; the message says which, why, and what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Known(_Part):
    rule: str
    subject: str
    path: str
    count: int = Field(ge=1)


class _File(_Part):
    format: Literal[1]
    findings: list[_Known]


_Key = tuple[str, str, str]


class Baseline:
    """Known findings, each with how often it is accepted."""

    def __init__(self, known: Iterable[_Key] = ()) -> None:
        self._known = Counter(known)

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Baseline:
        """Return the baseline that accepts exactly these findings."""
        return cls(map(_key, findings))

    @classmethod
    def load(cls, path: Path) -> Baseline:
        """Read a baseline file.

        Raises:
            BaselineError: It cannot be read, or is no baseline.
        """
        try:
            content = _File.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BaselineError(
                f"{path}: cannot be read: {error.strerror}; write one with --write-baseline"
            ) from None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise BaselineError(
                f"{path}: is no baseline: {where}: {first['msg']}; write it anew with --write-baseline"
            ) from None
        baseline = cls()
        for one in content.findings:
            baseline._known[one.rule, one.subject, one.path] += one.count
        return baseline

    def to_json(self) -> str:
        """Return the file's text, in a stable order: it is read in reviews."""
        findings = [
            {"rule": rule, "subject": subject, "path": path, "count": count}
            for (rule, subject, path), count in sorted(self._known.items())
        ]
        return json.dumps({"format": FORMAT_VERSION, "findings": findings}, indent=2) + "\n"

    def split(self, findings: Iterable[Finding]) -> tuple[list[Finding], list[Finding], int]:
        """Return the new findings, the known ones, and how many known ones are no longer found."""
        left = Counter(self._known)
        new: list[Finding] = []
        known: list[Finding] = []
        for finding in findings:
            if left[_key(finding)] > 0:
                left[_key(finding)] -= 1
                known.append(finding)
            else:
                new.append(finding)
        return new, known, left.total()


def _key(finding: Finding) -> _Key:
    return (finding.rule, finding.subject, finding.path)
