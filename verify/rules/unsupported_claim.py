"""TW402 unsupported-claim."""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.status import status_of
from ..findings import Finding
from ..wiring.status import ORDER
from .base import Check, Rule


class UnsupportedClaim(Rule):
    """A record claims a status that the evidence does not support.

    ## Why is this bad?
    Records say "Wired, Verified" because someone ticked a box. The status is derived; a claim can only agree with it.

    ## Example
    ```yaml
    claims: {status: [planned, in-progress, wired, tested, verified]}   # and an edge is broken
    ```

    ## Use instead
    Repair what the finding names, or leave the claim out.
    """

    code = "TW402"
    name = "unsupported-claim"

    def check(self, check: Check) -> Iterator[Finding]:
        """Compare the highest claimed status with the derived one."""
        for wire in check.wiring.wires:
            if not wire.record.claims.status:
                continue
            claimed = max(wire.record.claims.status, key=ORDER.index)
            derived = status_of(wire, check.run_time)
            if derived.supports(claimed):
                continue
            yield self.finding(
                record=wire.record,
                stage=None,
                subject=wire.record.id,
                place=check.record_place(wire.record, "claims", "status"),
                message=f"claims {claimed.value}, the evidence supports {derived.status.value}: {derived.reason}",
                help="repair what is not proved, or take the claim out: the status is derived",
                context={"claimed": claimed.value, "derived": derived.status.value, "reason": derived.reason},
            )
