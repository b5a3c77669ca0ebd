"""TW513 crossed-names."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import combinations, permutations

from ...findings import Confidence, Finding
from ...flow import Carrier, FieldCarrier, How
from ...flow.types import Instance, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import Kind, Parameter
from ...source.program import Place
from ..events.subscriptions import Misled, misled
from ..transfers.crossing import (
    Exchange,
    are_of_telemetry,
    belong_together,
    is_of_telemetry,
    is_own_unread,
    of_exchange,
    of_given_twice,
    own_beside,
)
from ..transfers.detours import finders
from ..transfers.told_apart import crosswise
from ..transfers.transfers import Group, Origin, Transfer
from ..words.metric_words import are_metrics
from ..words.names import are_ends, are_opposed, likeness, words
from ..words.time_spans import SPAN, is_of_time, is_span, may_be_of_time
from .base import AuditCheck, AuditRule

_ON_PURPOSE = re.compile(
    r"swap|transpos|flip|invert|inverse|revers|mirror|rotat|exchange|crossover|permut|opposite"
)
_UNDOES = re.compile(r"^(?:un|de|en|dis)(?=\w{3})")
_SAME = 0.9
_OTHER = 0.5
_MANY = (
    200  # values at one place: a generated table, whose names are compared as they are and not by likeness
)


class CrossedNames(AuditRule):
    """A value goes to the name of its neighbour, and the neighbour's, or a copy of it, to its own.

    ## Why is this bad?
    Both series look alive. Whoever reads the entropy is looking at the KL divergence.

    ## Example
    ```python
    UpdatePayload(entropy=metrics["kl"], kl=metrics["entropy"])
    ```

    ## Use instead
    ```python
    UpdatePayload(entropy=metrics["entropy"], kl=metrics["kl"])
    ```

    Only names that fit the other way round count. A field that is given a value of another name is no fault, and
    neither is what changes places on purpose: the two ends of a reply, the derivative of an exchange, a name that
    stands in where its own has no value. What is given by name is told at low confidence, unless the names are those of
    telemetry, both values come from one object, or what stands beside goes straight on.

    The columns that an SQL text inserts into are names as well. Values are followed to sums and lists that they are
    added to, and from what a function of the program returns; a value that has no name is called as the function that
    finds it (`isnan`). A span of time, the difference of two readings of a clock, belongs to a name of time. A handler
    belongs to the event that it takes, or is called after.
    """

    code = "TW513"
    name = "crossed-names"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each pair that is crossed, and each value that is given twice in the place of another."""
        for group in audit.transfers.outside:
            for first, second in (
                () if _is_on_purpose(audit, group) else _exchanged(_unsettled(group.transfers))
            ):
                if (found := self._crossed(audit, group, first, second)) is not None:
                    yield found
        straight = _given_straight(audit)
        told: set[tuple[FunctionSymbol, frozenset[str]]] = set()
        for group in audit.transfers.groups:
            if len(group.transfers) < 2 or _is_on_purpose(audit, group):
                continue
            crossed: set[str] = set()
            taken = _parameters(audit, group)
            for first, second in _pairs(group.transfers):
                sinks = {first.sink, second.sink}
                if sinks <= straight.get((group.function, group.owner), set()) and sinks <= taken:
                    continue  # given both ways in one body: each way round is wanted
                if (found := self._crossed(audit, group, first, second)) is not None:
                    crossed.update(sinks)
                    told.add((group.function, frozenset(sinks)))
                    yield found
            given: dict[str, list[Transfer]] = {}
            for transfer in group.transfers:
                given.setdefault(transfer.sink, []).append(transfer)
            for transfer in group.transfers:
                if transfer.sink in crossed or transfer.comes_from(transfer.sink) is not None:
                    continue
                if found := self._given_twice(audit, group, transfer, given):
                    yield found
        yield from self._by_detours(audit, told)
        yield from self._spans(audit)
        for misplaced in misled(audit.flow, audit.subscriptions):
            yield self._misled(audit, misplaced)

    def _spans(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each span of time beside a name of time that is given something else."""
        for group in (*audit.transfers.groups, *audit.transfers.outside):
            graph = audit.program.function(group.function).graph
            strays = [
                one for one in group.transfers if not may_be_of_time([one.sink]) and is_span(graph, one.node)
            ]
            for stray, owed in ((one, other) for one in strays for other in group.transfers):
                given = sorted({*(one.name for one in owed.origins), *finders(graph, owed.node)})
                if given and is_of_time(owed.sink) and not may_be_of_time(given):
                    text = _crossed_text(stray.sink, SPAN, owed.sink, given[0], of_telemetry=True)
                    yield self._finding(audit, group, stray, *text, Confidence.MEDIUM)

    def _misled(self, audit: AuditCheck, found: Misled) -> Finding:
        given = found.subscription
        return self.make(
            subject=f"{found.function}:{given.handler.name}",
            place=Place(audit.program.modules[found.function.module].path, given.span),
            message=f"{given.handler.name} is given the event {given.event}, and is made for {found.own}",
            help=f"give it {found.own}, or the event a handler of its own",
            context={"handler": given.handler.qualname, "event": given.event, "own": found.own},
            confidence=Confidence.MEDIUM,
        )

    def _by_detours(
        self, audit: AuditCheck, told: Container[tuple[FunctionSymbol, frozenset[str]]]
    ) -> Iterator[Finding]:
        """Yield what is crossed by the words of its names: added up, appended, unpacked, found by a function."""
        for detour in audit.detours:
            group = detour.group
            named = [one for one in group.transfers if one.origins]
            if len(named) > _MANY or len(named) < 2 or _is_on_purpose(audit, group):
                continue
            for first, second in combinations(named, 2):
                if not detour.unpacked and _is_within(group, first, second):
                    continue
                pair = _told_apart(first, second, wholly=not detour.unpacked)
                if pair is None or (group.function, frozenset((first.sink, second.sink))) in told:
                    continue
                message, advice, context = _crossed_text(first.sink, pair[0], second.sink, pair[1])
                if detour.unpacked:
                    advice = "take the values in the order in which they are returned"
                certainty = _of_metrics(first.sink, second.sink)
                yield self._finding(audit, group, first, message, advice, context, certainty)
            if detour.appended:
                yield from self._appended_twice(audit, group)

    def _appended_twice(self, audit: AuditCheck, group: Group) -> Iterator[Finding]:
        """A list or meter is given what its neighbour is given too and is called after, while its own goes nowhere."""
        for transfer, neighbour in permutations(group.transfers, 2):
            beside = own_beside(audit, group, transfer, neighbour)
            if beside is not None:
                given, own = beside
                yield self._finding(
                    audit,
                    group,
                    transfer,
                    f"{transfer.sink} is given {given.name}, as {neighbour.sink} is, and {own} of {given.base} is left",
                    f"give {transfer.sink} the {own} of {given.base}",
                    {"sink": transfer.sink, "source": given.name, "base": given.base, "own": "unread"},
                    Confidence.HIGH,
                )
                continue
            origin = transfer.comes_from(neighbour.sink)
            if origin is None or origin.base or origin.is_derived or origin not in neighbour.origins:
                continue
            if transfer.comes_from(transfer.sink) or likeness(transfer.sink, origin.name) > _OTHER:
                continue
            if is_own_unread(audit, group, transfer, neighbour, origin):
                yield self._finding(
                    audit,
                    group,
                    transfer,
                    f"{transfer.sink} is given {origin.name}, as {neighbour.sink} is, and {transfer.sink} is left",
                    f"append the local {transfer.sink} to {transfer.sink}",
                    {"sink": transfer.sink, "source": origin.name, "base": "", "own": "unread"},
                    Confidence.HIGH,
                )

    def _crossed(self, audit: AuditCheck, group: Group, first: Transfer, second: Transfer) -> Finding | None:
        if first.sink == second.sink:
            return None
        if group.base and any(origin.base == group.base for origin in (*first.origins, *second.origins)):
            return None  # two values of one object change places in it
        for one in first.origins:
            for other in second.origins:
                fits = likeness(first.sink, other.name), likeness(second.sink, one.name)
                now = likeness(first.sink, one.name), likeness(second.sink, other.name)
                exact = _is_called(first.sink, other) and _is_called(second.sink, one)
                if one.base != other.base and not (exact and _may_be_compared(one, other)):
                    continue
                if group.is_outside and _are_counterparts(one.name, other.name):
                    continue  # what is called may be the other end
                if _is_swap(group, first, second) or _is_answer(audit, group, one, other):
                    continue
                if exact and (_is_called(first.sink, one) or _is_called(second.sink, other)):
                    continue
                is_crossed = exact or (min(fits) >= _SAME and max(now) <= _OTHER)
                if one.name != other.name and is_crossed and not _changes_sides(group, first, second):
                    return self._report(audit, group, first, one, second, other, exact=exact)
        return None

    def _report(
        self,
        audit: AuditCheck,
        group: Group,
        first: Transfer,
        one: Origin,
        second: Transfer,
        other: Origin,
        *,
        exact: bool,
    ) -> Finding:
        return self._finding(
            audit,
            group,
            first,
            *_crossed_text(
                first.sink,
                one.name,
                second.sink,
                other.name,
                of_telemetry=exact
                and (is_of_telemetry(audit, group) or are_of_telemetry(audit, group, one, other)),
            ),
            of_exchange(audit, group, Exchange(first, one, second, other, exact)),
        )

    def _given_twice(
        self, audit: AuditCheck, group: Group, transfer: Transfer, given: Mapping[str, Sequence[Transfer]]
    ) -> Finding | None:
        """A name is given its neighbour's value, which the neighbour has too, while its own is at hand."""
        for origin in transfer.origins:
            if origin.is_derived or not origin.base or (group.base and origin.base == group.base):
                continue
            neighbour = next(
                (
                    other
                    for other in given.get(origin.name, ())
                    if other.sink != transfer.sink
                    and any((one.name, one.base) == (origin.name, origin.base) for one in other.origins)
                ),
                None,
            )
            if neighbour is None or likeness(transfer.sink, origin.name) > _OTHER:
                continue
            if neighbour.node == transfer.node or _is_text(audit, group.function, transfer.node):
                continue  # read once and meant for both; one of them what the other says
            left = audit.transfers.has(group.function, origin, transfer.sink)
            if {*words(origin.name)} <= {*words(transfer.sink)} or left is None:
                continue
            if _is_other_name(audit, left, origin.name):
                continue
            is_unread = is_own_unread(audit, group, transfer, neighbour, origin)
            return self._finding(
                audit,
                group,
                transfer,
                f"{transfer.sink} is given {origin.name}, as {neighbour.sink} is, and {transfer.sink} of"
                f" {origin.base} is left",
                f"give {transfer.sink} the value of {origin.base}'s {transfer.sink}",
                {
                    "sink": transfer.sink,
                    "source": origin.name,
                    "base": origin.base,
                    "own": "unread" if is_unread else "unknown",
                },
                Confidence.HIGH if is_unread else of_given_twice(audit, group, transfer, origin),
            )
        return None

    def _finding(
        self,
        audit: AuditCheck,
        group: Group,
        transfer: Transfer,
        message: str,
        next_step: str,
        context: dict[str, str],
        confidence: Confidence,
    ) -> Finding:
        return self.make(
            subject=f"{group.function}:{transfer.sink}",
            place=Place(audit.program.modules[group.function.module].path, transfer.span),
            message=message,
            help=next_step,
            context=context,
            confidence=confidence,
        )


def _crossed_text(
    sink: str, one: str, other_sink: str, other: str, *, of_telemetry: bool = False
) -> tuple[str, str, dict[str, str]]:
    return (
        f"{sink} is given {one} and {other_sink} is given {other}: they are crossed",
        f"give {sink} the value of {other}, and {other_sink} that of {one}",
        {
            "sink": sink,
            "source": one,
            "other_sink": other_sink,
            "other_source": other,
            "of": "telemetry" if of_telemetry else "anything",
        },
    )


def _is_called(sink: str, origin: Origin) -> bool:
    """Whether a value is called as a sink is: `_hits` of an object that keeps it, `used` of a `memory`."""
    whose = origin.base.rpartition(".")[2]
    return sink in {origin.name, origin.name.lstrip("_"), f"{whose}_{origin.name}"}


def _told_apart(first: Transfer, second: Transfer, *, wholly: bool) -> tuple[str, str] | None:
    """Return what two names are given crosswise by the words of these, None where nothing is."""
    if first.sink == second.sink:
        return None
    given = [one.name for one in first.origins]
    others = [one.name for one in second.origins]
    return crosswise(first.sink, given, second.sink, others, wholly=wholly)


def _is_within(group: Group, first: Transfer, second: Transfer) -> bool:
    """Whether what one name holds goes to the other: a list of lists."""
    held = {(one.name, one.base) for one in (*first.origins, *second.origins)}
    return not held.isdisjoint({(first.sink, group.base), (second.sink, group.base)})


def _of_metrics(*sinks: str) -> Confidence:
    """Return how sure words are: of names of metrics they say which is which."""
    return Confidence.MEDIUM if all(are_metrics([one]) for one in sinks) else Confidence.LOW


def _given_straight(
    audit: AuditCheck,
) -> dict[tuple[FunctionSymbol, ClassSymbol | FunctionSymbol | None], set[str]]:
    """Return the names that a body gives their own values, by what is called there."""
    found: dict[tuple[FunctionSymbol, ClassSymbol | FunctionSymbol | None], set[str]] = {}
    for group in audit.transfers.groups:
        if group.owner is not None and group.node >= 0:
            own = (one.sink for one in group.transfers if one.comes_from(one.sink) is not None)
            found.setdefault((group.function, group.owner), set()).update(own)
    return found


def _parameters(audit: AuditCheck, group: Group) -> set[str]:
    """Return the names that what is called acts on; it only passes on what it takes as a whole, `**fields`."""
    if not isinstance(group.owner, FunctionSymbol):
        return group.sinks
    return {one.name for one in audit.program.function(group.owner).parameters}


def _pairs(transfers: Sequence[Transfer]) -> Iterator[tuple[Transfer, Transfer]]:
    """Yield the pairs that may be crossed: neither is given a value of its own name, at another place either."""
    others = _unsettled(transfers)
    yield from combinations(others, 2) if len(others) <= _MANY else _exchanged(others)


def _unsettled(transfers: Sequence[Transfer]) -> list[Transfer]:
    settled = {one.sink for one in transfers if one.comes_from(one.sink) is not None}
    return [one for one in transfers if one.origins and one.sink not in settled]


def _exchanged(transfers: Sequence[Transfer]) -> Iterator[tuple[Transfer, Transfer]]:
    """Yield the pairs of which each is given what is called exactly as the other."""
    place = {one.sink: index for index, one in enumerate(transfers)}
    for index, one in enumerate(transfers):
        for name in {origin.name for origin in one.origins}:
            second = place.get(name, -1)
            if second > index and transfers[second].comes_from(one.sink) is not None:
                yield one, transfers[second]


def _is_on_purpose(audit: AuditCheck, group: Group) -> bool:
    """Whether a function is there to exchange values, or does so on request.

    The derivative of an exchange is the exchange back. A parameter that is handed over here makes no request.
    """
    parameters = audit.program.function(group.function).parameters
    handed = {origin.name for one in group.transfers for origin in one.origins}
    switches = (
        one.name
        for one in parameters
        if one.name not in handed and _may_be_switch(audit, group.function.module, one)
    )
    named = [group.function.qualname, *switches]
    if "backward" in words(group.function.name) or any(_ON_PURPOSE.search(name.lower()) for name in named):
        return True
    return group.owner is not None and _is_inverse(group.function.name, group.owner.name)


def _may_be_switch(audit: AuditCheck, module: str, parameter: Parameter) -> bool:
    """Whether a parameter may be true or false: `exchange: RankExchange` is an object that does something."""
    for name in (parameter.annotation or "").split("|"):
        cls = audit.program.resolve(module, name.strip(" '\""))
        if isinstance(cls, ClassSymbol) and not audit.flow.facts.inference.is_enum(cls):
            return False
    default = parameter.default
    return default is None or (default.is_literal and isinstance(default.literal, bool))


def _is_inverse(one: str, other: str) -> bool:
    """Whether one name says that it undoes the other: `flatten` and `unflatten`, `encode` and `decode`."""
    pairs = [pair for pair in zip(words(one), words(other), strict=False) if pair[0] != pair[1]]
    if len(words(one)) != len(words(other)) or len(pairs) != 1:
        return False
    return len({_UNDOES.sub("", word) for word in pairs[0]}) == 1


def _is_swap(group: Group, first: Transfer, second: Transfer) -> bool:
    """Whether two values change places in one statement: `x.a, x.b = self.b, self.a`."""
    return bool(group.base) and first.span.line == second.span.line


def _changes_sides(group: Group, first: Transfer, second: Transfer) -> bool:
    """Whether all else that a call is given of two sides changes places as well: `f(b, a, b_name, a_name)`."""
    left, right = ({*words(first.sink)}, {*words(second.sink)})
    left, right = left - right, right - left
    sides = left | right
    rest = [
        one
        for one in group.transfers
        if not sides.isdisjoint(words(one.sink)) and one != first and one != second
    ]

    def is_of_the_other(transfer: Transfer) -> bool:
        own, others = (left, right) if left & {*words(transfer.sink)} else (right, left)
        return any(others <= {*words(one.name)} and not own & {*words(one.name)} for one in transfer.origins)

    return bool(left and right) and len(rest) > 1 and all(map(is_of_the_other, rest))


def _is_text(audit: AuditCheck, function: FunctionSymbol, index: int) -> bool:
    """Whether a value is the text of an object: `str(error)`."""
    nodes = audit.program.function(function).graph.nodes
    node = nodes[index]
    return node.kind is Kind.CALL and nodes[node.operands[0]].data in {"str", "repr"}


def _is_other_name(audit: AuditCheck, left: Carrier, name: str) -> bool:
    """Whether a field is given what another field of this name holds: they are two names for one value."""
    return isinstance(left, FieldCarrier) and any(
        isinstance(hop.source, FieldCarrier) and hop.source.name == name and hop.how is How.COPY
        for hop in audit.flow.entering(left)
    )


def _is_answer(audit: AuditCheck, group: Group, one: Origin, other: Origin) -> bool:
    """Whether an object is made of another one of its class with the two ends of something exchanged."""
    if one.base_node < 0 or not are_ends(one.name, other.name):
        return False
    types = members(audit.flow.facts.inference.type_of(group.function, one.base_node))
    return any(isinstance(known, Instance) and known.cls == group.owner for known in types)


def _are_counterparts(one: str, other: str) -> bool:
    """Whether two names are those of the two sides of something, which others may see from the other side."""
    return are_ends(one, other) or are_opposed(one, other)


def _may_be_compared(one: Origin, other: Origin) -> bool:
    """Whether the names of two values say enough: they are of one function's own, or no counterparts of each other."""
    return belong_together(one.base, other.base) or not _are_counterparts(one.name, other.name)
