"""TW502 field-never-written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...findings import Confidence, Finding
from ...flow.neutral import is_neutral
from ...flow.types import Instance, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import Kind
from ...source.program import Place
from ..fields.ladder import Steps, at_most, certainty_of_writes, where_it_is_lost
from ..fields.never_filled import EMPTY, empty_start, is_only_looked_at, made_empty
from ..fields.only_restored import only_restored
from ..fields.sql_columns import UnwrittenColumn, unwritten_columns
from ..fields.subjects import FieldSubject, idle_containers, idle_counters, set_in_vain
from ..functions.never_entered import never_entered
from ..using.handling import as_written
from ..using.liveness import End, Origin, Production
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

    In an application so does an attribute that counts what happens (`_finished`), in whatever class, and one of any
    name that only a function sets which nothing calls, or that starts as an empty container, is private and is only
    counted or added up. A store is none in a function of an application that nothing
    there calls, names or hands on, and one in `__enter__` or `__exit__` is none for an object that no `with` enters.
    A column is a field of a table that the program fills.
    """

    code = "TW502"
    name = "field-never-written"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield the finding about each field, each counter of any class, and each object that no `with` fills."""
        yield from super().check(audit)
        told = {one.carrier for one in audit.fields}
        others = [
            *idle_counters(audit.usage, told),
            *idle_containers(audit.usage, told),
            *set_in_vain(audit.usage, audit.uncalled, told),
        ]
        for one in {other.carrier: other for other in others}.values():
            if (finding := self.judge(audit, one)) is not None:
                yield replace(finding, confidence=at_most(finding.confidence, Confidence.MEDIUM))
        for found in never_entered(audit.flow, audit.usage.handling, audit.entering):
            field, path = f"{found.cls.name}.{found.name}", audit.program.modules[found.function.module].path
            yield self.make(
                subject=f"{found.function}:{field}",
                place=Place(path, found.span),
                message=f"{field} is read of an object that no `with` enters: it stays as it was made",
                help="enter it by `with` around what it measures",
                context={"field": field, "record": "no", "default": "", "read_at": str(found.read_at.line)},
                confidence=Confidence.HIGH,
            )
        for column in unwritten_columns(audit.program):
            yield self._column(audit, column)

    def _column(self, audit: AuditCheck, one: UnwrittenColumn) -> Finding:
        name = f"{one.table}.{one.column}"
        read_at = f"{audit.program.modules[one.reader.module].path}:{one.read_at.line}"
        return self.make(
            subject=f"{one.function.module}:{name}",
            place=Place(audit.program.modules[one.function.module].path, one.span),
            message=f"the column {name} is read and never written: it is always NULL; {read_at} selects it",
            help=f"insert a value for {one.column} here, or take the column out",
            context={"field": name, "record": "yes", "default": "NULL", "kind": "column", "read_at": read_at},
            confidence=Confidence.MEDIUM,
        )

    def judge(self, audit: AuditCheck, field: FieldSubject) -> Finding | None:
        """Return the finding about a field that is read and never stored."""
        usage = audit.usage
        production = usage.production(field.carrier)
        is_given = production.origin is not Origin.NEVER and empty_start(usage, field.carrier) is None
        uncalled = _stored_in_vain(audit, field, production) if is_given else ()
        is_stored = is_given and not uncalled
        saved_as = _saved_as(audit, field) if is_stored else None
        if is_stored and saved_as is None:
            return None
        start = _start(audit, field, production)
        is_empty = start in EMPTY.values()
        if start is None or not (is_neutral(start) or is_empty):
            return None
        if is_empty and not is_only_looked_at(usage, field.carrier):
            return None  # somebody may put something into it
        if is_empty and usage.handling.names_computed(field.carrier.owner, field.carrier.name):
            return None  # so may who reads it under a computed name
        if audit.is_explained(field.carrier) or (not field.is_record and _is_one_of_several(audit, field)):
            return None
        consumption = usage.consumption(field.carrier)
        if is_taken_by_nobody(audit, field, consumption):
            return None  # nobody would see it
        if consumption.end <= End.COPIED and not field.is_record:
            return None
        confidence = certainty_of_writes(audit, field, are_all_read=saved_as is not None)
        if confidence is None:
            return None
        if saved_as is not None:
            steps = _restored(saved_as)
        else:
            steps = _never_called(uncalled) if uncalled else where_it_is_lost(audit, field, production)
        if uncalled or is_empty or saved_as is not None:
            confidence = at_most(confidence, Confidence.MEDIUM)
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


def _is_one_of_several(audit: AuditCheck, field: FieldSubject) -> bool:
    """Whether all who read an attribute, its own class apart, may have an object of another class there.

    It is what this class has to say, and others say otherwise.
    """
    program, inference, owner = audit.program, audit.flow.facts.inference, field.carrier.owner
    own = {FunctionSymbol(owner.module, one) for one in program.class_(owner).methods.values()}
    owners: list[set[ClassSymbol]] = []
    for function, index, _ in audit.usage.places_that_read(field.carrier):
        node = program.function(function).graph.nodes[index]
        if function not in own and node.kind is Kind.ATTR:
            known = members(inference.type_of(function, node.operands[0]))
            classes = {one.cls for one in known if isinstance(one, Instance)}
            found = {inference.owner_of_field(one, field.carrier.name) for one in classes}
            owners.append({one for one in found if one is not None})
    return bool(owners) and all(len(one) > 1 for one in owners)


def _stored_in_vain(
    audit: AuditCheck, field: FieldSubject, production: Production
) -> tuple[FunctionSymbol, ...]:
    """Return the functions that alone store a field, if nothing calls them and the object is made all the same."""
    functions = tuple(dict.fromkeys(hop.site.function for hop in production.writes))
    if not functions or not all(one in audit.uncalled for one in functions):
        return ()
    if not (field.is_record or _is_used(audit, field, functions)):
        return ()  # that nobody uses such an object is another rule's
    usage = audit.usage
    for carrier in usage.family(field.carrier):
        for function, value in usage.handling.stored_values(carrier):
            is_constant = as_written(audit.program.function(function).graph, value).kind is Kind.CONST
            if function not in functions and not is_constant:
                return ()
    makers = [*usage.handling.makers(field.carrier.owner)]
    return functions if any(one not in functions for one in makers) else ()


def _is_used(audit: AuditCheck, field: FieldSubject, functions: tuple[FunctionSymbol, ...]) -> bool:
    """Whether an object is there for something else than some of its methods: another one, or the field itself."""
    owner = field.carrier.owner
    if audit.uncalled.are_left_out(owner, functions):
        return True
    reads = audit.flow.facts.whereabouts.index.field_reads(owner, field.carrier.name)
    own = {FunctionSymbol(owner.module, one) for one in audit.program.class_(owner).methods.values()}
    return any(is_sure and function not in own for function, _, is_sure in reads)


def _never_called(functions: tuple[FunctionSymbol, ...]) -> Steps:
    where = ", ".join(f"{one.qualname}()" for one in functions)
    return Steps(
        f"; the only store is in {where}, which nothing calls",
        f"call {where} where the value is known, or remove the field",
        {"uncalled_store": where},
    )


def _saved_as(audit: AuditCheck, field: FieldSubject) -> str | None:
    """Return the key under which alone a counter of an object is saved and restored, where anybody else reads it."""
    if field.is_record or audit.audience.is_library:
        return None  # a record is made of what others saved
    return only_restored(audit.usage, audit.keys, field.carrier)


def _restored(key: str) -> Steps:
    return Steps(
        f'; it is only ever restored from what was saved of it, under "{key}"',
        "count where it happens, or remove the field",
        {"restored_from": key},
    )


def _start(audit: AuditCheck, field: FieldSubject, production: Production) -> str | None:
    """Return what a field holds for ever: its default, or the one constant or empty thing that it is given."""
    if field.default is not None:
        made = None if field.default.factory is None else made_empty(field.default.factory)
        return field.default.text if made is None else made
    if not production.initial and not field.is_record:
        return empty_start(audit.usage, field.carrier)
    return production.initial[0] if len(production.initial) == 1 else None
