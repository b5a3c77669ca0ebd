"""Switches that are false in every run: constants of a class or of another module that nothing in the program sets.

A constant of the module that looks at it is settled when the file is read. One of a class, or one that is imported,
may be set from anywhere, so that the whole program has to be seen first. Whoever might set it in a way that is not
followed leaves it open: a store of that name into any object, a keyword or a string of that name, a name that is
computed, the module as a value, a subclass, a base from outside, the users of a library.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ...flow.types import ClassObject, Instance, ModuleObject, members
from ...source import ClassSymbol, ConstantSymbol, FunctionSymbol, Program
from ...source.model import CallShape, EffectKind, Kind, ValueGraph
from ...source.program import ExternalSymbol
from ...source.summarise import TOP_LEVEL
from ..using.known_calls import PLAIN_BASES
from ..using.usage import Usage

_FALSE = "False"
_WRITES_ANY_NAME = {"exec", "globals"}


@dataclass
class ConstantGates:
    """Answers whether a value that code looks at is a constant that is false in every run."""

    usage: Usage

    def is_false(self, function: FunctionSymbol, index: int) -> bool:
        """Whether a node of a body is such a constant."""
        graph = self._graph(function)
        node = graph.nodes[index]
        while node.kind is Kind.NARROW:
            index = node.operands[0]
            node = graph.nodes[index]
        if node.kind is Kind.GLOBAL:
            symbol = self._program.resolve(function.module, str(node.data))
            return (
                isinstance(symbol, ConstantSymbol)
                and str(node.data) in self._program.modules[function.module].imports
                and not self._binds(function.module, symbol.name)
                and self._module_constant(symbol)
            )
        if node.kind is not Kind.ATTR:
            return False
        name = str(node.data)
        receivers = members(self.usage.flow.facts.inference.type_of(function, node.operands[0]))
        return bool(receivers) and all(self._of_receiver(one, name) for one in receivers)

    def _of_receiver(self, receiver: object, name: str) -> bool:
        if isinstance(receiver, ModuleObject):
            return self._module_constant(ConstantSymbol(receiver.name, name))
        if isinstance(receiver, Instance | ClassObject):
            return self._class_constant(receiver.cls, name)
        return False

    @property
    def _program(self) -> Program:
        return self.usage.flow.program

    def _graph(self, function: FunctionSymbol) -> ValueGraph:
        return self._program.function(function).graph

    # -- constants of a class -----------------------------------------------------------------------------------------

    def _class_constant(self, cls: ClassSymbol, name: str) -> bool:
        """Whether a class body gives a name `False`, and nobody gives it anything else."""
        declared = self._program.field(cls, name)
        if declared is None or name in self._set_somewhere:
            return False
        owner, field = declared
        if field.default is None or field.default.text != _FALSE or not self._is_unconditional(owner, name):
            return False
        summary = self._program.class_(owner)
        if field.annotation is not None and (summary.decorators or name in summary.annotated):
            return False  # a constructor that is made for the class takes it
        handling, lines = self.usage.handling, self.usage.handling.lines(owner)
        if self._has_foreign_base(owner) or any(
            name in self._program.class_(one).fields for one in lines if one != owner
        ):
            return False
        if handling.names_computed_to_store(owner, name) or handling.may_build(owner) is not None:
            return False
        return not any(self.usage.audience.sees_field(one, name) for one in lines)

    def _is_unconditional(self, owner: ClassSymbol, name: str) -> bool:
        """Whether a name is given its value in the body of the class itself, and not under a condition in there."""
        summary = self._program.class_(owner)
        functions = self._program.modules[owner.module].functions
        columns = [one.span.column for one in summary.fields.values()]
        columns += [functions[one].span.column for one in summary.methods.values() if one in functions]
        return summary.fields[name].span.column == min(columns)

    def _has_foreign_base(self, owner: ClassSymbol) -> bool:
        return any(
            isinstance(base, ExternalSymbol) and base.dotted.rpartition(".")[2] not in PLAIN_BASES
            for one in self.usage.handling.lines(owner)
            for base in self._program.mro(one)
        )

    # -- constants of a module ----------------------------------------------------------------------------------------

    def _module_constant(self, symbol: ConstantSymbol) -> bool:
        """Whether a module gives a name `False` once, and nobody gives it anything else."""
        module = self._program.modules.get(symbol.module)
        if module is None or symbol.name in self._set_somewhere:
            return False
        if module.star_imports or symbol.name in module.imports:
            return False
        top = FunctionSymbol(symbol.module, TOP_LEVEL)
        bound = list(self._binds(symbol.module, symbol.name))
        if len(bound) != 1 or bound[0][0] != top or TOP_LEVEL not in module.functions:
            return False
        ((_, value, guards),) = bound
        graph = self._graph(top)
        node = graph.nodes[value]
        while node.kind is Kind.NARROW:
            node = graph.nodes[node.operands[0]]
        if guards or node.kind is not Kind.CONST or node.data is not False:
            return False
        if self.usage.audience.sees_function(FunctionSymbol(symbol.module, symbol.name)):
            return False  # the users of a library may set it
        return symbol.module not in self._open_modules

    def _binds(self, module: str, name: str) -> list[tuple[FunctionSymbol, int, tuple[int, ...]]]:
        """Return where the code of a module gives a global of a name a value: function, value, guards."""
        return [
            (FunctionSymbol(module, qualname), effect.value, effect.guards)
            for qualname, summary in self._program.modules[module].functions.items()
            for effect in summary.graph.effects
            if effect.kind is EffectKind.STORE_GLOBAL and effect.name == name
        ]

    @cached_property
    def _open_modules(self) -> frozenset[str]:
        """The modules any name of which may be set: one that is a value somewhere, or writes names as it runs."""
        inference = self.usage.flow.facts.inference
        found: set[str] = set()
        for function in self._program.functions():
            graph = self._graph(function)
            nodes, effects = self.usage.flow.facts.whereabouts.users(function)
            for index, node in enumerate(graph.nodes):
                if node.kind not in {Kind.GLOBAL, Kind.FREE, Kind.ATTR}:
                    continue
                if node.kind is Kind.GLOBAL and node.data in _WRITES_ANY_NAME:
                    found.add(function.module)
                known = members(inference.type_of(function, index))
                modules = {one.name for one in known if isinstance(one, ModuleObject)}
                if modules and (
                    any(effect.kind is not EffectKind.EVALUATE for effect in effects.get(index, ()))
                    or any(graph.nodes[user].kind is not Kind.ATTR for user in nodes.get(index, ()))
                ):
                    found |= modules
        return frozenset(found)

    # -- stores of a name ---------------------------------------------------------------------------------------------

    @cached_property
    def _set_somewhere(self) -> frozenset[str]:
        """Every name that is stored into any object, stands as a string by itself, or is the keyword of a call."""
        return frozenset(self._names_set())

    def _names_set(self) -> Iterator[str]:
        for module in self._program.modules.values():
            yield from (store.name for store in module.sets if store.name is not None)
            for summary in module.functions.values():
                for effect in summary.graph.effects:
                    if effect.kind is EffectKind.STORE_ATTR and effect.name is not None:
                        yield effect.name
                for node in summary.graph.nodes:
                    if node.kind is Kind.CONST and isinstance(node.data, str):
                        yield node.data.rpartition(".")[2]
                    elif isinstance(node.data, CallShape):
                        yield from (one for one in node.data.keywords if one is not None)
