"""Why an edge is broken: ever narrower questions, the first answer is the diagnosis.

Name absent, never run, behind a switch, only a constant, a default over a missing key, another value instead,
only through a branch, dropped here.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

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
from ..source import ClassSymbol, FunctionSymbol
from ..source.model import Span
from ..source.program import Place
from ..source.summarise import TOP_LEVEL
from .origins import (
    find_origins,
    first_line,
    left_out_by,
    place_of_declaration,
    returns_anything,
    unused_default,
)
from .resolve import Definition, Unresolved, YamlPath


class Cause(enum.StrEnum):
    """What is wrong with an edge. Each has a rule of its own."""

    SYMBOL_MISSING = "symbol-missing"
    NEVER_CALLED = "never-called"
    GATED_OFF = "gated-off"
    UNRESOLVED = "unresolved-receiver"
    HARDCODED_CONSTANT = "hardcoded-constant"
    SWALLOWED_EXCEPTION = "swallowed-exception"
    KEY_NEVER_WRITTEN = "key-never-written"
    CROSSED_WIRES = "crossed-wires"
    CONTROL_ONLY = "control-only"
    DROPPED_FIELD = "dropped-field"
    NOT_READ = "consumer-does-not-read"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A cause with its place; `place` is None where it lies in the record itself (`yaml` says where).

    `context` holds the dynamic parts of the message, `hops` the wire as far as it goes. `starves` says that the
    value is dropped before the stage and gets nowhere else: other edges from the same source follow from that.
    """

    cause: Cause
    subject: str
    place: Place | None
    yaml: YamlPath = ()
    context: Mapping[str, str] = field(default_factory=dict, hash=False)
    hops: tuple[Hop, ...] = ()
    starves: bool = False

    @property
    def silences(self) -> bool:
        """Whether nothing at all can leave the stage, so that what follows it is a consequence."""
        return self.cause in {Cause.NEVER_CALLED, Cause.SYMBOL_MISSING, Cause.GATED_OFF}


class Diagnostician:
    """Finds out why values do not arrive. `declared` says which records own which carriers."""

    def __init__(self, flow: Flow, declared: Mapping[Carrier, set[str]]) -> None:
        self._flow = flow
        self._declared = declared

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
        """A function that no live code calls, or a class that none uses; None where it is alive.

        A class that holds values is alive when it is constructed or its fields are; a consumer has to run a method.
        """
        program = self._flow.program
        match definition:
            case FunctionSymbol() if definition not in self._flow.reachable:
                callers = [
                    f
                    for f, called in self._flow.facts.calls.items()
                    if definition in called and f != definition
                ]
                context = {"what": "function", "symbol": definition.qualname}
                if callers:
                    context["callers"] = ", ".join(sorted({caller.qualname for caller in callers}))
                return Diagnosis(
                    Cause.NEVER_CALLED, str(definition), program.place(definition), context=context
                )
            case ClassSymbol():
                methods = [
                    FunctionSymbol(definition.module, q) for q in program.class_(definition).methods.values()
                ]
                runs = not methods or any(method in self._flow.reachable for method in methods)
                is_used = self._is_used(definition)
                if runs and (not consumer or self._runs_from_outside(definition, methods)):
                    return None
                if is_used and not consumer:
                    return None
                what = "methods" if is_used and not runs else "class"
                context = {"what": what, "symbol": definition.qualname}
                return Diagnosis(
                    Cause.NEVER_CALLED, str(definition), program.place(definition), context=context
                )
            case _:
                pass  # constants and module bodies always run
        return None

    def _runs_from_outside(self, cls: ClassSymbol, methods: Collection[FunctionSymbol]) -> bool:
        """Whether code that runs, other than the class's own, names the class or calls one of its methods.

        A method that only receivers of unknown type could mean does not run for a class that nobody names.
        """
        inside = f"{cls.qualname}."
        family = {cls, *self._flow.program.subclasses(cls)}
        facts = self._flow.facts
        named_by_call: set[str] = set()
        called: set[FunctionSymbol] = set()
        for function in self._flow.reachable:
            calls = facts.calls.get(function, ())
            called.update(calls)
            named_by_call.update(facts.called_names.get(function, ()))
            if function.module == cls.module and function.qualname.startswith(inside):
                continue
            if family & facts.used_classes.get(function, set()) or any(one in calls for one in methods):
                return True
        return any(  # an entry point, or what a framework calls
            method in self._flow.reachable and method not in called and method.name not in named_by_call
            for method in methods
        )

    def _is_used(self, cls: ClassSymbol) -> bool:
        """Whether code that runs names a class or one below it, or moves values into or out of its fields."""
        family = {cls, *self._flow.program.subclasses(cls)}
        facts = self._flow.facts
        if any(family & facts.used_classes.get(function, set()) for function in self._flow.reachable):
            return True
        return any(
            isinstance(end, FieldCarrier)
            and end.owner == cls
            and self._flow.is_live(hop)
            and not (isinstance(hop.source, Constant) and hop.source.is_default)
            for hop in facts.hops
            for end in (hop.source, hop.target)
        )

    def unresolved(self, hops: Iterable[Hop], end: Carrier) -> Diagnosis:
        """A path that holds only if a receiver of unknown type is the right one."""
        hops = tuple(hops)
        doubtful = next((hop for hop in hops if "?." in f"{hop.source}{hop.target}"), hops[-1])
        context = {
            "carrier": str(end),
            "at": str(doubtful.site),
            "expression": f"{doubtful.source} → {doubtful.target}",
        }
        return Diagnosis(Cause.UNRESOLVED, str(end), _place(doubtful), context=context, hops=hops)

    def outside_python(self, file: str, yaml: YamlPath) -> Diagnosis:
        """A consumer outside Python, whose reads this analysis cannot see."""
        return Diagnosis(Cause.UNRESOLVED, file, None, yaml, {"carrier": file, "outside": "yes"})

    def dormant(self, hops: list[Hop]) -> Diagnosis:
        """A path that exists, but not in code that runs."""
        hop = next(hop for hop in hops if not self._flow.is_live(hop))
        if hop.discarded and not hop.gated:
            context = {"carrier": str(hop.target), "what": "discarded", "stage": hop.site.function.qualname}
            return Diagnosis(
                Cause.DROPPED_FIELD, str(hop.target), _place(hop), context=context, hops=tuple(hops)
            )
        if hop.gated:
            carrier, verb = (
                (hop.source, "read") if isinstance(hop.target, UseCarrier) else (hop.target, "set")
            )
            context = {"carrier": str(carrier), "verb": verb, "function": hop.site.function.qualname}
            return Diagnosis(Cause.GATED_OFF, str(carrier), _place(hop), context=context, hops=tuple(hops))
        function = hop.site.function
        context = {"what": "function", "symbol": function.qualname}
        place = self._flow.program.place(function)
        return Diagnosis(Cause.NEVER_CALLED, str(function), place, context=context, hops=tuple(hops))

    def unread(
        self,
        record: str,
        carrier: Carrier,
        definition: Definition | None,
        functions: frozenset[FunctionSymbol],
    ) -> Diagnosis:
        """A consumer that does not read its carrier, or only where it never runs."""
        for hop in self._flow.out_of.get(carrier, ()):
            if hop.site.function in functions and not self._flow.is_live(hop):
                return self.dormant([hop])
        context = {"carrier": str(carrier), "consumer": _name(definition)}
        instead = sorted(
            {
                str(hop.source)
                for hop in self._flow.facts.hops
                if hop.site.function in functions
                and self._flow.is_live(hop)
                and isinstance(hop.source, FieldCarrier)
                and isinstance(carrier, FieldCarrier)
                and hop.source.owner == carrier.owner
                and hop.source != carrier
            }
        )
        if instead:
            context["reads"] = ", ".join(instead)
        return Diagnosis(Cause.NOT_READ, str(carrier), self._place_of(definition), context=context)

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
        context = {"carrier": str(end), "stage": _name(definition)}
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
                Cause.CROSSED_WIRES, str(end), _place(entry), context=context, hops=tuple(chain[::-1])
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
            writers = flow.entering(source.anywhere)
            closest = flow.program.closest(source.key, among=self._written_keys())
            if writers:
                context["written_elsewhere"] = str(writers[0].site)
            elif closest is not None:
                context["suggestion"] = closest
            return Diagnosis(
                Cause.KEY_NEVER_WRITTEN, str(end), _place(chain[-1]), context=context, hops=tuple(trail)
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
            return Diagnosis(Cause.CONTROL_ONLY, str(end), _place(chosen), context=context, hops=hops)
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
                Cause.CONTROL_ONLY, str(end), _place(branch[-1]), context=context, hops=tuple(branch)
            )
        named = [chain for chain in origins.others if not isinstance(chain[0].source, Constant)]
        if not named:  # literals only, calculated with
            first = (origins.others or origins.constants)[0]
            context["value"] = "made of literals"
            return Diagnosis(
                Cause.HARDCODED_CONSTANT, str(end), _place(first[0]), context=context, hops=tuple(trail)
            )
        chain = named[0]
        context |= {"instead": str(chain[0].source), "instead_record": ""}
        return Diagnosis(
            Cause.CROSSED_WIRES, str(end), _place(chain[0]), context=context, hops=tuple(chain[::-1])
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
                Cause.DROPPED_FIELD, str(end), _place(omitted), context=context, hops=tuple(trail)
            )
        place = self._place_of(definition)
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
            return _place(hop), function.module
        return first_line(self._flow.program.place(function)), function.qualname

    def _gives_others(self, omission: Hop) -> bool:
        """Whether the construction that leaves a field to its default gives another field of the class."""
        target = omission.target
        return isinstance(target, FieldCarrier) and any(
            isinstance(hop.target, FieldCarrier)
            and hop.target.owner == target.owner
            and hop.site.function == omission.site.function
            and _contains(omission.site.span, hop.site.span)
            and not (isinstance(hop.source, Constant) and hop.source.is_default)
            for hop in self._flow.facts.hops
        )

    def _sibling_store(self, end: Carrier, functions: frozenset[FunctionSymbol]) -> Hop | None:
        """A store of the same kind in the stage, which shows where the missing one belongs."""
        found: list[Hop] = []
        for hop in self._flow.facts.hops:
            if hop.site.function not in functions or hop.how is How.CONTROL or hop.target == end:
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
        return {carrier.key for carrier in self._flow.into if isinstance(carrier, KeyCarrier)}

    def _place_of(self, definition: Definition | None) -> Place | None:
        if isinstance(definition, FunctionSymbol | ClassSymbol):
            return first_line(self._flow.program.place(definition))
        return None


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


def _place(hop: Hop) -> Place:
    return Place(hop.site.path, hop.site.span)


def _contains(outer: Span, inner: Span) -> bool:
    start, end = (outer.line, outer.column), (outer.end_line, outer.end_column)
    return start <= (inner.line, inner.column) and (inner.end_line, inner.end_column) <= end


def _place_of_origin(hop: Hop) -> Place:
    return Place(hop.site.path, hop.origin)


def _name(definition: Definition | None) -> str:
    match definition:
        case ClassSymbol() | FunctionSymbol():
            return definition.qualname
        case None:
            return "?"
        case _:
            return definition.name


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
