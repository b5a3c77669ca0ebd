"""Plants faults one at a time in a program and compares what is found with what was found before."""

from __future__ import annotations

import ast
import datetime
import re
from collections import Counter
from dataclasses import dataclass, field

from telewire.registry.config import Configuration
from telewire.verify.analysis import verify
from telewire.verify.audit import Target, audit
from telewire.verify.findings import Confidence, Finding

from .edits import apply
from .plant import Instrument, Plant, Planter
from .tree import Tree

TODAY = datetime.date(2026, 1, 1)
"""The day that waivers are judged by: the same one in every run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one planted fault.

    Attributes:
        found: A finding that was not there before is about the planted place or its carrier.
        right: One of them has a code that is right for the fault.
        codes: The codes of the findings about it.
        elsewhere: New findings about something else, `code subject`.
        undecidable: Why the source alone cannot show the fault there; empty where it can.
    """

    tree: str
    fault: str
    path: str
    line: int
    what: str
    found: bool
    right: bool
    codes: tuple[str, ...]
    elsewhere: tuple[str, ...]
    undecidable: str = ""


@dataclass
class Bench:
    """A program with its settings, and what is found in it before anything is planted."""

    tree: Tree
    configuration: Configuration | None
    target: Target
    _before: dict[tuple[Instrument, Confidence], Counter[tuple[str, ...]]] = field(default_factory=dict)

    def has(self, instrument: Instrument) -> bool:
        """Whether a command can look at this program: `verify` needs records."""
        return instrument is Instrument.AUDIT or self.configuration is not None

    def findings(
        self, instrument: Instrument, least: Confidence, changed: dict[str, bytes] | None = None
    ) -> list[Finding]:
        """Return what a command finds with some files changed; of an audit, from a confidence on."""
        read = self.tree.reader(changed or {})
        if instrument is Instrument.AUDIT:
            return list(audit(self.target, min_confidence=least, read=read).findings)
        assert self.configuration is not None
        verification = verify(self.configuration, today=TODAY, read=read)
        if changed is None:
            self.tree.verification = verification
        return list(verification.findings)

    def before(
        self, instrument: Instrument, least: Confidence = Confidence.MEDIUM
    ) -> Counter[tuple[str, ...]]:
        """Return the findings of the unplanted program, counted by what they are about."""
        key = (instrument, least)
        if key not in self._before:
            self._before[key] = Counter(map(_about, self.findings(instrument, least)))
        return self._before[key]

    def run(self, planter: Planter, plant: Plant) -> Outcome:
        """Plant one fault and look."""
        changed = {path: apply(self.tree.texts[path].content, edits) for path, edits in plant.edits.items()}
        known = self.before(planter.instrument, planter.least).copy()
        new: list[Finding] = []
        for finding in self.findings(planter.instrument, planter.least, changed):
            about = _about(finding)
            if known[about]:
                known[about] -= 1
            else:
                new.append(finding)
        own = [finding for finding in new if names(finding, plant)]
        return Outcome(
            tree=self.tree.name,
            fault=planter.fault,
            path=plant.path,
            line=plant.line,
            what=plant.what,
            found=bool(own),
            right=any(finding.rule in planter.rules for finding in own),
            codes=tuple(sorted({finding.rule for finding in own})),
            elsewhere=tuple(
                sorted(f"{finding.rule} {finding.subject}" for finding in new if finding not in own)
            ),
            undecidable=plant.undecidable,
        )


def parses(tree: Tree, plant: Plant) -> bool:
    """Whether the edited files are still Python, and are not what they were before."""
    for path, edits in plant.edits.items():
        try:
            changed = ast.parse(apply(tree.texts[path].content, edits))
        except (SyntaxError, ValueError):
            return False
        if ast.dump(changed) == ast.dump(tree.modules[path]):
            return False
    return True


def names(finding: Finding, plant: Plant) -> bool:
    """Whether a finding is about a plant: it names its carrier or its record, or stands on a line of either."""
    place = (finding.path, finding.line)
    if finding.record in plant.names or place == (plant.path, plant.line) or place in plant.declared:
        return True
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", finding.subject) for name in plant.names)


def _about(finding: Finding) -> tuple[str, ...]:
    return (finding.rule, finding.record or "", finding.stage or "", finding.subject, finding.path)
