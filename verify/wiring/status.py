"""The status of a record, derived from what was proved; nobody ticks it."""

from __future__ import annotations

from dataclasses import dataclass

from ...registry.evidence_parts import Status
from .edges import Verdict, Wire

ORDER = (Status.PLANNED, Status.IN_PROGRESS, Status.WIRED, Status.TESTED, Status.VERIFIED)


@dataclass(frozen=True, slots=True)
class DerivedStatus:
    """How far a record is, and why it is not further."""

    status: Status
    reason: str

    def supports(self, claimed: Status) -> bool:
        """Whether this status is at least the claimed one."""
        return ORDER.index(claimed) <= ORDER.index(self.status)


def derive_status(wire: Wire) -> DerivedStatus:
    """Return a record's status from its edges: planned, in progress (some proved) or wired (all proved).

    Tested and verified need observations of running code, which the static proof cannot give.
    """
    proved = [edge for edge in wire.edges if edge.verdict is Verdict.PROVED]
    open_edges = [edge.name for edge in wire.edges if edge.verdict is not Verdict.PROVED]
    if not proved:
        return DerivedStatus(Status.PLANNED, "no edge is proved")
    if open_edges:
        return DerivedStatus(Status.IN_PROGRESS, f"not proved: {', '.join(open_edges)}")
    return DerivedStatus(Status.WIRED, "no run-time evidence has been collected")
