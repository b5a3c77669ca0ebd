"""TW410 less-than-required."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.evidence_parts import Status
from ..evidence.status import status_of
from ..findings import Finding
from .base import Check, Rule


class LessThanRequired(Rule):
    """A record is not as far as it has to be: as it says itself with `requires`, or as the settings say for all.

    ## Why is this bad?
    What a level asks for (every edge proved, seen by a passing test, probed and mutated) was reached once, or is
    promised. Without a gate nobody sees it decay.

    ## Example
    ```yaml
    requires: tested   # and no test with --wiring has run
    ```

    ## Use instead
    Do what the finding names. Ask for less only where the record can never be more.
    """

    code = "TW410"
    name = "less-than-required"

    def check(self, check: Check) -> Iterator[Finding]:
        """Compare each record's derived status with the level that it has to have."""
        for wire in check.wiring.wires:
            required = wire.record.requires or check.requires
            if required is None:
                continue
            derived = status_of(wire, check.run_time)
            if derived.supports(required):
                continue
            yield self.finding(
                record=wire.record,
                stage=None,
                subject=wire.record.id,
                place=check.record_place(wire.record, *(("requires",) if wire.record.requires else ("id",))),
                message=f"is {derived.status.value}, {required.value} is required: {derived.reason}",
                help=_NEXT[required],
                context={
                    "required": required.value,
                    "derived": derived.status.value,
                    "reason": derived.reason,
                },
            )


_NEXT = {
    Status.PLANNED: "see the findings of this record",
    Status.IN_PROGRESS: "see the findings of this record",
    Status.WIRED: "see the findings of this record's edges",
    Status.TESTED: "run the tests with `pytest --wiring`; `verify-wiring` then says of each edge what it lacks",
    Status.VERIFIED: "run `verify-wiring --run`, which runs the tests, the probes and the mutants",
}
