"""How sure it is that two values are crossed: by where they are given, and by what stands beside them.

An argument that is given by its place has changed places by accident; whoever writes `a=b, b=a` sees it, and means it
more often than not. There it counts that the others of the group are given their own values, or that the names are
those of telemetry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...findings import Confidence
from ...flow import KeyCarrier
from ...flow.types import Instance, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import CallShape, EffectKind, Kind
from ..fields.ladder import at_most
from ..words.metric_words import are_metrics
from ..words.names import are_ends, words
from .transfers import Group, Origin, Transfer

if TYPE_CHECKING:
    from ..rules.base import AuditCheck

_ASKS = {"check", "compute", "collect", "aggregate"}
_SAYS = {"f-string", "format", "repr"}
_SIZES = {"size", "dimension", "dim", "feature", "channel", "unit", "width", "height", "column", "rank"}
_SYMBOL = re.compile(
    r".|alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|omicron|pi|rho|sigma|tau|upsilon|phi"
    r"|chi|psi|omega",
    re.IGNORECASE,
)
"""A symbol of a formula: a single letter, or the name of a Greek one."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Two names, and the values that they are given; `exact` where each is given what is called as the other."""

    first: Transfer
    one: Origin
    second: Transfer
    other: Origin
    exact: bool


def of_exchange(audit: AuditCheck, group: Group, pair: Exchange) -> Confidence:
    """Return how sure it is that two values have changed places."""
    one, other = pair.one, pair.other
    if not _is_an_accident(audit, group, pair) or group.function == group.owner:
        return Confidence.LOW  # written so by name; a function that calls itself the other way round
    is_done = isinstance(group.owner, FunctionSymbol) or (group.base and _differ_both(one.name, other.name))
    if are_ends(one.name, other.name) and is_done:
        return Confidence.LOW  # what is done may well go the other way
    if all(_SYMBOL.fullmatch(part) for part in {*one.name.split("_")} ^ {*other.name.split("_")}):
        return Confidence.LOW  # the sides of a matrix, which is taken the other way round
    if _are_sizes(one.name, other.name) and not _is_telemetry(audit, group):
        return Confidence.LOW  # one part takes in what another gives out
    confidence = Confidence.HIGH if pair.exact else Confidence.MEDIUM
    is_doubtful = group.is_outside or not belong_together(one.base, other.base)
    if is_doubtful or not _is_telemetry(audit, group) or max(len(one.name), len(other.name)) < 3:
        confidence = at_most(confidence, Confidence.MEDIUM)
    return confidence


def _is_an_accident(audit: AuditCheck, group: Group, pair: Exchange) -> bool:
    """Whether something tells a slip from what is meant: places, values beside, what names are written."""
    if _is_by_place(audit, group, pair.first) and _is_by_place(audit, group, pair.second):
        return True
    if group.owner is not None and _is_telemetry(audit, group):
        return True
    is_way_back = are_ends(pair.one.name, pair.other.name) and _differ_both(pair.one.name, pair.other.name)
    is_said = pair.exact and _is_as_written(pair) and not is_way_back
    if is_said and _is_one_path(audit, group, pair):
        return True
    if are_metrics([pair.first.sink]) and are_metrics([pair.second.sink]):
        return True
    return any(
        one.comes_from(one.sink) is not None
        for one in group.transfers
        if one not in (pair.first, pair.second)
    )


def _is_as_written(pair: Exchange) -> bool:
    """Whether the code says the names themselves: `"player": move` says another one, whatever `move` was made of."""
    return pair.first.origins[0] == pair.one and pair.second.origins[0] == pair.other


def _is_one_path(audit: AuditCheck, group: Group, pair: Exchange) -> bool:
    """Whether both are entries of one dictionary, parts of one object that are handed on, or stored in one go.

    Two stores of which an `if` decides may be one on each branch.
    """
    if group.node >= 0:
        return (group.owner is None and not group.is_outside) or _is_one_object(pair)
    spans = {pair.first.span, pair.second.span}
    effects = audit.program.function(group.function).graph.effects
    return _is_one_object(pair) and not any(one.guards for one in effects if one.span in spans)


def _is_one_object(pair: Exchange) -> bool:
    return bool(pair.one.base) and pair.one.base == pair.other.base


def _is_by_place(audit: AuditCheck, group: Group, transfer: Transfer) -> bool:
    """Whether a value is an argument that stands at its place, without a name."""
    if group.node < 0:
        return False
    node = audit.program.function(group.function).graph.nodes[group.node]
    shape = node.data
    return (
        node.kind is Kind.CALL
        and isinstance(shape, CallShape)
        and transfer.node in node.operands[1 : 1 + shape.positional]
    )


def of_given_twice(audit: AuditCheck, group: Group, transfer: Transfer, origin: Origin) -> Confidence:
    """Return how sure it is that a name is given its neighbour's value by mistake."""
    left = audit.transfers.has(group.function, origin, transfer.sink)
    is_there = not isinstance(left, KeyCarrier) or left.mapping is not None
    if are_ends(transfer.sink, origin.name) or not (is_there or _is_read(audit, group, transfer, origin)):
        return Confidence.LOW  # one end is tied to the other, or the mapping may have no such key
    if group.owner is None or not _is_telemetry(audit, group):
        is_metric = are_metrics([transfer.sink]) and are_metrics([origin.name])
        return Confidence.MEDIUM if is_metric else Confidence.LOW
    return Confidence.HIGH


def is_own_unread(
    audit: AuditCheck, group: Group, transfer: Transfer, neighbour: Transfer, origin: Origin
) -> bool:
    """Whether what a name is left with has no other use: its own value is there, and nothing in the function reads it.

    What stands beside goes straight from the same object or mapping, or the object is one that holds telemetry; and
    both are given in one go. Names of metrics only: another value may well be meant for two names.
    """
    straight = [
        one
        for one in group.transfers
        if one not in (transfer, neighbour)
        and (own := one.comes_from(one.sink)) is not None
        and own.base == origin.base
    ]
    is_kept = bool(origin.base) and are_of_telemetry(audit, group, origin)
    if not (is_kept or len(straight) >= (2 if origin.base else 1)):
        return False
    if not (are_metrics([transfer.sink]) and (is_kept or are_metrics([origin.name]))):
        return False
    if are_ends(transfer.sink, origin.name) or not _are_at_once(audit, group, transfer, neighbour):
        return False
    if origin.base:
        return not _is_looked_at(audit, group, transfer.sink, origin.base)
    return _is_computed(audit, group, transfer.sink) and not _is_handed_on(audit, group, transfer.sink)


def own_beside(
    audit: AuditCheck, group: Group, transfer: Transfer, neighbour: Transfer
) -> tuple[Origin, str] | None:
    """Return the neighbour's field that a name is given as well, and the field of the same object that is its own.

    `train_loss` and `train_accuracy` are both given `output.accuracy`, while `output.loss` is not looked at.
    """
    common = {*words(transfer.sink)} & {*words(neighbour.sink)}
    mine, others = {*words(transfer.sink)} - common, {*words(neighbour.sink)} - common
    given = {(one.name, one.base) for one in neighbour.origins if one.base}
    for origin in transfer.origins if mine and others else ():
        if origin.is_derived or (origin.name, origin.base) not in given:
            continue
        if {*words(origin.name)} - common != others:
            continue
        for one in members(audit.flow.facts.inference.type_of(group.function, origin.base_node)):
            for name in audit.program.class_(one.cls).fields if isinstance(one, Instance) else ():
                if {*words(name)} - common == mine and not _is_looked_at(audit, group, name, origin.base):
                    return origin, name
    return None


def _is_computed(audit: AuditCheck, group: Group, name: str) -> bool:
    """Whether a function computes a local of a name; what it is handed may be there for something else."""
    body = audit.program.function(group.function)
    return name in body.graph.bindings and all(one.name != name for one in body.parameters)


def _is_handed_on(audit: AuditCheck, group: Group, name: str) -> bool:
    """Whether a function does more with a local of a name than compute from it."""
    names = audit.transfers.names(group.function)
    graph = audit.program.function(group.function).graph
    used = [one.value for one in graph.effects if one.kind is not EffectKind.DROP]
    for node in graph.nodes:
        if node.kind is Kind.CALL:
            used += node.operands[1:]
        elif node.kind in {Kind.DICT, Kind.SEQUENCE} or (node.kind is Kind.OP and node.data in _SAYS):
            used += node.operands
    return any(one.name == name and not one.base for index in used for one in names.origins(index))


def _are_at_once(audit: AuditCheck, group: Group, first: Transfer, second: Transfer) -> bool:
    """Whether two values are given on the same branch, and each name once."""
    sinks = [one.sink for one in group.transfers]
    if sinks.count(first.sink) > 1 or sinks.count(second.sink) > 1:
        return False
    effects = audit.program.function(group.function).graph.effects
    guards = {one.guards for one in effects if one.span in {first.span, second.span}}
    return group.node >= 0 or len(guards) == 1


def _is_looked_at(audit: AuditCheck, group: Group, name: str, base: str) -> bool:
    """Whether a function reads a field or key of a name from an object or mapping."""
    names = audit.transfers.names(group.function)
    nodes = audit.program.function(group.function).graph.nodes
    for node in nodes:
        if node.kind in {Kind.ATTR, Kind.ITEM} and node.data == name:
            if names.path(node.operands[0]) == base:
                return True
        elif node.kind is Kind.CALL and len(node.operands) > 1 and nodes[node.operands[1]].data == name:
            return True  # `metrics.get("entropy")`
    return False


def _is_telemetry(audit: AuditCheck, group: Group) -> bool:
    if group.owner is None:
        return True  # a dictionary: its keys are names that others look for
    return (
        audit.classes.has(group.owner)
        if isinstance(group.owner, ClassSymbol)
        else audit.names.is_function(group.owner.name)
    )


def is_of_telemetry(audit: AuditCheck, group: Group) -> bool:
    """Whether values go to what holds or hands on telemetry: a class of it, a method of one, a function that sends it.

    What checks or computes is none: it may be asked the other way round.
    """
    owner = group.owner
    if owner is None or group.is_outside:
        return False
    if isinstance(owner, ClassSymbol):
        return audit.classes.has(owner)
    whose = (audit.program.function(owner).owner or "").rpartition(".")[2]
    is_one = audit.names.is_function(owner.name) or audit.names.is_class(whose)
    return is_one and _ASKS.isdisjoint(words(owner.name)[:1])


def are_of_telemetry(audit: AuditCheck, group: Group, *origins: Origin) -> bool:
    """Whether values are parts of objects that hold telemetry."""
    inference = audit.flow.facts.inference
    return all(
        any(
            isinstance(one, Instance) and audit.classes.has(one.cls)
            for one in members(inference.type_of(group.function, origin.base_node))
        )
        for origin in origins
        if origin.base
    ) and any(origin.base for origin in origins)


def _is_read(audit: AuditCheck, group: Group, transfer: Transfer, origin: Origin) -> bool:
    """Whether a function reads the key of a name from the mapping that a value comes from."""
    names = audit.transfers.names(group.function)
    return any(
        node.kind is Kind.ITEM and node.data == transfer.sink and names.path(node.operands[0]) == origin.base
        for node in audit.program.function(group.function).graph.nodes
    )


def _differ_both(one: str, other: str) -> bool:
    """Whether each of two names has a word of its own; `net` and `net_target` are a thing and its other version."""
    left, right = {*words(one)}, {*words(other)}
    return bool(left - right and right - left)


def _are_sizes(one: str, other: str) -> bool:
    """Whether two names are sizes, of which only the part that takes them in or gives them out says which is which."""
    left, right = {*words(one)}, {*words(other)}
    return not _SIZES.isdisjoint(left & right) and (left < right or right < left or are_ends(one, other))


def belong_together(base: str, other: str) -> bool:
    """Whether two values are of one function's own: locals, or parts of one object."""
    return not base or not other or base.partition(".")[0] == other.partition(".")[0]
