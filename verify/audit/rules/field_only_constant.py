"""TW501 field-only-constant."""

from __future__ import annotations

from ...findings import Confidence, Finding
from ...flow import Constant, How
from ...flow.neutral import is_neutral
from ...source.program import Place
from ..ladder import at_most, certainty_of_writes, where_it_is_lost
from ..liveness import Origin, Production
from ..subjects import FieldSubject
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

    A constant that says something (a version, the name of a kind) is no fault.
    """

    code = "TW501"
    name = "field-only-constant"

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


def _only_value(production: Production) -> str | None:
    if len(production.constants) > 1:
        return None
    if production.constants:
        return production.constants[0]
    return production.initial[0] if production.initial else None
