"""TW208 default-mismatch."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry import Record
from ..defaults import start_value
from ..findings import Finding
from ..flow import FieldCarrier
from ..source.program import Place
from ..wiring import Stage, StageKind, Unresolved
from .base import Check, Rule


class DefaultMismatch(Rule):
    """The schema's field starts with another value than its record says.

    ## Why is this bad?
    Before the first measurement readers see the default. When the record says that nothing was collected (`null`) and
    the field says `0.0`, a metric that never arrives looks healthy.

    ## Example
    ```yaml
    default: null
    schema: {at: "app.schema:State", field: grad_norm, path: snapshot.grad_norm}
    ```
    ```python
    @dataclass
    class State:
        grad_norm: float | None = 0.0
    ```

    ## Use instead
    ```python
    @dataclass
    class State:
        grad_norm: float | None = None
    ```
    """

    code = "TW208"
    name = "default-mismatch"

    def check(self, check: Check) -> Iterator[Finding]:
        """Compare each record's default with its schema field's."""
        program = check.wiring.flow.program
        for wire in check.wiring.wires:
            for carrier in _schema_carriers(wire.stages, wire.record):
                found = program.field(carrier.owner, carrier.name)
                if found is None or found[1].default is None:
                    continue
                owner, declared = found
                default = declared.default
                assert default is not None
                start = start_value(default)
                if start is None or _same(start.value, wire.record.default):
                    continue
                context = {
                    "carrier": str(carrier),
                    "found": default.text,
                    "expected": repr(wire.record.default),
                }
                place = Place(program.modules[owner.module].path, default.span or declared.span)
                yield self.finding(
                    record=wire.record,
                    stage="schema",
                    subject=str(carrier),
                    place=place,
                    message=f"{carrier} starts as {default.text}, its record says {wire.record.default!r}",
                    help=f"make the field's default {wire.record.default!r}, or correct `default` in the record",
                    context=context,
                )


def _schema_carriers(stages: tuple[Stage, ...], record: Record) -> list[FieldCarrier]:
    """Return the fields in which the wire ends, before its consumers."""
    for stage in reversed(stages):
        if stage.kind is not StageKind.CONSUMER and not isinstance(stage.carriers, Unresolved):
            return [m.carrier for m in stage.carriers if isinstance(m.carrier, FieldCarrier)]
    return []


def _same(found: object, expected: object) -> bool:
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    return found == expected
