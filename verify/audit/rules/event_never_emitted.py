"""TW511 event-never-emitted."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...source import ClassSymbol, FunctionSymbol
from ...source.program import Place
from ..events.beyond import Beyond, beyond_members
from ..events.events import Family, Traffic
from ..events.states import UnknownState, unknown_states
from ..events.subscriptions import Subscription, is_class
from ..events.unequal import Unequal, unequal_members
from ..events.unsent import unsent
from .base import AuditCheck, AuditRule

_OTHERS = 2
"""Classes of events that are made, beside one that is not."""


class EventNeverEmitted(AuditRule):
    """A handler waits for an event that nobody sends.

    An event is a member of an enumeration, or a class below an event base, that is compared with, matched on, a key of
    a table of handlers, or subscribed to. Where members are looked up by value or by name, others may send them: such
    an enumeration is left alone. What an application sends only in functions that nothing there calls is not sent, nor
    is an event that is made and not handed to the function which all others of its base are handed to. In the same way
    code may wait for a state that nothing is ever in: a field that is set to other literals or members as the program
    runs, or decided on where its object is made, and to no others; for a member above the greatest of an ordered
    enumeration, or below the least; or for a text that no member is equal to.

    ## Why is this bad?
    What the handler shows or counts stays as it was at the start.

    ## Example
    ```python
    def handle(event: Event) -> None:
        if event.kind is EventKind.STEP:
            show(event)
        elif event.kind is EventKind.CHECKPOINT:  # only ever compared with
            mark(event)

    send(Event(EventKind.STEP))
    ```

    ## Use instead
    ```python
    send(Event(EventKind.CHECKPOINT))  # where a checkpoint is written
    ```
    """

    code = "TW511"
    name = "event-never-emitted"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each event that is handled and never sent."""
        for family in audit.event_families:
            sent = [event for event, traffic in family.traffic.items() if traffic.sent]
            if family.is_open or not sent:
                continue
            for event, traffic in family.traffic.items():
                if traffic.sent or not traffic.handled:
                    continue
                offered = audit.audience.sees_class(event.cls)
                certain = Confidence.MEDIUM if family.is_union else Confidence.HIGH
                handled = traffic.handled[0]
                yield self.make(
                    subject=f"{event.cls.module}:{event}",
                    place=handled if event.name is not None else event.place,
                    message=f"{event} is waited for here and sent by nobody"
                    if event.name is not None
                    else f"{event} is waited for at {handled.path} and made by nobody",
                    help=f"send it where it happens, as {sent[0]} is, or take its handler out",
                    context={
                        "event": str(event),
                        "family": family.name,
                        "sent": ", ".join(map(str, sent[:5])),
                    },
                    confidence=Confidence.LOW if offered else certain,
                )
            yield from self._sent_in_vain(audit, family)
            for found in unsent(audit.flow, audit.usage.handling, family):
                handled = family.traffic[found.event].handled[0]
                sender = f"{found.sender.qualname}()"
                yield self.make(
                    subject=f"{found.event.cls.module}:{found.event}",
                    place=Place(audit.program.modules[found.function.module].path, found.span),
                    message=f"{found.event} is made here and waited for at {handled.path}, and never handed to "
                    f"{sender}, as the others are",
                    help=f"hand it to {sender}, or take its handler out",
                    context={"event": str(found.event), "family": family.name, "sent": sender},
                    confidence=Confidence.MEDIUM,
                )
        yield from self._subscribed_in_vain(audit)
        for one in unknown_states(audit.usage):
            yield self._unknown_state(audit, one)
        for found_beyond in beyond_members(audit.usage):
            yield self._beyond(audit, found_beyond)
        for found_unequal in unequal_members(audit.usage):
            yield self._unequal(audit, found_unequal)
        for told in audit.string_events:
            sent_names = [name for name, traffic in told.traffic.items() if traffic.sent and traffic.handled]
            for name, traffic in told.traffic.items():
                if not traffic.sent:
                    is_seen = not told.is_open and not audit.audience.sees_function(told.function)
                    yield self.make(
                        subject=f'{told.function}["{told.tag}"] == {name!r}',
                        place=traffic.handled[0],
                        message=f'no mapping is given "{told.tag}": {name!r}, which is waited for here',
                        help=f"send it where it happens, as {sent_names[0]!r} is, or take its handler out",
                        context={"event": name, "family": told.tag, "sent": ", ".join(sent_names[:5])},
                        confidence=Confidence.MEDIUM if is_seen else Confidence.LOW,
                    )

    def _unknown_state(self, audit: AuditCheck, one: UnknownState) -> Finding:
        field = f"{one.field.owner.qualname}.{one.field.name}"
        values = ", ".join(one.values)
        return self.make(
            subject=f"{one.field.owner}.{one.field.name} == {one.value}",
            place=Place(audit.program.modules[one.function.module].path, one.node.span),
            message=f"{field} is never {one.value}, which is waited for here: it is only ever {values}",
            help="name a state that there is, or set this one where it begins",
            context={"event": one.value, "family": field, "sent": values, "kind": "state"},
            confidence=Confidence.MEDIUM,
        )

    def _beyond(self, audit: AuditCheck, one: Beyond) -> Finding:
        side = "above" if one.is_above else "below"
        last = one.asked.partition(" ")[2]
        sign = ">=" if one.is_above else "<="
        return self.make(
            subject=f"{one.function}: {one.asked}",
            place=Place(audit.program.modules[one.function.module].path, one.node.span),
            message=f"nothing is {one.asked}, which is waited for here: no member of {one.cls.name} is {side} it",
            help=f"compare with `{sign} {last}`, or with a member that others are {side}",
            context={
                "event": one.asked,
                "family": one.cls.name,
                "sent": ", ".join(one.known),
                "kind": "state",
            },
            confidence=Confidence.MEDIUM,
        )

    def _unequal(self, audit: AuditCheck, one: Unequal) -> Finding:
        said = f"they are {', '.join(one.known)}" if one.known else "they are equal to themselves only"
        meant = f"{one.cls.name}.{one.meant}" if one.meant else f"a member of {one.cls.name}"
        return self.make(
            subject=f"{one.function}: {one.cls.name} {one.said}",
            place=Place(audit.program.modules[one.function.module].path, one.node.span),
            message=f"no member of {one.cls.name} is {one.said}, which is waited for here: {said}",
            help=f"compare with {meant}",
            context={
                "event": one.said,
                "family": one.cls.name,
                "sent": ", ".join(one.known),
                "kind": "state",
            },
            confidence=Confidence.MEDIUM,
        )

    def _subscribed_in_vain(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each class of events that handlers are given for and nobody makes, while others are made."""
        told = {event.cls for family in audit.event_families for event in family.traffic}
        waiting: dict[ClassSymbol, tuple[FunctionSymbol, Subscription]] = {}
        for function, found in audit.subscriptions.items():
            for one in found:
                if one.family is not None and is_class(one):
                    waiting.setdefault(one.family, (function, one))
        handling = audit.usage.handling
        made = {cls for cls in waiting if handling.is_made(cls) or handling.may_build(cls) is not None}
        if len(made) < _OTHERS or audit.audience.is_library:
            return
        for cls, (function, one) in waiting.items():
            if cls in made or cls in told:
                continue
            sent = ", ".join(sorted(other.name for other in made)[:5])
            yield self.make(
                subject=f"{cls.module}:{cls.qualname}",
                place=Place(audit.program.modules[function.module].path, one.span),
                message=f"{cls.name} is waited for by {one.handler.qualname} and made by nobody",
                help="send it where it happens, as the others are, or take its handler out",
                context={"event": cls.qualname, "family": cls.name, "sent": sent},
                confidence=Confidence.MEDIUM,
            )

    def _sent_in_vain(self, audit: AuditCheck, family: Family) -> Iterator[Finding]:
        """Yield each event that only functions send which nothing calls, while others of its family are sent."""
        in_vain = {
            event: list(dict.fromkeys(traffic.senders))
            for event, traffic in family.traffic.items()
            if traffic.handled and _is_in_vain(audit, traffic)
        }
        others = [event for event, traffic in family.traffic.items() if traffic.sent and event not in in_vain]
        for event, senders in in_vain.items() if others else ():
            where = ", ".join(f"{one.qualname}()" for one in senders)
            handled = family.traffic[event].handled[0]
            yield self.make(
                subject=f"{event.cls.module}:{event}",
                place=handled if event.name is not None else event.place,
                message=f"{event} is waited for at {handled.path} and sent only in {where}, which nothing calls",
                help=f"call {where} where it happens, or take its handler out",
                context={"event": str(event), "family": family.name, "sent": ", ".join(map(str, others[:5]))},
                confidence=Confidence.MEDIUM,
            )


def _is_in_vain(audit: AuditCheck, traffic: Traffic) -> bool:
    return len(traffic.senders) == len(traffic.sent) > 0 and all(
        one in audit.uncalled for one in dict.fromkeys(traffic.senders)
    )
