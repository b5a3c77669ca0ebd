"""Containers that values are put into and that nobody ever looks at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...flow import FieldCarrier, Flow, ModuleCarrier
from ...flow.types import ClassObject, Instance, members
from ...source import ClassSymbol, ConstantSymbol, FunctionSymbol
from ...source.model import Effect, EffectKind, Kind, Node, Span, ValueGraph
from ...source.program import ExternalSymbol
from ...source.summarise import TOP_LEVEL
from ..words.metric_words import names_metrics

FILLS = frozenset({"append", "appendleft", "extend", "extendleft", "insert", "add", "update", "push"})
_KEEPS = frozenset({"clear", "reset"})
_MAKERS = frozenset({"list", "dict", "set", "deque", "defaultdict", "OrderedDict", "Counter"})
_NUMBERS = frozenset({"int", "float", "bool", "str"})
_PLAIN_BASES = frozenset({"object", "ABC", "Protocol", "Generic"})
_PARTS = frozenset({"setdefault", "get", "__getitem__"})


@dataclass(frozen=True, slots=True)
class OnlyFilled:
    """A container that is only ever filled, or a number that is only ever counted up.

    Attributes:
        name: The local name, `Class.field` or module-level name that holds it.
        kept_in: The field or module-level name; None for a local.
        function: Where it is first filled.
        span: The first place that fills it.
        fills: How many places fill it; none where it is made full.
        is_number: It is no container.
    """

    name: str
    kept_in: FieldCarrier | ModuleCarrier | None
    function: FunctionSymbol
    span: Span
    fills: int
    is_number: bool = False


def only_filled(flow: Flow) -> Iterator[OnlyFilled]:
    """Yield every container that is filled and never looked at, and every global number that is only counted up."""
    finder = _Finder(flow)
    locals_: dict[tuple[FunctionSymbol, int], None] = {}
    fields: dict[tuple[ClassSymbol, str], None] = {}
    names: dict[ConstantSymbol, None] = {}
    for function, base in _filled(flow):
        graph = flow.program.function(function).graph
        for root in _containers(graph, base):
            node = graph.nodes[root]
            if _is_made_here(node, graph):
                locals_.setdefault((function, root))
            elif node.kind is Kind.ATTR:
                for owner in finder.owners(function, node):
                    fields.setdefault((owner, str(node.data)))
            elif node.kind is Kind.GLOBAL:
                symbol = flow.program.resolve(function.module, str(node.data))
                if isinstance(symbol, ConstantSymbol):
                    names.setdefault(symbol)
    for function, root in locals_:
        yield from finder.local(function, root)
    for owner, name in fields:
        yield from finder.field(owner, name)
    for symbol in names:
        yield from finder.module_level(symbol)
    for symbol in dict.fromkeys(_counted(flow)):
        yield from finder.number(symbol)


def _filled(flow: Flow) -> Iterator[tuple[FunctionSymbol, int]]:
    """Yield whatever something is put into, and what is made full under a name of metrics."""
    for method in sorted(FILLS):
        for call in flow.facts.method_calls.get(method, ()):
            nodes = flow.program.function(call.function).graph.nodes
            yield call.function, nodes[nodes[call.node].operands[0]].operands[0]
    for function in flow.program.functions():
        graph = flow.program.function(function).graph
        for effect in graph.effects:
            if effect.kind is EffectKind.STORE_ITEM and not effect.gated:
                yield function, effect.base
        for name, given in graph.bindings.items():
            if names_metrics(name):
                yield from ((function, node) for node in given if graph.nodes[node].kind is Kind.DICT)


def _counted(flow: Flow) -> Iterator[ConstantSymbol]:
    """Yield the module-level names that a function counts up: `global dropped; dropped += 1`."""
    for function in flow.program.functions():
        graph = flow.program.function(function).graph
        for effect in graph.effects:
            if effect.kind is EffectKind.STORE_GLOBAL and function.name != TOP_LEVEL:
                symbol = flow.program.resolve(function.module, str(effect.name))
                if isinstance(symbol, ConstantSymbol) and graph.nodes[effect.value].kind is Kind.OP:
                    yield symbol


def _containers(graph: ValueGraph, index: int) -> list[int]:
    """Return what `x` is in `x.append(...)` and in `x["key"].append(...)`, alternatives looked through."""
    found: list[int] = []
    pending, seen = [index], set[int]()
    while pending:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        node = graph.nodes[current]
        if node.kind in {Kind.PHI, Kind.NARROW}:
            pending += node.operands
        elif node.kind is Kind.ITEM:
            pending.append(node.operands[0])
        elif node.kind is Kind.CALL and graph.nodes[node.operands[0]].kind is Kind.ATTR:
            if graph.nodes[node.operands[0]].data in _PARTS:
                pending.append(graph.nodes[node.operands[0]].operands[0])
        else:
            found.append(current)
    return found


def _is_made_here(node: Node, graph: ValueGraph) -> bool:
    if node.kind is Kind.SEQUENCE:
        return node.data in {"list", "set"}
    if node.kind is Kind.CALL:
        callee = graph.nodes[node.operands[0]]
        return callee.kind in {Kind.GLOBAL, Kind.ATTR} and callee.data in _MAKERS
    return node.kind is Kind.DICT


def _made_of(node: Node) -> tuple[int, ...]:
    """Return what a container is made with."""
    match node.kind:
        case Kind.CALL:
            return node.operands[1:]
        case Kind.SEQUENCE | Kind.DICT:
            return node.operands
        case _:
            return ()  # a field or a name: who made it is looked at elsewhere


def _is_same(graph: ValueGraph, one: int, other: int) -> bool:
    """Whether two nodes are the same name or path: `self._counts`, said twice."""
    if one == other:
        return True
    first, second = graph.nodes[one], graph.nodes[other]
    if first.kind is not second.kind or first.data != second.data:
        return False
    if first.kind in {Kind.GLOBAL, Kind.FREE, Kind.PARAM}:
        return True
    return first.kind is Kind.ATTR and _is_same(graph, first.operands[0], second.operands[0])


class _Finder:
    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._program = flow.program
        self._inference = flow.facts.inference
        self._whereabouts = flow.facts.whereabouts
        self._stores: dict[FunctionSymbol, dict[int, list[Effect]]] = {}

    def owners(self, function: FunctionSymbol, node: Node) -> Iterator[ClassSymbol]:
        """Yield the classes that a field is stored in by their own methods, and nowhere declared."""
        for one in members(self._inference.type_of(function, node.operands[0])):
            if isinstance(one, Instance | ClassObject):
                owner = self._inference.owner_of_field(one.cls, str(node.data))
                if owner is not None and self._program.field(owner, str(node.data)) is None:
                    yield owner

    # -- locals -------------------------------------------------------------------------------------------------------

    def local(self, function: FunctionSymbol, root: int) -> Iterator[OnlyFilled]:
        graph = self._program.function(function).graph
        same = {root, *self._declared(function, graph, root)}
        name = next((name for name, given in graph.bindings.items() if not same.isdisjoint(given)), None)
        if name is None or name.startswith("_") or self._is_outer(function, name):
            return
        fills = self._fills(function, root)
        if fills and self._is_one_of_several(function, root):
            return
        if fills:
            yield OnlyFilled(name, None, function, fills[0], len(fills))
        elif fills is not None and names_metrics(name) and graph.nodes[root].operands:
            yield OnlyFilled(name, None, function, graph.nodes[root].span, 0)

    def _declared(self, function: FunctionSymbol, graph: ValueGraph, root: int) -> Iterator[int]:
        """Yield what a value becomes by the annotation of the name that it is given to: `losses: list[float] = []`."""
        users, _ = self._whereabouts.users(function)
        for user in users.get(root, ()):
            if graph.nodes[user].kind is Kind.NARROW:
                yield user
                yield from self._declared(function, graph, user)

    def _is_one_of_several(self, function: FunctionSymbol, root: int) -> bool:
        """Whether what fills a container may as well fill another one, which is read, or which a caller gave."""
        graph = self._program.function(function).graph
        bases = {base for base in self._stores_into(function) if graph.nodes[base].kind is Kind.PHI}
        bases |= {
            graph.nodes[node.operands[0]].operands[0]
            for node in graph.nodes
            if node.kind is Kind.CALL
            and graph.nodes[node.operands[0]].kind is Kind.ATTR
            and graph.nodes[node.operands[0]].data in FILLS
        }
        for base in bases:
            others = _containers(graph, base)
            if root in others and any(
                not _is_made_here(graph.nodes[one], graph) or self._fills(function, one) is None
                for one in others
                if one != root
            ):
                return True
        return False

    def _is_outer(self, function: FunctionSymbol, name: str) -> bool:
        """Whether a name is one of an enclosing function's, set by `nonlocal`."""
        enclosing = self._program.function(function).enclosing
        while enclosing is not None:
            summary = self._program.function(FunctionSymbol(function.module, enclosing))
            given = (function.qualname, name)
            if any(node.kind is Kind.REBOUND and node.data == given for node in summary.graph.nodes):
                return True
            enclosing = summary.enclosing
        return False

    def _read_by_nested(self, function: FunctionSymbol, values: Iterable[int]) -> bool:
        """Whether a function inside reads a local name that may hold one of these values."""
        graph = self._program.function(function).graph
        wanted = frozenset(values)
        names = {name for name, given in graph.bindings.items() if not wanted.isdisjoint(given)}
        if not names:
            return False
        pending = list(self._whereabouts.nested(function))
        while pending:
            inner = pending.pop()
            pending += self._whereabouts.nested(inner)
            nodes = self._program.function(inner).graph.nodes
            if any(node.kind is Kind.FREE and node.data in names for node in nodes):
                return True
        return False

    def _fills(self, function: FunctionSymbol, root: int) -> list[Span] | None:
        """Return the places that fill a value of a body; None where anything else is done with it.

        What is filled may be an element (`by_name["loss"].append(x)`), if every element was made for the container.
        """
        graph = self._program.function(function).graph
        users, effects = self._whereabouts.users(function)
        fills: list[Span] = []
        elements = [(1, operand) for operand in _made_of(graph.nodes[root])]
        pending, seen = [(root, 0)], set[int]()
        deepest = 0
        while pending:
            current, depth = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            deepest = max(deepest, depth)
            if effects.get(current):
                return None  # returned, stored, looked at
            for effect in self._stores_into(function).get(current, ()):
                fills.append(effect.span)
                elements.append((depth + 1, effect.value))
            for user in users.get(current, ()):
                node = graph.nodes[user]
                if node.gated:
                    continue
                if node.kind in {Kind.PHI, Kind.NARROW}:
                    pending.append((user, depth))
                elif node.kind is Kind.ITEM and node.operands[0] == current:
                    if self._is_counted_up(function, user, current):
                        deepest = max(deepest, depth + 1)
                    else:
                        pending.append((user, depth + 1))
                elif node.kind is Kind.ATTR:
                    done = self._method(function, graph, user)
                    if done is None:
                        return None
                    for call in done:
                        fills.append(graph.nodes[call].span)
                        elements += [(depth + 1, operand) for operand in graph.nodes[call].operands[1:]]
                    if node.data in _PARTS:
                        calls = [call for call in users.get(user, ()) if graph.nodes[call].kind is Kind.CALL]
                        others = [one for one in calls if not self._is_counted_up(function, one, current)]
                        deepest = deepest if len(others) == len(calls) else max(deepest, depth + 1)
                        pending += [(call, depth + 1) for call in others]
                else:
                    return None
        if not all(self._is_fresh(graph, element) for depth, element in elements if depth <= deepest):
            return None
        if self._read_by_nested(function, seen):
            return None
        return sorted(fills, key=lambda span: (span.line, span.column))

    def _is_counted_up(self, function: FunctionSymbol, element: int, container: int) -> bool:
        """Whether an element is only looked at for what takes its place: `counts[kind] += 1`."""
        graph = self._program.function(function).graph
        users, effects = self._whereabouts.users(function)
        if effects.get(element) or not users.get(element):
            return False
        for user in users[element]:
            stores = effects.get(user, ())
            if graph.nodes[user].kind is not Kind.OP or users.get(user) or not stores:
                return False
            for effect in stores:
                is_stored = effect.kind is EffectKind.STORE_ITEM and effect.value == user
                if not is_stored or not _is_same(graph, effect.base, container):
                    return False
        return True

    @staticmethod
    def _is_fresh(graph: ValueGraph, index: int) -> bool:
        """Whether an element is nobody else's container: a number, text, or made on the spot."""
        node = graph.nodes[index]
        if node.kind is Kind.GLOBAL:
            return node.data in _MAKERS | _NUMBERS  # `defaultdict(list)`
        return node.kind in {Kind.CONST, Kind.OP, Kind.COMPARE, Kind.FUNCTION} or _is_made_here(node, graph)

    def _stores_into(self, function: FunctionSymbol) -> dict[int, list[Effect]]:
        if function not in self._stores:
            found: dict[int, list[Effect]] = {}
            for effect in self._program.function(function).graph.effects:
                if effect.kind is EffectKind.STORE_ITEM:
                    found.setdefault(effect.base, []).append(effect)
            self._stores[function] = found
        return self._stores[function]

    def _method(self, function: FunctionSymbol, graph: ValueGraph, attribute: int) -> list[int] | None:
        """Return the calls by which a method of the container fills it; None where it may tell what is in it."""
        users, effects = self._whereabouts.users(function)
        name = graph.nodes[attribute].data
        if name not in FILLS | _KEEPS | _PARTS or effects.get(attribute):
            return None
        fills: list[int] = []
        for call in users.get(attribute, ()):
            node = graph.nodes[call]
            if node.kind is not Kind.CALL or node.operands[0] != attribute:
                return None
            if name in _PARTS:
                continue  # what it gives is followed
            if users.get(call) or any(effect.kind is not EffectKind.DROP for effect in effects.get(call, ())):
                return None
            if name in FILLS:
                fills.append(call)
        return fills

    # -- fields and module-level names --------------------------------------------------------------------------------

    def field(self, owner: ClassSymbol, name: str) -> Iterator[OnlyFilled]:
        stores = [
            store
            for cls in (owner, *self._program.subclasses(owner))
            for store in self._inference.field_stores(cls, name)
        ]
        if not stores or not all(self._is_only_kept(store.function, store.value) for store in stores):
            return
        index = self._whereabouts.index
        if any(True for _ in index.read_by_computed_name(owner)):
            return
        fills: list[tuple[FunctionSymbol, Span]] = []
        for function, node, _ in index.field_reads(owner, name):
            done = self._fills(function, node)
            if done is None:
                return
            fills += [(function, span) for span in done]
        if fills:
            function, span = fills[0]
            carrier = FieldCarrier(owner, name)
            yield OnlyFilled(str(carrier), carrier, function, span, len(fills))

    def _is_only_kept(self, function: FunctionSymbol, value: int) -> bool:
        """Whether a container is made for a field, and known under no other name."""
        graph = self._program.function(function).graph
        users, effects = self._whereabouts.users(function)
        if len(effects.get(value, ())) != 1 or users.get(value):
            return False
        while graph.nodes[value].kind is Kind.NARROW:  # its annotation
            inner = graph.nodes[value].operands[0]
            if users.get(inner) != (value,) or effects.get(inner):
                return False
            value = inner
        node = graph.nodes[value]
        if not _is_made_here(node, graph) or any(value in given for given in graph.bindings.values()):
            return False
        return all(self._is_fresh(graph, operand) for operand in _made_of(node))

    def module_level(self, symbol: ConstantSymbol) -> Iterator[OnlyFilled]:
        stores = self._inference.global_stores(symbol.module, symbol.name)
        if not stores or not all(self._is_only_kept(store.function, store.value) for store in stores):
            return
        if self._is_told_elsewhere(symbol):
            return
        fills: list[tuple[FunctionSymbol, Span]] = []
        for function, node in self._whereabouts.index.global_reads(symbol):
            done = self._fills(function, node)
            if done is None:
                return
            fills += [(function, span) for span in done]
        if fills:
            function, span = fills[0]
            yield OnlyFilled(
                symbol.name, ModuleCarrier(symbol.module, symbol.name), function, span, len(fills)
            )

    def number(self, symbol: ConstantSymbol) -> Iterator[OnlyFilled]:
        """A name that is set to constants, and to what is more or less than itself."""
        if self._is_told_elsewhere(symbol):
            return
        counts: list[tuple[FunctionSymbol, Span]] = []
        counted: set[tuple[FunctionSymbol, int]] = set()
        for function, node in self._whereabouts.index.global_reads(symbol):
            graph = self._program.function(function).graph
            users, effects = self._whereabouts.users(function)
            if effects.get(node) or not users.get(node):
                return
            for user in users[node]:
                stores = effects.get(user, ())
                if graph.nodes[user].kind is not Kind.OP or users.get(user) or not stores:
                    return
                if not all(self._is_stored_in(function, effect, symbol, user) for effect in stores):
                    return
                counted.add((function, user))
                counts.append((function, graph.nodes[user].span))
        others = [
            self._program.function(store.function).graph.nodes[store.value].kind
            for store in self._inference.global_stores(symbol.module, symbol.name)
            if (store.function, store.value) not in counted
        ]
        if counts and all(kind is Kind.CONST for kind in others):
            function, span = counts[0]
            carrier = ModuleCarrier(symbol.module, symbol.name)
            yield OnlyFilled(symbol.name, carrier, function, span, len(counts), is_number=True)

    def _is_stored_in(
        self, function: FunctionSymbol, effect: Effect, symbol: ConstantSymbol, value: int
    ) -> bool:
        is_store = effect.kind is EffectKind.STORE_GLOBAL and effect.value == value
        return is_store and self._program.resolve(function.module, str(effect.name)) == symbol

    def _is_told_elsewhere(self, symbol: ConstantSymbol) -> bool:
        """Whether others than the code of functions may have what a module-level name stands for."""
        index = self._whereabouts.index
        is_special = symbol.name.startswith("__") and symbol.name.endswith("__")
        if is_special or index.is_mentioned(symbol):
            return True
        elsewhere = (
            index.whole_module_reads(symbol.module),
            index.default_of_parameters(symbol),
            index.default_of_fields(symbol),
        )
        return any(True for found in elsewhere for _ in found)


def has_foreign_base(flow: Flow, cls: ClassSymbol) -> bool:
    """Whether a class has a base outside the program, which may look at its fields."""
    return any(
        isinstance(one, ExternalSymbol)
        and one.dotted.rpartition(".")[2] not in {"object", "ABC", "Protocol", "Generic"}
        for one in flow.program.mro(cls)
    )
