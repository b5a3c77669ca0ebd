"""Which mapping is it that `metrics["key"]` reads? A key written into one mapping proves nothing for another.

A mapping is known by the place that makes it: a dict display, `dict(...)`, the construction of a TypedDict. From a
read, the mapping is followed back through locals, parameters (to every caller), results and fields; where that
leads outside the program it is unknown, and only the key's name is left.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from ..source import ClassSymbol, ConstantSymbol, FunctionSymbol, Program
from ..source.model import CallShape, EffectKind, Kind, Node, ValueGraph
from ..source.program import ExternalSymbol
from .arguments import arguments, keyed_arguments
from .carriers import KeyCarrier, MappingOrigin
from .inference import Inference
from .types import ClassObject, ExternalObject, FunctionObject, Instance, members

Origins = frozenset[MappingOrigin | None]
"""The mappings that a value may be; None stands for one that cannot be told."""

_UNKNOWN: Origins = frozenset({None})
_NO_CIRCLE = sys.maxsize
_SAME = {"copy", "deepcopy", "dict", "MappingProxyType", "cast"}


class Mappings:
    """Answers which mappings a node may be, and which carriers a literal key of it means."""

    def __init__(self, program: Program, inference: Inference) -> None:
        self._program = program
        self._inference = inference
        self._origins: dict[tuple[FunctionSymbol, int], Origins] = {}
        self._asked: dict[tuple[FunctionSymbol, int], int] = {}  # open questions, by depth
        self._circle = _NO_CIRCLE  # the outermost open question that an answer had to do without
        self._callers: dict[tuple[FunctionSymbol, str], list[tuple[FunctionSymbol, int]]] | None = None
        self._handed_over: set[FunctionSymbol] = set()
        self._written: dict[MappingOrigin, set[str]] | None = None
        self._open: dict[MappingOrigin, list[tuple[FunctionSymbol, int] | None]] = {}

    # -- questions ------------------------------------------------------------------------------------------

    def written(self, function: FunctionSymbol, base: int, key: str) -> list[KeyCarrier]:
        """Return the carriers that a store under a literal key fills."""
        return [KeyCarrier(key, mapping=origin) for origin in self._sorted(self.of(function, base))]

    def read(self, function: FunctionSymbol, base: int, key: str) -> list[KeyCarrier]:
        """Return the carriers that a read of a literal key draws on.

        A key that a mapping does not hold itself is looked for in what it was filled from (`**other`, `update`).
        """
        found: dict[KeyCarrier, None] = {}
        pending = [(function, base)]
        seen: set[tuple[FunctionSymbol, int]] = set()
        while pending:
            place = pending.pop()
            if place in seen:
                continue
            seen.add(place)
            for origin in self._sorted(self.of(*place)):
                if origin is None:
                    found.setdefault(KeyCarrier(key))
                    continue
                filled = self._filled_from(origin)
                if key in self._keys(origin) or not filled:
                    found.setdefault(KeyCarrier(key, mapping=origin))
                for source in filled if key not in self._keys(origin) else ():
                    if source is None:
                        found.setdefault(KeyCarrier(key))
                    else:
                        pending.append(source)
        return list(found)

    def held(self, function: FunctionSymbol, index: int) -> list[KeyCarrier]:
        """Return every literal key of the mappings that a node may be, those of what they are filled from included."""
        found: dict[KeyCarrier, None] = {}
        pending = [(function, index)]
        seen: set[tuple[FunctionSymbol, int]] = set()
        while pending:
            place = pending.pop()
            if place in seen:
                continue
            seen.add(place)
            for origin in self._sorted(self.of(*place)):
                if origin is not None:
                    found.update(
                        (KeyCarrier(key, mapping=origin), None) for key in sorted(self._keys(origin))
                    )
                    pending += [source for source in self._filled_from(origin) if source is not None]
        return list(found)

    def of(self, function: FunctionSymbol, index: int) -> Origins:
        """Return the mappings that a node may be."""
        place = (function, index)
        known = self._origins.get(place)
        if known is not None:
            return known
        if place in self._asked:  # a value that feeds itself: the outer answer has it all
            self._circle = min(self._circle, self._asked[place])
            return frozenset()
        depth = self._asked[place] = len(self._asked)
        try:
            found = self._infer(function, self._program.function(function).graph, index)
        finally:
            del self._asked[place]
        if self._circle >= depth:
            self._circle = _NO_CIRCLE
            self._origins[place] = found
        return found

    def given(self, function: FunctionSymbol, parameter: str) -> list[tuple[FunctionSymbol, int]]:
        """Return what callers give to a parameter: the calling function and the node."""
        return self._all_callers().get((function, parameter), [])

    @staticmethod
    def _sorted(origins: Origins) -> list[MappingOrigin | None]:
        known = sorted(
            (one for one in origins if one is not None), key=lambda one: (str(one.function), one.node)
        )
        return [*known, None] if None in origins or not known else [*known]

    # -- inference ------------------------------------------------------------------------------------------

    def _all(self, places: Iterable[tuple[FunctionSymbol, int]]) -> Origins:
        found: Origins = frozenset()
        for function, index in places:
            found |= self.of(function, index)
        return found

    def _infer(self, function: FunctionSymbol, graph: ValueGraph, index: int) -> Origins:
        node = graph.nodes[index]
        match node.kind:
            case Kind.DICT:
                return frozenset({MappingOrigin(function, index)})
            case Kind.PHI | Kind.NARROW | Kind.ENTER:
                return self._all((function, operand) for operand in node.operands)
            case Kind.OP if node.data == "BitOr":
                return self._all((function, operand) for operand in node.operands)
            case Kind.PARAM:
                return self._parameter(function, str(node.data))
            case Kind.FREE:
                outer = self._inference.enclosing_binding(function, str(node.data))
                return _UNKNOWN if outer is None else self._all((outer[0], value) for value in outer[1])
            case Kind.GLOBAL:
                symbol = self._program.resolve(function.module, str(node.data))
                if not isinstance(symbol, ConstantSymbol):
                    return _UNKNOWN
                stores = self._inference.global_stores(symbol.module, symbol.name)
                return self._all((store.function, store.value) for store in stores) or _UNKNOWN
            case Kind.ATTR:
                return self._field(function, node)
            case Kind.CALL:
                return self._call(function, graph, index, node)
            case _:
                return _UNKNOWN

    def _parameter(self, function: FunctionSymbol, name: str) -> Origins:
        callers = self._all_callers().get((function, name), [])
        found = self._all(callers)
        if not callers or function in self._handed_over:
            found |= _UNKNOWN  # somebody else may call it
        return found

    def _field(self, function: FunctionSymbol, node: Node) -> Origins:
        found: Origins = frozenset()
        for one in members(self._inference.type_of(function, node.operands[0])):
            if not isinstance(one, Instance) or self._program.field(one.cls, str(node.data)) is not None:
                return _UNKNOWN  # a declared field may be filled by the constructor of anybody
            for cls in self._program.mro(one.cls):
                if isinstance(cls, ClassSymbol):
                    stores = self._inference.field_stores(cls, str(node.data))
                    found |= self._all((store.function, store.value) for store in stores)
        return found or _UNKNOWN

    def _call(self, function: FunctionSymbol, graph: ValueGraph, index: int, node: Node) -> Origins:
        found: Origins = frozenset()
        callees = members(self._inference.type_of(function, node.operands[0]))
        for one in callees or (None,):
            match one:
                case FunctionObject(function=called, receiver=receiver):
                    for reached in self._inference.dispatch(called, receiver):
                        found |= self._returned(reached)
                case ClassObject(cls=cls) if self._is_typed_dict(cls):
                    found |= {MappingOrigin(function, index)}
                case ExternalObject(dotted=dotted) if dotted.rpartition(".")[2] in _SAME:
                    found |= self._same(function, graph, index, node)
                case _:
                    found |= _UNKNOWN
        return found

    def _same(self, function: FunctionSymbol, graph: ValueGraph, index: int, node: Node) -> Origins:
        """`dict(...)` makes a mapping; a copy is taken for what it is a copy of."""
        callee = graph.nodes[node.operands[0]]
        shape = node.data
        assert isinstance(shape, CallShape)
        if callee.data == "dict":
            return frozenset({MappingOrigin(function, index)})
        if shape.positional:
            return self.of(function, node.operands[shape.positional])
        return self.of(function, callee.operands[0]) if callee.kind is Kind.ATTR else _UNKNOWN

    def _returned(self, function: FunctionSymbol) -> Origins:
        effects = self._program.function(function).graph.effects
        returned = [(function, effect.value) for effect in effects if effect.kind is EffectKind.RETURN]
        return self._all(returned) or _UNKNOWN

    def _is_typed_dict(self, cls: ClassSymbol) -> bool:
        return any(
            isinstance(one, ExternalSymbol) and one.dotted.endswith("TypedDict")
            for one in self._program.mro(cls)
        )

    # -- the whole program, once ------------------------------------------------------------------------------

    def _all_callers(self) -> dict[tuple[FunctionSymbol, str], list[tuple[FunctionSymbol, int]]]:
        """Return which nodes are given to which parameter anywhere; note the functions that are handed over."""
        if self._callers is not None:
            return self._callers
        callers: dict[tuple[FunctionSymbol, str], list[tuple[FunctionSymbol, int]]] = {}
        self._callers = callers
        for function in self._program.functions():
            graph = self._program.function(function).graph
            called: set[int] = set()
            for node in graph.nodes:
                if node.kind is not Kind.CALL:
                    continue
                called.add(node.operands[0])
                for callee in self._reached(function, node):
                    for name, values in arguments(self._program, callee, node).items():
                        given = callers.setdefault((callee.function, name), [])
                        given.extend((function, value) for value in values)
            for index, node in enumerate(graph.nodes):
                if index not in called and node.kind in {Kind.ATTR, Kind.GLOBAL}:
                    for one in members(self._inference.type_of(function, index)):
                        if isinstance(one, FunctionObject):
                            self._handed_over.add(one.function)
        return callers

    def _reached(self, function: FunctionSymbol, node: Node) -> Iterator[FunctionObject]:
        for one in members(self._inference.type_of(function, node.operands[0])):
            if isinstance(one, FunctionObject):
                for reached in self._inference.dispatch(one.function, one.receiver):
                    yield FunctionObject(reached, one.receiver)
            elif isinstance(one, ClassObject) and (made := self._inference.constructor(one.cls)) is not None:
                yield FunctionObject(made, Instance(one.cls))

    def _keys(self, origin: MappingOrigin) -> set[str]:
        """Return the literal keys that are written into a mapping anywhere."""
        return self._all_written().get(origin, set())

    def _filled_from(self, origin: MappingOrigin) -> list[tuple[FunctionSymbol, int] | None]:
        """Return what else a mapping is filled from; None where keys are computed."""
        self._all_written()
        return self._open.get(origin, [])

    def _all_written(self) -> dict[MappingOrigin, set[str]]:
        if self._written is not None:
            return self._written
        written: dict[MappingOrigin, set[str]] = {}
        self._written = written
        for function in self._program.functions():
            graph = self._program.function(function).graph
            for index, node in enumerate(graph.nodes):
                if node.kind is Kind.DICT:
                    self._display(function, index, node)
                elif node.kind is Kind.CALL:
                    self._filling_call(function, graph, index, node)
            for effect in graph.effects:
                if effect.kind is EffectKind.STORE_ITEM:
                    self._note(function, effect.base, effect.name, None)
        return written

    def _display(self, function: FunctionSymbol, index: int, node: Node) -> None:
        assert isinstance(node.data, tuple)
        for key, operand in zip(node.data, node.operands, strict=True):
            spread = (function, operand) if self.of(function, operand) != _UNKNOWN else None
            self._note(function, index, key, spread)

    def _filling_call(self, function: FunctionSymbol, graph: ValueGraph, index: int, node: Node) -> None:
        callee = graph.nodes[node.operands[0]]
        shape = node.data
        assert isinstance(shape, CallShape)
        keyed = keyed_arguments(graph, node)
        if callee.kind is Kind.ATTR and callee.data in {"update", "setdefault"}:
            for key, _, _ in keyed:
                self._note(function, callee.operands[0], key, None)
            if callee.data == "update":
                for argument in node.operands[1 : 1 + shape.positional]:
                    self._note(function, callee.operands[0], None, (function, argument))
        elif MappingOrigin(function, index) in self.of(function, index):
            for name in shape.keywords:
                self._note(function, index, name, None)
            for argument in node.operands[1 : 1 + shape.positional]:
                self._note(function, index, None, (function, argument))

    def _note(
        self, function: FunctionSymbol, base: int, key: str | None, source: tuple[FunctionSymbol, int] | None
    ) -> None:
        assert self._written is not None
        for origin in self.of(function, base):
            if origin is None:
                continue
            if key is not None:
                self._written.setdefault(origin, set()).add(key)
            else:
                self._open.setdefault(origin, []).append(source)
