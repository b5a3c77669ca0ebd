"""How far a record is, from what is proved, what is observed, and what probes and mutants show of it."""

from __future__ import annotations

from ...registry.evidence_parts import Status
from ..wiring import Wire
from ..wiring.status import DerivedStatus, derive_status
from .mutants.mutated import Mutation
from .observed import Observation
from .probes.probed import ProbeState
from .run_time import RunTime


def status_of(wire: Wire, run_time: RunTime) -> DerivedStatus:
    """Return a record's status, with the reason for its not being higher.

    It is that of its proofs; *tested* where passing tests saw a value on every edge; *verified* where besides every
    value of its probe arrived everywhere, and every mutant of its wire was killed.
    """
    proved = derive_status(wire)
    if proved.status is not Status.WIRED:
        return proved
    observed = run_time.observed
    if observed.evidence is None:
        return DerivedStatus(Status.WIRED, observed.missing)
    short = [one for one in observed.of_wire(wire) if one.observation is not Observation.TESTED]
    if short:
        reasons = "; ".join(f"{one.edge.name}: {one.reason}" for one in short)
        return DerivedStatus(Status.WIRED, f"not tested: {reasons}")
    lacking: list[str] = []
    probed = run_time.probes.of_wire(wire)
    if probed.state is not ProbeState.PASSED:
        lacking.append(f"probe: {probed.reason}")
    mutated = run_time.mutations.of_wire(wire)
    if mutated.mutation is not Mutation.KILLED:
        lacking.append(f"mutants: {mutated.reason}")
    if lacking:
        return DerivedStatus(Status.TESTED, f"not verified: {'; '.join(lacking)}")
    return DerivedStatus(Status.VERIFIED, f"{probed.reason}; {mutated.reason}")
