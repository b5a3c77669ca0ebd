"""TW504 field-exported-only."""

from __future__ import annotations

from ...findings import Confidence, Finding, FindingSeverity
from ...source.model import Kind
from ..fields.ladder import places_of
from ..fields.subjects import FieldSubject
from ..using.handling import Handed
from ..using.known_calls import ENCODES, TURNS_INTO_MAPPING
from ..using.liveness import End, Origin
from .base import AuditCheck
from .field_rule import FieldRule


class FieldExportedOnly(FieldRule):
    """A telemetry field leaves with its whole object, by `asdict` or an encoder, and nobody reads it by name.

    ## Why is this bad?
    It need not be: a log file may be all that was wanted. But nothing in the program would notice if the value were
    wrong, and an export proves that the field is there, not that somebody looks at it.

    ## Example
    ```python
    log.write(json.dumps(asdict(stats)))  # the only way that stats.seconds takes
    ```

    ## Use instead
    Name the consumer: a panel, an alert, a reader on the other side (`consumers` in the settings).
    """

    code = "TW504"
    name = "field-exported-only"
    severity = FindingSeverity.NOTE

    def judge(self, audit: AuditCheck, field: FieldSubject) -> Finding | None:
        """Return the finding about a field that is only exported."""
        if not field.is_record:
            return None
        usage = audit.usage
        name = field.carrier.name
        taker = usage.handling.takes_whole(field.carrier.owner, name)
        if taker is None or taker.name not in TURNS_INTO_MAPPING | ENCODES:
            return None
        if _is_unpacked(audit, taker):
            return None
        consumption = usage.consumption(field.carrier)
        if consumption.end > End.EXPORTED or next(usage.places_that_read(field.carrier), None) is not None:
            return None
        production = usage.production(field.carrier)
        if production.origin is not Origin.ALIVE or not production.writes:
            return None
        if audit.consumers.mention(name) is not None:
            return None
        where = audit.program.function(taker.function).graph.nodes[taker.node].span
        at = f"{audit.program.modules[taker.function.module].path}:{where.line}"
        return self.make(
            subject=field.subject,
            place=field.place,
            message=f"{field.carrier} only leaves with the whole object, by {taker.name}() at {at}",
            help="name who reads it on the other side, or read it where it matters",
            context={
                "field": str(field.carrier),
                "by": taker.name,
                "at": at,
                "stored_at": places_of(production.writes),
            },
            hops=production.writes[:3],
            confidence=Confidence.LOW,
        )


def _is_unpacked(audit: AuditCheck, taker: Handed) -> bool:
    """Whether the whole is taken apart where it is made: `tokens, seconds = astuple(stats)` reads every field."""
    graph = audit.program.function(taker.function).graph
    nodes, _ = audit.flow.facts.whereabouts.users(taker.function)
    return any(graph.nodes[user].kind is Kind.UNPACK for user in nodes.get(taker.node, ()))
