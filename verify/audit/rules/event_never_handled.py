"""TW512 event-never-handled."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...source.model import Span
from ...source.program import Place
from ..events.string_events import StringFamily
from ..words.names import words
from .base import AuditCheck, AuditRule

_FEWEST_HANDLED = 2

_ENDS = {"end", "done", "stop", "eof", "finished", "closed", "none", "unknown", "noop", "nothing"}


class EventNeverHandled(AuditRule):
    """An event is sent and no handler matches on it, while handlers match on the others of its kind.

    ## Why is this bad?
    The event is made, carried and dropped: nobody sees what it says.

    ## Example
    ```python
    HANDLERS = {EventKind.STEP: on_step, EventKind.EPOCH: on_epoch, EventKind.EVAL: on_eval}

    send(Event(EventKind.CHECKPOINT))  # in no table of handlers
    ```

    ## Use instead
    ```python
    HANDLERS = {..., EventKind.CHECKPOINT: on_checkpoint}
    ```
    """

    code = "TW512"
    name = "event-never-handled"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each event that is sent and never handled."""
        for family in audit.event_families:
            handled = [event for event, traffic in family.traffic.items() if traffic.handled]
            unhandled = [
                event for event, traffic in family.traffic.items() if traffic.sent and not traffic.handled
            ]
            if family.is_open or len(handled) < _FEWEST_HANDLED or len(unhandled) * 2 > len(handled):
                continue
            for event in unhandled:
                offered = audit.audience.sees_class(event.cls)
                at = family.traffic[event].sent[0]
                is_only_one = len(unhandled) == 1 and len(handled) > _FEWEST_HANDLED
                confidence = Confidence.MEDIUM if is_only_one and not _ends(str(event)) else Confidence.LOW
                yield self.make(
                    subject=f"{event.cls.module}:{event}",
                    place=event.place,
                    message=f"{event} is sent at {at} and no handler matches on it, as they do on "
                    f"{', '.join(map(str, handled[:3]))}",
                    help="handle it beside the others, or stop sending it",
                    context={
                        "event": str(event),
                        "family": family.name,
                        "sent_at": at,
                        "handled": ", ".join(map(str, handled[:5])),
                    },
                    confidence=Confidence.LOW if offered else confidence,
                )
        for told in audit.string_events:
            yield from self._strings(audit, told)

    def _strings(self, audit: AuditCheck, told: StringFamily) -> Iterator[Finding]:
        handled = [name for name, traffic in told.traffic.items() if traffic.handled]
        unhandled = {name: traffic for name, traffic in told.traffic.items() if not traffic.handled}
        if len(unhandled) * 2 > len(handled):
            return
        for name, traffic in unhandled.items():
            path, _, line = traffic.sent[0].rpartition(":")
            is_only_one = len(unhandled) == 1 and len(handled) > _FEWEST_HANDLED and not told.is_open
            is_offered = audit.audience.sees_function(told.function)
            yield self.make(
                subject=f'{told.function}["{told.tag}"] == {name!r}',
                place=Place(path, Span(int(line), 1, int(line), 1)),
                message=f'"{told.tag}": {name!r} is sent here, and {told.function.qualname} matches on '
                f"{', '.join(map(repr, handled[:3]))} and not on it",
                help="handle it beside the others, or stop sending it",
                context={
                    "event": name,
                    "family": told.tag,
                    "sent_at": traffic.sent[0],
                    "handled": ", ".join(handled[:5]),
                },
                confidence=Confidence.MEDIUM if is_only_one and not is_offered else Confidence.LOW,
            )


def _ends(event: str) -> bool:
    """Whether an event only says that nothing more comes: whoever gets it has nothing to do."""
    return {*words(event.rpartition(".")[2])} <= _ENDS
