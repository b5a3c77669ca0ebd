"""TW409 probe-failed."""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.probes.probed import ProbeState
from ..findings import Finding
from .base import Check, Rule


class ProbeFailed(Rule):
    """A value that a record's probe drives does not arrive at every carrier and consumer.

    How probes ended is known from the evidence of `pytest --wiring`.

    ## Why is this bad?
    The wire is there, and some values do not come through: they are cut off, swapped with another metric's, or not
    shown as the record says.

    ## Example
    ```yaml
    probe: {drive: "tests.drives:inf_gradients", values: [2, 7]}
    ```
    ```python
    def emit(metrics: dict[str, int]) -> Payload:
        return Payload(inf_grad_count=min(metrics["inf_grad_count"], 5))
    ```

    ## Use instead
    ```yaml
    probe: {drive: "tests.drives:inf_gradients", values: [2, 7]}
    ```
    ```python
    def emit(metrics: dict[str, int]) -> Payload:
        return Payload(inf_grad_count=metrics["inf_grad_count"])
    ```
    """

    code = "TW409"
    name = "probe-failed"

    def check(self, check: Check) -> Iterator[Finding]:
        """Tell each probe of which a value failed."""
        for wire in check.wiring.wires:
            probed = check.run_time.probes.of_wire(wire)
            if probed.state is not ProbeState.FAILED:
                continue
            yield self.finding(
                record=wire.record,
                stage=None,
                subject=wire.record.id,
                place=check.record_place(wire.record, "probe"),
                message=probed.reason,
                help="repair the wire where the value stops, and run pytest --wiring again",
                context={"reason": probed.reason, "tests": ", ".join(probed.tests)},
            )
