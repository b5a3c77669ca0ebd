"""What is put into a container after it is made: `xs = []` and then `xs.append(stats)`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..source import ClassSymbol, FunctionSymbol
from ..source.model import CallShape, EffectKind, Kind
from .classes import receiver_name
from .roots import local_roots
from .types import MAPPINGS, UNKNOWN, External, Type, each, union

if TYPE_CHECKING:
    from .inference import Inference

_PUTS = {"append": 0, "add": 0, "appendleft": 0, "put": 0, "put_nowait": 0, "insert": 1, "setdefault": 1}
_SPREADS = {"extend", "extendleft", "update"}
_FILLED = {"list", "set", "deque", "Queue", "WeakSet", *MAPPINGS}


@dataclass(frozen=True, slots=True)
class Put:
    """A value that goes into a container, or with `spread` a container whose elements do."""

    function: FunctionSymbol
    value: int
    spread: bool = False
    key: str | None = None  # a literal key of a mapping


_NO_PUTS: dict[str, list[Put]] = {}


class Contents:
    """Finds what is put where; every function is looked through once."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._looked_through: set[FunctionSymbol] = set()
        self._looked_inside: set[FunctionSymbol] = set()  # and through the functions in it
        self._local: dict[tuple[FunctionSymbol, int], list[Put]] = {}
        self._fields: dict[FunctionSymbol, dict[str, list[Put]]] = {}  # by the method that puts
        self._globals: dict[tuple[str, str], list[Put]] = {}
        self._modules: set[str] = set()  # whose functions are all looked through
        self._classes: dict[ClassSymbol, dict[str, list[Put]]] = {}  # what the methods of a class itself put
        self._nested: dict[FunctionSymbol, list[FunctionSymbol]] | None = None

    def of_local(self, function: FunctionSymbol, made: int) -> list[Put]:
        """Return what a function, or one inside it, puts into a container that it makes at a node."""
        self._look_through_all(function)
        return self._local.get((function, made), [])

    def of_field(self, cls: ClassSymbol, name: str) -> list[Put]:
        """Return what the methods of a class put into a container that is held by a field of `self`."""
        found: list[Put] = []
        for one in self._inference.program.mro(cls):
            if isinstance(one, ClassSymbol):
                found += self._of_class(one).get(name, ())
        return found

    def _of_class(self, cls: ClassSymbol) -> dict[str, list[Put]]:
        known = self._classes.get(cls)
        if known is None:
            known = self._classes[cls] = {}
            for qualname in self._inference.program.class_(cls).methods.values():
                method = FunctionSymbol(cls.module, qualname)
                self._look_through(method)
                for name, puts in self._fields.get(method, _NO_PUTS).items():
                    known.setdefault(name, []).extend(puts)
        return known

    def of_global(self, module: str, name: str) -> list[Put]:
        """Return what the functions of a module put into a container that one of its names holds."""
        if module not in self._modules:
            for qualname in self._inference.program.modules[module].functions:
                self._look_through(FunctionSymbol(module, qualname))
            self._modules.add(module)
        return self._globals.get((module, name), [])

    def _look_through_all(self, function: FunctionSymbol) -> None:
        if function in self._looked_inside:
            return
        self._looked_inside.add(function)
        if self._nested is None:
            self._nested = {}
            for inner in self._inference.program.functions():
                enclosing = self._inference.program.function(inner).enclosing
                if enclosing is not None:
                    self._nested.setdefault(FunctionSymbol(inner.module, enclosing), []).append(inner)
        self._look_through(function)
        for inner in self._nested.get(function, []):
            self._look_through_all(inner)

    def _look_through(self, function: FunctionSymbol) -> None:
        if function in self._looked_through:
            return
        self._looked_through.add(function)
        summary = self._inference.program.function(function)
        receiver = receiver_name(summary)
        for base, put in self._puts(function):
            for root in local_roots(summary.graph, base, every=True):
                self._note(function, root, receiver, put)

    def _note(self, function: FunctionSymbol, root: int, receiver: str | None, put: Put) -> None:
        graph = self._inference.program.function(function).graph
        node = graph.nodes[root]
        match node.kind:
            case Kind.SEQUENCE | Kind.DICT | Kind.CALL:
                self._local.setdefault((function, root), []).append(put)
            case Kind.GLOBAL:
                self._globals.setdefault((function.module, str(node.data)), []).append(put)
            case Kind.FREE:
                outer, values = self._inference.enclosing_binding(function, str(node.data)) or (function, [])
                bound = self._inference.program.function(outer).graph
                for value in values:
                    for made in local_roots(bound, value):
                        self._local.setdefault((outer, made), []).append(put)
            case Kind.ATTR:
                holder = graph.nodes[node.operands[0]]
                if receiver is not None and holder.kind is Kind.PARAM and holder.data == receiver:
                    puts = self._fields.setdefault(function, {})
                    puts.setdefault(str(node.data), []).append(put)
            case _:
                pass  # a container that comes from elsewhere

    def _puts(self, function: FunctionSymbol) -> Iterator[tuple[int, Put]]:
        graph = self._inference.program.function(function).graph
        for node in graph.nodes:
            if node.kind is not Kind.CALL:
                continue
            callee, shape = graph.nodes[node.operands[0]], node.data
            if callee.kind is not Kind.ATTR or not isinstance(shape, CallShape):
                continue
            name = callee.data
            if name in _SPREADS and shape.positional == 1:
                yield callee.operands[0], Put(function, node.operands[1], spread=True)
            elif isinstance(name, str) and shape.positional > _PUTS.get(name, shape.positional):
                yield callee.operands[0], Put(function, node.operands[1 + _PUTS[name]])
        for effect in graph.effects:
            if effect.kind is EffectKind.STORE_ITEM:
                yield effect.base, Put(function, effect.value, key=effect.name)


def filled(inference: Inference, container: Type, puts: list[Put]) -> Type:
    """Return the type of a container whose elements are not known when it is made, with what is put into it."""
    if not isinstance(container, External) or container.dotted.rpartition(".")[2] not in _FILLED or not puts:
        return container
    is_mapping = container.dotted.rpartition(".")[2] in MAPPINGS
    size = 2 if is_mapping else 1
    before = container.arguments if len(container.arguments) == size else (UNKNOWN,) * size
    values = [one for one in before[-1:] if one is not UNKNOWN]
    for put in puts:
        value = inference.type_of(put.function, put.value)
        if not put.spread:
            values.append(value)
        elif is_mapping:
            values.append(each(value, _mapped))
        else:
            values.append(inference.elements(value))
    inner = union(*values)
    if not is_mapping:
        return External(container.dotted, (inner,))
    all_literal = before[0] is UNKNOWN and all(put.key is not None for put in puts)
    return External(container.dotted, (External("builtins.str") if all_literal else before[0], inner))


def _mapped(mapping: Type) -> Type:
    is_known = isinstance(mapping, External) and len(mapping.arguments) == 2
    return mapping.arguments[1] if is_known and isinstance(mapping, External) else UNKNOWN
