"""What readers said of findings: `verdicts.yaml`, and how many of the judged ones are true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from telewire.verify.findings import Finding

from .packages import Package

VERDICTS = Path(__file__).with_name("verdicts.yaml")


class Verdict(BaseModel):
    """What a reader says of a finding, and the place in the source that shows it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    verdict: Literal["true", "false"]
    why: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding with what a reader said of it; None where nobody has."""

    package: Package
    finding: Finding
    said: Verdict | None

    @property
    def verdict(self) -> str:
        """The verdict in one word."""
        return "not judged" if self.said is None else self.said.verdict


def read_verdicts(path: Path = VERDICTS) -> dict[str, Verdict]:
    """Read the verdicts by `folder RULE subject`.

    Raises:
        pydantic.ValidationError: A verdict is neither "true" nor "false", or has no reason.
    """
    written = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return TypeAdapter(dict[str, Verdict]).validate_python(written)


def key_of(package: Package, finding: Finding) -> str:
    """Return under which key a finding's verdict stands."""
    return f"{package.folder} {finding.rule} {finding.subject}"


def judged(package: Package, findings: Iterable[Finding], verdicts: Mapping[str, Verdict]) -> list[Judged]:
    """Look up what was said of each finding."""
    return [Judged(package, one, verdicts.get(key_of(package, one))) for one in findings]


def share(rows: Iterable[Judged]) -> str:
    """Say how many of the judged findings are true."""
    counts = Counter(row.verdict for row in rows)
    read = counts["true"] + counts["false"]
    agreed = f"{counts['true']} of {read} true ({counts['true'] / read:.0%})" if read else "none judged"
    return f"{agreed}, {counts['not judged']} not judged" if counts["not judged"] else agreed
