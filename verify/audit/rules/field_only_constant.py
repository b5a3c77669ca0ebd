"""TW501 field-only-constant."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...flow import Constant, How, ParameterCarrier
from ...flow.neutral import is_neutral
from ...source import ClassSymbol
from ...source.program import Place
from ..fields.ladder import at_most, certainty_of_writes, where_it_is_lost
from ..fields.stand_ins import StandIn, stand_ins
from ..fields.subjects import FieldSubject
from ..keys.typed_mappings import constant_keys
from ..using.liveness import Origin, Production
from .base import AuditCheck
from .field_rule import FieldRule, is_taken_by_nobody


class FieldOnlyConstant(FieldRule):
    """A telemetry field is given the same constant everywhere, itself or by the values that are copied into it.

    ## Why is this bad?
    The field looks wired: somebody passes it, somebody shows it. What it shows was typed by hand.

    ## Example
    ```python
    emit(UpdatePayload(entropy=metrics["entropy"], inf_grad_count=0))
    ```

    ## Use instead
    ```python
    emit(UpdatePayload(entropy=metrics["entropy"], inf_grad_count=metrics["inf_grad_count"]))
    ```

    Nor does one reach a parameter for a function that measures, where every caller gives it `lambda: 0`.
    A constant that says something (a version, the name of a kind) is no fault.
    """

    code = "TW501"
    name = "field-only-constant"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield the finding about each field, and about each key of a typed mapping, that has one."""
        yield from super().check(audit)
        for cls in audit.program.classes():
            if audit.flow.facts.inference.is_typed_dict(cls) and not audit.audience.sees_class(cls):
                yield from self._keys(audit, cls)

        for one in stand_ins(audit.usage, audit.classes):
            yield self._stand_in(audit, one)

    def _stand_in(self, audit: AuditCheck, one: StandIn) -> Finding:
        called = one.function.qualname.removesuffix(".__init__")
        callers = "its only caller" if one.callers == 1 else f"each of its {one.callers} callers"
        return self.make(
            subject=f"{one.function}({one.name})",
            place=Place(one.site.path, one.span),
            message=f"{called}({one.name}) is to measure something, and {callers} gives it a function that returns"
            f" {one.value}",
            help="give it what measures the value",
            context={
                "field": f"{called}({one.name})",
                "record": "no",
                "constant": one.value,
                "kind": "constant callable",
            },
            confidence=Confidence.MEDIUM,
        )

    def _keys(self, audit: AuditCheck, cls: ClassSymbol) -> Iterator[Finding]:
        for one in constant_keys(audit.usage, audit.keys, cls):
            if not is_neutral(one.value) or not (audit.classes.has(cls) or audit.names.is_field(one.key)):
                continue
            site = one.writes[0].site
            read_at = f"{audit.program.modules[one.read.function.module].path}:{one.read.span.line}"
            yield self.make(
                subject=f'{cls}["{one.key}"]',
                place=Place(site.path, site.span),
                message=f'{cls.qualname}["{one.key}"] is only ever {one.value}: no value reaches it, and '
                f"{read_at} reads it",
                help="give it the measured value, or take the key out",
                context={
                    "field": f'{cls.qualname}["{one.key}"]',
                    "record": "yes",
                    "constant": one.value,
                    "read_at": read_at,
                },
                hops=one.writes[:3],
                confidence=Confidence.MEDIUM,
            )

    def judge(self, audit: AuditCheck, field: FieldSubject) -> Finding | None:
        """Return the finding about a field that only ever holds one constant that somebody stores."""
        usage = audit.usage
        production = usage.production(field.carrier)
        if production.origin is not Origin.CONSTANT or not production.writes:
            return None
        if audit.is_explained(field.carrier):
            return None
        value = _only_value(production)
        if value is None or not is_neutral(value):
            return None
        consumption = usage.consumption(field.carrier)
        if is_taken_by_nobody(audit, field, consumption):
            return None
        confidence = certainty_of_writes(audit, field)
        if confidence is None:
            return None
        hop = production.writes[0]
        is_direct = isinstance(hop.source, Constant)
        if isinstance(hop.source, ParameterCarrier) and _is_told(audit, hop.source):
            return None
        if not is_direct and usage.handling.may_build(field.carrier.owner) is not None:
            return None  # whoever makes such objects may hand a value in
        if value == "None" or not is_direct:
            confidence = at_most(confidence, Confidence.MEDIUM)
        if value == "None" and not is_direct:
            confidence = (
                Confidence.LOW
            )  # an option of its constructor, or one that a branch before it left out
        if any(one.how is How.COMPUTED and not isinstance(one.source, Constant) for one in production.writes):
            confidence = Confidence.LOW  # something is computed, of what cannot be followed
        steps = where_it_is_lost(audit, field, production)
        given = "" if is_direct else f", which {hop.source} hands on"
        return self.make(
            subject=field.subject,
            place=Place(hop.site.path, hop.site.span),
            message=f"{field.carrier} is only ever {value}{given}: no value reaches it{steps.seen}",
            help=steps.next_step,
            context={
                "field": str(field.carrier),
                "record": field.in_record,
                "constant": value,
                **steps.context,
            },
            hops=(hop, *steps.hops, *consumption.reads[:1]),
            confidence=confidence,
        )


def _is_told(audit: AuditCheck, carrier: ParameterCarrier) -> bool:
    """Whether what is told is the parameter that fills a field, and no caller supplies."""
    return any(one.function == carrier.function and one.name == carrier.name for one in audit.never_supplied)


def _only_value(production: Production) -> str | None:
    if len(production.constants) > 1:
        return None
    if production.constants:
        return production.constants[0]
    return production.initial[0] if production.initial else None
