"""TW300 to TW305: the levels of a record do not divide its domain."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry import PROBLEM_KINDS, ProblemKind
from ..findings import Finding
from .base import Check, Rule

_PARTITION_CODES = ("TW300", "TW301", "TW302", "TW303", "TW304", "TW305")


class ThresholdPartition(Rule):
    """Reports one kind of problem of the exact proof over a record's domain.

    The proof and the words about each kind belong to the registry, which checks records without any source too.
    """

    def __init__(self, kind: ProblemKind) -> None:
        self.code = kind.code
        self.name = kind.name
        self._kind = kind

    @property
    def documentation(self) -> str:
        """Return the registry's words about the problem."""
        return problem_documentation(self._kind)

    def check(self, check: Check) -> Iterator[Finding]:
        """Prove each record's thresholds; yield the problems of this kind."""
        for wire in check.wiring.wires:
            for problem in wire.record.thresholds.prove():
                if problem.code != self.code:
                    continue
                level = problem.levels[0] if problem.levels else None
                context = {"levels": ", ".join(problem.levels), "region": problem.region}
                context |= {f"example.{name}": repr(value) for name, value in problem.example.items()}
                yield self.finding(
                    record=wire.record,
                    stage="thresholds",
                    subject=wire.record.slug,
                    place=check.record_place(wire.record, "thresholds", *([level, "when"] if level else [])),
                    message=problem.message,
                    help=problem.help,
                    context=context,
                )


def problem_documentation(kind: ProblemKind) -> str:
    """Return the registry's words about a kind of problem in the form of a rule's docstring."""
    parts = [kind.rationale]
    for heading, example in (("Example", kind.bad), ("Use instead", kind.good)):
        parts += [f"## {heading}", f"```yaml\n{example.rstrip()}\n```"]
    return "\n\n".join(parts)


PARTITION_RULES = tuple(ThresholdPartition(PROBLEM_KINDS[code]) for code in _PARTITION_CODES)
