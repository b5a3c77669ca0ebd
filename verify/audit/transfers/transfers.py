"""Values that are handed over side by side, each under a name: arguments, dictionary entries, stores into one object.

`Payload(entropy=metrics["entropy"], kl=metrics["kl"])` is a group of two transfers; each knows the name that the value
goes to and the name that it comes from. What the names say together shows what is crossed or left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ...flow import Carrier, FieldCarrier, Flow, KeyCarrier, ReturnCarrier, whereabouts
from ...flow.arguments import argument_positions
from ...flow.classes import is_property
from ...flow.types import ClassObject, FunctionObject, Instance, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import CallShape, EffectKind, Kind, Node, Span, ValueGraph
from .sql import inserted

_WRAPS_ONE = {"item", "tolist", "mean", "sum", "cpu", "detach", "numpy", "copy", "clone", "total_seconds"}
_REDUCES_ALL = {"compute", "result", "value", "avg", "average", "median"}
_KEEPS_THE_VALUE = _WRAPS_ONE | {"float", "int", "bool", "str", "round", "abs"}
_FILLS_BY_KEYWORD = {"dict", "replace", "_replace", "evolve", "update", "model_copy"}
_READS_A_KEY = {"get", "pop"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from by name: `base` is the object or mapping as written, "" for a local name.

    It `is_derived` where a call or an index stands between, which may make another value of it.
    """

    name: str
    base: str
    base_node: int = -1
    is_key: bool = False
    is_derived: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """One value that goes to a name. `origins` holds each name that it is known under where it comes from."""

    sink: str
    node: int
    span: Span
    origins: tuple[Origin, ...]

    def comes_from(self, name: str) -> Origin | None:
        """Return the origin of a name, None where the value comes from no such."""
        return next((one for one in self.origins if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Group:
    """Transfers at one place.

    Attributes:
        node: The call or dictionary, -1 for stores into one object.
        owner: The class or function that is called, or the class of the object that is stored into.
        base: The object that is stored into, as written.
        is_outside: The keywords of a call that leads out of the program, or to what is not known.
    """

    function: FunctionSymbol
    node: int
    owner: ClassSymbol | FunctionSymbol | None
    base: str
    transfers: tuple[Transfer, ...]
    is_outside: bool = False

    @property
    def sinks(self) -> set[str]:
        """The names that are given a value."""
        return {one.sink for one in self.transfers}


class Names:
    """Answers under which names the values of one function are known."""

    def __init__(self, graph: ValueGraph) -> None:
        self._nodes = graph.nodes
        self._graph = graph

    @cached_property
    def _locals(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for name, given in self._graph.bindings.items():
            for node in given:
                found.setdefault(node, []).append(name)
        return found

    def origins(self, index: int) -> tuple[Origin, ...]:
        """Return the names that a value comes under, calls that keep it looked through."""
        found: dict[Origin, None] = {}
        derived = False
        for _ in range(6):
            node = self._nodes[index]
            for name in self._called(index):
                found.setdefault(Origin(name, "", is_derived=derived))
            if node.kind in {Kind.GLOBAL, Kind.FREE}:
                found.setdefault(Origin(str(node.data), "", is_derived=derived))
            elif node.kind is Kind.ATTR:
                base = node.operands[0]
                found.setdefault(Origin(str(node.data), self.path(base), base, is_derived=derived))
            elif node.kind is Kind.ITEM and isinstance(node.data, str):
                found.setdefault(
                    Origin(
                        node.data,
                        self.path(node.operands[0]),
                        node.operands[0],
                        is_key=True,
                        is_derived=derived,
                    )
                )
            elif node.kind is Kind.NARROW:
                index = node.operands[0]
                continue
            elif node.kind is Kind.ITEM:
                index = node.operands[0]  # one of many, under the name of all
                derived = True
                continue
            elif node.kind is Kind.CALL:
                inner = self._inside(node, found, derived=derived)
                if inner is not None:
                    derived = derived or self._nodes[node.operands[0]].data not in _KEEPS_THE_VALUE
                    index = inner
                    continue
            break
        return tuple(found)

    def _called(self, index: int) -> list[str]:
        """Return the locals that hold a value; of one of several alternatives, those that hold each of them."""
        known = self._locals.get(index, [])
        if known or self._nodes[index].kind is not Kind.PHI:
            return known
        seen, pending, found = {index}, list(self._nodes[index].operands), None
        while pending:
            current = pending.pop()
            node = self._nodes[current]
            if current in seen:
                continue
            seen.add(current)
            held = self._locals.get(current, [])
            if node.kind is Kind.PHI and not held:
                pending += node.operands
            elif node.kind is Kind.NARROW and not held:
                pending.append(node.operands[0])
            else:
                found = held if found is None else [name for name in found if name in held]
        return found or []

    def _inside(self, node: Node, found: dict[Origin, None], *, derived: bool) -> int | None:
        callee = self._nodes[node.operands[0]]
        if callee.kind is Kind.ATTR and callee.data in _READS_A_KEY and len(node.operands) > 1:
            key = self._nodes[node.operands[1]]
            if key.kind is Kind.CONST and isinstance(key.data, str):
                base = callee.operands[0]
                found.setdefault(Origin(key.data, self.path(base), base, is_key=True, is_derived=derived))
                return None
            return None if key.kind is Kind.CONST else node.operands[1]  # what a table has for it
        shape = node.data
        assert isinstance(shape, CallShape)
        is_rounded = callee.kind is Kind.GLOBAL and callee.data == "round"
        if (shape.positional == 1 or (is_rounded and shape.positional == 2)) and not shape.starred:
            return node.operands[1]  # `float(x)`, `torch.stack(x)`, `deque(x, maxlen=5)`, `round(x, 3)`
        if callee.kind is Kind.ATTR and (callee.data in _WRAPS_ONE or callee.data in _REDUCES_ALL):
            return callee.operands[0] if len(node.operands) == 1 else None
        return None

    def path(self, index: int) -> str:
        """Return an object as written, so that two mentions of it are the same."""
        node = self._nodes[index]
        if node.kind in {Kind.PARAM, Kind.GLOBAL, Kind.FREE}:
            return str(node.data)
        if node.kind is Kind.ATTR:
            return f"{self.path(node.operands[0])}.{node.data!s}"
        if node.kind is Kind.NARROW:
            return self.path(node.operands[0])
        names = self._locals.get(index, [])
        if node.kind is Kind.PHI and not names:
            names = [name for name in self._alternatives(node) if name]
        return names[0] if names else f"#{index}"

    def _alternatives(self, node: Node) -> list[str]:
        """Return the names that all alternatives of a value have in common."""
        named = [self._locals.get(operand) for operand in node.operands]
        known = [names for names in named if names is not None]
        return [name for name in known[0] if all(name in names for names in known)] if known else []


class Transfers:
    """Every group of transfers of a program."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._names: dict[FunctionSymbol, Names] = {}

    def names(self, function: FunctionSymbol) -> Names:
        """Return what the values of a function are called."""
        if function not in self._names:
            if len(self._names) >= whereabouts.MOST_KEPT:
                self._names.clear()
            self._names[function] = Names(self._flow.program.function(function).graph)
        return self._names[function]

    def has(self, function: FunctionSymbol, origin: Origin, name: str) -> Carrier | None:
        """Return the field or key of a name that an origin's object or mapping has, None where it has none."""
        facts = self._flow.facts
        for one in members(facts.inference.type_of(function, origin.base_node)):
            if isinstance(one, Instance):
                owner = facts.inference.owner_of_field(one.cls, name)
                if owner is not None:
                    return FieldCarrier(owner, name)
                method = self._flow.program.method(one.cls, name)
                if method is not None and is_property(self._flow.program.function(method)):
                    return ReturnCarrier(method)
        if origin.is_key:
            keys = facts.sources.keys
            for carrier in keys.held(function, origin.base_node):
                if carrier.key == name:
                    return carrier
            anywhere = KeyCarrier(name)
            is_any = None in facts.sources.mappings.of(function, origin.base_node)
            if is_any and next(self._flow.entering(anywhere), None) is not None:
                return anywhere
        return None

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The groups in code that can run, those left out that go out of the program."""
        return tuple(group for group in self._found if not group.is_outside)

    @cached_property
    def outside(self) -> tuple[Group, ...]:
        """The keywords of calls that lead out of the program, or to what is not known, in code that can run."""
        return tuple(group for group in self._found if group.is_outside)

    @cached_property
    def _found(self) -> tuple[Group, ...]:
        return tuple(
            group
            for function in self._flow.program.functions()
            if function in self._flow.reachable
            for group in self._of(function)
        )

    def _of(self, function: FunctionSymbol) -> Iterator[Group]:
        graph = self._flow.program.function(function).graph
        for index, node in enumerate(graph.nodes):
            if node.gated:
                continue
            if node.kind is Kind.CALL and len(node.operands) > 1:
                yield from self._call(function, graph, index, node)
                columns = inserted(graph, node)
                if columns:
                    yield self._group(function, index, None, "", columns)
            elif node.kind is Kind.DICT and len(node.operands) > 1:
                assert isinstance(node.data, tuple)
                entries = zip(node.data, node.operands, node.parts, strict=True)
                found = [(key, operand, span) for key, operand, span in entries if key is not None]
                yield self._group(function, index, None, "", found)
        yield from self._stores(function, graph)

    def _call(self, function: FunctionSymbol, graph: ValueGraph, index: int, node: Node) -> Iterator[Group]:
        shape = node.data
        assert isinstance(shape, CallShape)
        facts = self._flow.facts
        known = members(facts.inference.type_of(function, node.operands[0]))
        if sum(isinstance(one, FunctionObject) for one in known) > 1:
            return  # one of several functions: which parameters they have is not known
        for one in known:
            given: dict[str, int] = {}
            if isinstance(one, ClassObject):
                constructor = facts.inference.constructor(one.cls)
                if constructor is None:
                    fields = facts.inference.positional_fields(one.cls)
                    given = dict(zip(fields, range(shape.positional), strict=False))
                    keywords = enumerate(shape.keywords, shape.positional)
                    given |= {keyword: place for place, keyword in keywords if keyword is not None}
                else:
                    given = self._parameters(FunctionObject(constructor, Instance(one.cls)), node)
                owner: ClassSymbol | FunctionSymbol = one.cls
            elif isinstance(one, FunctionObject):
                given = self._parameters(one, node) | self._taken_on(one, shape)
                owner = one.function
            else:
                continue
            entries = [
                (name, node.operands[1 + place], node.parts[place])
                for name, place in given.items()
                if place not in shape.starred
            ]
            yield self._group(function, index, owner, "", entries)
            return
        is_outside = graph.nodes[node.operands[0]].data not in _FILLS_BY_KEYWORD
        if is_outside and len(shape.keywords) < 2:
            return
        arguments = list(zip(node.operands[1:], node.parts, strict=True))[shape.positional :]
        keyed = zip(shape.keywords, arguments, strict=True)
        found = [(key, operand, span) for key, (operand, span) in keyed if key is not None]
        yield self._group(function, index, None, "", found, is_outside=is_outside)

    def _taken_on(self, callee: FunctionObject, shape: CallShape) -> dict[str, int]:
        """Return the keywords that a function takes as a whole, `**options`, to hand them on."""
        parameters = self._flow.program.function(callee.function).parameters
        if not any(one.kind == "kwargs" for one in parameters):
            return {}
        named = {one.name for one in parameters}
        keywords = enumerate(shape.keywords, shape.positional)
        return {name: place for place, name in keywords if name is not None and name not in named}

    def _parameters(self, callee: FunctionObject, node: Node) -> dict[str, int]:
        found = argument_positions(self._flow.program, callee, node)
        kinds = {one.name: one.kind for one in self._flow.program.function(callee.function).parameters}
        return {
            name: places[0]
            for name, places in found.items()
            if len(places) == 1 and kinds.get(name) in {"positional", "keyword"}
        }

    def _stores(self, function: FunctionSymbol, graph: ValueGraph) -> Iterator[Group]:
        found: dict[tuple[str, bool], list[tuple[str, int, Span]]] = {}
        bases: dict[tuple[str, bool], int] = {}
        for effect in graph.effects:
            if effect.gated or effect.name is None:
                continue
            if effect.kind in {EffectKind.STORE_ATTR, EffectKind.STORE_ITEM}:
                key = (self.names(function).path(effect.base), effect.kind is EffectKind.STORE_ATTR)
                found.setdefault(key, []).append((effect.name, effect.value, effect.span))
                bases.setdefault(key, effect.base)
        for key, entries in found.items():
            owner = None
            if key[1]:
                types = members(self._flow.facts.inference.type_of(function, bases[key]))
                owner = next((one.cls for one in types if isinstance(one, Instance)), None)
            yield self._group(function, -1, owner, key[0], entries)

    def _group(
        self,
        function: FunctionSymbol,
        node: int,
        owner: ClassSymbol | FunctionSymbol | None,
        base: str,
        entries: list[tuple[str, int, Span]],
        *,
        is_outside: bool = False,
    ) -> Group:
        names = self.names(function)
        transfers = tuple(Transfer(sink, value, span, names.origins(value)) for sink, value, span in entries)
        return Group(function, node, owner, base, transfers, is_outside)
