"""Why an edge is broken: name absent, never run, behind a switch, or lost on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..flow import Carrier, Constant, FieldCarrier, Flow, Hop, How, KeyCarrier, UseCarrier
from ..source import FunctionSymbol
from ..source.model import Kind
from ..source.program import Place
from .causes import Cause, Diagnosis, name_of, place_of, place_of_definition
from .dormant import dormant, never_called, only_looked_up
from .losses import Losses
from .resolve import Definition, Unresolved, YamlPath


class Diagnostician:
    """Finds out why values do not arrive. `declared` says which records own which carriers."""

    def __init__(self, flow: Flow, declared: Mapping[Carrier, set[str]]) -> None:
        self._flow = flow
        self._losses = Losses(flow, declared)

    def missing(self, unresolved: Unresolved, yaml: YamlPath) -> Diagnosis:
        """A name in the record that leads nowhere."""
        context = {"written": unresolved.written, "missing": unresolved.missing}
        more = {
            "suggestion": unresolved.suggestion,
            "reason": unresolved.reason,
            "advice": unresolved.advice,
        }
        context |= {key: value for key, value in more.items() if value is not None}
        return Diagnosis(Cause.SYMBOL_MISSING, unresolved.written, None, yaml, context)

    def never_called(
        self, definition: Definition | Unresolved | None, *, consumer: bool = False
    ) -> Diagnosis | None:
        """A function that no live code calls, or a class that none uses; None where it is alive."""
        return never_called(self._flow, definition, consumer=consumer)

    def only_looked_up(self, definition: Definition | Unresolved | None) -> Diagnosis | None:
        """A class that nothing names, and that may be looked up; None for any other."""
        return only_looked_up(self._flow, definition)

    def unresolved(self, hops: Iterable[Hop], end: Carrier) -> Diagnosis:
        """A path that holds only if a receiver of unknown type, or a name that is not known, is the right one."""
        hops = tuple(hops)
        looked_up = next((hop for hop in hops if hop.site.function in self._flow.possible), hops[-1])
        doubtful = next((hop for hop in hops if "?." in f"{hop.source}{hop.target}"), looked_up)
        context = {
            "carrier": str(end),
            "at": str(doubtful.site),
            "expression": f"{doubtful.source} → {doubtful.target}",
        }
        if isinstance(doubtful.source, KeyCarrier) and isinstance(doubtful.target, UseCarrier):
            context["any_key"] = "yes"
        elif doubtful.site.function in self._flow.possible:
            context["function"] = doubtful.site.function.qualname
        return Diagnosis(Cause.UNRESOLVED, str(end), place_of(doubtful), context=context, hops=hops)

    def outside_python(self, file: str, yaml: YamlPath) -> Diagnosis:
        """A consumer outside Python, whose reads this analysis cannot see."""
        return Diagnosis(Cause.UNRESOLVED, file, None, yaml, {"carrier": file, "outside": "yes"})

    def dormant(self, hops: list[Hop]) -> Diagnosis:
        """A path that exists, but not in code that runs."""
        return dormant(self._flow, hops)

    def unread(
        self,
        record: str,
        carrier: Carrier,
        definition: Definition | None,
        functions: frozenset[FunctionSymbol],
    ) -> Diagnosis:
        """A consumer that does not read its carrier, or only where it never runs."""
        for hop in self._flow.out_of(carrier):
            if hop.site.function in functions and not self._flow.is_live(hop):
                return self.dormant([hop])
        fresh = self._read_fresh(carrier, functions)
        if fresh is not None:
            place, context = fresh
            context |= {"carrier": str(carrier), "consumer": name_of(definition)}
            return Diagnosis(Cause.NOT_READ, str(carrier), place, context=context)
        context = {"carrier": str(carrier), "consumer": name_of(definition)}
        instead = sorted(
            {
                str(hop.source)
                for hop in self._flow.hops_in(functions)
                if self._flow.is_live(hop)
                and isinstance(hop.source, FieldCarrier)
                and isinstance(carrier, FieldCarrier)
                and hop.source.owner == carrier.owner
                and hop.source != carrier
            }
        )
        if instead:
            context["reads"] = ", ".join(instead)
        return Diagnosis(
            Cause.NOT_READ, str(carrier), place_of_definition(self._flow, definition), context=context
        )

    def _read_fresh(
        self, carrier: Carrier, functions: frozenset[FunctionSymbol]
    ) -> tuple[Place, dict[str, str]] | None:
        """Return where the object is made in which a carrier is looked up without ever having been stored there."""
        if not isinstance(carrier, FieldCarrier):
            return None
        for hop in self._flow.out_of(carrier):
            if not hop.fresh or hop.site.function not in functions or not self._flow.is_live(hop):
                continue
            made = self._made_at(hop, carrier.name)
            if made is None:
                return place_of(hop), {"fresh": ""}
            return made, {"fresh": f"{made.path}:{made.span.line}"}
        return None

    def _made_at(self, read: Hop, name: str) -> Place | None:
        function = read.site.function
        nodes = self._flow.program.function(function).graph.nodes
        for node in nodes:
            if node.kind is Kind.ATTR and node.data == name and node.span == read.origin:
                for maker, index in self._flow.facts.sources.objects.made_at(function, node.operands[0]):
                    summary = self._flow.program.function(maker)
                    path = self._flow.program.modules[maker.module].path
                    return Place(path, summary.graph.nodes[index].span)
        return None

    def lost(
        self,
        record: str,
        starts: list[Carrier],
        end: Carrier,
        definition: Definition | None,
        functions: frozenset[FunctionSymbol],
    ) -> Diagnosis:
        """The value of `starts` does not reach `end` in this stage: say what does, or that nothing does."""
        found = self._losses.lost(record, starts, end, definition, functions)
        if found.cause is Cause.DROPPED_FIELD and "what" not in found.context:
            for hop in self._flow.entering(end):
                is_here = hop.site.function in functions and not self._flow.is_live(hop)
                if is_here and hop.how <= How.COMPUTED and not isinstance(hop.source, Constant):
                    return self.dormant([hop])  # the stage sets it, where nothing runs
        return found


class WithoutDiagnosis(Diagnostician):
    """Leaves open why a value does not arrive, where it only matters that it does not."""

    def unread(
        self,
        record: str,
        carrier: Carrier,
        definition: Definition | None,
        functions: frozenset[FunctionSymbol],
    ) -> Diagnosis:
        """A consumer that does not read its carrier."""
        return Diagnosis(Cause.NOT_READ, str(carrier), None)

    def lost(
        self,
        record: str,
        starts: list[Carrier],
        end: Carrier,
        definition: Definition | None,
        functions: frozenset[FunctionSymbol],
    ) -> Diagnosis:
        """A value that does not reach the end of its edge."""
        return Diagnosis(Cause.DROPPED_FIELD, str(end), None)
