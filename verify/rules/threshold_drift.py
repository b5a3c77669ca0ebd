"""TW306 threshold-drift."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry import Record
from ..findings import Finding
from ..flow import Carrier, FieldCarrier, KeyCarrier, by_name
from ..source.program import Place
from ..wiring import StageKind, Unresolved, Wire
from .base import Check, Rule


class ThresholdDrift(Rule):
    """Code compares a metric with a number that is no threshold of its record.

    ## Why is this bad?
    The record says that more than 5 is critical, and the widget turns red at 10. Whoever trusts either is wrong about
    the other.

    ## Example
    ```yaml
    critical: {when: "value > 5", means: training is unstable}
    ```
    ```python
    style = "red reverse" if state.inf_grad_count > 10 else "red"
    ```

    ## Use instead
    Grade through the record, so that no threshold is written twice.
    ```python
    level = registry["TELE-301"].grade(state.inf_grad_count)
    ```
    """

    code = "TW306"
    name = "threshold-drift"

    def check(self, check: Check) -> Iterator[Finding]:
        """Compare the constants in comparisons with the cut points of the metric that is compared."""
        for wire in check.wiring.wires:
            if not wire.record.thresholds.levels:
                continue
            cuts = carrier_cuts(wire)
            for comparison in check.wiring.flow.comparisons:
                if comparison.site.function not in check.wiring.flow.reachable:
                    continue
                for carrier in comparison.carriers:
                    known = cuts.get(by_name(carrier))
                    known = structured_cuts(wire.record, carrier) if known is None else known
                    if known is None or comparison.constant in known:
                        continue
                    shown = ", ".join(f"{cut:g}" for cut in sorted(known))
                    named = comparison.constant_name
                    found = (
                        f"{comparison.constant:g}" if named is None else f"{named} = {comparison.constant:g}"
                    )
                    place = comparison.defined or Place(comparison.site.path, comparison.site.span)
                    used = "" if named is None else f" at {comparison.site}"
                    yield self.finding(
                        record=wire.record,
                        stage="thresholds",
                        subject=str(carrier),
                        place=place,
                        message=f"{carrier} is compared with {found}{used}; the record's thresholds are {shown}",
                        help=f'grade it through the record: registry["{wire.record.id}"].grade(...)',
                        context={
                            "carrier": str(carrier),
                            "found": found,
                            "expected": shown,
                            "site": str(comparison.site),
                        },
                    )


def carrier_cuts(wire: Wire) -> dict[Carrier, set[float]]:
    """Return what each carrier of a wire may be compared with: the cut points of its record."""
    cuts = _cuts(wire.record)
    if "value" not in cuts:
        return {}
    return {
        member.carrier: cuts["value"]
        for stage in wire.stages
        if stage.kind is not StageKind.CONSUMER and not isinstance(stage.carriers, Unresolved)
        for member in stage.carriers
        if isinstance(member.carrier, FieldCarrier | KeyCarrier)
    }


def structured_cuts(record: Record, carrier: Carrier) -> set[float] | None:
    """Return the cut points of a structured record's field, where the carrier is one."""
    if (
        isinstance(carrier, FieldCarrier)
        and carrier.owner.name == record.type.text
        and carrier.name in record.fields
    ):
        return _cuts(record).get(carrier.name)
    return None


def _cuts(record: Record) -> dict[str, set[float]]:
    return {name: {float(cut) for cut in values} for name, values in record.thresholds.cuts.items()}
