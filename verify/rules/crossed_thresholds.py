"""TW308 crossed-thresholds."""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from ..flow import Carrier, by_name
from ..source.program import Place
from ..wiring import StageKind, Unresolved
from .base import Check, Rule


class CrossedThresholds(Rule):
    """A metric is graded by the thresholds of another record.

    ## Why is this bad?
    The colours move, with the wrong bounds: infinities are judged by what is tolerable for NaN.

    ## Example
    ```python
    registry["TELE-300"].grade(state.inf_grad_count)   # TELE-300 is the NaN count
    ```

    ## Use instead
    ```python
    registry["TELE-301"].grade(state.inf_grad_count)
    ```
    """

    code = "TW308"
    name = "crossed-thresholds"

    def check(self, check: Check) -> Iterator[Finding]:
        """Compare the record that each grading names with those that own the graded carrier."""
        owners: dict[Carrier, set[str]] = {}
        for wire in check.wiring.wires:
            for stage in wire.stages:
                if stage.kind is not StageKind.CONSUMER and not isinstance(stage.carriers, Unresolved):
                    for member in stage.carriers:
                        owners.setdefault(member.carrier, set()).add(wire.record.id)
        for grading in check.gradings:
            named = {check.registry[name].id for name in grading.records if name in check.registry}
            for carrier in sorted({by_name(one) for one in grading.carriers} & set(owners), key=str):
                if not named or named & owners[carrier]:
                    continue
                right, wrong = min(owners[carrier]), ", ".join(sorted(named))
                yield self.finding(
                    record=check.registry[right],
                    stage="thresholds",
                    subject=str(carrier),
                    place=Place(grading.site.path, grading.site.span),
                    message=f"{carrier} is graded by {wrong}, it belongs to {right}",
                    help=f'grade it by its own record: registry["{right}"]',
                    context={"carrier": str(carrier), "found": wrong, "expected": right},
                )
