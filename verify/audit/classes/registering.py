"""What is registered when a module is imported: classes and functions that a function of the program is told of."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ...flow import Flow
from ...flow.registrars import adds, is_given, keeps_what_it_gets
from ...flow.types import ClassObject, FunctionObject, Type, members
from ...source import ClassSymbol, FunctionSymbol, Program
from ...source.model import CallShape, EffectKind, Kind, Node, Span, ValueGraph
from ...source.program import Symbol
from ...source.summarise import TOP_LEVEL

Under: TypeAlias = tuple[tuple[str, str], ...]
"""Arguments as they are written, each with its keyword; that of a place is empty."""


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
    """A class or function that is registered where its module is imported, by a decorator or a call.

    Attributes:
        at: Where that is done: the place of the call, or of what is decorated.
        under: The literals that it is registered with; None where something else stands among them, or nothing.
    """

    registrar: Registrar
    what: ClassSymbol | FunctionSymbol
    at: Span
    under: Under | None = None

    @property
    def name(self) -> str:
        """What it is registered under, as it is written."""
        return ", ".join(repr(value) for _, value in self.under or ())


@dataclass(frozen=True, slots=True)
class Replaced:
    """A registration whose name the same module gives to something else afterwards."""

    first: Registration
    second: Registration

    @property
    def name(self) -> str:
        """The name, as it is written."""
        return self.second.name

    @property
    def message(self) -> str:
        """What there is to tell."""
        first, second = self.first.what.name, self.second.what.name
        return f"{second} is registered by {self.second.registrar.name} as {self.name}, and takes the place of {first}"

    @property
    def help(self) -> str:
        """What to do."""
        return "give each a name of its own, or remove the one that is replaced"


def registrations(flow: Flow) -> Iterator[Registration]:
    """Yield everything that modules register of their own when they are imported."""
    program = flow.program
    keeps: dict[FunctionSymbol, bool] = {}
    for one in _told(flow):
        function = one.registrar.function
        if function not in keeps:
            keeps[function] = keeps_what_it_gets(program, function)
        if keeps[function]:
            yield one


def replaced(flow: Flow, found: Iterable[Registration]) -> Iterator[Replaced]:
    """Yield what is registered under a name that its module gives to something else afterwards.

    Both are told by decorators or calls of one module in the order in which they stand, and the registry is a mapping
    that holds one thing for a name.
    """
    known: dict[tuple[Registrar, str, Under], Registration] = {}
    holds_one: dict[FunctionSymbol, bool] = {}
    for one in sorted(found, key=lambda it: (it.what.module, it.at)):
        function = one.registrar.function
        if one.under is None:
            continue
        if function not in holds_one:
            holds_one[function] = _holds_one(flow.program, function)
        before = known.get(key := (one.registrar, one.what.module, one.under))
        known[key] = one
        if before is not None and before.what != one.what and holds_one[function]:
            yield Replaced(before, one)


def _told(flow: Flow) -> Iterator[Registration]:
    for module in flow.program.summaries():
        for qualname, function in module.functions.items():
            if function.owner is None and "<" not in qualname:
                yield from _decorated(flow, FunctionSymbol(module.name, qualname), function.decorators)
        for qualname, cls in module.classes.items():
            if "." not in qualname:
                yield from _decorated(flow, ClassSymbol(module.name, qualname), cls.decorators)
        yield from _told_by_calls(flow, module.name)


def _decorated(
    flow: Flow, what: ClassSymbol | FunctionSymbol, decorators: Iterable[str]
) -> Iterator[Registration]:
    for text in decorators:
        registrar = _registrar(flow, what.module, text.partition("(")[0])
        if registrar is not None:
            yield Registration(registrar, what, flow.program.place(what).span, _literals(text))


def _literals(text: str) -> Under | None:
    """Return the arguments of a decorator where all are strings."""
    try:
        call = ast.parse(text, mode="eval").body
    except SyntaxError:  # shortened
        return None
    if not isinstance(call, ast.Call):
        return None
    given = [("", one) for one in call.args] + [(one.arg or "**", one.value) for one in call.keywords]
    values = [
        (name, one.value)
        for name, one in given
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]
    return tuple(values) if values and len(values) == len(given) else None


def _told_by_calls(flow: Flow, module: str) -> Iterator[Registration]:
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
                yield Registration(registrar, symbol, effect.span, _literals_beside(graph, node, index))


def _literals_beside(graph: ValueGraph, call: Node, what: int) -> Under | None:
    """Return the arguments beside one where all are strings."""
    shape = call.data
    assert isinstance(shape, CallShape)
    names = [""] * shape.positional + [keyword or "**" for keyword in shape.keywords]
    given = [pair for pair in zip(names, call.operands[1:], strict=True) if pair[1] != what]
    values = [(name, value) for name, index in given if isinstance(value := graph.nodes[index].data, str)]
    is_written = all(graph.nodes[index].kind is Kind.CONST for _, index in given)
    return tuple(values) if values and is_written and len(values) == len(given) else None


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


def _holds_one(program: Program, function: FunctionSymbol) -> bool:
    """Whether a function, or one inside it, does nothing but to put one thing under a name that it is given.

    One that looks at what is there before may do anything with two of one name.
    """
    known = program.modules[function.module].functions
    inside = f"{function.qualname}.<locals>."
    graphs = [
        one.graph for name, one in known.items() if name == function.qualname or name.startswith(inside)
    ]
    stores = [(graph, one) for graph in graphs for one in graph.effects if one.kind is EffectKind.STORE_ITEM]
    if len(stores) != 1 or any(adds(graph) or _compares(graph) for graph in graphs):
        return False
    graph, store = stores[0]
    is_named = store.index >= 0 and (
        graph.nodes[store.index].kind is Kind.FREE or is_given(graph, store.index)
    )
    return is_named and not store.guards and graph.nodes[store.value].kind is Kind.PARAM


def _compares(graph: ValueGraph) -> bool:
    return any(node.kind is Kind.COMPARE for node in graph.nodes)
