"""TW515 instrument-never-recorded."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...flow import FieldCarrier, ModuleCarrier
from ...flow.instruments import Instrument, Recording
from ...source import ConstantSymbol, Program
from ...source.model import CallShape, Kind
from ...source.program import Place
from ..series.kept_children import idle_children
from ..series.registries import outside_their_registry
from .base import AuditCheck, AuditRule


class InstrumentNeverRecorded(AuditRule):
    """A metric instrument is declared, and nothing ever records a value in it.

    Nor in one of its series, which a field holds that nobody reads, beside others that are; or what counts both ways is
    only ever counted in one, or a gauge only ever set to 0. An instrument that is left to the default registry beside
    others in one of the program's own is exported by nobody, if nothing exports the default one.

    ## Why is this bad?
    The metric is exported, with help text and all, and stays at zero or has no series. A dashboard over it looks calm.

    ## Example
    ```python
    REJECTED = Counter("rejected_total", "Requests that were turned away")

    def admit(request: Request) -> bool:
        return len(queue) < LIMIT  # nobody says REJECTED.inc()
    ```

    ## Use instead
    ```python
    def admit(request: Request) -> bool:
        if len(queue) >= LIMIT:
            REJECTED.inc()
            return False
        return True
    ```
    """

    code = "TW515"
    name = "instrument-never-recorded"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each instrument that nothing records in."""
        for instrument in audit.flow.facts.instruments:
            judge = self._family if instrument.kind.is_family else self._instrument
            found = judge(audit, instrument)
            if found is None:
                continue
            reason, help_, confidence = found
            word, name = instrument.kind.word, instrument.carrier.name
            yield self.make(
                subject=f"{instrument.carrier.module}:{instrument.carrier}",
                place=Place(instrument.site.path, instrument.site.span),
                message=f'{word} "{name}" {reason}',
                help=help_,
                context={"instrument": word, "metric": name, "reason": reason, **_kept(instrument)},
                confidence=confidence,
            )
        for instrument in audit.flow.facts.instruments:
            yield from self._children(audit, instrument)
        yield from self._outside_their_registry(audit)

    def _outside_their_registry(self, audit: AuditCheck) -> Iterator[Finding]:
        """An instrument that nothing exports, since it is made in the default registry."""
        for instrument, others in outside_their_registry(audit.flow):
            word, name = instrument.kind.word, instrument.carrier.name
            reason = (
                f"is left to the default registry, unlike the {others} beside it: nothing exports that one"
            )
            yield self.make(
                subject=f"{instrument.carrier.module}:{instrument.carrier}",
                place=Place(instrument.site.path, instrument.site.span),
                message=f'{word} "{name}" {reason}',
                help="make it in their registry",
                context={"instrument": word, "metric": name, "reason": reason, **_kept(instrument)},
                confidence=Confidence.MEDIUM,
            )

    def _children(self, audit: AuditCheck, instrument: Instrument) -> Iterator[Finding]:
        """A series that is kept by itself, and that nobody records in as in those beside it."""
        word, name = instrument.kind.word, instrument.carrier.name
        for one in idle_children(audit.usage, instrument):
            reason = f"is never recorded through {one.field}, as it is through {one.sibling}"
            yield self.make(
                subject=f"{one.field.owner.module}:{one.field}",
                place=one.place,
                message=f'{word} "{name}" {reason}',
                help=f"call {_methods(instrument)} of {one.field.name} where it happens, or remove the field",
                context={"instrument": word, "metric": name, "reason": reason, "kept_in": str(one.field)},
                confidence=Confidence.HIGH,
            )

    def _instrument(self, audit: AuditCheck, instrument: Instrument) -> tuple[str, str, Confidence] | None:
        live = [one for one in instrument.recordings if not one.gated]
        reached = [one for one in live if one.site.function in audit.flow.reachable]
        if instrument.lost:
            return None
        if reached:
            return self._one_way(audit, instrument)
        record = _methods(instrument)
        if live:
            where = ", ".join(dict.fromkeys(one.site.function.qualname for one in live))
            return (
                f"is recorded only in {where}, which nothing calls",
                f"call {where} where it happens, or remove the instrument",
                Confidence.LOW if audit.audience.is_library else Confidence.MEDIUM,
            )
        if instrument.recordings:
            site = instrument.recordings[0].site
            return (
                f"is recorded only in code that never runs ({site})",
                "remove the condition that is never true, or the instrument",
                Confidence.MEDIUM,
            )
        confidence = Confidence.HIGH
        if instrument.doubtful or instrument.uncalled:
            confidence = Confidence.MEDIUM
        if _is_exported(audit, instrument):
            confidence = Confidence.MEDIUM if _is_imported(audit, instrument) else Confidence.LOW
        if _is_made_for_others(instrument):
            confidence = Confidence.LOW
        if _is_keyword(audit, instrument.carrier.name):
            confidence = Confidence.LOW  # `metrics.log(queue_size=3)`: somebody records by name
        if not instrument.kind.records:
            return "has no callback: it never has a value", "give it callbacks", confidence
        return "is declared and never recorded", f"call {record} where it happens, or remove it", confidence

    def _one_way(self, audit: AuditCheck, instrument: Instrument) -> tuple[str, str, Confidence] | None:
        """What only ever falls, or is only ever 0; and what only rises, if it is there to fall as well."""
        if instrument.doubtful:
            return None
        if {one.method for one in instrument.recordings} == {"dec"}:
            return "is counted down and never up", "call .inc() where what it counts begins", Confidence.HIGH
        if {one.method for one in instrument.recordings} <= {"set"} and all(
            written_amount(audit.program, one) == 0 for one in instrument.recordings
        ):
            return "is only ever set to 0", "call .set() with the value where it is known", Confidence.HIGH
        if instrument.kind.word != "up-down counter":
            return None
        amounts = [
            written_amount(audit.program, one) if one.method == "add" else None
            for one in instrument.recordings
        ]
        if all(one is not None and one < 0 for one in amounts):
            return "is counted down and never up", "call .add(1) where what it counts begins", Confidence.HIGH
        if all(one is not None and one > 0 for one in amounts):
            return (
                "is counted up and never down",
                "call .add(-1) where what it counts ends",
                Confidence.MEDIUM,
            )
        return None

    def _family(self, audit: AuditCheck, instrument: Instrument) -> tuple[str, str, Confidence] | None:
        if instrument.site.function.name == "describe" or instrument.lost:
            return None
        if not instrument.recordings:
            return (
                "is handed to the registry empty",
                "give it a value, or call .add_metric(...) for each series",
                Confidence.MEDIUM if instrument.doubtful else Confidence.HIGH,
            )
        if not instrument.handed_back:
            return (
                "is filled and never handed to the registry",
                f"yield it from {instrument.site.function.name}()",
                Confidence.MEDIUM if instrument.doubtful else Confidence.HIGH,
            )
        return None


def written_amount(program: Program, recording: Recording) -> float | None:
    """Return the number, as written, that a place records in an instrument."""
    nodes = program.function(recording.site.function).graph.nodes
    for node in nodes:
        if node.kind is Kind.CALL and node.span == recording.site.span and isinstance(node.data, CallShape):
            first = nodes[node.operands[1]] if node.data.positional and 0 not in node.data.starred else None
            value = first.data if first is not None and first.kind is Kind.CONST else None
            return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    return None


def _is_made_for_others(instrument: Instrument) -> bool:
    """Whether an instrument is made under any name and given to whoever asks for it, by itself or in an object."""
    is_kept_elsewhere = any(isinstance(one, FieldCarrier) for one in instrument.kept_in)
    is_given = bool(instrument.handed_back) or is_kept_elsewhere
    return instrument.carrier.name == instrument.kind.word and is_given


def _methods(instrument: Instrument) -> str:
    shown = ("inc", "set", "observe", "add", "record", "info", "state")
    known = [f".{name}()" for name in shown if name in instrument.kind.records]
    return " or ".join(known[:2]) or ".labels()"


def _kept(instrument: Instrument) -> dict[str, str]:
    return {"kept_in": str(instrument.kept_in[0])} if instrument.kept_in else {}


def _is_exported(audit: AuditCheck, instrument: Instrument) -> bool:
    """Whether its module offers it to other packages by name, in `__all__`."""
    names = [one.name for one in instrument.kept_in if isinstance(one, ModuleCarrier | FieldCarrier)]
    body = audit.program.modules[instrument.carrier.module].functions["<module>"].graph
    for effect in body.effects:
        if effect.name == "__all__":
            listed = body.nodes[effect.value]
            if any(
                body.nodes[operand].kind is Kind.CONST and body.nodes[operand].data in names
                for operand in listed.operands
            ):
                return True
    return False


def _is_imported(audit: AuditCheck, instrument: Instrument) -> bool:
    """Whether a module of the program that is no package imports it: to record in it, what else?"""
    index = audit.flow.facts.whereabouts.index
    return any(
        module != one.module and not audit.program.modules[module].is_package
        for one in instrument.kept_in
        if isinstance(one, ModuleCarrier)
        for module, _ in index.names_of(ConstantSymbol(one.module, one.name))
    )


def _is_keyword(audit: AuditCheck, name: str) -> bool:
    """Whether a call of the program gives a value under an instrument's name."""
    return any(
        isinstance(node.data, CallShape) and name in node.data.keywords
        for function in audit.program.functions()
        for node in audit.program.function(function).graph.nodes
        if node.kind is Kind.CALL
    )
