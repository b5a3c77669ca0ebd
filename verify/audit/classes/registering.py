"""What is registered when a module is imported: classes and functions that a function of the program is told of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...flow import Flow
from ...flow.roots import local_roots
from ...flow.types import ClassObject, FunctionObject, Type, members
from ...source import ClassSymbol, FunctionSymbol, Program
from ...source.model import EffectKind, Kind, ValueGraph
from ...source.program import Symbol
from ...source.summarise import TOP_LEVEL

_ADDS = {"append", "add", "insert", "update", "setdefault", "register", "appendleft", "extend", "put"}


@dataclass(frozen=True, slots=True)
class Registrar:
    """A function that keeps what it is told of.

    Attributes:
        name: As modules write it: `register_check`, `CHECKS.register`.
        registry: What it is a method of, nothing where it is none.
    """

    function: FunctionSymbol
    name: str
    registry: Symbol | None


@dataclass(frozen=True, slots=True)
class Registration:
    """A class or function that is registered where its module is imported, by a decorator or a call."""

    registrar: Registrar
    what: ClassSymbol | FunctionSymbol


def registrations(flow: Flow) -> Iterator[Registration]:
    """Yield everything that modules register of their own when they are imported."""
    program = flow.program
    keeps: dict[FunctionSymbol, bool] = {}
    for registrar, what in _told(flow):
        if registrar.function not in keeps:
            keeps[registrar.function] = _keeps(program, registrar.function)
        if keeps[registrar.function]:
            yield Registration(registrar, what)


def _told(flow: Flow) -> Iterator[tuple[Registrar, ClassSymbol | FunctionSymbol]]:
    for module in flow.program.summaries():
        for qualname, function in module.functions.items():
            if function.owner is None and "<" not in qualname:
                for text in function.decorators:
                    registrar = _registrar(flow, module.name, text.partition("(")[0])
                    if registrar is not None:
                        yield registrar, FunctionSymbol(module.name, qualname)
        for qualname, cls in module.classes.items():
            if "." not in qualname:
                for text in cls.decorators:
                    registrar = _registrar(flow, module.name, text.partition("(")[0])
                    if registrar is not None:
                        yield registrar, ClassSymbol(module.name, qualname)
        yield from _told_by_calls(flow, module.name)


def _told_by_calls(flow: Flow, module: str) -> Iterator[tuple[Registrar, ClassSymbol | FunctionSymbol]]:
    """Yield what the body of a module hands to functions whose result it does not look at: `register(Loss)`."""
    top = FunctionSymbol(module, TOP_LEVEL)
    graph = flow.program.function(top).graph
    for effect in graph.effects:
        node = graph.nodes[effect.value]
        if effect.kind is not EffectKind.DROP or node.kind is not Kind.CALL or effect.gated:
            continue
        name = _dotted(graph, node.operands[0])
        registrar = None if name is None else _registrar(flow, module, name)
        for index in node.operands[1:] if registrar is not None else ():
            one = _only(flow.facts.inference.type_of(top, index))
            symbol = one.cls if isinstance(one, ClassObject) else _function(one)
            if registrar is not None and symbol is not None and symbol.module == module:
                yield registrar, symbol


def _registrar(flow: Flow, module: str, name: str) -> Registrar | None:
    """Return what a dotted name in a module means, where that is a function of the program."""
    program, inference = flow.program, flow.facts.inference
    head, _, last = name.rpartition(".")
    found = program.resolve(module, name)
    registry = program.resolve(module, head) if head else None
    if not isinstance(found, FunctionSymbol) and registry is not None:
        found = _function(_only(inference.attribute(inference.symbol_type(registry), last)))
    if not isinstance(found, FunctionSymbol):
        return None
    is_method = program.function(found).owner is not None
    return Registrar(found, name if is_method else last, registry if is_method else None)


def _only(known: Type) -> Type | None:
    alternatives = members(known)
    return next(iter(alternatives)) if len(alternatives) == 1 else None


def _function(known: Type | None) -> FunctionSymbol | None:
    return known.function if isinstance(known, FunctionObject) else None


def _dotted(graph: ValueGraph, index: int) -> str | None:
    node = graph.nodes[index]
    if node.kind is Kind.GLOBAL:
        return str(node.data)
    base = _dotted(graph, node.operands[0]) if node.kind is Kind.ATTR else None
    return None if base is None else f"{base}.{node.data!s}"


def _keeps(program: Program, function: FunctionSymbol) -> bool:
    """Whether a function, or one inside it, puts something that it is given into a container."""
    known = program.modules[function.module].functions
    inside = f"{function.qualname}.<locals>."
    bodies = (
        one.graph for name, one in known.items() if name == function.qualname or name.startswith(inside)
    )
    return any(_puts_away(graph) for graph in bodies)


def _puts_away(graph: ValueGraph) -> bool:
    def is_given(index: int) -> bool:
        roots = [graph.nodes[root] for root in local_roots(graph, index, every=True)]
        inner = (graph.nodes[one] for root in roots for one in root.operands)
        return any(one.kind is Kind.PARAM and one.data != "self" for one in (*roots, *inner))

    if any(effect.kind is EffectKind.STORE_ITEM and is_given(effect.value) for effect in graph.effects):
        return True
    for node in graph.nodes:
        if node.kind is Kind.CALL and node.operands:
            callee = graph.nodes[node.operands[0]]
            adds = callee.kind is Kind.ATTR and callee.data in _ADDS
            if (adds or callee.data == "setattr") and any(is_given(one) for one in node.operands[1:]):
                return True
    return False
