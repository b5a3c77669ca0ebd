"""One metric's wire as a record describes it: emitter, stages, schema field, consumers."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from ..flow import (
    Carrier,
    Comparison,
    Constant,
    FieldCarrier,
    Flow,
    Hop,
    How,
    KeyCarrier,
    ModuleCarrier,
    ObjectCarrier,
    OutsideCarrier,
    ParameterCarrier,
    ReturnCarrier,
    UnresolvedCarrier,
    UseCarrier,
    by_name,
)
from ..flow.carriers import Role
from ..flow.holders import without_holders
from ..source import ClassSymbol, FunctionSymbol
from ..source.summarise import TOP_LEVEL
from ..trace.names import bare_name
from ..trace.walk import Walker

_RESTS = (FieldCarrier, KeyCarrier, ModuleCarrier)
# Words that say what kind of number a value is, and not which.
_KIND_WORDS = {
    "avg",
    "count",
    "current",
    "last",
    "latest",
    "max",
    "mean",
    "min",
    "new",
    "num",
    "number",
    "old",
}
_KIND_WORDS |= {"rate", "ratio", "sum", "total", "val", "value"}
_PREPARES = {"reset", "clear", "setup", "_reset", "_setup", "__init__", "__post_init__"}
_LONGEST = 40  # hops between emitter and schema; a longer way is no wire that a record describes


class NoSchemaError(Exception):
    """What is traced reaches no field of a class, which a record's schema is."""


@dataclass(frozen=True, slots=True)
class ChainStage:
    """A function that puts the value into a carrier; `hop` is where, `reads` where that is not what comes before."""

    function: FunctionSymbol
    carrier: Carrier
    hop: Hop
    reads: Carrier | None = None


@dataclass(frozen=True, slots=True)
class ChainConsumer:
    """A function or class that reads the schema field, in `functions`; `hop` is the first read."""

    at: FunctionSymbol | ClassSymbol
    functions: tuple[FunctionSymbol, ...]
    hop: Hop


@dataclass(frozen=True, slots=True)
class Chain:
    """A metric's wire.

    Attributes:
        emitter: The first function that computes the value, and the carrier it leaves in; None where no code that
            runs ever stores a value.
        stages: Where it rests between there and the schema field, which the last stage stores unless the emitter does.
        schema: The field in which consumers find it.
        consumers: Who reads it there.
        comparisons: The numbers that code which runs compares it with.
        writers: How many functions store a value into the schema field.
        starts: Hops that give it the literal that it starts as.
        key: The name that the value is logged under, where the field holds the values of a logger by their names.
    """

    emitter: ChainStage | None
    stages: tuple[ChainStage, ...]
    schema: FieldCarrier
    consumers: tuple[ChainConsumer, ...]
    comparisons: tuple[Comparison, ...]
    writers: int
    starts: tuple[Hop, ...] = ()
    key: KeyCarrier | None = None

    @property
    def name(self) -> str:
        """The metric's own name: that of the field, or the one it is logged under."""
        return self.schema.name if self.key is None else self.key.key


def find_chain(flow: Flow, carrier: Carrier) -> Chain:
    """Describe the wire that a carrier lies on.

    Raises:
        NoSchemaError: It is no field, and the value gets into none.
    """
    schema = carrier if isinstance(carrier, FieldCarrier) else _field_after(flow, carrier)
    if schema is None and isinstance(carrier, KeyCarrier):
        logged = _logged_chain(flow, carrier)
        if logged is not None:
            return logged
    schema = schema or _field_before(flow, carrier)
    if schema is None:
        raise NoSchemaError(
            f"{carrier} is no field of a class and leads to none: a record's schema is a field"
        )
    way = _way_to(flow, schema)
    emitter, stages = _stages(flow, way)
    passed = {hop.site.function for hop in way}
    given = _given(flow, Walker(flow), schema)
    writers = {hop.site.function for hop in given if _makes(hop)}
    return Chain(
        emitter=emitter,
        stages=tuple(stages),
        schema=schema,
        consumers=tuple(_consumers(flow, schema, passed)),
        comparisons=tuple(_comparisons(flow, schema)),
        writers=len(writers),
        starts=tuple(hop for hop in given if hop.role is Role.INITIAL),
    )


def _logged_chain(flow: Flow, key: KeyCarrier) -> Chain | None:
    """Describe a value that is logged under a name, where the program's own logger keeps it in a field.

    The logger gets the value as an argument beside the name: from there it is followed to the field.
    """
    way = _way_to(flow, key)
    emitter, stages = _stages(flow, way)
    if not way or emitter is None:
        return None
    last = way[-1]
    for hop in flow.out_of(last.source) if not isinstance(last.source, Constant) else ():
        beside = hop.site.function == last.site.function and hop.site.span == last.site.span
        if not beside or not isinstance(hop.target, ParameterCarrier):
            continue
        stored = flow.path([hop.target], lambda end, _: isinstance(end, FieldCarrier), how=How.COPY)
        if stored is None or not isinstance(stored[-1].target, FieldCarrier):
            continue
        schema = stored[-1].target
        keeps = ChainStage(stored[-1].site.function, schema, stored[-1], reads=hop.target)
        writers = {one.site.function for one in _given(flow, Walker(flow), key)}
        return Chain(
            emitter=emitter,
            stages=(*stages, keeps),
            schema=schema,
            consumers=tuple(_consumers(flow, schema, {keeps.function})),
            comparisons=(),
            writers=len(writers),
            key=key,
        )
    return None


def _field_after(flow: Flow, carrier: Carrier) -> FieldCarrier | None:
    """Return the next field that a value is copied into."""
    down = flow.path([carrier], lambda end, _: isinstance(end, FieldCarrier), how=How.COPY)
    return down[-1].target if down is not None and isinstance(down[-1].target, FieldCarrier) else None


def _field_before(flow: Flow, carrier: Carrier) -> FieldCarrier | None:
    """Return the last field that a value is copied from, or computed from under a like name."""
    walker = Walker(flow)
    pending, seen = deque([carrier]), {carrier}
    while pending:
        for hop in _given(flow, walker, pending.popleft()):
            source = hop.source
            if isinstance(source, Constant):
                continue
            is_it = hop.how is How.COPY or bool(_words(bare_name(carrier)) & _words(bare_name(source)))
            if isinstance(source, FieldCarrier) and is_it:
                return source
            if hop.how is How.COPY and source not in seen:
                seen.add(source)
                pending.append(source)
    return None


# -- the way from the emitter -------------------------------------------------------------------------------------


def _way_to(flow: Flow, schema: FieldCarrier | KeyCarrier) -> list[Hop]:
    """Return the hops from where the value is computed to the schema field or key, in the order that it moves.

    Backwards from the field, copies are followed, and a computation as long as it keeps the name: the sum of
    `inf_count` over all layers is still `inf_grad_count`. The first hop is the emitter's own.
    """
    walker = Walker(flow)
    meaning = _words(bare_name(schema))
    way: list[Hop] = []
    seen: set[Carrier] = {schema}
    current: Carrier = schema
    while len(way) < _LONGEST:
        given = _given(flow, walker, current)
        onward = [
            hop
            for hop in given
            if not isinstance(hop.source, Constant | OutsideCarrier | ObjectCarrier | UnresolvedCarrier)
            and hop.source not in seen
            and _leads_on(flow, walker, hop, current, meaning)
        ]
        if not onward:
            # What a function makes of nothing but its arguments is handed back, to each caller its own.
            own = walker.entering(current) if isinstance(current, ReturnCarrier) else []
            made = [hop for hop in given or own if _makes(hop) and flow.is_live(hop)]
            if made:
                way.append(min(made, key=lambda hop: _preference(hop, meaning)))
            break
        best = min(onward, key=lambda hop: _preference(hop, meaning))
        way.append(best)
        assert not isinstance(best.source, Constant)
        seen.add(best.source)
        current = best.source
    return way[::-1]


def _makes(hop: Hop) -> bool:
    """Whether a hop gives a value that is no literal: `count += 1` computes it from one."""
    return hop.how is How.COMPUTED or (hop.how is How.COPY and not isinstance(hop.source, Constant))


def _given(flow: Flow, walker: Walker, carrier: Carrier) -> list[Hop]:
    """Return the hops of running code that give a carrier a value; a part only where nothing whole is read there."""
    hops = [
        hop
        for hop in walker.entering(carrier)
        if hop.how <= How.COMPUTED and hop.source != carrier and not hop.through and flow.is_live(hop)
    ]
    return without_holders(hops)


def _leads_on(flow: Flow, walker: Walker, hop: Hop, current: Carrier, meaning: frozenset[str]) -> bool:
    """Whether the same value lies behind a hop: it is copied, or computed from what is called alike."""
    source = hop.source
    assert not isinstance(source, Constant)
    likeness = len(meaning & _words(bare_name(source)))
    if hop.how is How.COMPUTED and not (likeness and isinstance(source, (*_RESTS, ReturnCarrier))):
        return False
    if (
        isinstance(source, ReturnCarrier)
        and isinstance(current, ReturnCarrier)
        and likeness < len(meaning & _words(bare_name(current)))
    ):
        return False  # a helper that knows nothing of this metric
    behind = [one for one in _given(flow, walker, source) if not isinstance(one.source, Constant)]
    return bool(behind) or isinstance(source, ReturnCarrier)


def _preference(hop: Hop, meaning: frozenset[str]) -> tuple[bool, int, int, bool, str, int]:
    """The order in which ways back are tried: what only prepares last, the metric's name first, then copies."""
    source = hop.source
    likeness = 0 if isinstance(source, Constant) else len(meaning & _words(bare_name(source)))
    is_parameter = isinstance(source, ParameterCarrier)
    prepares = hop.site.function.name in _PREPARES
    return (prepares, -likeness, hop.how, is_parameter, hop.site.path, hop.site.span.line)


def _words(name: str) -> frozenset[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    words = {word.removesuffix("s") for word in re.split(r"[^a-z0-9]+", spaced) if word}
    return frozenset(words - _KIND_WORDS) or frozenset(words)


def _stages(flow: Flow, way: list[Hop]) -> tuple[ChainStage | None, list[ChainStage]]:
    """Return the emitter and the stages where the value rests, each carrier once."""
    if not way:
        return None, []
    first = ChainStage(_public(flow, way[0].site.function), way[0].target, way[0])
    stages: list[ChainStage] = []
    told = {str(first.carrier)}
    for hop in way[1:]:
        rests = isinstance(hop.target, _RESTS) and hop.site.function.qualname != TOP_LEVEL
        if rests and str(hop.target) not in told:
            told.add(str(hop.target))
            stages.append(ChainStage(hop.site.function, hop.target, hop))
    return first, stages


def _public(flow: Flow, function: FunctionSymbol) -> FunctionSymbol:
    """Return the function that a private helper works for, where it is the only one in its module that calls it."""
    seen = {function}
    while function.name.startswith("_") and not function.name.endswith("__"):
        callers = {call.function for call in flow.call_sites(function)} - seen
        if len(callers) != 1:
            break
        [caller] = callers
        if caller.module != function.module or caller.qualname == TOP_LEVEL:
            break
        function = caller
        seen.add(function)
    return function


# -- consumers --------------------------------------------------------------------------------------------------


def _consumers(flow: Flow, schema: FieldCarrier, passed: set[FunctionSymbol]) -> list[ChainConsumer]:
    """Return who reads the schema field in code that runs: methods stand for their class."""
    reads: dict[FunctionSymbol | ClassSymbol, list[Hop]] = {}
    hops = [hop for hop in flow.out_of(schema) if flow.is_live(hop) and hop.target != schema]
    for hop in sorted(hops, key=_place_order):
        function = hop.site.function
        if function.qualname == TOP_LEVEL or function in passed:
            continue
        reads.setdefault(_definition(flow, function), []).append(hop)
    return [
        ChainConsumer(at, tuple(dict.fromkeys(hop.site.function for hop in found)), _telling(found))
        for at, found in reads.items()
        if any(_looks(flow, hop) for hop in found)
    ]


def _definition(flow: Flow, function: FunctionSymbol) -> FunctionSymbol | ClassSymbol:
    """Return what a record names for a function: the class of a method, the outermost function of a nested one."""
    owner = flow.program.function(function).owner
    outer = function.qualname.partition(".<locals>")[0]
    if owner is not None and "<" not in owner:
        return ClassSymbol(function.module, owner)
    if outer != function.qualname and outer in flow.program.modules[function.module].functions:
        return _definition(flow, FunctionSymbol(function.module, outer))
    return function


def _looks(flow: Flow, hop: Hop) -> bool:
    """Whether a hop does something with the value: what is given to a parameter that nobody reads does not."""
    return not isinstance(hop.target, ParameterCarrier) or flow.is_source(hop.target)


def _telling(hops: Iterable[Hop]) -> Hop:
    """Return the hop that shows best what is read: a use before a branch."""
    return min(hops, key=lambda hop: (hop.how, not isinstance(hop.target, UseCarrier), _place_order(hop)))


def _comparisons(flow: Flow, schema: FieldCarrier) -> list[Comparison]:
    return [
        one
        for one in flow.comparisons
        if one.site.function in flow.reachable and schema in {by_name(c) for c in one.carriers}
    ]


def _place_order(hop: Hop) -> tuple[str, int, int]:
    return (hop.site.path, hop.site.span.line, hop.site.span.column)
