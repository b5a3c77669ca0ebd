"""The flow of a program as a graph that can be searched: from carrier to carrier along hops."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..source import ClassSymbol, FunctionSymbol, Program, SourceError
from ..source.program import ExternalSymbol
from ..source.summarise import TOP_LEVEL
from .carriers import (
    Carrier,
    Constant,
    FieldCarrier,
    Hop,
    How,
    KeyCarrier,
    ReturnCarrier,
    Role,
    UnresolvedCarrier,
)
from .ends import Ends
from .extract import extract
from .facts import CallSite, Comparison, Facts
from .frameworks import called_from_outside
from .holders import is_holder
from .log_sinks import LogSink
from .registrars import registers

_REGISTERING = {
    "property",
    "cached_property",
    "staticmethod",
    "classmethod",
    "dataclass",
    "abstractmethod",
    "override",
    "overload",
    "final",
    "cache",
    "lru_cache",
    "contextmanager",
    "asynccontextmanager",
    "wraps",
    "total_ordering",
    "no_grad",
    "inference_mode",
    "disable",
    "setter",
    "runtime_checkable",
}


@dataclass
class Flow:
    """Hops by their ends, who is reachable, and how much could be resolved.

    Attributes:
        reachable: The functions that can run.
        possible: The functions that run only if a method is looked up by a name that is not known, and is theirs.
        by_name: Those among the reachable that run only if an object of unknown type, of which a method is called, has
            theirs.
    """

    program: Program
    facts: Facts
    reachable: frozenset[FunctionSymbol]
    possible: frozenset[FunctionSymbol]
    by_name: frozenset[FunctionSymbol]
    _ends: Ends
    _called: set[FunctionSymbol] | None = None
    _naming: dict[ClassSymbol, list[FunctionSymbol]] | None = None

    @classmethod
    def of(
        cls,
        program: Program,
        *,
        entry_points: Collection[FunctionSymbol] = (),
        calls_by_name: bool = True,
        log_sinks: Sequence[LogSink] = (),
    ) -> Flow:
        """Compute the flow of a program.

        Args:
            program: What is followed of it.
            entry_points: Functions that run though nothing here calls them.
            calls_by_name: Let a call on a receiver of unknown type reach every method of that name.
            log_sinks: Loggers of the program's own.
        """
        facts = extract(program, log_sinks)
        certain = reachable = _reachable(program, facts, entry_points, calls_by_name=False)
        possible = frozenset[FunctionSymbol]()
        if calls_by_name:
            reachable = _reachable(program, facts, entry_points, calls_by_name=True)
            named = [one for caller in reachable for one in facts.possible_calls.get(caller, ())]
            if not reachable.issuperset(named):
                possible = _reachable(program, facts, [*entry_points, *named], calls_by_name=True) - reachable
        return cls(program, facts, reachable, possible, reachable - certain, Ends(facts.moves))

    def without_calls_by_name(self) -> Flow:
        """Return the same flow, in which only what is certain to be called runs."""
        return replace(
            self, reachable=self.reachable - self.by_name, by_name=frozenset(), _called=None, _naming=None
        )

    def not_followed(self) -> list[SourceError]:
        """Return the functions that are nested too deeply to be followed; the rest of their files is analysed."""
        found: list[SourceError] = []
        for function in self.facts.too_deep:
            place = self.program.place(function)
            reason = f"{function.qualname} is nested too deeply to be followed"
            found.append(SourceError(place.path, place.span.line, place.span.column, reason))
        return found

    @property
    def comparisons(self) -> list[Comparison]:
        """Every comparison of a value with a number."""
        return self.facts.comparisons

    def naming(self, cls: ClassSymbol) -> set[FunctionSymbol]:
        """Return the functions that can run and name a class, or one below it."""
        if self._naming is None:
            self._naming = {}
            for function in self.reachable:
                for used in self.facts.used_classes.get(function, ()):
                    self._naming.setdefault(used, []).append(function)
        family = {cls, *self.program.subclasses(cls)}
        return {function for one in family for function in self._naming.get(one, ())}

    def call_sites(self, function: FunctionSymbol) -> list[CallSite]:
        """Every call of a function."""
        return self.facts.call_sites.get(function, [])

    def callees(self, functions: Iterable[FunctionSymbol]) -> set[FunctionSymbol]:
        """Return functions with everything that they call, directly or not, nested functions included."""
        seen: set[FunctionSymbol] = set()
        pending = list(functions)
        while pending:
            function = pending.pop()
            if function in seen:
                continue
            seen.add(function)
            pending.extend(self.facts.calls.get(function, ()))
        return seen

    def resolved_share(self) -> float | None:
        """Return the share of attribute accesses whose receiver is known; None where there is none."""
        total = self.facts.sites_resolved + self.facts.sites_unresolved
        return self.facts.sites_resolved / total if total else None

    def is_called(self, functions: Iterable[FunctionSymbol]) -> bool:
        """Whether code that runs calls or names one of these, its receiver's type being known."""
        if self._called is None:
            self._called = {one for caller in self.reachable for one in self.facts.calls.get(caller, ())}
        return not self._called.isdisjoint(functions)

    def may_run(self, function: FunctionSymbol) -> bool:
        """Whether a function can run, if only by being looked up by a name that is not known."""
        return function in self.reachable or function in self.possible

    def is_live(self, hop: Hop, *, unresolved: bool = False) -> bool:
        """Whether a hop can matter: reachable, behind no constant that is false, into an object that is kept.

        With `unresolved` it does as well where only a name that is not known may reach it.
        """
        function = hop.site.function
        runs = self.may_run(function) if unresolved else function in self.reachable
        return runs and not hop.gated and not hop.discarded

    def path(
        self,
        starts: Iterable[Carrier],
        is_end: Callable[[Carrier, Hop], bool],
        *,
        how: How = How.COMPUTED,
        dead: bool = False,
        unresolved: bool = False,
        enters: Callable[[Carrier], bool] = lambda carrier: True,
    ) -> list[Hop] | None:
        """Return the shortest chain of hops from a start to an end.

        Args:
            starts: The carriers to start from.
            is_end: Called with each carrier reached and the hop that reached it.
            how: The weakest dependence to follow.
            dead: Follow hops in unreachable or gated code too.
            unresolved: Let a field of unknown owner stand for every field of its name, and follow hops in functions
                that only a name which is not known may reach.
            enters: Which carriers may lie between the ends.
        """
        came = self._begin(starts)
        pending = deque(came)
        while pending:
            current = pending.popleft()
            for hop in self._onward(current.carrier, unresolved=unresolved):
                if hop.how > how or (not dead and not self.is_live(hop, unresolved=unresolved)):
                    continue
                if hop.through and came[current] is not None and not _hands_back(hop, is_end):
                    continue
                following = current.after(hop)
                if following is None:
                    continue
                if is_end(hop.target, hop):
                    return [*self._trail(came, current), hop]
                if following.is_new(came) and enters(hop.target):
                    came[following] = (hop, current)
                    pending.append(following)
        return None

    def reached(self, starts: Iterable[Carrier], *, how: How = How.COMPUTED) -> dict[Carrier, list[Hop]]:
        """Return every carrier that values of the starts get to, with the hops on the way."""
        came = self._begin(starts)
        pending = deque(came)
        while pending:
            current = pending.popleft()
            for hop in self._onward(current.carrier, unresolved=False):
                usable = (
                    hop.how <= how and self.is_live(hop) and not (hop.through and came[current] is not None)
                )
                following = current.after(hop) if usable else None
                if following is not None and following.is_new(came):
                    came[following] = (hop, current)
                    pending.append(following)
        found: dict[Carrier, list[Hop]] = {}
        for arrival in came:
            if arrival.carrier not in found:
                found[arrival.carrier] = self._trail(came, arrival)
        return found

    @staticmethod
    def _begin(starts: Iterable[Carrier]) -> _Arrivals:
        return {_Arrival(carrier, is_entry=False): None for carrier in starts}

    def same_key(self, carrier: KeyCarrier) -> list[KeyCarrier]:
        """Return the other carriers that a key may be: a known mapping's is read where the mapping is not known."""
        if carrier.mapping is not None:
            return [carrier.anywhere]
        return [
            other
            for other in self._ends.keys(carrier.key)
            if other != carrier
            and (
                carrier.function is None
                or other.mapping is None
                or other.mapping.function == carrier.function
            )
        ]

    # -- the hops -----------------------------------------------------------------------------------------------

    def hops(self) -> Iterator[Hop]:
        """Return every hop of the program, in the order of its functions and their statements."""
        return self.facts.moves.hops()

    def hops_in(self, functions: Collection[FunctionSymbol]) -> Iterator[Hop]:
        """Return the hops that happen in some functions, in the order of `hops`."""
        return self.facts.moves.hops_in(functions)

    def sources(self) -> Collection[Carrier]:
        """Return the carriers that some hop leads out of, each once."""
        return self._ends.sources()

    def targets(self) -> Collection[Carrier]:
        """Return the carriers that some hop leads into, each once."""
        return self._ends.targets()

    def is_source(self, carrier: Carrier) -> bool:
        """Whether any hop leads out of a carrier."""
        return carrier in self._ends.sources()

    def is_target(self, carrier: Carrier) -> bool:
        """Whether any hop leads into a carrier."""
        return carrier in self._ends.targets()

    def into(self, carrier: Carrier) -> Iterator[Hop]:
        """Yield the hops into this very carrier."""
        for number in self._ends.into(carrier):
            yield from self.facts.moves.hops_into(number, carrier)

    def out_of(self, carrier: Carrier) -> Iterator[Hop]:
        """Yield the hops out of this very carrier."""
        for source in self._ends.out_of(carrier):
            yield from self.facts.moves.hops_from(source)

    def entering(self, carrier: Carrier) -> Iterator[Hop]:
        """Yield the hops into a carrier; into a key of an unknown mapping those into the key of any."""
        for one in self._entered_with(carrier):
            yield from self.into(one)

    def leaving(self, carrier: Carrier) -> Iterator[Hop]:
        """Yield the hops out of a carrier; out of a key, also those out of the keys that it may be."""
        yield from self.out_of(carrier)
        if isinstance(carrier, KeyCarrier):
            for other in self.same_key(carrier):
                yield from self.out_of(other)

    def made_from(self, carrier: Carrier) -> Iterator[tuple[Carrier | Constant, How]]:
        """Yield what gives a carrier its values in code that runs, and how, by the hops that enter it.

        Left out is what only decides whether there is a value, what each caller gets back of its own, and the object
        whose field is read.
        """
        moves = self.facts.moves
        for one in self._entered_with(carrier):
            for number in self._ends.into(one):
                if moves.is_live(number, self.reachable):
                    yield from self._parts_of(list(moves.given(number, one)))

    def _parts_of(
        self, given: list[tuple[Carrier | Constant, How, bool]]
    ) -> Iterator[tuple[Carrier | Constant, How]]:
        is_part = any(partial for _, _, partial in given)
        fields = {source for source, _, _ in given if is_part and isinstance(source, FieldCarrier)}
        for source, how, partial in given:
            if not (partial and self.is_holder(source, fields)):
                yield source, how

    def is_holder(self, carrier: Carrier | Constant, fields: Collection[FieldCarrier]) -> bool:
        """Whether a carrier holds the object that one of these fields is read of."""
        if not fields or isinstance(carrier, Constant):
            return False
        return is_holder(self.facts.inference, carrier, fields)

    def _entered_with(self, carrier: Carrier) -> Sequence[Carrier]:
        """Return a carrier with those whose hops enter it too."""
        if isinstance(carrier, KeyCarrier) and carrier.mapping is None:
            return (carrier, *self.same_key(carrier))
        return (carrier,)

    def _onward(self, carrier: Carrier, *, unresolved: bool) -> Iterator[Hop]:
        yield from self.leaving(carrier)
        if unresolved and isinstance(carrier, FieldCarrier):
            yield from self.out_of(UnresolvedCarrier(carrier.name))
        if unresolved and isinstance(carrier, UnresolvedCarrier):
            for other in self.sources():
                if isinstance(other, FieldCarrier) and other.name == carrier.name:
                    yield from self.out_of(other)

    @staticmethod
    def _trail(came: _Arrivals, arrival: _Arrival) -> list[Hop]:
        trail: list[Hop] = []
        last = came[arrival]
        while last is not None:
            hop, before = last
            trail.append(hop)
            last = came[before]
        return trail[::-1]


def _hands_back(hop: Hop, is_end: Callable[[Carrier, Hop], bool]) -> bool:
    """Whether a wire ends with what a function hands back."""
    return type(hop.target) is ReturnCarrier and is_end(hop.target, hop)


class _Arrival(NamedTuple):
    """Where a search comes to: a carrier, and whether it is one entry of a mapping that the carrier holds."""

    carrier: Carrier
    is_entry: bool

    def after(self, hop: Hop) -> _Arrival | None:
        """Return where a hop leads to; nowhere if it reads one entry of a mapping, since which one is not known."""
        if self.is_entry and hop.partial:
            return None
        stays = self.is_entry and hop.how is How.COPY
        return _Arrival(
            hop.target, hop.role is Role.ENTRY or (stays and isinstance(hop.target, FieldCarrier))
        )

    def is_new(self, came: _Arrivals) -> bool:
        """Whether a search has not come here yet: what came to the whole carrier came to each entry."""
        return self not in came and not (self.is_entry and _Arrival(self.carrier, is_entry=False) in came)


_Arrivals = dict[_Arrival, tuple[Hop, _Arrival] | None]
"""How a search came to each carrier: the hop, and where it came from; None for a start."""


def _reachable(
    program: Program, facts: Facts, entry_points: Collection[FunctionSymbol], *, calls_by_name: bool
) -> frozenset[FunctionSymbol]:
    """Return the functions that can run when the program does.

    Roots are module bodies, entry points and functions that a decorator tells a registry of, or something outside. A
    class that is used brings its special methods, and with a base from outside all its methods: a framework calls them.
    """
    by_name: dict[str, list[FunctionSymbol]] = {}
    for function in program.functions():
        if program.function(function).owner is not None:
            by_name.setdefault(function.name, []).append(function)
    pending = [
        function
        for function in program.functions()
        if function.qualname == TOP_LEVEL or _is_registered(program, function)
    ]
    pending += entry_points
    seen: set[FunctionSymbol] = set()
    classes: set[ClassSymbol] = set()
    while pending:
        function = pending.pop()
        if function in seen:
            continue
        seen.add(function)
        pending.extend(facts.calls.get(function, ()))
        for name in facts.called_names.get(function, ()) if calls_by_name else ():
            pending.extend(by_name.get(name, ()))
        for text in facts.strings.get(function, ()):
            named = _entry_point(program, text)
            if named is not None:
                pending.append(named)
        for cls in facts.used_classes.get(function, set()) - classes:
            classes.add(cls)
            pending.extend(called_from_outside(program, cls))
    return frozenset(seen)


def _entry_point(program: Program, text: str) -> FunctionSymbol | None:
    module, _, name = text.partition(":")
    symbol = program.resolve(module, name) if module in program.modules and name else None
    return symbol if isinstance(symbol, FunctionSymbol) else None


def _is_registered(program: Program, function: FunctionSymbol) -> bool:
    for decorator in program.function(function).decorators:
        name = decorator.partition("(")[0]
        if name.rpartition(".")[2] in _REGISTERING:
            continue
        symbol = program.resolve(function.module, name)
        if isinstance(symbol, FunctionSymbol) and registers(program, symbol, by_call="(" in decorator):
            return True
        is_test = isinstance(symbol, ExternalSymbol) and symbol.dotted.startswith(("pytest.", "unittest."))
        if (symbol is None or isinstance(symbol, ExternalSymbol)) and not is_test:
            return True
    return False
