"""TW503 field-never-read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...findings import Confidence, Finding
from ...flow import ParameterCarrier
from ...source import FunctionSymbol
from ..fields.ladder import at_most, certainty_of_reads, closest_read, places_of
from ..fields.subjects import FieldSubject, set_afterwards
from ..functions.siblings import is_left_open
from ..using.liveness import Origin, Production
from ..words.flags import is_used_beside
from .base import AuditCheck
from .field_rule import FieldRule, is_taken_by_nobody


class FieldNeverRead(FieldRule):
    """A value is computed and stored in a telemetry field that nobody reads.

    ## Why is this bad?
    The measuring costs time, the field looks like coverage, and nobody would see the fault that it was made to show.

    ## Example
    ```python
    stats.overflow_count = count_overflows(gradients)  # and no panel, no log, no exporter reads it
    ```

    ## Use instead
    ```python
    panel.add_row("overflows", stats.overflow_count)
    ```

    A copy is no reader: a field that is only copied into fields that nobody reads is not read. In an application so is
    a field of any record that is set after the record was made, for somebody to see.
    """

    code = "TW503"
    name = "field-never-read"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield the finding about each field, and about what is set in other records."""
        yield from super().check(audit)
        for one in set_afterwards(audit.usage, {field.carrier for field in audit.fields}):
            if (finding := self.judge(audit, one)) is not None:
                yield replace(finding, confidence=at_most(finding.confidence, Confidence.MEDIUM))

    def judge(self, audit: AuditCheck, field: FieldSubject) -> Finding | None:
        """Return the finding about a field that is stored and never read."""
        usage = audit.usage
        consumption = usage.consumption(field.carrier, of_fresh=False)
        if not is_taken_by_nobody(audit, field, consumption):
            return None
        production = usage.production(field.carrier)
        if production.origin < Origin.POSSIBLE or not production.writes:
            return None
        if not usage.is_only_stored(field.carrier, consumption) or usage.holds_object(field.carrier):
            return None
        if not field.is_record and _is_mirror(audit, field):
            return None  # the object keeps what its constructor acts on
        if audit.program.method(field.carrier.owner, field.carrier.name) is not None:
            return None  # it takes the place of a method, and is called where that is
        if not field.is_record and _is_left_to_others(audit, field):
            return None
        if not field.is_record and not _is_running(audit, production):
            return None  # that nobody calls what stores it is another rule's
        confidence = certainty_of_reads(audit, field)
        if confidence is None or audit.is_explained(field.carrier):
            return None
        if production.origin is Origin.POSSIBLE:
            confidence = at_most(confidence, Confidence.MEDIUM)  # perhaps a constant, which says nothing
        if consumption.of_fresh:
            confidence = at_most(confidence, Confidence.MEDIUM)
        if any(isinstance(hop.target, ParameterCarrier) for hop in consumption.reads):
            confidence = Confidence.LOW  # what is done with it there cannot always be followed
        copies = f"; it is only copied at {places_of(consumption.reads)}" if consumption.reads else ""
        fresh = places_of(consumption.of_fresh)
        if fresh:
            copies += f"; what {fresh} reads is another object, into which nothing is stored"
        other = closest_read(audit, field)
        meant = (
            f"{other} is read, of an object of unknown class: did you mean {field.carrier.name}? "
            if other
            else ""
        )
        advice = "show, send or check it where it is wanted, or stop computing it"
        if fresh:
            advice = "hand the object that is stored into to who reads it"
        stored = production.writes[0]
        return self.make(
            subject=field.subject,
            place=field.place,
            message=f"{field.carrier} is stored at {stored.site} and never read{copies}",
            help=f"{meant}{advice}",
            context={
                "field": str(field.carrier),
                "record": field.in_record,
                "stored_at": places_of(production.writes),
                **({"closest": other} if other else {}),
                **({"read_fresh": fresh} if fresh else {}),
            },
            hops=(*production.writes[:3], *consumption.reads[:3], *consumption.of_fresh[:3]),
            confidence=confidence,
        )


def _is_running(audit: AuditCheck, production: Production) -> bool:
    """Whether something calls one of the functions that store the value, or may do so from outside."""
    functions = [hop.site.function for hop in production.writes]
    if any(audit.audience.sees_function(one) for one in functions):
        return True
    return audit.flow.is_called(functions) or any(one.name == "__init__" for one in functions)


def _is_left_to_others(audit: AuditCheck, field: FieldSubject) -> bool:
    """Whether a class leaves a method to classes below it, of which a library has none: they may read the field."""
    program, owner = audit.program, field.carrier.owner
    if not audit.audience.is_library or program.subclasses(owner):
        return False
    methods = program.class_(owner).methods.values()
    return any(is_left_open(program.function(FunctionSymbol(owner.module, one))) for one in methods)


def _is_mirror(audit: AuditCheck, field: FieldSubject) -> bool:
    """Whether all that a field is given are parameters that are used where they come in."""
    stored = list(audit.usage.handling.stored_values(field.carrier))
    return bool(stored) and all(
        is_used_beside(audit.program.function(function).graph, value) for function, value in stored
    )
