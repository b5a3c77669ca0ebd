"""Objects that hand each hook on to others of their kind, and the hook that they do not hand on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...flow import Flow
from ...flow.types import UNKNOWN, Instance, members
from ...source import ClassSymbol, FunctionSymbol, Program
from ...source.model import EffectKind, Kind

_FEWEST = 3
"""So many hooks are handed on."""
_CATCHES_ALL = {"__getattr__", "__getattribute__"}


@dataclass(frozen=True, slots=True)
class Swallowed:
    """A hook of a base that does nothing there, and that a class which hands on all others leaves to it."""

    cls: ClassSymbol
    hook: FunctionSymbol
    handed_on: tuple[str, ...]


def swallowed_hooks(flow: Flow) -> Iterator[Swallowed]:
    """Yield the only hook of a base that a composite does not hand on, of those that the program calls."""
    program = flow.program
    for cls in program.classes():
        own = program.class_(cls).methods
        handed_on = [
            name
            for name, qualname in own.items()
            if _hands_on(flow, cls, FunctionSymbol(cls.module, qualname))
        ]
        if len(handed_on) < _FEWEST or any(program.method(cls, name) for name in _CATCHES_ALL):
            continue
        hooks = {name: method for name, method in _inherited(program, cls) if not name.startswith("_")}
        left = [
            one
            for name, one in hooks.items()
            if name not in own and is_empty(program, one) and _is_called_on_others(flow, name)
        ]
        of_hooks = tuple(name for name in handed_on if name in hooks)
        if len(left) != 1 or len(of_hooks) < _FEWEST:
            continue
        (hook,) = left
        if _is_like(program, hook, [hooks[name] for name in of_hooks]):
            yield Swallowed(cls, hook, of_hooks)


def is_empty(program: Program, function: FunctionSymbol) -> bool:
    """Whether a method does nothing: `pass`, a docstring, `return None`. An abstract one is no choice."""
    summary = program.function(function)
    if any("abstract" in text for text in summary.decorators):
        return False
    graph = summary.graph
    return all(
        node.kind is Kind.PARAM or (node.kind is Kind.CONST and isinstance(node.data, str | None))
        for node in graph.nodes
    ) and all(
        effect.kind is EffectKind.DROP
        or (effect.kind is EffectKind.RETURN and graph.nodes[effect.value].kind is Kind.CONST)
        for effect in graph.effects
    )


def _inherited(program: Program, cls: ClassSymbol) -> Iterator[tuple[str, FunctionSymbol]]:
    """Yield the methods that a class has from above, each of the class that it would be called of."""
    seen: set[str] = set()
    for base in program.mro(cls)[1:]:
        if isinstance(base, ClassSymbol):
            for name, qualname in program.class_(base).methods.items():
                if name not in seen:
                    seen.add(name)
                    yield name, FunctionSymbol(base.module, qualname)


def _is_called_on_others(flow: Flow, name: str) -> bool:
    """Whether a method of this name is called on an object that is not the caller itself."""
    for call in flow.facts.method_calls.get(name, ()):
        nodes = flow.program.function(call.function).graph.nodes
        receiver = nodes[nodes[nodes[call.node].operands[0]].operands[0]]
        if receiver.kind is not Kind.PARAM or receiver.data != "self":
            return True
    return False


def _is_like(program: Program, hook: FunctionSymbol, others: list[FunctionSymbol]) -> bool:
    """Whether most of the hooks that are handed on do nothing in the base either, in the class that has this one."""
    owner = program.function(hook).owner
    alike = [
        one
        for one in others
        if one.module == hook.module and program.function(one).owner == owner and is_empty(program, one)
    ]
    return len(alike) >= _FEWEST


def _hands_on(flow: Flow, cls: ClassSymbol, function: FunctionSymbol) -> bool:
    """Whether a method calls the method of its own name of others of its kind, or has one called by that name."""
    module = flow.program.modules[function.module]
    pending, seen = [function.qualname], set[str]()
    while pending:
        qualname = pending.pop()
        if qualname in seen or qualname not in module.functions:
            continue
        seen.add(qualname)
        body, graph = FunctionSymbol(function.module, qualname), module.functions[qualname].graph
        if any(_calls(flow, cls, body, index, function.name) for index in range(len(graph.nodes))):
            return True
        pending += [str(node.data) for node in graph.nodes if node.kind is Kind.FUNCTION]
    return False


def _calls(flow: Flow, cls: ClassSymbol, body: FunctionSymbol, index: int, name: str) -> bool:
    graph = flow.program.function(body).graph
    node = graph.nodes[index]
    if node.kind is not Kind.CALL or node.gated:
        return False
    callee = graph.nodes[node.operands[0]]
    if callee.kind is not Kind.ATTR:
        return False
    receiver = graph.nodes[callee.operands[0]]
    if receiver.kind is Kind.PARAM and receiver.data == "self":
        first = graph.nodes[node.operands[1]] if len(node.operands) > 1 else None
        return first is not None and first.kind is Kind.CONST and first.data == name
    if callee.data != name:
        return False
    known = members(flow.facts.inference.type_of(body, callee.operands[0]))
    if not known or UNKNOWN in known:
        return receiver.kind is Kind.ELEMENT  # one of many
    kinds = {one for one in flow.program.mro(cls)[1:] if isinstance(one, ClassSymbol)}
    return any(isinstance(one, Instance) and not kinds.isdisjoint(flow.program.mro(one.cls)) for one in known)
