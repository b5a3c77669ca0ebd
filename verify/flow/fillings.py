"""What is written into which mapping, anywhere in the program.

Under a literal key, under keys that a rule makes, or a whole mapping of which another is filled.
"""

from __future__ import annotations

from ..source import FunctionSymbol, Program
from ..source.model import CallShape, EffectKind, Kind, Node, ValueGraph
from .arguments import keyed_arguments
from .carriers import MappingOrigin
from .elements import LISTS, may_be_mapping, puts_of
from .inference import Inference
from .mappings import ANY, DEEPEST, Mappings
from .names import MUTATORS
from .rows import Place

Filling = Place | MappingOrigin | None
"""What a mapping is filled from; None where that cannot be told."""


class Fillings:
    """What mappings are filled with, by the mapping; every function is looked through once.

    Attributes:
        written: The literal keys.
        values: What is stored under each key, down to `DEEPEST`.
        stored_at: As what the mapping or call at a place is held in others.
        filled_from: What else a mapping is filled from, with keys of its own.
        by_rule: The computed keys.
    """

    def __init__(self, program: Program, inference: Inference, mappings: Mappings) -> None:
        self._program = program
        self._inference = inference
        self._mappings = mappings
        self.written: dict[MappingOrigin, set[str]] = {}
        self.values: dict[MappingOrigin, dict[str, list[Place]]] = {}
        self.stored_at: dict[Place, list[MappingOrigin]] = {}
        self.filled_from: dict[MappingOrigin, list[Filling]] = {}
        self.by_rule: dict[MappingOrigin, list[Place]] = {}

    def collect(self) -> None:
        """Look through every function."""
        for function in self._program.functions():
            self._look_through(function)

    def _look_through(self, function: FunctionSymbol) -> None:
        graph = self._program.function(function).graph
        for index, node in enumerate(graph.nodes):
            match node.kind:
                case Kind.DICT:
                    self._display(function, index, node)
                case Kind.SEQUENCE if node.data in LISTS:
                    for operand in node.operands:
                        self._put_into(function, index, operand, is_spread=False)
                case Kind.CALL:
                    self._filling_call(function, graph, index, node)
                    for container, value, is_spread in puts_of(graph, node):
                        self._put_into(function, container, value, is_spread=is_spread)
                case _:
                    pass  # writes nothing
        for effect in graph.effects:
            if effect.kind is EffectKind.STORE_ITEM:
                if effect.name is None and effect.index >= 0:
                    self._note_rule(function, effect.base, effect.index, (function, effect.value))
                else:
                    self._note(function, effect.base, effect.name, (function, effect.value))

    def _display(self, function: FunctionSymbol, index: int, node: Node) -> None:
        assert isinstance(node.data, tuple)
        for position, (key, operand) in enumerate(zip(node.data, node.operands, strict=True)):
            if key is None and node.keys and node.keys[position] >= 0:
                self._note_rule(function, index, node.keys[position], (function, operand))
            else:
                self._note(function, index, key, (function, operand))

    def _filling_call(self, function: FunctionSymbol, graph: ValueGraph, index: int, node: Node) -> None:
        callee = graph.nodes[node.operands[0]]
        shape = node.data
        assert isinstance(shape, CallShape)
        if callee.kind is Kind.ATTR and callee.data in {"update", "setdefault"}:
            keyed = keyed_arguments(graph, node)
            for key, value in keyed:
                self._note(function, callee.operands[0], key, (function, value))
            if callee.data == "update":
                for argument in node.operands[1 : 1 + shape.positional]:
                    self._note(function, callee.operands[0], None, (function, argument))
                self._spread(function, callee.operands[0], node, shape)
            elif not keyed and shape.positional:
                stored = (function, node.operands[2]) if shape.positional > 1 else None
                self._note_rule(function, callee.operands[0], node.operands[1], stored)
        elif callee.kind is Kind.ATTR and callee.data in MUTATORS:
            container = graph.nodes[callee.operands[0]]
            if container.kind is Kind.ITEM and isinstance(container.data, str):
                self._note(function, container.operands[0], container.data, None, is_spread=False)
            elif container.kind is Kind.ITEM:
                self._note_rule(function, container.operands[0], container.operands[1])
        elif self._mappings.makes(function, index):
            for name, operand in zip(shape.keywords, node.operands[1 + shape.positional :], strict=True):
                self._note(function, index, name, (function, operand))
            if self._mappings.takes_factory(function, index):
                self._note_factory(function, index, node.operands[1 : 1 + shape.positional])
            else:
                for argument in node.operands[1 : 1 + shape.positional]:
                    self._note(function, index, None, (function, argument))

    def _spread(self, function: FunctionSymbol, base: int, node: Node, shape: CallShape) -> None:
        for name, operand in zip(shape.keywords, node.operands[1 + shape.positional :], strict=True):
            if name is None:
                self._note(function, base, None, (function, operand))

    def _note(
        self,
        function: FunctionSymbol,
        base: int,
        key: str | None,
        value: Place | None,
        *,
        is_spread: bool = True,
    ) -> None:
        """Note a value that is stored under a key, or with no key a mapping that another is filled from."""
        for origin in self._mappings.of(function, base):
            if origin is None:
                continue
            if key is None:
                if is_spread:
                    self.filled_from.setdefault(origin, []).append(value)
                continue
            self.written.setdefault(origin, set()).add(key)
            if value is not None:
                self._note_value(origin, key, value)

    def _note_value(self, origin: MappingOrigin, key: str, value: Place) -> None:
        """Note what is stored under a key: a mapping, perhaps, that is written to at both places."""
        if len(origin.path) < DEEPEST:
            self.values.setdefault(origin, {}).setdefault(key, []).append(value)
            kind = self._program.function(value[0]).graph.nodes[value[1]].kind
            if kind in {Kind.DICT, Kind.CALL}:
                self.stored_at.setdefault(value, []).append(origin.inner(key))

    def _put_into(self, function: FunctionSymbol, base: int, value: int, *, is_spread: bool) -> None:
        """Note what is put into a list or a queue, that is: under a key that is not known."""
        node = self._program.function(function).graph.nodes[value]
        if not may_be_mapping(node, self._inference.type_of(function, value)):
            return
        for origin in self._mappings.of(function, base):
            if origin is None or not (origin.path or self._mappings.is_list(origin)):
                continue
            if is_spread:
                self.filled_from.setdefault(origin, []).append((function, value))
            else:
                self._note_value(origin, ANY, (function, value))

    def _note_rule(self, function: FunctionSymbol, base: int, key: int, value: Place | None = None) -> None:
        for origin in self._mappings.of(function, base):
            if origin is not None:
                self.by_rule.setdefault(origin, []).append((function, key))
                if value is not None:
                    self._note_value(origin, ANY, value)

    def _note_factory(self, function: FunctionSymbol, index: int, factory: tuple[int, ...]) -> None:
        """Note what a `defaultdict` makes under keys that it does not hold yet."""
        makings = list(self._mappings.made_by(function, factory[0])) if factory else []
        for origin in self._mappings.of(function, index):
            if origin is None:
                continue
            for made in makings:
                if made is None:
                    self.filled_from.setdefault(origin.inner(ANY), []).append(None)
                else:
                    self._note_value(origin, ANY, made)
