"""Why a value does not arrive in a stage that runs: ever narrower questions, the first answer is the diagnosis.

Another record's value instead, a default over a missing key, only a constant, only through a branch, dropped here.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..flow import (
    Carrier,
    Constant,
    FieldCarrier,
    Flow,
    Hop,
    How,
    KeyCarrier,
    ParameterCarrier,
    ReturnCarrier,
    UseCarrier,
    by_name,
)
from ..flow.holders import without_holders
from ..source import FunctionSymbol
from ..source.model import Span
from ..source.program import Place
from ..source.summarise import TOP_LEVEL
from .causes import Cause, Diagnosis, name_of, place_of, place_of_definition
from .origins import (
    find_origins,
    first_line,
    left_out_by,
    place_of_declaration,
    returns_anything,
    unused_default,
)
from .resolve import Definition


class Losses:
    """Finds out why values are lost. `declared` says which records own which carriers."""

    def __init__(self, flow: Flow, declared: Mapping[Carrier, set[str]]) -> None:
        self._flow = flow
        self._declared = declared

    def lost(
        self,
        record: str,
        starts: list[Carrier],
        end: Carrier,
        definition: Definition | None,
        functions: frozenset[FunctionSymbol],
    ) -> Diagnosis:
        """The value of `starts` does not reach `end` in this stage: say what does, or that nothing does."""
        flow = self._flow
        context = {"carrier": str(end), "stage": name_of(definition)}
        reached = {
            carrier: trail
            for carrier, trail in flow.reached(starts).items()
            if record
            in self._declared.get(by_name(carrier), {record})  # what other records own is no way of its own
        }
        last, trail = _last_reached(reached, starts, functions)
        if last is not None:
            context["lost_after"] = str(last)
            arrival = trail[-1] if trail else self._production(last)
            if arrival is not None:
                context["lost_after_at"] = str(arrival.site)
        entering = [
            hop
            for hop in flow.entering(end)
            if hop.site.function in functions and flow.is_live(hop) and hop.how <= How.COMPUTED
        ]
        assigned = [
            hop
            for hop in entering
            if hop.source != end and not (isinstance(hop.source, Constant) and hop.source.is_default)
        ]
        if not starts:
            assigned = without_holders(assigned)
        if not assigned:
            return self._dropped(end, entering, starts, definition, functions, context, trail)
        origins = find_origins(flow, self._declared, assigned, record)
        for chain in origins.foreign:
            entry = chain[-1]  # where the other record's value comes in
            owners = (
                ", ".join(sorted(self._declared[by_name(chain[-1].source)] - {record}))
                if not isinstance(chain[-1].source, Constant)
                else ""
            )
            context |= {"instead": str(chain[-1].source), "instead_record": owners}
            return Diagnosis(
                Cause.CROSSED_WIRES, str(end), place_of(entry), context=context, hops=tuple(chain[::-1])
            )
        for chain in origins.dead_keys:
            source = chain[-1].source
            assert isinstance(source, KeyCarrier)
            context |= {"key": source.key}
            mask = next(
                (
                    c
                    for c in origins.constants
                    if isinstance(c[-1].source, Constant) and c[-1].source.masks == source.key
                ),
                None,
            )
            if mask is not None and isinstance(mask[-1].source, Constant):
                context["default"] = mask[-1].source.value
            writer = next(flow.entering(source.anywhere), None)
            closest = flow.program.closest(source.key, among=self._written_keys())
            if writer is not None:
                context["written_elsewhere"] = str(writer.site)
            elif closest is not None:
                context["suggestion"] = closest
            return Diagnosis(
                Cause.KEY_NEVER_WRITTEN, str(end), place_of(chain[-1]), context=context, hops=tuple(trail)
            )
        dead = origins.first_dead
        if dead is not None:
            return self._dead_on_the_way(dead, end, context, trail)
        chosen = next(
            (
                hop
                for hop in flow.entering(end)
                if hop.how is How.CONTROL
                and hop.source in reached
                and hop.site.function in functions
                and flow.is_live(hop)
            ),
            None,
        )
        if chosen is not None and not isinstance(chosen.source, Constant):
            hops = (*reached[chosen.source], chosen)
            return Diagnosis(Cause.CONTROL_ONLY, str(end), place_of(chosen), context=context, hops=hops)
        if origins.constants and not origins.others:
            chain = origins.constants[0]
            constant = chain[-1].source
            assert isinstance(constant, Constant)
            cause = Cause.SWALLOWED_EXCEPTION if constant.in_handler else Cause.HARDCODED_CONSTANT
            context["value"] = constant.value
            arrived = {carrier for carrier in reached if not isinstance(carrier, UseCarrier)}
            return Diagnosis(
                cause,
                str(end),
                _place_of_origin(chain[-1]),
                context=context,
                hops=tuple(trail),
                starves=chain[-1].site.function not in functions and arrived <= set(starts),
            )
        branch = flow.path(
            starts,
            lambda carrier, hop: end in {carrier, by_name(carrier)} and hop.site.function in functions,
            how=How.CONTROL,
        )
        if branch is not None:
            return Diagnosis(
                Cause.CONTROL_ONLY, str(end), place_of(branch[-1]), context=context, hops=tuple(branch)
            )
        named = [chain for chain in origins.others if not isinstance(chain[0].source, Constant)]
        if not named:  # literals only, calculated with
            first = (origins.others or origins.constants)[0]
            context["value"] = "made of literals"
            return Diagnosis(
                Cause.HARDCODED_CONSTANT, str(end), place_of(first[0]), context=context, hops=tuple(trail)
            )
        chain = named[0]
        context |= {"instead": str(chain[0].source), "instead_record": ""}
        return Diagnosis(
            Cause.CROSSED_WIRES, str(end), place_of(chain[0]), context=context, hops=tuple(chain[::-1])
        )

    def _dead_on_the_way(
        self, chain: list[Hop], end: Carrier, context: dict[str, str], trail: list[Hop]
    ) -> Diagnosis:
        """A carrier that no value ever enters: a result, a field, or a parameter that is left to its default."""
        dead = chain[-1].source
        assert not isinstance(dead, Constant)
        place = place_of_declaration(self._flow, dead)
        context["dead"] = str(dead)
        cause = Cause.DROPPED_FIELD
        match dead:
            case ReturnCarrier(function=function):
                context["what"] = "result" if returns_anything(self._flow, function) else "nothing"
            case ParameterCarrier():
                default = unused_default(self._flow, dead)
                call = left_out_by(self._flow, dead)
                if default is not None:
                    context |= {"what": "parameter", "value": default.text}
                    cause = Cause.HARDCODED_CONSTANT
                elif call is not None:
                    place = Place(call.site.path, call.site.span)
                    context |= {"what": "argument", "argument": dead.name}
            case _:
                context["what"] = "field"
        return Diagnosis(cause, str(end), place, context=context, hops=tuple(trail))

    def _production(self, carrier: Carrier) -> Hop | None:
        """A hop that brings a computed value into a carrier."""
        for hop in self._flow.entering(carrier):
            if not isinstance(hop.source, Constant) and hop.how <= How.COMPUTED and self._flow.is_live(hop):
                return hop
        return None

    def _dropped(
        self,
        end: Carrier,
        entering: list[Hop],
        starts: list[Carrier],
        definition: Definition | None,
        functions: frozenset[FunctionSymbol],
        context: dict[str, str],
        trail: list[Hop],
    ) -> Diagnosis:
        omitted = next((hop for hop in entering if isinstance(hop.source, Constant)), None)
        beside = self._sibling_store(end, functions)
        if omitted is not None and (beside is None or self._gives_others(omitted)):
            # A construction that gives other fields and leaves this one to its default.
            assert isinstance(omitted.source, Constant)
            context |= {"default": omitted.source.value, "omitted": "yes"}
            return Diagnosis(
                Cause.DROPPED_FIELD,
                str(end),
                place_of(omitted),
                context=context,
                hops=tuple(trail),
                reads_default=any(
                    hop.source in starts and hop.site == omitted.site and hop.origin == omitted.origin
                    for hop in self._flow.entering(end)
                ),
            )
        place = place_of_definition(self._flow, definition)
        if beside is not None:
            context |= {"beside": str(beside.target), "beside_at": str(beside.site)}
            if functions >= self._flow.reachable:  # anywhere: it belongs where its neighbour is set
                place, context["stage"] = self._around(beside)
        elsewhere = [
            hop
            for hop in self._flow.entering(end)
            if not isinstance(hop.source, Constant) and hop.source != end
        ]
        if elsewhere:
            context["written_elsewhere"] = f"{elsewhere[0].site.function.qualname}, {elsewhere[0].site}"
        return Diagnosis(Cause.DROPPED_FIELD, str(end), place, context=context, hops=tuple(trail))

    def _around(self, hop: Hop) -> tuple[Place, str]:
        """The function that a hop stands in, with its name; in a module's body the hop itself."""
        function = hop.site.function
        if function.qualname == TOP_LEVEL:
            return place_of(hop), function.module
        return first_line(self._flow.program.place(function)), function.qualname

    def _gives_others(self, omission: Hop) -> bool:
        """Whether the construction that leaves a field to its default gives another field of the class."""
        target = omission.target
        return isinstance(target, FieldCarrier) and any(
            isinstance(hop.target, FieldCarrier)
            and hop.target.owner == target.owner
            and _contains(omission.site.span, hop.site.span)
            and not (isinstance(hop.source, Constant) and hop.source.is_default)
            for hop in self._flow.hops_in((omission.site.function,))
        )

    def _sibling_store(self, end: Carrier, functions: frozenset[FunctionSymbol]) -> Hop | None:
        """A store of the same kind in the stage, which shows where the missing one belongs."""
        found: list[Hop] = []
        for hop in self._flow.hops_in(functions):
            if hop.how is How.CONTROL or hop.target == end:
                continue
            match end, hop.target:
                case FieldCarrier(), FieldCarrier(owner=owner) if owner == end.owner:
                    if not isinstance(hop.source, Constant):
                        found.append(hop)
                case KeyCarrier(), KeyCarrier() if by_name(hop.target) in self._declared:
                    found.append(hop)
                case _:
                    pass  # of another kind
        return next((hop for hop in found if by_name(hop.target) in self._declared), next(iter(found), None))

    def _written_keys(self) -> set[str]:
        return {carrier.key for carrier in self._flow.targets() if isinstance(carrier, KeyCarrier)}


def _contains(outer: Span, inner: Span) -> bool:
    start, end = (outer.line, outer.column), (outer.end_line, outer.end_column)
    return start <= (inner.line, inner.column) and (inner.end_line, inner.end_column) <= end


def _place_of_origin(hop: Hop) -> Place:
    return Place(hop.site.path, hop.origin)


def _last_reached(
    reached: Mapping[Carrier, list[Hop]], starts: list[Carrier], functions: frozenset[FunctionSymbol]
) -> tuple[Carrier | None, list[Hop]]:
    """The carrier furthest along: one that the stage itself can see where there is one, else the start."""
    inside = [
        (carrier, trail)
        for carrier, trail in reached.items()
        if trail
        and not isinstance(carrier, ReturnCarrier)
        and isinstance(carrier, FieldCarrier | KeyCarrier | ParameterCarrier)
        and trail[-1].site.function in functions
    ]
    if inside:
        return max(inside, key=lambda found: len(found[1]))
    return (starts[0], []) if starts else (None, [])
