"""Why a value is missing, by ever narrower questions, and how sure that is.

Is the name nowhere else? Is it stored only in code that cannot run, or in a comment? Is a value of that name computed
and not handed on? Is it kept under another name? Each finding says how far the wire goes and what its next step would
be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...findings import Confidence
from ...flow import FieldCarrier, Hop, KeyCarrier, Role
from ...source import FunctionSymbol
from ...source.model import Kind
from ...source.program import Place
from ..using.liveness import Origin, Production
from ..using.usage import Usage
from ..words.flags import is_config_class
from ..words.names import closest
from .subjects import FieldSubject

if TYPE_CHECKING:
    from ..rules.base import AuditCheck

_NEARLY_THE_SAME = 0.9
_ALIKE = 0.75  # how much of two names is the same when one may be the other, renamed


_IDENTIFIES = ("_id", "_name", "_type", "_version", "_kind")

CONFIDENCES = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)
"""The confidences, the least sure first."""


def at_most(confidence: Confidence, limit: Confidence) -> Confidence:
    """Return the lower of two confidences."""
    return min(confidence, limit, key=CONFIDENCES.index)


@dataclass(frozen=True, slots=True)
class Steps:
    """How far a wire goes: what was seen on the way, in words, and what to do next."""

    seen: str
    next_step: str
    context: dict[str, str] = field(default_factory=dict)
    hops: tuple[Hop, ...] = ()


def certainty_of_writes(
    audit: AuditCheck, subject: FieldSubject, *, are_all_read: bool = False
) -> Confidence | None:
    """Return how sure it is that nobody else stores into a field; None where somebody unseen may well do.

    `are_all_read` says that the expressions which are stored were looked at, each by itself.
    """
    usage = audit.usage
    owner, name = subject.carrier.owner, subject.carrier.name
    handling = usage.handling
    if handling.may_fill(owner, name) is not None or handling.names_computed_to_store(owner, name):
        return None
    if _is_filled_as_key(audit, subject) or (not are_all_read and _is_set_by_users(audit, subject)):
        return None
    is_kept = handling.is_kept(owner, name)
    if not handling.is_made(owner) and not (
        is_kept and (usage.audience.sees_class(owner) or handling.may_build(owner) is not None)
    ):
        return None  # no object of it is ever made here: it is made elsewhere, or not used at all
    if not subject.is_record and usage.audience.sees_field(owner, name):
        return Confidence.LOW  # an attribute of a public class: a class below it may set it
    if usage.audience.sees_field(owner, name) and not audit.classes.has(owner):
        return Confidence.LOW  # an option for users, who make such objects themselves
    if not subject.is_record and name.endswith(_IDENTIFIES):
        return Confidence.LOW  # the same for ever, as it may be meant to be
    confidence = Confidence.HIGH
    may_bring = usage.audience.may_bring(owner) and not subject.holds_data and not is_kept
    if usage.may_be_written(name) or name in handling.keywords or may_bring:
        confidence = Confidence.LOW
    elif not subject.is_record and subject.default is not None:
        confidence = (
            Confidence.LOW
        )  # an attribute of the class itself, which may be meant to be the same for all
    elif usage.audience.sees_field(owner, name) or not subject.holds_data:
        confidence = Confidence.MEDIUM
    elif handling.may_build(owner) is not None:
        confidence = Confidence.MEDIUM  # others make such objects, or restore them
    return confidence


def _is_set_by_users(audit: AuditCheck, subject: FieldSubject) -> bool:
    """Whether a field is given a setting of the program, or what somebody unseen may have put into another object."""
    return any(
        isinstance(hop.source, FieldCarrier)
        and hop.source != subject.carrier
        and (
            is_config_class(hop.source.owner.name)
            or audit.usage.handling.may_build(hop.source.owner) is not None
        )
        for carrier in audit.usage.family(subject.carrier)
        for hop in audit.flow.entering(carrier)
    )


def _is_filled_as_key(audit: AuditCheck, subject: FieldSubject) -> bool:
    """Whether the object is turned into a mapping, and the key of a field's name is stored there afterwards."""
    flow = audit.flow
    for carrier in audit.usage.family(subject.carrier):
        for hop in flow.out_of(carrier):
            if hop.role is Role.EXPORT and isinstance(hop.target, KeyCarrier):
                entering = flow.into(hop.target)
                if any(other.role is not Role.EXPORT and flow.is_live(other) for other in entering):
                    return True
    return False


def certainty_of_reads(audit: AuditCheck, subject: FieldSubject) -> Confidence | None:
    """Return how sure it is that nobody else reads a field; None where somebody unseen may well do."""
    usage = audit.usage
    owner, name = subject.carrier.owner, subject.carrier.name
    if usage.handling.names_computed(owner, name):
        return None
    doubts = usage.doubts_about_reads(subject.carrier)
    if usage.handling.may_fill(owner, name) is not None or owner in usage.handling.models:
        doubts.append("a base or decorator from outside may read it")
    if doubts or name in usage.handling.strings or audit.consumers.mention(name) is not None:
        return Confidence.LOW
    return Confidence.HIGH if subject.holds_data else Confidence.MEDIUM


def where_it_is_lost(audit: AuditCheck, subject: FieldSubject, production: Production) -> Steps:
    """Return what there is of a value that a field waits for."""
    usage = audit.usage
    name = subject.carrier.name
    if production.idle:
        hop = production.idle[0]
        function = hop.site.function
        if hop.discarded and not hop.gated and function in audit.flow.reachable:
            return Steps(
                f"; the only store is into an object that nothing keeps ({hop.site})",
                f"hand that object on in {function.qualname}(), or store the value in the one that is read",
                {"dropped_store": str(hop.site)},
                (hop,),
            )
        return Steps(
            f"; the only store is in code that never runs ({hop.site})",
            f"call {function.qualname}() where the value is known, or remove the field",
            {"idle_store": str(hop.site)},
            (hop,),
        )
    if (comment := audit.commented_out.store(name, _modules(audit, subject))) is not None:
        line = f"{comment.path}:{comment.span.line}"
        return Steps(
            f"; the only store is in a comment ({line})",
            "let the store in the comment run again, or remove the field",
            {"commented_out": line},
        )
    if (found := _field_of_that_name(usage, subject)) is not None:
        other, hop = found
        return Steps(
            f"; {other} holds a value of that name and nothing hands it on",
            f"pass {other} ({hop.site}) on to {subject.carrier}",
            {"computed_as": str(other), "computed_at": str(hop.site)},
            (hop,),
        )
    if (place := _local_of_that_name(audit, subject)) is not None:
        function, at = place
        return Steps(
            f"; a value of that name is computed in {function.qualname}() and not stored here",
            f"store it in {subject.carrier} ({at.path}:{at.span.line})",
            {"computed_in": str(function), "computed_at": f"{at.path}:{at.span.line}"},
        )
    other_name = closest(name, _written_siblings(audit, subject), at_least=_ALIKE)
    if other_name is not None:
        return Steps(
            f"; {other_name} of the same class is",
            f"did you mean {other_name}? Else store the measured value, or remove the field",
            {"closest": other_name},
        )
    return Steps("", "store the measured value where it is known, or remove the field")


def _modules(audit: AuditCheck, subject: FieldSubject) -> set[str]:
    """Return the modules that know a field: of its class, of who makes such an object, of who reads it."""
    handling = audit.usage.handling
    makers = handling.makers(subject.carrier.owner)
    readers = [function for function, _, _ in audit.usage.places_that_read(subject.carrier)]
    return {subject.carrier.owner.module, *(function.module for function in (*makers, *readers))}


def closest_read(audit: AuditCheck, subject: FieldSubject) -> str | None:
    """Return the name, like a field's, under which somebody reads what the class does not have."""
    usage = audit.usage
    siblings = set(audit.program.class_(subject.carrier.owner).fields)
    unknown = {
        name for name in usage.unresolved_reads if name not in siblings and name != subject.carrier.name
    }
    return closest(subject.carrier.name, unknown, at_least=_NEARLY_THE_SAME)


def _field_of_that_name(usage: Usage, subject: FieldSubject) -> tuple[FieldCarrier, Hop] | None:
    """Return a field of the same name, in another class, that a value reaches."""
    family = set(usage.family(subject.carrier))
    for other in usage.fields_named(subject.carrier.name):
        if other in family:
            continue
        production = usage.production(other)
        if production.origin is Origin.ALIVE and production.writes:
            return other, production.writes[0]
    return None


def _local_of_that_name(audit: AuditCheck, subject: FieldSubject) -> tuple[FunctionSymbol, Place] | None:
    """Return a function that makes objects of the class and computes a local of that name."""
    handling = audit.usage.handling
    for cls in handling.lines(subject.carrier.owner):
        for function, _ in handling.constructions.get(cls, ()):
            graph = audit.program.function(function).graph
            for node in graph.bindings.get(subject.carrier.name, ()):
                if graph.nodes[node].kind not in {Kind.CONST, Kind.PARAM}:
                    path = audit.program.modules[function.module].path
                    return function, Place(path, graph.nodes[node].span)
    return None


def _written_siblings(audit: AuditCheck, subject: FieldSubject) -> Iterator[str]:
    owner = subject.carrier.owner
    for name in audit.program.class_(owner).fields:
        if name != subject.carrier.name and audit.usage.writes(FieldCarrier(owner, name)):
            yield name


def places_of(hops: Iterable[Hop]) -> str:
    """Return where hops are, each place once."""
    return ", ".join(dict.fromkeys(str(hop.site) for hop in hops))
