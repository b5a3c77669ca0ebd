"""TW502 field-never-written."""

from __future__ import annotations

from ...findings import Finding
from ...flow.neutral import is_neutral
from ..ladder import certainty_of_writes, where_it_is_lost
from ..liveness import End, Origin, Production
from ..subjects import FieldSubject
from .base import AuditCheck
from .field_rule import FieldRule, is_taken_by_nobody


class FieldNeverWritten(FieldRule):
    """A telemetry field has a default and is read, and nothing ever stores a value in it.

    ## Why is this bad?
    Whoever reads it sees the default for ever. A count that stays 0 looks like good news.

    ## Example
    ```python
    @dataclass
    class UpdateStats:
        skipped_steps: int = 0  # nobody assigns it

    def show(stats: UpdateStats) -> None:
        print(stats.skipped_steps)
    ```

    ## Use instead
    ```python
    stats.skipped_steps += 1  # where a step is skipped
    ```
    """

    code = "TW502"
    name = "field-never-written"

    def judge(self, audit: AuditCheck, field: FieldSubject) -> Finding | None:
        """Return the finding about a field that is read and never stored."""
        usage = audit.usage
        production = usage.production(field.carrier)
        if production.origin is not Origin.NEVER:
            return None
        start = _start(field, production)
        if start is None or not is_neutral(start):
            return None
        if audit.is_explained(field.carrier):
            return None
        consumption = usage.consumption(field.carrier)
        if is_taken_by_nobody(audit, field, consumption):
            return None  # nobody would see it
        if consumption.end <= End.COPIED and not field.is_record:
            return None
        confidence = certainty_of_writes(audit, field)
        if confidence is None:
            return None
        steps = where_it_is_lost(audit, field, production)
        seen = "read" if consumption.end > End.COPIED else "handed out"
        return self.make(
            subject=field.subject,
            place=field.place,
            message=f"{field.carrier} is {seen} and never written: it is always {start}{steps.seen}",
            help=steps.next_step,
            context={
                "field": str(field.carrier),
                "record": field.in_record,
                "default": start,
                **steps.context,
            },
            hops=(*steps.hops, *consumption.reads[:1]),
            confidence=confidence,
        )


def _start(field: FieldSubject, production: Production) -> str | None:
    """Return what a field holds for ever: its default, or the one constant that the constructor gives it."""
    if field.default is not None:
        return field.default.text
    return production.initial[0] if len(production.initial) == 1 else None
