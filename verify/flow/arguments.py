"""How the arguments of a call go to parameters, and which of them are stored under literal keys."""

from __future__ import annotations

from ..source import Program
from ..source.model import CallShape, Kind, Node, ValueGraph
from .names import KEY_READERS
from .types import FunctionObject


def arguments(program: Program, callee: FunctionObject, call: Node) -> dict[str, list[int]]:
    """Return which nodes a call gives to which parameter of a function."""
    return {
        name: [call.operands[1 + position] for position in positions]
        for name, positions in argument_positions(program, callee, call).items()
    }


def argument_positions(program: Program, callee: FunctionObject, call: Node) -> dict[str, list[int]]:
    """Return which arguments of a call, counted from 0, go to which parameter of a function."""
    shape = call.data
    assert isinstance(shape, CallShape)
    parameters = list(program.function(callee.function).parameters)
    is_static = (
        callee.function.name == "__new__" or "staticmethod" in program.function(callee.function).decorators
    )
    if (
        callee.receiver is not None
        and not is_static
        and parameters[:1]
        and parameters[0].kind == "positional"
    ):
        parameters = parameters[1:]
    given: dict[str, list[int]] = {}
    positional = [p for p in parameters if p.kind == "positional"]
    rest = next((p.name for p in parameters if p.kind == "args"), None)
    keyword_rest = next((p.name for p in parameters if p.kind == "kwargs"), None)
    names = {p.name for p in parameters if p.kind in {"positional", "keyword"}}
    for position in range(shape.positional):
        if position in shape.starred:
            for parameter in positional[position:]:
                given.setdefault(parameter.name, []).append(position)
            break
        if position < len(positional):
            given.setdefault(positional[position].name, []).append(position)
        elif rest is not None:
            given.setdefault(rest, []).append(position)
    for position, keyword in enumerate(shape.keywords, shape.positional):
        if keyword is None:
            for name in sorted(names - set(given)):
                given.setdefault(name, []).append(position)
        elif keyword in names:
            given.setdefault(keyword, []).append(position)
        elif keyword_rest is not None:
            given.setdefault(keyword_rest, []).append(position)
    return given


def limit_argument(graph: ValueGraph, call: Node) -> int | None:
    """Return the node that says how many elements a `deque` holds at most: it is none of them itself."""
    callee, shape = graph.nodes[call.operands[0]], call.data
    assert isinstance(shape, CallShape)
    if callee.data != "deque" or shape.starred:
        return None
    if shape.positional == 2:
        return call.operands[2]
    return (
        call.operands[1 + shape.positional + shape.keywords.index("maxlen")]
        if "maxlen" in shape.keywords
        else None
    )


def keyed_arguments(graph: ValueGraph, call: Node) -> list[tuple[str, int]]:
    """Return the arguments that a call stores under literal keys: key, value.

    Those are `dict(key=value)`, `mapping.update(key=value)` and `mapping.setdefault("key", value)`.
    """
    callee = graph.nodes[call.operands[0]]
    shape = call.data
    assert isinstance(shape, CallShape)
    if (callee.kind is Kind.GLOBAL and callee.data == "dict") or (
        callee.kind is Kind.ATTR and callee.data == "update"
    ):
        given = zip(shape.keywords, call.operands[1 + shape.positional :], strict=True)
        return [(key, operand) for key, operand in given if key is not None]
    if callee.kind is Kind.ATTR and callee.data == "setdefault" and shape.positional == 2:
        key = graph.nodes[call.operands[1]]
        if key.kind is Kind.CONST and isinstance(key.data, str):
            return [(key.data, call.operands[2])]
    return []


def key_operand(graph: ValueGraph, call: Node) -> int | None:
    """Return the node of the key that a call like `mapping.get(key, default)` reads, None for any other call."""
    callee = graph.nodes[call.operands[0]]
    is_read = callee.kind is Kind.ATTR and callee.data in KEY_READERS and len(call.operands) > 1
    return call.operands[1] if is_read else None
