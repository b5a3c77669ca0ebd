"""TW307 thresholds-not-applied."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry import Record
from ..findings import Finding
from ..flow import Carrier, Constant, ParameterCarrier
from ..source import ClassSymbol, FunctionSymbol
from ..wiring import StageKind, Verdict
from .base import Check, Rule
from .threshold_drift import carrier_cuts, structured_cuts


class ThresholdsNotApplied(Rule):
    """A consumer reads a metric and never grades it, although its record says that it applies the thresholds.

    ## Why is this bad?
    The number is on the screen in plain text whatever it is. Nobody is warned.

    ## Example
    ```yaml
    consumers:
      - {at: "app.widgets:StatusBanner", kind: display, usage: severity, applies_thresholds: true}
    ```
    ```python
    text.append(f"Inf:{state.inf_grad_count}")
    ```

    ## Use instead
    ```python
    level = registry["TELE-301"].grade(state.inf_grad_count)
    text.append(f"Inf:{state.inf_grad_count}", style=style_of(level))
    ```
    """

    code = "TW307"
    name = "thresholds-not-applied"

    def check(self, check: Check) -> Iterator[Finding]:
        """Look for a grading, or comparisons with the record's bounds, in each consumer that claims thresholds."""
        program = check.wiring.flow.program
        for wire in check.wiring.wires:
            for edge in wire.edges:
                stage = edge.target
                if stage.kind is not StageKind.CONSUMER or edge.verdict is not Verdict.PROVED:
                    continue
                consumer = wire.record.consumers[int(stage.yaml[1])]
                definition = stage.definition
                if not consumer.applies_thresholds or not isinstance(
                    definition, ClassSymbol | FunctionSymbol
                ):
                    continue
                read = {hop.source for hop in edge.proof}
                given = {hop.target for hop in edge.proof if isinstance(hop.target, ParameterCarrier)}
                graded = any(
                    grading.site.function in stage.functions and grading.carriers & (read | given)
                    for grading in check.gradings
                )
                cuts = carrier_cuts(wire)
                compared = any(
                    comparison.site.function in stage.functions
                    and any(_bounds(wire.record, cuts, carrier, read) for carrier in comparison.carriers)
                    for comparison in check.wiring.flow.comparisons
                    if not graded
                )
                if graded or compared:
                    continue
                carrier = ", ".join(sorted(str(one) for one in read))
                yield self.finding(
                    record=wire.record,
                    stage=edge.name,
                    subject=definition.qualname,
                    place=check.definition_place(program.place(definition)),
                    message=f"{definition.qualname} shows {carrier} without grading it",
                    help=f'grade it there: registry["{wire.record.id}"].grade(...), or drop applies_thresholds',
                    context={"consumer": definition.qualname, "carrier": carrier},
                )


def _bounds(
    record: Record, cuts: dict[Carrier, set[float]], carrier: Carrier, read: set[Carrier | Constant]
) -> bool:
    return (carrier in read and carrier in cuts) or structured_cuts(record, carrier) is not None
