"""TW506 forgotten-argument."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...source.program import Place
from ..transfers.alternatives import is_alternative
from ..transfers.left_out import LeftOut, Sign
from ..transfers.never_supplied import NeverSupplied
from ..using.statements import definition_at, is_given_before
from .base import AuditCheck, AuditRule

_MANY = 3  # constructions that all pass it: two may well be the exception


class ForgottenArgument(AuditRule):
    """A payload is constructed without one of its fields, while a value of that name is at hand.

    ## Why is this bad?
    The field keeps its default. The value was computed, the field is declared, the panel shows it, and it is always 0.

    ## Example
    ```python
    metrics = {"entropy": entropy, "kl": kl}
    UpdatePayload(entropy=metrics["entropy"])  # kl stays 0.0
    ```

    ## Use instead
    ```python
    UpdatePayload(entropy=metrics["entropy"], kl=metrics["kl"])
    ```

    So is an optional parameter of an application that no call supplies, though a caller has the object for it.
    A field that every other construction of the class passes, and one does not, is worth a look as well.
    """

    code = "TW506"
    name = "forgotten-argument"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each field that a construction forgets."""
        for one in audit.left_out.found:
            is_told = one.is_converter and one.sign is not Sign.UNUSED  # as what a converter misses
            if not is_told and one.sign is not Sign.PARAMETER:
                yield self.make(
                    subject=f"{one.owner.module}:{one.carrier}",
                    place=Place(audit.program.modules[one.group.function.module].path, one.span),
                    message=f"{one.owner.name}(...) leaves out {one.name}, which stays {one.default}{_why(one)}",
                    help=_next_step(one),
                    context={
                        "field": str(one.carrier),
                        "default": one.default,
                        "sign": one.sign.value,
                        "value": one.value,
                        "neighbours": str(one.neighbours),
                    },
                    confidence=_confidence(audit, one),
                )
        for missing in audit.never_supplied:
            yield self._never_supplied(audit, missing)

    def _never_supplied(self, audit: AuditCheck, one: NeverSupplied) -> Finding:
        caller = one.site.function.qualname
        called = one.function.qualname.removesuffix(".__init__")
        callers = "its only caller leaves" if one.callers == 1 else f"all {one.callers} calls leave"
        return self.make(
            subject=f"{one.function}({one.name})",
            place=Place(one.site.path, one.span),
            message=f"{called}({one.name}) is always None: {callers} it out, and {caller}() has {one.value} at hand",
            help=f"pass {one.name}={one.value}, or remove the parameter",
            context={
                "field": f"{called}({one.name})",
                "default": "None",
                "sign": "supplied",
                "value": one.value,
                "neighbours": "0",
            },
            confidence=Confidence.MEDIUM,
        )


def _confidence(audit: AuditCheck, one: LeftOut) -> Confidence:
    if one.is_sparse or one.is_taken_beside or one.is_fresh:
        return (
            Confidence.LOW
        )  # an object for one purpose; a value that goes elsewhere; another one's identifier
    match one.sign:
        case Sign.KEY | Sign.FIELD:
            return Confidence.HIGH if one.neighbours >= 2 else Confidence.LOW
        case Sign.UNUSED:
            return Confidence.LOW if _is_alternative(audit, one) else Confidence.MEDIUM
        case Sign.LOCAL:
            is_meant = one.neighbours >= 2 or one.is_its_object
            is_at_hand = is_meant and _is_given_before(audit, one) and not _is_alternative(audit, one)
            return Confidence.MEDIUM if is_at_hand else Confidence.LOW
        case Sign.TAKEN:
            return Confidence.LOW
        case _:
            is_record = (
                audit.flow.facts.inference.constructor(one.owner) is None
            )  # else one more of many options
            return Confidence.MEDIUM if is_record and one.others >= _MANY else Confidence.LOW


def _is_given_before(audit: AuditCheck, one: LeftOut) -> bool:
    """Whether the value is there whichever way leads to the construction; another branch may have one of its own."""
    function = one.group.function
    body = definition_at(audit.commented_out.text(function.module), function.name, one.span.line)
    if body is None:
        return True
    try:
        return is_given_before(body.body, one.name, one.span.line)
    except RecursionError:  # hundreds of branches, one in the other
        return True


def _is_alternative(audit: AuditCheck, one: LeftOut) -> bool:
    text = audit.commented_out.text(one.owner.module)
    return is_alternative(audit.program, text, one.owner, one.name, one.group.sinks)


def _why(one: LeftOut) -> str:
    match one.sign:
        case Sign.KEY | Sign.FIELD:
            return f"; {one.value} holds a value, and {one.neighbours} other fields are taken from there"
        case Sign.UNUSED:
            what = "a value of that name" if one.value == one.name else one.value
            return f"; {one.group.function.qualname}() computes {what} and does nothing with it"
        case Sign.LOCAL | Sign.TAKEN:
            return f"; {one.group.function.qualname}() has a value of that name"
        case _:
            return f"; all {one.others} other constructions pass it"


def _next_step(one: LeftOut) -> str:
    given = one.value or "the value"
    return f"pass {one.name}={given}" if one.value else f"pass {one.name} here too, or remove its default"
