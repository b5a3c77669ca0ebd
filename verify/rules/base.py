"""What a rule is: one fault that can be diagnosed, with its code, its reason and its message."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ...registry import Record, Registry
from ...registry.evidence_parts import Status
from ..evidence.run_time import RunTime
from ..findings import Confidence, Finding
from ..findings.any_rule import AnyRule
from ..flow import Hop
from ..known_tests import KnownTests
from ..paths import resolved
from ..source.model import Span
from ..source.program import Place
from ..wiring import Cause, Diagnosis, Verdict, Wiring
from ..wiring.gradings import Grading


@dataclass(frozen=True)
class Check:
    """What rules look at.

    Attributes:
        root: The project's folder; places in findings are relative to it.
        run_time: What evidence of runs says of the wires.
        requires: How far the settings want every record to be that says nothing itself.
    """

    wiring: Wiring
    registry: Registry
    root: Path
    tests: KnownTests
    run_time: RunTime
    gradings: tuple[Grading, ...] = ()
    requires: Status | None = None

    @staticmethod
    def definition_place(place: Place) -> Place:
        """Return the first line of a definition: its whole body is no place to point at."""
        span = place.span
        return Place(place.path, Span(span.line, span.column, span.line, span.column))

    def record_place(self, record: Record, *yaml: str | int) -> Place:
        """Return where a part of a record stands in its YAML file."""
        location = self.registry.location(record.id, *yaml)
        try:
            path = resolved(Path(location.path)).relative_to(self.root).as_posix()
        except ValueError:
            path = str(location.path)
        return Place(path, Span(location.line, location.column, location.line, location.column))


class Rule(AnyRule, ABC):
    """A rule over records laid over the flow.

    The docstring of each says what it finds, why that is bad, an example, and what to write instead.
    """

    @abstractmethod
    def check(self, check: Check) -> Iterator[Finding]:
        """Yield every fault of this kind."""

    def finding(
        self,
        *,
        record: Record | None,
        stage: str | None,
        subject: str,
        place: Place,
        message: str,
        help: str,  # noqa: A002 - the field's name everywhere
        context: Mapping[str, str],
        hops: tuple[Hop, ...] = (),
        confidence: Confidence = Confidence.HIGH,
    ) -> Finding:
        """Make a finding of this rule."""
        return self.make(
            subject=subject,
            place=place,
            message=message,
            help=help,
            context=context,
            hops=hops,
            confidence=confidence,
            record=None if record is None else record.id,
            stage=stage,
        )


class EdgeRule(Rule):
    """A rule over broken edges: the diagnosis decides which rule an edge belongs to, so that one fault has one code."""

    cause: ClassVar[Cause]

    def check(self, check: Check) -> Iterator[Finding]:
        """Yield a finding for each edge whose diagnosis is this rule's cause."""
        for edge in check.wiring.edges:
            diagnosis = edge.diagnosis
            if diagnosis is None or diagnosis.cause is not self.cause or edge.verdict is Verdict.FOLLOWS:
                continue
            place = diagnosis.place
            if place is None:
                place = check.record_place(edge.record, *(diagnosis.yaml or edge.target.yaml))
            yield self.finding(
                record=edge.record,
                stage=edge.name,
                subject=diagnosis.subject,
                place=place,
                message=self.message(diagnosis),
                help=self.help(diagnosis),
                context=diagnosis.context,
                hops=diagnosis.hops,
            )

    @abstractmethod
    def message(self, diagnosis: Diagnosis) -> str:
        """Say what was found."""

    @abstractmethod
    def help(self, diagnosis: Diagnosis) -> str:
        """Say what to do next."""
