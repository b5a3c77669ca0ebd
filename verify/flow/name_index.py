"""Where names are read: fields, module-level names and properties, over the whole program.

Built when it is first asked for, and by name, so that a question looks at the few places that use that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..source import ClassSymbol, ConstantSymbol, FunctionSymbol
from ..source.model import EffectKind, Kind, ModuleSummary
from ..source.program import ExternalSymbol
from .types import UNKNOWN, ClassObject, Instance, ModuleObject, Type, members

if TYPE_CHECKING:
    from .facts import Facts

_Place = tuple[FunctionSymbol, int]
_WORD = re.compile(r"[A-Za-z_]\w*")
_AS_A_WHOLE = {"vars", "asdict", "astuple", "fields", "_asdict", "__dict__", "model_dump", "attrgetter"}


class NameIndex:
    """Answers where a name is read."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._program = facts.program
        self._inference = facts.inference
        self._attributes: dict[str, list[_Place]] | None = None
        self._globals: dict[tuple[str, str], list[_Place]] = {}
        self._computed: list[tuple[_Place, int]] = []  # getattr(base, computed): the call, and the base
        self._modules_read: dict[str, list[_Place]] = {}  # globals() of a module
        self._fillers: dict[str, set[FunctionSymbol]] = {}
        self._parts: list[_Place] = []  # elements by position: of what may be a NamedTuple
        self._imported_as: dict[str, list[tuple[str, str]]] | None = None
        self._defaults: dict[tuple[str, str], list[tuple[FunctionSymbol, str]]] | None = None
        self._by_global: dict[str, list[_Place]] | None = None
        self._mentioned: set[tuple[str, str]] | None = None
        self._field_defaults: dict[tuple[str, str], list[tuple[ClassSymbol, str]]] = {}

    # -- fields -----------------------------------------------------------------------------------------------------

    def field_reads(self, owner: ClassSymbol | None, name: str) -> Iterator[tuple[FunctionSymbol, int, bool]]:
        """Yield the places that read a field, and whether the receiver is known to be of its class.

        Without an owner every place that reads a field of that name.
        """
        for function, node in self._reads().get(name, ()):
            fits = self._is_of(owner, name, self._receivers(function, node))
            if fits is not None:
                yield function, node, fits
        if owner is not None and self._is_tuple(owner):
            position = self._inference.positional_fields(owner)
            for function, node in self._parts:
                if self._takes_part(function, node, owner, position.index(name) if name in position else -1):
                    yield function, node, True

    def fillers(self, name: str) -> frozenset[FunctionSymbol]:
        """Return the functions that store under computed keys into a container in a field of that name."""
        self._reads()
        return frozenset(self._fillers.get(name, ()))

    def read_by_computed_name(self, owner: ClassSymbol | None) -> Iterator[tuple[FunctionSymbol, int, bool]]:
        """Yield the places that read fields of a class by a name that is only known when the program runs.

        The last part is whether the receiver is known to be of that class.
        """
        if owner is None:
            return
        self._reads()
        for (function, node), base in self._computed:
            for one in members(self._inference.type_of(function, base)) or (UNKNOWN,):
                if isinstance(one, Instance | ClassObject):
                    if owner in self._program.mro(one.cls) or one.cls in self._program.mro(owner):
                        yield function, node, True
                elif one is UNKNOWN and function.module == owner.module:
                    yield function, node, False

    def property_reads(self, method: FunctionSymbol) -> Iterator[tuple[FunctionSymbol, int, bool]]:
        """Yield the places that read a property, and whether the receiver is known to have it."""
        for function, node in self._reads().get(method.name, ()):
            receivers = self._receivers(function, node)
            for one in receivers:
                if isinstance(one, Instance):
                    found = self._program.method(one.cls, method.name)
                    if found is not None and method in self._inference.dispatch(found, one):
                        yield function, node, True
                        break
            else:
                if not receivers or UNKNOWN in receivers:
                    yield function, node, False

    def _receivers(self, function: FunctionSymbol, node: int) -> tuple[Type, ...]:
        read = self._program.function(function).graph.nodes[node]
        base = read.operands[1] if read.kind is Kind.CALL else read.operands[0]
        return members(self._inference.type_of(function, base))

    def _is_of(self, owner: ClassSymbol | None, name: str, receivers: tuple[Type, ...]) -> bool | None:
        """Whether a receiver is of a class: True, False where it may be, None where it is not."""
        found: bool | None = False if not receivers else None
        for one in receivers:
            if isinstance(one, Instance | ClassObject):
                declaring = self._inference.owner_of_field(one.cls, name)
                if owner is not None and declaring == owner:
                    return True
                if owner is None or (declaring is None and self._program.method(one.cls, name) is None):
                    found = False
            elif one is UNKNOWN:
                found = False
        return found

    def _is_tuple(self, owner: ClassSymbol) -> bool:
        return any(
            isinstance(one, ExternalSymbol) and one.dotted.endswith("NamedTuple")
            for one in self._program.mro(owner)
        )

    def _takes_part(self, function: FunctionSymbol, node: int, owner: ClassSymbol, position: int) -> bool:
        graph = self._program.function(function).graph
        part = graph.nodes[node]
        if not any(
            isinstance(one, Instance) and one.cls == owner
            for one in members(self._inference.type_of(function, part.operands[0]))
        ):
            return False
        if part.kind is Kind.UNPACK:
            return part.data == position
        if part.kind is Kind.ITEM:
            index = graph.nodes[part.operands[1]]
            return index.kind is not Kind.CONST or index.data == position
        return True

    # -- module-level names -------------------------------------------------------------------------------------------

    def global_reads(self, symbol: ConstantSymbol) -> Iterator[_Place]:
        """Yield the places that read a module-level name, under whatever name it is imported."""
        self._reads()
        for module, local in self.names_of(symbol):
            yield from self._globals.get((module, local), ())
        for function, node in self._reads().get(symbol.name, ()):
            if any(
                isinstance(one, ModuleObject) and self._program.resolve(one.name, symbol.name) == symbol
                for one in self._receivers(function, node)
            ):
                yield function, node

    def mentions(self, name: str) -> Iterator[_Place]:
        """Yield the places that mention a name: as an attribute of anything, or as a global of any module."""
        yield from self._reads().get(name, ())
        if self._by_global is None:
            self._by_global = {}
            for (_, local), places in self._globals.items():
                self._by_global.setdefault(local, []).extend(places)
        yield from self._by_global.get(name, ())

    def whole_module_reads(self, module: str) -> Iterator[_Place]:
        """Yield the places that read a module's names all at once: `globals()`."""
        self._reads()
        yield from self._modules_read.get(module, ())

    def default_of_parameters(self, symbol: ConstantSymbol) -> Iterator[tuple[FunctionSymbol, str]]:
        """Yield the parameters whose default is a module-level name."""
        self._collect_defaults()
        assert self._defaults is not None
        for module, local in self.names_of(symbol):
            yield from self._defaults.get((module, local), ())

    def default_of_fields(self, symbol: ConstantSymbol) -> Iterator[tuple[ClassSymbol, str]]:
        """Yield the fields that a class body sets to a module-level name."""
        self._collect_defaults()
        for module, local in self.names_of(symbol):
            yield from self._field_defaults.get((module, local), ())

    def is_mentioned(self, symbol: ConstantSymbol) -> bool:
        """Whether a class body, a decorator of a method or a default mentions a module-level name."""
        if self._mentioned is None:
            self._mentioned = set()
            for module in self._program.summaries():
                for text in _texts(module):
                    self._mentioned.update((module.name, word) for word in _WORD.findall(text))
        return any(name in self._mentioned for name in self.names_of(symbol))

    def names_of(self, symbol: ConstantSymbol) -> list[tuple[str, str]]:
        """Return the module and name of each place where a module-level name is known, imports followed."""
        if self._imported_as is None:
            self._imported_as = {}
            for module in self._program.summaries():
                for local, target in module.imports.items():
                    self._imported_as.setdefault(target.rpartition(".")[2], []).append((module.name, local))
        found: dict[tuple[str, str], None] = {(symbol.module, symbol.name): None}
        meant = self._program.resolve(
            symbol.module, symbol.name
        )  # another one where an import has the same name
        pending = [symbol.name]
        seen: set[str] = set()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            for module_name, local in self._imported_as.get(name, ()):
                resolved = self._program.resolve(module_name, local)
                if (module_name, local) not in found and resolved is not None and resolved in (symbol, meant):
                    found.setdefault((module_name, local))
                    pending.append(local)
        for summary in self._program.summaries():
            if summary.star_imports and self._program.resolve(summary.name, symbol.name) == symbol:
                found.setdefault((summary.name, symbol.name))
        return list(found)

    # -- the index ----------------------------------------------------------------------------------------------------

    def _reads(self) -> dict[str, list[_Place]]:
        if self._attributes is not None:
            return self._attributes
        attributes: dict[str, list[_Place]] = {}
        self._attributes = attributes
        for function in self._program.functions():
            graph = self._program.function(function).graph
            nodes = graph.nodes
            for effect in graph.effects:
                if effect.kind is EffectKind.STORE_ITEM and effect.name is None:
                    container = nodes[effect.base]
                    if container.kind is Kind.ATTR:
                        self._fillers.setdefault(str(container.data), set()).add(function)
            for index, node in enumerate(nodes):
                kind = node.kind
                if kind is Kind.ATTR:
                    attributes.setdefault(node.data, []).append((function, index))  # type: ignore[arg-type]
                    if node.data in _AS_A_WHOLE:
                        self._computed.append(((function, index), node.operands[0]))
                elif kind is Kind.GLOBAL:
                    self._globals.setdefault((function.module, node.data), []).append((function, index))  # type: ignore[arg-type]
                elif kind is Kind.CALL:
                    callee = nodes[node.operands[0]]
                    if callee.kind is Kind.GLOBAL:
                        self._note_call(function, index, str(callee.data))
                elif kind is Kind.UNPACK or kind is Kind.ELEMENT or (kind is Kind.ITEM and node.data is None):
                    self._parts.append((function, index))
        return attributes

    def _note_call(self, function: FunctionSymbol, index: int, name: str) -> None:
        nodes = self._program.function(function).graph.nodes
        node = nodes[index]
        if name == "getattr" and len(node.operands) > 2:
            key = nodes[node.operands[2]]
            if key.kind is Kind.CONST and isinstance(key.data, str):
                assert self._attributes is not None
                self._attributes.setdefault(key.data, []).append((function, index))
            else:
                self._computed.append(((function, index), node.operands[1]))
        elif name in _AS_A_WHOLE and len(node.operands) > 1:
            self._computed.append(((function, index), node.operands[1]))
        elif name == "globals" or (name == "vars" and len(node.operands) == 1):
            self._modules_read.setdefault(function.module, []).append((function, index))

    def _collect_defaults(self) -> None:
        if self._defaults is not None:
            return
        self._defaults = {}
        for module in self._program.summaries():
            for function in module.functions.values():
                symbol = FunctionSymbol(module.name, function.qualname)
                for parameter in function.parameters:
                    if parameter.default is not None and parameter.default.text.isidentifier():
                        named = (module.name, parameter.default.text)
                        self._defaults.setdefault(named, []).append((symbol, parameter.name))
            for cls in module.classes.values():
                for name, declared in cls.fields.items():
                    if declared.default is not None and declared.default.text.isidentifier():
                        named = (module.name, declared.default.text)
                        owner = ClassSymbol(module.name, cls.qualname)
                        self._field_defaults.setdefault(named, []).append((owner, name))


def _texts(module: ModuleSummary) -> Iterator[str]:
    """Yield the expressions that stand in no function's body, as written."""
    for cls in module.classes.values():
        yield from cls.decorators
        yield from cls.bases
        for declared in cls.fields.values():
            if declared.default is not None and not declared.default.is_literal:
                yield declared.default.text
    for function in module.functions.values():
        if function.owner is not None:
            yield from function.decorators
        for parameter in function.parameters:
            if parameter.default is not None and not parameter.default.is_literal:
                yield parameter.default.text
