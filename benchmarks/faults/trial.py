"""Plants faults one at a time in a program and compares what is found with what was found before."""

from __future__ import annotations

import ast
import datetime
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from telewire.registry.config import Configuration
from telewire.verify.analysis import verify
from telewire.verify.audit import Target, audit
from telewire.verify.findings import Confidence, Finding

from .copies import ProjectCopy
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
        elsewhere: New findings about something else, `code subject path:line`.
        undecidable: Why the source alone cannot show the fault there; empty where it can.
        beside: How many other plants of its class were looked at in the same analysis.
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
    beside: int = 0

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Outcome:
        """Return the outcome that `dataclasses.asdict` turned into a mapping.

        Raises:
            TypeError: It is none.
        """
        fields: dict[str, Any] = {
            name: tuple(one) if isinstance(one, list) else one for name, one in content.items()
        }
        return cls(**fields)


@dataclass
class Bench:
    """A program with its settings, and what is found in it before anything is planted."""

    tree: Tree
    configuration: Configuration | None
    target: Target
    copy: ProjectCopy | None = None
    _before: dict[tuple[Instrument, Confidence], Counter[tuple[str, ...]]] = field(default_factory=dict)

    def has(self, instrument: Instrument) -> bool:
        """Whether a command can look at this program: `verify` needs records."""
        return instrument is Instrument.AUDIT or self.configuration is not None

    def findings(
        self, instrument: Instrument, least: Confidence, changed: Mapping[str, bytes] | None = None
    ) -> list[Finding]:
        """Return what a command finds with some files changed; of an audit, from a confidence on.

        `verify` looks at a copy of the project in which the files are changed, as its user would see it: it follows
        the wires only where all is well.
        """
        changed = changed or {}
        if instrument is Instrument.AUDIT:
            return list(audit(self.target, min_confidence=least, read=self.tree.reader(changed)).findings)
        assert self.copy is not None
        with self.copy.changed(changed) as configuration:
            return list(verify(configuration, today=TODAY).findings)

    def before(
        self, instrument: Instrument, least: Confidence = Confidence.MEDIUM
    ) -> Counter[tuple[str, ...]]:
        """Return the findings of the unplanted program, counted by what they are about."""
        key = (instrument, least)
        if key not in self._before:
            self._before[key] = Counter(map(_about, self.findings(instrument, least)))
        return self._before[key]

    def run(self, planter: Planter, plants: Sequence[Plant]) -> list[Outcome]:
        """Plant faults and look.

        Of several at once, those that are not found under a right code, and those whose findings are about two of
        them, are planted again alone. What is new in no file of theirs is told of none, so then halves are planted.
        """
        new = self._new(planter, plants)
        if len(plants) == 1:
            return [_outcome(self.tree, planter, plants[0], new, new)]
        of_file = {path: plant for plant in plants for path in (plant.path, *plant.edits)}
        own = [[finding for finding in new if names(finding, plant)] for plant in plants]
        explained = [finding for found in own for finding in found]
        if any(finding.path not in of_file for finding in new if finding not in explained):
            middle = len(plants) // 2
            return [*self.run(planter, plants[:middle]), *self.run(planter, plants[middle:])]
        outcomes: list[Outcome] = []
        for plant, found in zip(plants, own, strict=True):
            beside = [one for one in new if one not in explained and of_file[one.path] is plant]
            outcome = _outcome(self.tree, planter, plant, found, [*found, *beside])
            if not outcome.right or any(explained.count(finding) > 1 for finding in found):
                (outcome,) = self.run(planter, [plant])
            else:
                outcome = replace(outcome, beside=len(plants) - 1)
            outcomes.append(outcome)
        return outcomes

    def _new(self, planter: Planter, plants: Sequence[Plant]) -> list[Finding]:
        """Return the findings that are new with some faults planted, no two of which stand in one file."""
        changed = {
            path: apply(self.tree.texts[path].content, edits)
            for plant in plants
            for path, edits in plant.edits.items()
        }
        known = self.before(planter.instrument, planter.least).copy()
        new: list[Finding] = []
        for finding in self.findings(planter.instrument, planter.least, changed):
            about = _about(finding)
            if known[about]:
                known[about] -= 1
            else:
                new.append(finding)
        return new


def _outcome(
    tree: Tree, planter: Planter, plant: Plant, candidates: Sequence[Finding], new: Sequence[Finding]
) -> Outcome:
    """Return what became of a plant: `candidates` may be about it, and `new` is all that came with it."""
    own = [finding for finding in candidates if names(finding, plant)]
    return Outcome(
        tree=tree.name,
        fault=planter.fault,
        path=plant.path,
        line=plant.line,
        what=plant.what,
        found=bool(own),
        right=any(finding.rule in planter.rules for finding in own),
        codes=tuple(sorted({finding.rule for finding in own})),
        elsewhere=tuple(
            sorted(f"{one.rule} {one.subject} {one.path}:{one.line}" for one in new if one not in own)
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
        if ast.dump(changed) == tree.dumped(path):
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
