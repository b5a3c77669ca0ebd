"""How far a record is, from what is proved and what is observed of it."""

from __future__ import annotations

from ...registry.evidence_parts import Status
from ..wiring import Wire
from ..wiring.status import DerivedStatus, derive_status
from .observed import Observation, Observed


def status_of(wire: Wire, observed: Observed) -> DerivedStatus:
    """Return a record's status: that of its proofs, and *tested* where passing tests saw a value on every edge.

    Verified needs probes and mutants, which no run has tried.
    """
    proved = derive_status(wire)
    if proved.status is not Status.WIRED:
        return proved
    if observed.evidence is None:
        return DerivedStatus(Status.WIRED, observed.missing)
    short = [one for one in observed.of_wire(wire) if one.observation is not Observation.TESTED]
    if short:
        reasons = "; ".join(f"{one.edge.name}: {one.reason}" for one in short)
        return DerivedStatus(Status.WIRED, f"not tested: {reasons}")
    return DerivedStatus(Status.TESTED, "no probe and no mutant has been run")
